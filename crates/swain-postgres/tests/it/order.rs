//! Many writers at once, on several nodes, through crashes: the log is dense, each position is a consistent cut, and the
//! replayed rows are the rows.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

use swain_core::{Position, Value};
use swain_testkit::postgres::{self, Server, program};
use swain_testkit::spec;
use tempfile::NamedTempFile;

use crate::bed::{Bed, Rows, open, runtime};

const ACCOUNTS: i64 = 60;

const TABLES: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);
    CREATE TABLE notes (id int PRIMARY KEY, what text);
    INSERT INTO accounts SELECT i, 100 FROM generate_series(1, 60) i;";

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
INSERT INTO notes VALUES (:note, 'x') ON CONFLICT (id) DO UPDATE SET what = notes.what || 'y';
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

fn load(url: &str, transactions: usize) -> std::process::Child {
    let mut script = NamedTempFile::new().unwrap();
    script.write_all(LOAD.as_bytes()).unwrap();
    let (_, path) = script.keep().unwrap();
    let mut bench = program("pgbench");
    bench.args(["-n", "-c", "12", "-j", "2", "--max-tries", "10", "-t", &(transactions / 12).to_string(), "-f"]);
    bench.arg(path).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    bench.spawn().unwrap()
}

/// The tables had their rows before they were adopted: the log begins with none of them.
fn assert_order(bed: &Bed, log: &[Position], begin: &Rows) {
    let mut rows = begin.clone();
    let mut cuts = 0;
    for (position, pos) in log.iter().zip(1..) {
        assert_eq!(position.pos.0, pos, "positions are dense");
        for change in position.changes.iter().filter(|change| &*change.row.table != "swain_schema") {
            assert_eq!(rows.get(&change.row), change.before.as_ref(), "the row before, at {pos}");
            match &change.after {
                Some(after) => rows.insert(change.row.clone(), after.clone()),
                None => rows.remove(&change.row),
            };
        }
        assert_eq!(sum(&rows), ACCOUNTS * 100, "position {pos} is a consistent cut");
        cuts += 1;
    }
    let now: BTreeMap<_, _> = bed.rows();
    assert_eq!(rows, now);
    assert!(cuts > 10, "something was written");
}

fn sum(rows: &Rows) -> i64 {
    let balances = rows.values().map(|row| row.value("balance"));
    balances.map(|balance| if let Value::Int(balance) = balance { *balance } else { 0 }).sum()
}

fn transactions() -> usize {
    std::env::var("SWAIN_ORDER_TRANSACTIONS").map_or(5_000, |text| text.parse().unwrap())
}

#[test]
fn twelve_writers_and_three_nodes_make_one_order() {
    spec!("S1", "S3");
    let url = postgres::database();
    postgres::run_sql(&url, TABLES);
    let bed = Bed::open(url.clone());
    let begin = bed.rows();
    let _others = [open(&url), open(&url)];

    assert!(load(&url, transactions()).wait().unwrap().success());
    bed.look();

    let log = bed.log_after(swain_core::Pos(0));
    assert!(log.len() > transactions() / 2, "{} positions", log.len());
    assert_order(&bed, &log, &begin);
    let waiting = postgres::run_sql(&url, "SELECT swain.waits()");
    assert_eq!(waiting, "f", "nothing is left without a position");
}

/// What an order by ids or by transaction numbers would have told of the same load: the checker is not blind.
#[test]
fn the_order_of_ids_and_of_transaction_numbers_is_not_the_order_of_commits() {
    let url = postgres::database();
    postgres::run_sql(&url, "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)");
    let bed = Bed::open(url.clone());
    let mut early = crate::outside::Psql::open(&url);
    // It has the lower number and the lower id, and writes row 2 after the other has committed.
    early.say("BEGIN; UPDATE t SET n = 1 WHERE id = 1;");
    bed.write("UPDATE t SET n = 111 WHERE id = 2");
    early.say("UPDATE t SET n = 222 WHERE id = 2; COMMIT;");
    bed.look();

    let by = |order: &str| {
        let sql =
            format!("SELECT after::json ->> 'n' FROM swain.changes WHERE key = '[\"2\"]' ORDER BY {order} LIMIT 1");
        postgres::run_sql(&url, &sql)
    };
    assert_eq!(by("tx DESC, id DESC"), "111", "an order by transaction numbers ends with the older version");
    let seen_first = postgres::run_sql(&url, "SELECT min(id) FROM swain.changes WHERE key = '[\"2\"]'");
    let committed_last = postgres::run_sql(&url, "SELECT min(id) FROM swain.changes WHERE key = '[\"1\"]'");
    assert!(
        committed_last.parse::<i64>().unwrap() < seen_first.parse::<i64>().unwrap(),
        "a cursor of ids would miss it"
    );
    let last = bed.newest().into_iter().find(|change| change.row.key == swain_core::Key::of(2)).unwrap();
    assert_eq!(last.after.unwrap().value("n"), &Value::Int(222));
}

#[test]
fn a_server_that_is_killed_loses_and_doubles_nothing() {
    spec!("S1", "S2");
    let mut server = Server::start();
    let url = server.url();
    postgres::run_sql(&url, TABLES);
    let (begin, epoch);
    {
        let bed = Bed::open(url.clone());
        begin = bed.rows();
        epoch = swain_store::Store::epoch(&bed.store);
        let mut writers = load(&url, 100_000);
        let target = swain_core::Pos(bed.head().0 + 300);
        runtime().block_on(async {
            let bus = swain_store::Store::bus(&bed.store).clone();
            swain_testkit::soon("three hundred positions", swain_store::Bus::beyond(&*bus, target)).await;
        });
        server.kill();
        writers.wait().unwrap();
    }
    server.start_again();

    let bed = Bed::open(url.clone());
    assert_eq!(swain_store::Store::epoch(&bed.store), epoch, "a crash is no restore");
    bed.look();
    let log = bed.log_after(swain_core::Pos(0));
    assert_order(&bed, &log, &begin);
}
