//! A device over server-sent events, as small as one can be.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What the server calls the one list of shapes; it is the same on every server.
static HASH: OnceLock<String> = OnceLock::new();

/// An open stream that has caught up.
pub(crate) struct Events {
    _stream: TcpStream,
}

impl Events {
    /// A new device that holds a table. Its list of shapes is sent only to a server that does not know it.
    pub(crate) async fn connect(address: SocketAddr, table: &str) -> anyhow::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut stream = TcpStream::connect(address).await?;
        let hash = HASH.get().map_or("unknown", String::as_str);
        let mut answer = begin(&mut stream, address, n, hash).await?;
        if answer.contains("unknown_shapes") {
            let hash = name_shapes(&mut stream, address, table).await?;
            answer = begin(&mut stream, address, n, HASH.get_or_init(|| hash)).await?;
        }
        if !answer.contains("caught_up") {
            bail!("no stream: {answer}");
        }
        Ok(Self { _stream: stream })
    }
}

async fn begin(stream: &mut TcpStream, address: SocketAddr, n: u64, hash: &str) -> anyhow::Result<String> {
    let query = format!("protocol=1&device=bench-events-{n}&shapes={hash}");
    let request = format!("GET /api/sync/events?{query} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    // A problem ends with its type.
    ask(stream, &request, &["caught_up", "about:blank\"}"]).await
}

async fn name_shapes(stream: &mut TcpStream, address: SocketAddr, table: &str) -> anyhow::Result<String> {
    let body = format!("{{\"shapes\":[{{\"table\":\"{table}\"}}]}}");
    let request = format!(
        "POST /api/sync/shapes HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(stream, &request, &["\"}"]).await?;
    let (_, hash) = answer.rsplit_once("{\"hash\":\"").context("no hash")?;
    Ok(hash.trim_end_matches("\"}").to_owned())
}

/// What comes until it has one of these in it.
async fn ask(stream: &mut TcpStream, request: &str, wanted: &[&str]) -> anyhow::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let count = stream.read(&mut buffer).await?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer);
        if wanted.iter().any(|wanted| text.contains(wanted)) {
            return Ok(text.into_owned());
        }
        if count == 0 {
            bail!("the server ended before {wanted:?}: {text}");
        }
    }
}
