//! A device over server-sent events, as small as one can be.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An open stream that has caught up.
pub(crate) struct Events {
    _stream: TcpStream,
}

impl Events {
    /// A new device that holds a table, and takes its stream as it is.
    pub(crate) async fn connect(address: SocketAddr, table: &str) -> anyhow::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut stream = TcpStream::connect(address).await?;
        let body = format!("{{\"shapes\":[{{\"table\":\"{table}\"}}]}}");
        let request = format!(
            "POST /api/sync/shapes HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = ask(&mut stream, &request, "\"}").await?;
        let (_, hash) = answer.split_once("{\"hash\":\"").context("no hash")?;
        let hash = hash.trim_end_matches("\"}");
        let query = format!("protocol=1&device=bench-events-{n}&shapes={hash}");
        let request = format!("GET /api/sync/events?{query} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        ask(&mut stream, &request, "caught_up").await?;
        Ok(Self { _stream: stream })
    }
}

/// What comes until it has this in it.
async fn ask(stream: &mut TcpStream, request: &str, wanted: &str) -> anyhow::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let count = stream.read(&mut buffer).await?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer);
        if text.contains(wanted) {
            return Ok(text.into_owned());
        }
        if count == 0 {
            bail!("the server ended before {wanted}: {text}");
        }
    }
}
