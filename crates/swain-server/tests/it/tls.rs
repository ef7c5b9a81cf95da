//! A server that speaks TLS itself.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use swain_server::{StartError, TlsFiles};
use swain_testkit::{spec, wait_for};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::stage::Stage;

/// Each holds a certificate for localhost and its key.
const ONE: &str = include_str!("tls_one.pem");
const TWO: &str = include_str!("tls_two.pem");

fn files(path: &Path) -> TlsFiles {
    TlsFiles { certificate: path.to_owned(), key: path.to_owned(), look: Duration::from_millis(10) }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// The answer of a server whose certificate is this one; none if it has another.
async fn ask(address: SocketAddr, pem: &str, request: &str) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(pem)).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    Some(text)
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_half_a_renewal_is_not() {
    spec!("P17");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pem");
    std::fs::write(&path, ONE).unwrap();
    let stage = Stage::with(|config| config.tls = Some(files(&path))).await;
    let address = stage.running.address;
    let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    assert!(ask(address, ONE, health).await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(ask(address, TWO, health).await, None);
    let body = r#"{"email":"ada@example.com","password":"correct horse"}"#;
    let length = body.len();
    let signup = format!(
        "POST /api/auth/signup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    assert!(
        ask(address, ONE, &signup).await.unwrap().contains("__Host-swain_refresh="),
        "cookies are this host's alone"
    );

    // The certificate is there, its key not yet.
    std::fs::write(&path, TWO.split("-----BEGIN PRIVATE KEY").next().unwrap()).unwrap();
    assert!(ask(address, ONE, health).await.is_some());
    std::fs::write(&path, TWO).unwrap();
    let answer = wait_for("the renewed certificate", async || ask(address, TWO, health).await).await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    assert_eq!(ask(address, ONE, health).await, None);
}

#[tokio::test]
async fn files_that_are_no_certificate_stop_the_start_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.pem");
    std::fs::write(&path, "nothing").unwrap();

    let error = Stage::new().await.start_error(|config| config.tls = Some(files(&path))).await;

    assert!(matches!(error, StartError::Tls { .. }) && error.to_string().contains("server.pem"), "{error}");
}
