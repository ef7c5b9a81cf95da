//! kill -9 of the real server under load: nothing acknowledged is lost or applied twice, and no position changes.
mod recorder;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use swain_client::{Client, ClientConfig, DeviceId, Key, Patch, Row, Shape, Synced, Value};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::Store as _;
use swain_testkit::{PATIENCE, Program, spec, wait_for};
use tokio::process::Command;
use tokio::task::JoinHandle;

use recorder::Recorder;

const WRITERS: u64 = 4;
/// Edits of one writer that wait for their acknowledgement.
const WAITING_MAX: usize = 40;
const CONFIG: &str = "[server]\nheartbeat_ms = 500\n[database]\npath = \"kill.db\"\n\
    [tables.notes]\nread = \"true\"\nwrite = \"true\"\n";

/// One device that writes: each edit is a new row, and one more on a common counter, in one mutation.
struct Writer {
    device: DeviceId,
    /// The highest n that it knows to be acknowledged.
    acked: Arc<AtomicU64>,
    task: JoinHandle<u64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_mutations_survive_kill_9() {
    spec!("S2", "S1", "P14", "S12");
    let rounds = std::env::var("SWAIN_KILL_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("swain.toml"), CONFIG).unwrap();
    let sql = "CREATE TABLE notes (id TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL);
        INSERT INTO notes VALUES ('counter', 0);";
    open(folder.path()).execute_outside(sql).await.unwrap();

    let mut server = serve(folder.path(), "127.0.0.1:0");
    let address = server.address().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut recorder = Recorder::start(address).await;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        writers.push(Writer::start(address, number, Arc::clone(&stop)).await);
    }

    for round in 0..rounds {
        let watch = tokio::spawn(recorder.watch(address).await.until_end());
        let enough = acked(&writers) + 50 + 137 * (round % 7);
        let is_enough = || async { (acked(&writers) >= enough).then_some(()) };
        wait_for("acknowledgements", is_enough).await;
        let known: Vec<u64> = writers.iter().map(Writer::acked).collect();
        server.kill().await;
        // Nobody can have sent anything again: what was acknowledged is here, or lost.
        for (writer, known) in writers.iter().zip(known) {
            let store = open(folder.path());
            let row = store.device_row(writer.device.clone()).await.unwrap();
            let last = row.unwrap().last.0;
            assert!(last >= known, "round {round}: of {known} acknowledged only {last} are there");
        }
        recorder = watch.await.unwrap();
        server = serve(folder.path(), &address.to_string());
        server.address().await;
        recorder.compare(address).await;
    }

    stop.store(true, Ordering::Relaxed);
    let mut edits = 0;
    for writer in writers {
        edits += writer.task.await.unwrap();
    }
    recorder.compare(address).await;
    check_rows(address, edits, &recorder).await;
    let compared = recorder.compared();
    println!("{rounds} kills, {edits} mutations, {compared} positions compared");
    server.signal("TERM").await;
    assert!(server.end().await.success());
}

fn serve(folder: &Path, listen: &str) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swain"));
    command.current_dir(folder).args(["serve", "--listen", listen]);
    Program::start(&mut command)
}

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("kill.db"), SqliteOptions::system()).unwrap()
}

fn acked(writers: &[Writer]) -> u64 {
    writers.iter().map(Writer::acked).sum()
}

async fn connect(address: SocketAddr, device: Option<DeviceId>) -> Client {
    let mut config = ClientConfig::new(format!("http://{address}"), vec![Shape::table("notes")])
        .with_first_delay(Duration::from_millis(20));
    config.device = device;
    Client::connect(config).await.unwrap()
}

impl Writer {
    async fn start(address: SocketAddr, number: u64, stop: Arc<AtomicBool>) -> Self {
        let device = DeviceId::from(format!("writer-{number}").as_str());
        let client = connect(address, Some(device.clone())).await;
        client.sync(PATIENCE).await.unwrap();
        let acked = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(write(client, number, stop, Arc::clone(&acked)));
        Self { device, acked, task }
    }

    fn acked(&self) -> u64 {
        self.acked.load(Ordering::Relaxed)
    }
}

/// Writes until it is told to stop, and gives the number of edits when all of them are acknowledged.
async fn write(client: Client, number: u64, stop: Arc<AtomicBool>, acked: Arc<AtomicU64>) -> u64 {
    let mut edits = 0;
    let mut waiting = FuturesUnordered::new();
    while !stop.load(Ordering::Relaxed) {
        while waiting.len() < WAITING_MAX {
            waiting.push(edit(&client, &format!("w{number}-{edits}")));
            edits += 1;
        }
        hear(waiting.next().await, &acked);
    }
    while let Some(result) = waiting.next().await {
        hear(Some(result), &acked);
    }
    edits
}

fn edit(client: &Client, key: &str) -> Synced {
    let one = || Row::default().with("n", Value::Int(1));
    let insert = swain_client::Operation::Insert { row: place(key), set: one() };
    let Patch { set, inc, add, remove } = Patch { inc: one(), ..Patch::default() };
    let count =
        swain_client::Operation::Update { row: place("counter"), set, was: Default::default(), inc, add, remove };
    client.mutate(vec![insert, count]).unwrap().synced()
}

fn place(key: &str) -> swain_client::RowKey {
    swain_client::RowKey { table: "notes".into(), key: Key::of(key) }
}

fn hear(result: Option<Result<swain_client::MutationResult, swain_client::ClientError>>, acked: &AtomicU64) {
    let result = result.unwrap().unwrap();
    acked.fetch_max(result.n.0, Ordering::Relaxed);
}

/// Every edit is there, once, and the recorder's positions amount to the same rows.
async fn check_rows(address: SocketAddr, edits: u64, recorder: &Recorder) {
    let reader = connect(address, None).await;
    reader.sync(PATIENCE).await.unwrap();
    let rows = reader.rows("notes");
    let counter = reader.row("notes", Key::of("counter")).unwrap();
    assert_eq!(counter.value("n"), &Value::Int(i64::try_from(edits).unwrap()), "each counted once");
    assert_eq!(rows.len() as u64, edits + 1, "each there");
    let rows = rows.into_iter().map(|(key, row)| (key, (*row).clone()));
    let rows: BTreeMap<Key, Row> = rows.collect();
    assert_eq!(recorder.rows(), rows);
}
