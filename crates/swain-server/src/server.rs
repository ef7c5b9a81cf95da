//! Starts and ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use swain_engine::Engine;
use swain_store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::App;
use crate::config::ServerConfig;
use crate::door::Door;
use crate::lifecycle::Lifecycle;
use crate::limits::{DRAIN_MS_MAX, FAREWELL_MS_MAX, HTTP_BUFFER_BYTES_MAX};
use crate::retention::Plan;
use crate::stream::Patience;
use crate::tls::TlsFiles;
use crate::{follower, retention, router, tls};

/// The server.
#[derive(Debug)]
pub struct Server;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("TLS cannot begin with {} and {}: {source}", files.certificate.display(), files.key.display())]
    Tls {
        /// Which they are.
        files: TlsFiles,
        /// Why.
        source: io::Error,
    },
}

/// A server that runs. Dropping it ends it at once; [`Running::drain`] ends it well.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,

    lifecycle: Arc<Lifecycle>,
    http: Handle<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves the engine from then on.
    pub async fn start<S: Store>(config: ServerConfig, engine: Arc<Engine<S>>) -> Result<Running, StartError> {
        let address = config.listen;
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;

        let tls = match &config.tls {
            Some(files) => Some(files.read().await.map_err(|source| StartError::Tls { files: files.clone(), source })?),
            None => None,
        };
        let app = Arc::new(App::new(&config, Arc::clone(&engine)));
        let lifecycle = Arc::clone(&app.lifecycle);
        let http = Handle::new();
        let following = follower::follow(Arc::clone(&engine), Arc::clone(&app.pulse), Arc::clone(&lifecycle));
        let cleaning = retention::clean_up(engine, Plan::of(&config), Arc::clone(&app.metrics), Arc::clone(&lifecycle));
        let serving = serve(&config, listener, tls.clone(), http.clone(), app);
        let mut tasks = vec![tokio::spawn(following), tokio::spawn(cleaning), tokio::spawn(serving)];
        if let (Some(files), Some(tls)) = (config.tls, tls) {
            tasks.push(tokio::spawn(tls::renew(files, tls, Arc::clone(&lifecycle))));
        }
        Ok(Running { address, lifecycle, http, tasks })
    }
}

fn serve<S: Store>(
    config: &ServerConfig,
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    http: Handle<SocketAddr>,
    app: Arc<App<S>>,
) -> impl Future<Output = ()> + use<S> {
    let patience = Patience { opening: config.headers, write: config.write_stall };
    let door = Door::new(config.connections, patience);
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener).acceptor(door.clone()).handle(http);
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.headers)
        .max_buf_size(HTTP_BUFFER_BYTES_MAX);
    async move {
        let routes = router::routes(app);
        let served = match tls {
            None => server.serve(routes).await,
            Some(tls) => server.acceptor(RustlsAcceptor::new(tls).acceptor(door)).serve(routes).await,
        };
        if let Err(error) = served {
            tracing::error!(error = %error, "the server stopped listening");
        }
    }
}

impl Running {
    /// Ends it well (spec S10): nobody new, everybody is told when to come back, pushes are answered, at most 10 s.
    pub async fn drain(mut self) {
        let limit = Duration::from_millis(DRAIN_MS_MAX - FAREWELL_MS_MAX);
        self.lifecycle.draining.cancel();
        self.http.graceful_shutdown(Some(limit));
        self.lifecycle.connections.close();
        if timeout(limit, self.lifecycle.connections.wait()).await.is_err() {
            let left = self.lifecycle.connections.len();
            tracing::warn!(left, "connections did not end in time");
        }
        self.stop().await;
    }

    /// Ends it at once.
    pub async fn shutdown(mut self) {
        self.stop().await;
    }

    async fn stop(&mut self) {
        self.end();
        self.lifecycle.connections.close();
        let connections = self.lifecycle.connections.wait();
        let _ = timeout(Duration::from_millis(FAREWELL_MS_MAX), connections).await;
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = task.await {
                tracing::error!(error = %error, "a task of the server failed");
            }
        }
    }

    fn end(&self) {
        self.lifecycle.draining.cancel();
        self.lifecycle.ended.cancel();
        self.http.shutdown();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
