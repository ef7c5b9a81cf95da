//! A device of the load: the wire protocol, and nothing that would cost this process time.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail, ensure};
use futures::{SinkExt as _, StreamExt as _};
use swain_core::protocol::{Down, Hello, Outcome, Up};
use swain_core::shape::Shape;
use swain_core::{DeviceId, MutationNumber};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::load;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a connection of ours keeps ready; the library's default is too much for a thousand.
const BUFFER_BYTES: usize = 4 * 1024;

pub(crate) struct Device {
    socket: Socket,
    id: String,
    schema: u64,
    /// The last mutation that was pushed.
    n: u64,
}

impl Device {
    /// A new device that has caught up.
    pub(crate) async fn connect(address: SocketAddr, shapes: Vec<Shape>) -> anyhow::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = format!("bench-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut socket = open(&format!("ws://{address}/api/sync/ws")).await?;
        let hello = Hello {
            token: None,
            device: DeviceId::from(id.as_str()),
            cursor: None,
            acked: MutationNumber(0),
            shapes,
            load: None,
            schema: None,
            gzip: false,
        };
        socket.send(Message::text(hello.to_text())).await?;
        let mut device = Self { socket, id, schema: 0, n: 0 };
        loop {
            match device.read().await? {
                Down::Welcome(welcome) => device.schema = welcome.schema.map_or(0, |schema| schema.version),
                Down::CaughtUp(_) => return Ok(device),
                Down::Problem(problem) => bail!("the server says: {problem}"),
                _ => {}
            }
        }
    }

    /// The text of the next push of so many new rows.
    pub(crate) fn next_push(&mut self, rows: u64) -> String {
        let numbers = self.n + 1..=self.n + rows;
        self.n += rows;
        let mutations: Vec<_> = numbers.map(|n| load::mutation(&self.id, self.schema, n)).collect();
        Up::push(&mutations)
    }

    pub(crate) async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Writes rows and waits until the server says that it has them.
    pub(crate) async fn write(&mut self, rows: u64) -> anyhow::Result<()> {
        let push = self.next_push(rows);
        self.send(push).await?;
        self.results(rows).await
    }

    /// Writes one row in a state and waits until the server says that it has it.
    pub(crate) async fn write_in(&mut self, state: &str) -> anyhow::Result<()> {
        self.n += 1;
        let push = Up::push(&[load::mutation_in(&self.id, self.schema, self.n, state)]);
        self.send(push).await?;
        self.results(1).await
    }

    /// The results of one push, which have to be good.
    pub(crate) async fn results(&mut self, count: u64) -> anyhow::Result<()> {
        loop {
            let text = self.text().await?;
            // Acknowledgements come, too: one a row.
            if text.starts_with(r#"{"changes""#) {
                continue;
            }
            match Down::read(&text)? {
                Down::Results(results) => {
                    let applied = results.results.iter().filter(|result| result.outcome == Outcome::Applied).count();
                    ensure!(applied as u64 == count, "not everything was applied: {text}");
                    return Ok(());
                }
                Down::Problem(problem) => bail!("the server says: {problem}"),
                _ => {}
            }
        }
    }

    /// Waits for the next position that changes rows.
    pub(crate) async fn change(&mut self) -> anyhow::Result<()> {
        loop {
            if let Down::Changes { rows, .. } = self.read().await?
                && !rows.is_empty()
            {
                return Ok(());
            }
        }
    }

    async fn read(&mut self) -> anyhow::Result<Down> {
        Ok(Down::read(&self.text().await?)?)
    }

    async fn text(&mut self) -> anyhow::Result<String> {
        next_text(&mut self.socket).await
    }
}

pub(crate) async fn open(url: &str) -> anyhow::Result<Socket> {
    let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
    let (socket, _) = connect_async_with_config(url, Some(config), true).await?;
    Ok(socket)
}

pub(crate) async fn next_text(socket: &mut Socket) -> anyhow::Result<String> {
    loop {
        match socket.next().await.context("the server hung up")?? {
            Message::Text(text) => return Ok(text.as_str().to_owned()),
            Message::Close(frame) => bail!("the server closed the connection: {frame:?}"),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}
