//! From a write on one device to another device's sight of it, at a pace that leaves the machine idle between two.
//!
//! The clock starts when the writer sends, so the commit is in it. Beside it: the same bytes to a bare server and back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::SinkExt as _;
use swain_bench::figure::{Figures, percentile};
use swain_bench::floors::P50;
use swain_core::shape::Shape;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;

use crate::ROUNDS;
use crate::device::{Device, next_text, open};
use crate::load::TABLE;
use crate::peer::{Moment, Peer};
use crate::serve::{SWAIN, TCP, WEBSOCKET};

const P99: &str = "propagation p99, 50 writes/s";

/// The pace of 50 writes a second.
const PAUSE: Duration = Duration::from_millis(20);
/// Writes of a round: two seconds.
const WRITES: usize = 100;

/// The percentiles of each round.
#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

pub(crate) async fn measure(figures: &mut Figures) -> anyhow::Result<()> {
    let (swain, tcp, websocket) = (Peer::start(SWAIN)?, Peer::start(TCP)?, Peer::start(WEBSOCKET)?);
    let (mut seen, mut by_tcp, mut by_websocket) = (Rounds::default(), Rounds::default(), Rounds::default());
    let (mut server_us, mut load_us) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_tcp.add(&echo_bytes(tcp.address).await?);
        by_websocket.add(&echo_messages(websocket.address).await?);
        let moment = Moment::now(&swain)?;
        seen.add(&propagate(swain.address, WRITES).await?);
        #[expect(clippy::cast_precision_loss, reason = "a measure")]
        let (server, load) = moment.since(&swain, WRITES as f64)?;
        server_us.push(server);
        load_us.push(load);
    }
    figures.add((P50, "ms"), &seen.p50, ("TCP echo", &by_tcp.p50));
    figures.add((P50, "ms"), &seen.p50, ("WebSocket echo", &by_websocket.p50));
    figures.add((P99, "ms"), &seen.p99, ("TCP echo", &by_tcp.p99));
    figures.add((P99, "ms"), &seen.p99, ("WebSocket echo", &by_websocket.p99));
    figures.add_cost("propagated write", &server_us, &load_us);
    Ok(())
}

impl Rounds {
    fn add(&mut self, times: &[Duration]) {
        let milliseconds: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        self.p50.push(percentile(&milliseconds, 50));
        self.p99.push(percentile(&milliseconds, 99));
    }
}

/// So many writes at the pace of 50 a second, each with the time until another device saw it.
pub(crate) async fn propagate(address: SocketAddr, writes: usize) -> anyhow::Result<Vec<Duration>> {
    let mut reader = Device::connect(address, vec![Shape::table(TABLE)]).await?;
    let mut writer = Device::connect(address, Vec::new()).await?;
    let reading = tokio::spawn(async move {
        let mut seen = Vec::with_capacity(writes);
        while seen.len() < writes {
            reader.change().await?;
            seen.push(Instant::now());
        }
        anyhow::Ok(seen)
    });
    let mut sent = Vec::with_capacity(writes);
    let mut pace = pace();
    while sent.len() < writes {
        pace.tick().await;
        let push = writer.next_push(1);
        sent.push(Instant::now());
        writer.send(push).await?;
        writer.results(1).await?;
    }
    // One writer, one row a position: they come in the order in which they were sent.
    let seen = reading.await??;
    Ok(sent.into_iter().zip(seen).map(|(sent, seen)| seen - sent).collect())
}

async fn echo_bytes(address: SocketAddr) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut bytes = sample_push().into_bytes();
    let mut times = Vec::with_capacity(WRITES);
    let mut pace = pace();
    while times.len() < WRITES {
        pace.tick().await;
        let begun = Instant::now();
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

async fn echo_messages(address: SocketAddr) -> anyhow::Result<Vec<Duration>> {
    let mut socket = open(&format!("ws://{address}/")).await?;
    let text = sample_push();
    let mut times = Vec::with_capacity(WRITES);
    let mut pace = pace();
    while times.len() < WRITES {
        pace.tick().await;
        let begun = Instant::now();
        socket.send(Message::text(text.clone())).await?;
        next_text(&mut socket).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

fn sample_push() -> String {
    swain_core::protocol::Up::push(&[crate::load::mutation("bench-0", 1, 1)])
}

fn pace() -> Interval {
    let mut pace = interval(PAUSE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
