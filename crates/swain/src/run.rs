//! Runs a server until somebody ends it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use swain_engine::Engine;
use swain_server::{Server, ServerConfig};
use swain_store::Store;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Serves until SIGINT or SIGTERM, then drains; a second signal ends it at once.
pub(crate) async fn run<S: Store>(
    config: ServerConfig,
    engine: Arc<Engine<S>>,
    announce: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let mut signals = Signals::new().context("signals cannot be heard")?;
    let running = Server::start(config, engine)
        .await
        .context("the server does not start (another address: --listen 127.0.0.1:0)")?;
    announce(running.address);
    signals.next().await;
    eprintln!("Draining; once more ends it at once.");
    tokio::select! {
        () = running.drain() => {}
        () = signals.next() => {}
    }
    Ok(())
}

/// SIGINT and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
