//! What runs in a process of its own: the server, or a bare one to compare it with.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use swain_core::Millis;
use swain_engine::{Engine, SessionLimits, TableConfig};
use swain_server::{Rates, Secret, Server, ServerConfig, now};
use swain_sqlite::{SqliteOptions, SqliteStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::load::{TABLE, TABLE_SQL};

/// The server over SQLite.
pub(crate) const SWAIN: &str = "swain";
/// The same with a long log, all of it older than the retention.
pub(crate) const SWAIN_CLEANING: &str = "swain-cleaning";
/// The same log, and nobody cleans it up.
pub(crate) const SWAIN_KEEPING: &str = "swain-keeping";
/// The same by scopes, for ten thousand devices that say nothing by themselves.
pub(crate) const SWAIN_SCOPES: &str = "swain-scopes";
/// A TCP server that sends back what comes.
pub(crate) const TCP: &str = "tcp";
/// A WebSocket server that sends back what comes.
pub(crate) const WEBSOCKET: &str = "websocket";

/// More than any benchmark connects.
const DEVICES_MAX: usize = 12_000;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The same as the server's.
const BUFFER_BYTES: usize = 4 * 1024;

/// Serves until whoever started it is gone; its first line is the address.
pub(crate) fn serve(what: &str, folder: &Path) -> anyhow::Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(async {
        match what {
            SWAIN => serve_swain(engine(folder, now()).await?, |_| {}).await?,
            SWAIN_CLEANING | SWAIN_KEEPING => {
                let engine = engine(folder, crate::retention::then()).await?;
                crate::retention::fill(&engine).await?;
                let keep = if what == SWAIN_CLEANING { crate::retention::KEPT } else { Millis(u64::MAX) };
                serve_swain(engine, |config| config.retention.log = keep).await?;
            }
            SWAIN_SCOPES => {
                let limits = SessionLimits { sessions: DEVICES_MAX, user_sessions: DEVICES_MAX };
                let engine = open(folder, now(), vec!["state".into()]).await?.with_session_limits(limits);
                let patient = |config: &mut ServerConfig| {
                    config.connections = DEVICES_MAX;
                    config.heartbeat = Millis(600_000);
                };
                serve_swain(Arc::new(engine), patient).await?;
            }
            TCP => serve_bare(|stream| async move { drop(echo_bytes(stream).await) }).await?,
            WEBSOCKET => serve_bare(|stream| async move { drop(echo_messages(stream).await) }).await?,
            other => bail!("nobody can serve '{other}'"),
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn serve_swain(
    engine: Arc<Engine<SqliteStore>>,
    configure: impl FnOnce(&mut ServerConfig),
) -> anyhow::Result<()> {
    let secret = Secret::new([7; 32]).context("32 bytes are a secret")?;
    let mut config = ServerConfig::new(LOCAL, secret);
    // What is measured is the server, not its patience.
    config.rates = Rates::NONE;
    configure(&mut config);
    let running = Server::start(config, engine).await?;
    announce(running.address)?;
    wait_for_end().await;
    Ok(())
}

/// A database with the table, its triggers and rules, as the server has it; taken over at a time.
pub(crate) async fn engine(folder: &Path, at: Millis) -> anyhow::Result<Arc<Engine<SqliteStore>>> {
    Ok(Arc::new(open(folder, at, Vec::new()).await?))
}

/// The same, with these columns as scopes.
async fn open(folder: &Path, at: Millis, scopes: Vec<String>) -> anyhow::Result<Engine<SqliteStore>> {
    let store = SqliteStore::open(folder.join("bench.db"), SqliteOptions::system())?;
    store.execute_outside(TABLE_SQL).await?;
    let everybodys =
        TableConfig { read: Some("true".into()), write: Some("true".into()), scopes, ..TableConfig::default() };
    let tables = BTreeMap::from([(TABLE.to_owned(), everybodys)]);
    Ok(Engine::open(Arc::new(store), &tables, at).await?)
}

fn announce(address: SocketAddr) -> anyhow::Result<()> {
    println!("{address}");
    Ok(std::io::stdout().flush()?)
}

async fn wait_for_end() {
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    // An end with an error is an end.
    drop(ended.await);
}

async fn serve_bare<F: Future<Output = ()> + Send + 'static>(
    handle: impl Fn(TcpStream) -> F + Send + 'static,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(LOCAL).await?;
    announce(listener.local_addr()?)?;
    let accepting = async {
        while let Ok((stream, _)) = listener.accept().await {
            if stream.set_nodelay(true).is_ok() {
                tokio::spawn(handle(stream));
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = wait_for_end() => {}
    }
    Ok(())
}

async fn echo_bytes(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

async fn echo_messages(stream: TcpStream) -> anyhow::Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
