//! Measures writes a second: `cargo run --release -p swain-sqlite --example writes`.
#![allow(clippy::unwrap_used, reason = "a measure that cannot go on says where")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::future::join_all;
use rusqlite::Connection;
use swain_core::rule::Auth;
use swain_core::{Key, Millis, Mutation, MutationNumber, Operation, Pos, Row, RowKey};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::conformance::{PlainArbiter, SQLITE_TABLES, schema};
use swain_store::{Answer, Store, Submission};
use tempfile::TempDir;

fn main() {
    println!("{:.0} syncs/s of 4 KiB, the bound of single writes", measure_syncs());
    for (devices, mutations) in [(1, 1), (1, 50), (8, 50), (64, 1), (256, 1)] {
        let per_second = measure(devices, mutations);
        println!("{devices} devices, {mutations} mutations a push: {per_second:.0} mutations/s");
    }
}

fn measure(devices: usize, mutations: u64) -> f64 {
    let directory = TempDir::new_in(".").unwrap();
    let path = directory.path().join("app.db");
    Connection::open(&path).unwrap().execute_batch(SQLITE_TABLES).unwrap();
    let store = SqliteStore::open(&path, SqliteOptions::system()).unwrap();
    block_on(async {
        let schema = store.adopt(schema(), Millis(1)).await.unwrap();
        let arbiter = Arc::new(PlainArbiter { schema });
        let (began, mut count, mut round) = (Instant::now(), 0, 0);
        while began.elapsed() < Duration::from_secs(3) {
            let pushes = (0..devices).map(|device| push(&store, &arbiter, device, round * mutations, mutations));
            join_all(pushes).await;
            count += devices as u64 * mutations;
            round += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "a measure")]
        let count = count as f64;
        count / began.elapsed().as_secs_f64()
    })
}

/// Half inserts, half updates of the row before.
async fn push(store: &SqliteStore, arbiter: &Arc<PlainArbiter>, device: usize, first: u64, count: u64) {
    let device = format!("device-{device}");
    let submissions = (first + 1..=first + count).map(|n| {
        let row = |n: u64| RowKey { table: "notes".into(), key: Key::of(format!("{device}-{n}").as_str()) };
        let operation = if n % 2 == 1 {
            let set = Row::default().with("title", "A title of some length").with("state", "open").with("score", 1);
            Operation::Insert { row: row(n), set }
        } else {
            let set = Row::default().with("title", "Another title").with("score", n.cast_signed());
            let none = Row::default;
            Operation::Update { row: row(n - 1), set, was: BTreeMap::new(), inc: none(), add: none(), remove: none() }
        };
        submission(&device, n, vec![operation])
    });
    let answers = store.submit(Arc::clone(arbiter), submissions.collect()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Decided(_))));
}

fn submission(device: &str, n: u64, operations: Vec<Operation>) -> Submission {
    let mutation = Mutation { n: MutationNumber(n), base: Pos(0), at: Millis(0), schema: 1, operations };
    Submission { auth: Auth::default(), device: device.into(), now: Millis(n), mutation: Ok(mutation) }
}

fn measure_syncs() -> f64 {
    let directory = TempDir::new_in(".").unwrap();
    let mut file = File::create(directory.path().join("file")).unwrap();
    let (began, mut count) = (Instant::now(), 0.0);
    while began.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1.0;
    }
    count / began.elapsed().as_secs_f64()
}
