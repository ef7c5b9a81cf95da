//! Those who write while somebody else's transaction is open, beside those who write while none is.
//!
//! A device's edits, fifty a second, each measured until its answer: it is committed and has its position. Other programs
//! write meanwhile, a hundred transactions a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use swain_bench::figure::{Figures, median, percentile};
use swain_bench::floors::HELD_P99;
use swain_core::rule::Auth;
use swain_core::{Key, Millis, Mutation, MutationNumber, Operation, Pos, Row, RowKey, Schema};
use swain_postgres::PostgresStore;
use swain_store::conformance::PlainArbiter;
use swain_store::{Answer, Store as _, Submission};
use swain_testkit::Psql;
use swain_testkit::postgres::Server;
use tokio::time::interval;

use super::arm::open;
use super::{Database, ONE_ROW, pgbench};

const P50: &str = "answer p50 beside an open transaction";
const EVERY: Duration = Duration::from_millis(20);
const OTHERS: &[&str] = &["-c", "4", "-j", "1", "-R", "100"];

#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

pub(crate) async fn measure(
    server: &Server,
    time: Duration,
    rounds: usize,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let (mut beside, mut without) = (Rounds::default(), Rounds::default());
    for round in 0..rounds {
        let mut order = [(true, &mut beside), (false, &mut without)];
        if round % 2 == 1 {
            order.reverse();
        }
        for (is_held, rounds) in order {
            let milliseconds = answers(server, time, is_held).await?;
            rounds.p50.push(percentile(&milliseconds, 50));
            rounds.p99.push(percentile(&milliseconds, 99));
            eprintln!("open: {is_held}, round {round}: p99 {:.2} ms", percentile(&milliseconds, 99));
        }
    }
    figures.add((P50, "ms"), &beside.p50, ("without", &without.p50));
    figures.add((HELD_P99, "ms"), &beside.p99, ("without", &without.p99));
    let ratios = figures.ratios(HELD_P99);
    eprintln!("p99 beside over without, by round: {ratios:.2?}; median {:.2}", median(&ratios));
    Ok(())
}

/// How long each answer took, in milliseconds.
async fn answers(server: &Server, time: Duration, is_held: bool) -> anyhow::Result<Vec<f64>> {
    let database = Database::create(server, &[]);
    let (store, schema) = open(&database.url, &["court"]).await?;
    let mut held = Psql::open(&database.url);
    if is_held {
        held.say("BEGIN; UPDATE items SET score = 0 WHERE id = 1");
    }
    let others = pgbench(&database.url, ONE_ROW, OTHERS, time)?;
    let answers = edit(&store, schema, time).await?;
    let written = others.finish()?;
    ensure!(written > 0, "the others wrote nothing");
    if is_held {
        held.say("COMMIT");
    }
    Ok(answers)
}

async fn edit(store: &PostgresStore, schema: Schema, time: Duration) -> anyhow::Result<Vec<f64>> {
    let version = schema.version;
    let arbiter = Arc::new(PlainArbiter { schema });
    let (begun, mut tick, mut answers) = (Instant::now(), interval(EVERY), Vec::new());
    for n in 1.. {
        tick.tick().await;
        if begun.elapsed() >= time {
            break;
        }
        let sent = Instant::now();
        let answer = store.submit(Arc::clone(&arbiter), vec![submission(version, n)]).await.pop();
        let decided = matches!(&answer, Some(Answer::Decided(result)) if result.problem.is_none());
        ensure!(decided, "not decided: {answer:?}");
        answers.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    Ok(answers)
}

fn submission(schema: u64, n: u64) -> Submission {
    let id = i64::try_from(n % 9000 + 2).unwrap_or(2);
    let row = RowKey { table: "items".into(), key: Key::of(id) };
    let set = Row::default().with("score", i64::try_from(n).unwrap_or(0) % 1000);
    let (inc, add, remove) = Default::default();
    let operations = vec![Operation::Update { row, set, was: BTreeMap::new(), inc, add, remove }];
    let mutation = Mutation { n: MutationNumber(n), base: Pos(0), at: Millis(0), schema, operations };
    Submission { auth: Auth::default(), device: "bench".into(), now: Millis(n), mutation: Ok(mutation) }
}
