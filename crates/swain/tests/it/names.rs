//! A hundred devices make the same rows without a connection: each row is there once, and everything that names it names it.
//!
//! Real clients, a real server over SQLite, which enforces the foreign keys and the unique keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::support::stage::Stage;
use futures::future::join_all;
use swain_client::{Client, ClientConfig, Key, Operation, Row, RowKey, Shape, State, Stop, Value};
use swain_testkit::spec;

const DEVICES: i64 = 100;
/// Matches and sessions that every device makes.
const ROWS: i64 = 5;
const LIMIT: Duration = Duration::from_secs(120);

/// A match is named by whoever makes it, a session by the database; people know both by event and number.
const TABLES: &str = "
    CREATE TABLE matches (id TEXT PRIMARY KEY NOT NULL, event TEXT NOT NULL, no INTEGER NOT NULL, court TEXT, UNIQUE (event, no));
    CREATE TABLE sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, no INTEGER NOT NULL, title TEXT, UNIQUE (event, no));
    CREATE TABLE laps (session_id INTEGER NOT NULL REFERENCES sessions (id), who TEXT NOT NULL, PRIMARY KEY (session_id, who));
    CREATE TABLE scores (
        id TEXT PRIMARY KEY NOT NULL, match_id TEXT NOT NULL REFERENCES matches (id),
        session_id INTEGER NOT NULL REFERENCES sessions (id), points INTEGER NOT NULL);";
const NAMES: [&str; 4] = ["matches", "sessions", "laps", "scores"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_devices_that_make_the_same_rows_offline_end_with_one_of_each() {
    spec!("M10", "M11", "C19", "C20", "P25");
    let stage = Stage::start(TABLES, &NAMES.map(|table| (table, [].as_slice())), |_| {}).await;
    let clients = join_all((0..DEVICES).map(|_| offline(&stage))).await;

    let mut made: Vec<Vec<(String, Key)>> = Vec::new();
    for (device, client) in (0..).zip(&clients) {
        made.push((1..=ROWS).flat_map(|no| make(client, device, no)).collect());
    }
    let begun = Instant::now();
    clients.iter().for_each(Client::resume);
    for client in &clients {
        client.sync(LIMIT).await.unwrap();
    }
    let head = stage.head().await.pos;
    for client in &clients {
        client.wait_for(LIMIT, |device| device.pos() >= head).await.unwrap();
    }
    let synced = begun.elapsed();

    let (matches, sessions) = (stage.rows("matches", None).await, stage.rows("sessions", None).await);
    let (laps, scores) = (stage.rows("laps", None).await, stage.rows("scores", None).await);
    let count = |number: i64| usize::try_from(number).unwrap();
    assert_eq!((matches.len(), sessions.len()), (count(ROWS), count(ROWS)));
    assert_eq!((laps.len(), scores.len()), (count(ROWS * DEVICES), count(ROWS * DEVICES)));
    no_reference_dangles(&matches, &sessions, &laps, &scores);
    for client in &clients {
        equals_the_database(&stage, client).await;
    }
    for (client, keys) in clients.iter().zip(&made) {
        for (table, key) in keys {
            assert!(client.row(table, key.clone()).is_some(), "{table} {} is found by its old key", key.canonical());
        }
    }
    let (mutations, seconds) = (DEVICES * ROWS * 2, synced.as_secs_f64());
    println!("{DEVICES} devices, {mutations} mutations, head p{head}: all the same after {seconds:.1} s");
    for client in clients {
        client.close().await;
    }
}

/// A device that knows the tables and is not connected any more.
async fn offline(stage: &Stage) -> Client {
    let shapes = NAMES.map(Shape::table).to_vec();
    let config = ClientConfig::new(format!("http://{}", stage.address()), shapes);
    let client = Client::connect(config.with_first_delay(Duration::from_millis(20))).await.unwrap();
    client.wait_for(LIMIT, |device| device.status().state == State::Live).await.unwrap();
    client.pause();
    client.wait_for(LIMIT, |device| device.status().stop == Some(Stop::Paused)).await.unwrap();
    client
}

/// The match and the session of a number, and a score and a lap that name them, the lap in a mutation of its own.
fn make(client: &Client, device: i64, no: i64) -> [(String, Key); 4] {
    let matched = Key::of(format!("m{device}-{no}").as_str());
    let session = client.new_key("sessions").unwrap();
    let natural =
        |more: &str| Row::default().with("event", "e").with("no", no).with(more, format!("{device}").as_str());
    let score = Key::of(format!("s{device}-{no}").as_str());
    let set = Row::default().with("match_id", matched.0[0].clone()).with("session_id", session.0[0].clone());
    let operations = vec![
        upsert("matches", &matched, natural("court")),
        upsert("sessions", &session, natural("title")),
        Operation::Insert { row: place("scores", &score), set: set.with("points", device) },
    ];
    client.mutate(operations).unwrap();
    let lap = Key(vec![session.0[0].clone(), Value::text(format!("who{device}").as_str())]);
    client.insert("laps", lap.clone(), Row::default()).unwrap();
    [("matches", matched), ("sessions", session), ("laps", lap), ("scores", score)]
        .map(|(table, key)| (table.to_owned(), key))
}

fn upsert(table: &str, key: &Key, set: Row) -> Operation {
    Operation::Upsert { row: place(table, key), on: vec!["event".into(), "no".into()], set, was: BTreeMap::new() }
}

fn place(table: &str, key: &Key) -> RowKey {
    RowKey { table: table.into(), key: key.clone() }
}

fn no_reference_dangles(matches: &[Row], sessions: &[Row], laps: &[Row], scores: &[Row]) {
    let ids = |rows: &[Row]| -> BTreeSet<Value> { rows.iter().map(|row| row.value("id").clone()).collect() };
    let (matches, sessions) = (ids(matches), ids(sessions));
    assert!(sessions.iter().all(|id| id.as_int().is_some_and(|id| id > 0)), "{sessions:?}");
    assert!(scores.iter().all(|score| matches.contains(score.value("match_id"))));
    assert!(scores.iter().chain(laps).all(|row| sessions.contains(row.value("session_id"))));
}

async fn equals_the_database(stage: &Stage, client: &Client) {
    for table in NAMES {
        let mut held: Vec<Row> = client.rows(table).into_iter().map(|(_, row)| Row::clone(&row)).collect();
        let mut stored = stage.rows(table, None).await;
        held.sort();
        stored.sort();
        assert_eq!(held, stored, "{table}");
    }
}
