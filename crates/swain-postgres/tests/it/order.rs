//! Many writers at once, on several nodes, through crashes: the log is dense, each position is a consistent cut, and the
//! replayed rows are the rows.

use std::io::Write as _;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use swain_core::{Pos, Position};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_store::Store as _;
use swain_testkit::postgres::{self, Server, program};
use swain_testkit::{Psql, spec, wait_for};
use tempfile::NamedTempFile;

use crate::bed::{Bed, runtime};
use crate::checker::{ById, by_transaction, check, of_log};

/// What the balances of all accounts always come to. The load leaves the last four accounts alone.
const SUM: i64 = 6400;

const TABLES: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);
    CREATE TABLE notes (id int PRIMARY KEY, what text);
    INSERT INTO accounts SELECT i, 100 FROM generate_series(1, 64) i;";

/// Transfers in any order of the accounts, so that some deadlock; savepoints, rollbacks, rows that come and go.
const LOAD: &str = "
\\set from random(1, 60)
\\set to random(1, 60)
\\set amount random(1, 9)
\\set note random(1, 40)
\\set dice random(1, 100)
BEGIN;
UPDATE accounts SET balance = balance - :amount WHERE id = :from;
SAVEPOINT a;
DELETE FROM notes WHERE id = :note;
ROLLBACK TO a;
SAVEPOINT b;
INSERT INTO notes VALUES (:note, 'x') ON CONFLICT (id) DO UPDATE SET what = right(notes.what || 'y', 9);
RELEASE b;
\\if :dice < 6
SELECT pg_sleep(random() * 0.3);
\\endif
UPDATE accounts SET balance = balance + :amount WHERE id = :to;
\\if :dice > 95
DELETE FROM notes WHERE id = :note;
\\endif
\\if :dice < 15
ROLLBACK;
\\else
COMMIT;
\\endif
";

fn load(url: &str, transactions: usize, settings: &str) -> Child {
    let mut script = NamedTempFile::new().unwrap();
    script.write_all(LOAD.as_bytes()).unwrap();
    let (_, path) = script.keep().unwrap();
    let mut bench = program("pgbench");
    bench.args(["-n", "-c", "12", "-j", "2", "--max-tries", "10", "-t", &(transactions / 12).to_string(), "-f"]);
    // A deadlock is found soon, so that the load is not mostly waiting for one.
    bench.env("PGOPTIONS", format!("-c deadlock_timeout=20ms {settings}"));
    bench.arg(path).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    bench.spawn().unwrap()
}

fn transactions() -> usize {
    std::env::var("SWAIN_ORDER_TRANSACTIONS").map_or(5_000, |text| text.parse().unwrap())
}

/// A node that looks often, so that passes of several meet.
fn eager(url: &str) -> PostgresStore {
    let options = PostgresOptions { look_every: Duration::from_millis(7), ..PostgresOptions::new(url) };
    runtime().block_on(PostgresStore::open(options)).unwrap()
}

#[test]
fn twelve_writers_and_three_nodes_make_one_order() {
    spec!("S1", "S3");
    let url = postgres::database();
    postgres::run_sql(&url, TABLES);
    let bed = Bed::open(url.clone());
    let begin = bed.rows();
    let _others = [eager(&url), eager(&url)];
    // Two that are open for all of the time: one in a session, one that outlives its session.
    let mut long = Psql::open(&url);
    long.say("BEGIN; UPDATE accounts SET balance = balance - 7 WHERE id = 61");
    let prepared = format!("long_{}", std::process::id());
    let transfer = "UPDATE accounts SET balance = balance - 7 WHERE id = 63;
        UPDATE accounts SET balance = balance + 7 WHERE id = 64";
    postgres::run_sql(&url, &format!("BEGIN; {transfer}; PREPARE TRANSACTION '{prepared}'"));

    let mut by_id = ById::new(&url);
    let mut writers = load(&url, transactions(), "");
    while writers.try_wait().unwrap().is_none() {
        by_id.read();
        // sleep: the interval between two looks of one who takes ids for an order.
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(writers.wait().unwrap().success());
    bed.look();
    let before = bed.head();
    postgres::run_sql(&url, &format!("COMMIT PREPARED '{prepared}'"));
    bed.look();
    long.say("UPDATE accounts SET balance = balance + 7 WHERE id = 62; COMMIT");
    bed.look();
    by_id.read();

    let log = bed.log_after(Pos(0));
    let end = bed.rows();
    assert_eq!(bed.head().0, before.0 + 2, "the long ones are the last");
    let count = check(&of_log(&log), &begin, &end, SUM).unwrap();
    assert!(count > transactions() / 2, "{count} positions");
    let waiting = postgres::run_sql(&url, "SELECT swain.waits()");
    assert_eq!(waiting, "f", "nothing is left without a position");
    // The same checker is not content with what else could be taken for the order.
    let ids = check(&by_id.told(), &begin, &end, SUM).unwrap_err();
    let numbers = check(&by_transaction(&url), &begin, &end, SUM).unwrap_err();
    println!("{count} positions; by ids: {ids}; by transaction numbers: {numbers}");
    runtime().block_on(wait_for("a deadlock among the writers", || async {
        let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        (postgres::run_sql(&url, sql) != "0").then_some(())
    }));
}

/// As for a transaction of millions: it would be given up and begun anew for ever.
#[test]
fn a_pass_may_take_longer_than_a_statement() {
    spec!("S1");
    let url = postgres::database();
    postgres::run_sql(&url, TABLES);
    let head = Bed::open(url.clone()).head();
    let options = PostgresOptions { statement_timeout: Duration::from_millis(500), ..PostgresOptions::new(&url) };
    let store = runtime().block_on(PostgresStore::open(options)).unwrap();

    let mut other = Psql::open(&url);
    other.say("BEGIN; LOCK TABLE swain.positions IN SHARE MODE");
    postgres::run_sql(&url, "INSERT INTO notes VALUES (1, 'waits')");
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT swain.sequence()' AND wait_event_type = 'Lock'
        AND datname = current_database() AND now() - query_start > interval '700 ms'";
    runtime().block_on(wait_for("a pass that takes longer", || async {
        (postgres::run_sql(&url, sql) == "1").then_some(())
    }));
    other.say("COMMIT");

    runtime()
        .block_on(wait_for("its position", || async { (store.head().await.ok()?.pos == head.next()).then_some(()) }));
}

/// The shortest run in which ids and transaction numbers are no order, step by step.
#[test]
fn the_order_of_ids_and_of_transaction_numbers_is_not_the_order_of_commits() {
    spec!("S1");
    let url = postgres::database();
    postgres::run_sql(&url, TABLES);
    let bed = Bed::open(url.clone());
    let begin = bed.rows();
    let mut by_id = ById::new(&url);
    let mut early = Psql::open(&url);

    // It has the lower number and the lower id, and writes account 2 after the other has committed.
    early.say("BEGIN; UPDATE accounts SET balance = balance - 5 WHERE id = 1");
    let transfer = "UPDATE accounts SET balance = balance - 3 WHERE id = 2; UPDATE accounts SET balance = balance + 3 WHERE id = 3";
    bed.write(&format!("BEGIN; {transfer}; COMMIT"));
    by_id.read();
    early.say("UPDATE accounts SET balance = balance + 5 WHERE id = 2; COMMIT");
    bed.look();
    by_id.read();

    let end = bed.rows();
    assert_eq!(check(&of_log(&bed.log_after(Pos(0))), &begin, &end, SUM), Ok(3));
    let lost = check(&by_id.told(), &begin, &end, SUM).unwrap_err();
    assert!(lost.starts_with("2 is no consistent cut"), "a cursor of ids has gone past account 1: {lost}");
    let reordered = check(&by_transaction(&url), &begin, &end, SUM).unwrap_err();
    assert!(reordered.contains("at 1"), "transaction numbers put the later version first: {reordered}");
}

#[test]
fn a_server_that_is_killed_loses_and_doubles_nothing() {
    spec!("S1", "S2");
    what_was_told_outlives("", Server::kill);
}

/// What such writers committed last may be lost, but never anything that a reader of the log has seen.
#[test]
fn a_stop_at_once_with_writers_that_do_not_wait_for_the_disk_loses_nothing_that_was_told() {
    spec!("S1", "S2");
    what_was_told_outlives("-c synchronous_commit=off", Server::stop_at_once);
}

fn what_was_told_outlives(settings: &str, end: impl FnOnce(&mut Server)) {
    let mut server = Server::start();
    let url = server.url();
    postgres::run_sql(&url, TABLES);
    let (begin, epoch, told);
    {
        let bed = Bed::open(url.clone());
        begin = bed.rows();
        epoch = bed.store.epoch();
        let mut writers = load(&url, 100_000, settings);
        let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        told = std::thread::scope(|scope| {
            let reader = scope.spawn(|| read_until(&bed.store, &is_over, &count));
            runtime().block_on(wait_for("three hundred positions", || async {
                (count.load(Ordering::Relaxed) > 300).then_some(())
            }));
            end(&mut server);
            is_over.store(true, Ordering::Relaxed);
            reader.join().unwrap()
        });
        writers.wait().unwrap();
    }
    server.start_again();

    let bed = Bed::open(url.clone());
    assert_eq!(bed.store.epoch(), epoch, "a crash is no restore");
    bed.look();
    let log = bed.log_after(Pos(0));
    assert!(told.len() > 300, "{} positions were told", told.len());
    for (told, kept) in told.iter().zip(&log) {
        assert_eq!(told, kept, "what was told is the same after the crash");
    }
    assert!(told.len() <= log.len(), "{} of {} positions are there", log.len(), told.len());
    check(&of_log(&log), &begin, &bed.rows(), SUM).unwrap();
}

/// Everything that a reader is told until the database is gone.
fn read_until(store: &PostgresStore, is_over: &AtomicBool, count: &AtomicUsize) -> Vec<Position> {
    let (mut told, mut after) = (Vec::new(), Pos(0));
    while !is_over.load(Ordering::Relaxed) {
        let Ok(page) = runtime().block_on(store.log(after, Pos(u64::MAX), None, None, 1000)) else { continue };
        after = page.through;
        told.extend(page.positions);
        count.store(told.len(), Ordering::Relaxed);
    }
    told
}
