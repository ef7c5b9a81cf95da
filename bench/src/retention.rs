//! Writes while the log is cleaned up, beside the same writes while it is not.
//!
//! Each round starts two servers, one after the other, over a log of the same length of which every entry is older than
//! the retention. The clean-up has to be at work from the first write to the last, or the round does not count.

use std::task::Waker;

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, OpenFlags};
use swain_bench::figure::{Figures, median, percentile};
use swain_bench::floors::CLEANING_P99;
use swain_core::rule::Auth;
use swain_core::{DeviceId, Millis};
use swain_engine::{Ask, Engine, SessionId, Told};
use swain_server::now;
use swain_sqlite::SqliteStore;

use crate::load;
use crate::peer::Peer;
use crate::propagation::propagate;
use crate::serve::{SWAIN_CLEANING, SWAIN_KEEPING};

const P50: &str = "propagation p50 during a clean-up";
const CLEANED: &str = "entries that went";

const ROUNDS: usize = 7;
/// Writes of a round: eight seconds, so that the p99 is no single write.
const WRITES: usize = 400;
/// Entries of the old log, more than is cleaned up in a round.
const ENTRIES: u64 = 40_000;
const PUSH: u64 = 250;

/// How long the log is kept.
pub(crate) const KEPT: Millis = Millis(24 * 60 * 60 * 1000);
/// How old its entries are.
const AGE: Millis = Millis(2 * KEPT.0);

/// When the old log was written.
pub(crate) fn then() -> Millis {
    Millis(now().0 - AGE.0)
}

/// Writes the old log: each entry a position of its own, by ten devices.
pub(crate) async fn fill(engine: &Engine<SqliteStore>) -> anyhow::Result<()> {
    let schema = engine.catalog().schema.version;
    for push in 0..ENTRIES / PUSH {
        let device = format!("old-{}", push % 10);
        let first = push / 10 * PUSH + 1;
        let mutations = (first..first + PUSH).map(|n| Ok(load::mutation(&device, schema, n))).collect();
        let device = DeviceId::from(device.as_str());
        let ask = Ask::Push { auth: Auth::default(), device, now: then(), mutations };
        let told = engine.answer(SessionId(0), Waker::noop(), ask).await;
        ensure!(matches!(&told, Told::Pushed(results) if results.problem.is_none()), "not written: {told:?}");
    }
    Ok(())
}

#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
    entries: Vec<f64>,
}

pub(crate) async fn measure(figures: &mut Figures) -> anyhow::Result<()> {
    let (mut cleaning, mut keeping) = (Rounds::default(), Rounds::default());
    for round in 0..ROUNDS {
        // Who comes first changes, so that a machine that gets slower or faster favours nobody.
        let mut order = [(SWAIN_CLEANING, &mut cleaning), (SWAIN_KEEPING, &mut keeping)];
        if round % 2 == 1 {
            order.reverse();
        }
        for (what, rounds) in order {
            rounds.add(what).await?;
        }
    }
    figures.add((P50, "ms"), &cleaning.p50, ("without", &keeping.p50));
    figures.add((CLEANING_P99, "ms"), &cleaning.p99, ("without", &keeping.p99));
    let seconds: Vec<f64> = cleaning.entries.iter().map(|_| 8.0).collect();
    figures.add((CLEANED, "1"), &cleaning.entries, ("seconds", &seconds));
    let mut ratios = figures.ratios(CLEANING_P99);
    ratios.sort_by(f64::total_cmp);
    eprintln!("p99 with over without, by round: {ratios:.2?}; median {:.2}", median(&ratios));
    Ok(())
}

impl Rounds {
    async fn add(&mut self, what: &str) -> anyhow::Result<()> {
        let server = Peer::start(what)?;
        let before = entries(&server)?;
        let times = propagate(server.address, WRITES).await?;
        let after = entries(&server)?;
        let milliseconds: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        self.p50.push(percentile(&milliseconds, 50));
        self.p99.push(percentile(&milliseconds, 99));
        let gone = before - after;
        self.entries.push(gone);
        match what {
            SWAIN_CLEANING => ensure!(gone > 0.0 && after > 0.0, "cleaned up {gone} entries, {after} are left"),
            _ => ensure!(gone == 0.0, "{gone} entries went, though nobody cleans up"),
        }
        Ok(())
    }
}

/// Changes in the log that are old.
fn entries(server: &Peer) -> anyhow::Result<f64> {
    let path = server.folder().join("bench.db");
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sql = "SELECT count(*) FROM swain_changes WHERE key LIKE '[\"old-%'";
    conn.query_row(sql, [], |row| row.get(0)).context("the log cannot be counted")
}
