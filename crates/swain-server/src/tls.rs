//! TLS from files, which may be renewed while the server runs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use tokio::time::sleep;

use crate::lifecycle::Lifecycle;

/// A certificate with its chain, and its key, both PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate first.
    pub certificate: PathBuf,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
    /// The pause between two looks at whether they were renewed.
    pub look: Duration,
}

impl TlsFiles {
    pub(crate) async fn read(&self) -> io::Result<RustlsConfig> {
        RustlsConfig::from_pem_file(&self.certificate, &self.key).await
    }

    fn changed(&self) -> Option<[SystemTime; 2]> {
        let time = |path: &PathBuf| path.metadata().and_then(|about| about.modified()).ok();
        Some([time(&self.certificate)?, time(&self.key)?])
    }
}

/// Takes the files anew when they change. While one of them cannot be read, or does not belong to the other, connections
/// begin with what there was.
pub(crate) async fn renew(files: TlsFiles, config: RustlsConfig, lifecycle: Arc<Lifecycle>) {
    let mut seen = files.changed();
    loop {
        tokio::select! {
            () = sleep(files.look) => {}
            () = lifecycle.ended.cancelled() => return,
        }
        let now = files.changed();
        if now.is_none() || now == seen {
            continue;
        }
        match config.reload_from_pem_file(&files.certificate, &files.key).await {
            Ok(()) => tracing::info!(certificate = %files.certificate.display(), "the certificate was renewed"),
            // Two files are written one after the other: the next look may find both.
            Err(error) => {
                tracing::error!(error = %error, "the certificate cannot be renewed; the one before stays");
                continue;
            }
        }
        seen = now;
    }
}
