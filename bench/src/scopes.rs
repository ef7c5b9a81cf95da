//! Whether what is delivered costs the same when many others hold other scopes of the same table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use swain_bench::figure::Figures;
use swain_bench::floors::DELIVERY_1000_SCOPES;
use swain_core::Value;
use swain_core::shape::Shape;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::device::Device;
use crate::load::TABLE;
use crate::peer::{Moment, Peer};
use crate::serve::SWAIN_SCOPES;

/// Devices that hold one scope.
const SESSIONS_OF_SCOPE: u64 = 10;
const SCOPES: u64 = 1000;
/// Rounds, and writes of each: every one goes to the ten devices of its scope.
const ROUNDS: usize = 5;
const WRITES: u64 = 2000;
/// They take turns: one connection may send 100 messages a second.
const WRITERS: usize = 50;
/// Devices that connect at once.
const CONNECTING: u64 = 50;
/// What is not delivered by then is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with so many scopes, each held by ten devices.
struct Club {
    server: Peer,
    scopes: u64,
    writers: Vec<Device>,
    /// Frames that came, on all devices together.
    seen: Arc<AtomicU64>,
    /// Ends the readers with the club.
    _readers: JoinSet<anyhow::Result<()>>,
}

pub(crate) async fn measure(figures: &mut Figures) -> anyhow::Result<()> {
    let (mut one, mut many) = (Club::open(1).await?, Club::open(SCOPES).await?);
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_one.push(one.play().await?);
        of_many.push(many.play().await?);
    }
    figures.add((DELIVERY_1000_SCOPES, "µs"), &of_many, ("1 scope", &of_one));
    Ok(())
}

impl Club {
    async fn open(scopes: u64) -> anyhow::Result<Self> {
        let server = Peer::start(SWAIN_SCOPES)?;
        let (seen, mut readers) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        let places: Vec<u64> = (0..scopes * SESSIONS_OF_SCOPE).map(|number| number % scopes).collect();
        for some in places.chunks(usize::try_from(CONNECTING)?) {
            let devices = some.iter().map(|scope| Device::connect(server.address, vec![shape(*scope)]));
            for device in futures::future::try_join_all(devices).await? {
                readers.spawn(read(device, Arc::clone(&seen)));
            }
        }
        let mut writers = Vec::with_capacity(WRITERS);
        for _ in 0..WRITERS {
            writers.push(Device::connect(server.address, Vec::new()).await?);
        }
        Ok(Self { server, scopes, writers, seen, _readers: readers })
    }

    /// Microseconds of the server for one delivered frame; the write that it comes from is in it.
    async fn play(&mut self) -> anyhow::Result<f64> {
        let moment = Moment::now(&self.server)?;
        let before = self.seen.load(Ordering::Relaxed);
        for (n, writer) in (0..WRITES).zip((0..WRITERS).cycle()) {
            self.writers[writer].write_in(&scope(n % self.scopes)).await?;
        }
        let frames = WRITES * SESSIONS_OF_SCOPE;
        let begun = Instant::now();
        while self.seen.load(Ordering::Relaxed) < before + frames {
            ensure!(
                begun.elapsed() < PATIENCE,
                "frames are missing: {} of {frames} came",
                self.seen.load(Ordering::Relaxed) - before
            );
            sleep(Duration::from_millis(1)).await;
        }
        #[expect(clippy::cast_precision_loss, reason = "a measure")]
        let (server, _) = moment.since(&self.server, frames as f64)?;
        Ok(server)
    }
}

async fn read(mut device: Device, seen: Arc<AtomicU64>) -> anyhow::Result<()> {
    loop {
        device.change().await?;
        seen.fetch_add(1, Ordering::Relaxed);
    }
}

fn scope(number: u64) -> String {
    format!("scope {number}")
}

fn shape(number: u64) -> Shape {
    let pair = Value::List(vec![Value::text("state"), Value::text(scope(number))]);
    Shape { filter: Some(Value::Object([("eq".into(), pair)].into())), ..Shape::table(TABLE) }
}
