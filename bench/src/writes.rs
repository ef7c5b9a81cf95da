//! How many rows a second the server takes, one at a time and in batches, beside bare SQLite.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use swain_bench::figure::Figures;
use swain_bench::floors::{BATCHED, SINGLE};

use crate::ROUNDS;
use crate::device::Device;
use crate::peer::{Moment, Peer};
use crate::scratch::Scratch;
use crate::serve::SWAIN;

/// How long a round takes.
const TIME: Duration = Duration::from_secs(2);
/// A connection may send 100 messages a second (spec P16), so that a writer who waits for each result needs some in turn.
const CONNECTIONS: usize = 50;
const WRITERS: usize = 8;
const PUSH_ROWS: u64 = 50;
/// Rows of a transaction beside the batches: the server's largest group.
const GROUP_ROWS: u64 = 256;

/// What one way of writing gave, round by round.
#[derive(Default)]
struct Rounds {
    per_second: Vec<f64>,
    raw: Vec<f64>,
    server_us: Vec<f64>,
    load_us: Vec<f64>,
}

pub(crate) async fn measure(figures: &mut Figures) -> anyhow::Result<()> {
    let server = Peer::start(SWAIN)?;
    let mut scratch = Scratch::create().await?;
    let (mut single, mut batched) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        single.raw.push(scratch.rows_per_second(1, TIME)?);
        let moment = Moment::now(&server)?;
        single.add(&server, &moment, one_at_a_time(&server).await?)?;

        batched.raw.push(scratch.rows_per_second(GROUP_ROWS, TIME)?);
        let moment = Moment::now(&server)?;
        batched.add(&server, &moment, in_batches(&server).await?)?;
    }
    figures.add((SINGLE, "1/s"), &single.per_second, ("SQLite, 1 row a transaction", &single.raw));
    figures.add((BATCHED, "1/s"), &batched.per_second, ("SQLite, 256 rows a transaction", &batched.raw));
    figures.add_cost("single write", &single.server_us, &single.load_us);
    figures.add_cost("batched write", &batched.server_us, &batched.load_us);
    Ok(())
}

impl Rounds {
    fn add(&mut self, server: &Peer, begun: &Moment, per_second: f64) -> anyhow::Result<()> {
        let (server_us, load_us) = begun.since(server, per_second * TIME.as_secs_f64())?;
        self.per_second.push(per_second);
        self.server_us.push(server_us);
        self.load_us.push(load_us);
        Ok(())
    }
}

/// The next row is sent when the server has the last one.
async fn one_at_a_time(server: &Peer) -> anyhow::Result<f64> {
    let mut devices = connect(server, CONNECTIONS).await?;
    let (begun, mut rows) = (Instant::now(), 0);
    for turn in (0..CONNECTIONS).cycle() {
        if begun.elapsed() >= TIME {
            break;
        }
        devices[turn].write(1).await?;
        rows += 1;
    }
    Ok(f64::from(rows) / begun.elapsed().as_secs_f64())
}

/// Each writer sends its next push when the server has its last one.
async fn in_batches(server: &Peer) -> anyhow::Result<f64> {
    let devices = connect(server, WRITERS).await?;
    let begun = Instant::now();
    let writers = devices.into_iter().map(|mut device| async move {
        let mut pushes = 0;
        while begun.elapsed() < TIME {
            device.write(PUSH_ROWS).await?;
            pushes += 1;
        }
        anyhow::Ok(pushes)
    });
    let pushes: u32 = try_join_all(writers).await?.into_iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a measure")]
    let rows = f64::from(pushes) * PUSH_ROWS as f64;
    Ok(rows / begun.elapsed().as_secs_f64())
}

async fn connect(server: &Peer, count: usize) -> anyhow::Result<Vec<Device>> {
    try_join_all((0..count).map(|_| Device::connect(server.address, Vec::new()))).await
}
