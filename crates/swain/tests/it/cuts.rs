//! Streams cut at random bytes: the application sees each change once and in order all the same.
//!
//! A real client, a real server, and between them a proxy that ends the connection at a byte drawn from all
//! bytes of the phase. `SWAIN_SEED` draws the same bytes again; the pace of the sockets stays their own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::support::cutting_proxy::{Cut, CuttingProxy, Ending};
use crate::support::dice::Dice;
use crate::support::stage::{On, Stage, everybodys};
use crate::support::witness::{Witness, from_server};
use swain_client::{ChangeSet, Key, Patch, Row, Shape, Transport, Written};
use swain_core::{Pos, Value};
use swain_testkit::{soon, spec};

/// Rounds with a cut, for each phase: a thousand cuts on the usual way, a hundred on every other.
const ROUNDS: usize = 250;
const ROUNDS_ELSEWHERE: usize = 25;
/// What is cut is the same stream; what is behind it has its positions from elsewhere.
const ROUNDS_POSTGRES: usize = 10;
/// The whole script, with more than a thousand cuts.
const TIME_MAX: Duration = Duration::from_secs(60);

/// 800 kB to load: four chunks of 256 KiB, and the rows that change meanwhile.
const TABLES: &str = "
    CREATE TABLE big (id TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL);
    CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL);
    INSERT INTO t VALUES ('counter', 0), ('own', 0);
    CREATE TABLE u (id TEXT PRIMARY KEY NOT NULL, room INTEGER NOT NULL, n INTEGER NOT NULL);
    INSERT INTO u VALUES ('u0', 2, 0), ('u1', 2, 0), ('u2', 1, 0);";

const BIG_SQLITE: &str = "
    WITH RECURSIVE k(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM k WHERE n < 899)
        INSERT INTO big SELECT 'b' || n, hex(randomblob(500)) FROM k;";
const BIG_POSTGRES: &str = "
    INSERT INTO big SELECT 'b' || n, (SELECT string_agg(md5(random()::text || n || i), '') FROM generate_series(1, 32) i)
        FROM generate_series(100, 899) n;";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// A new device loads, while rows of it change.
    Load,
    /// Somebody else writes.
    Live,
    /// We write, and wait for the acknowledgement.
    Ack,
    /// Rows are deleted, and rows leave the filter.
    Removal,
}

#[derive(Default)]
struct Tally {
    rounds: usize,
    cuts: usize,
    /// Downward, from the arming to the end of the round.
    bytes: usize,
}

/// How the device whose stream is cut is connected.
#[derive(Clone, Copy, Debug)]
struct Way {
    on: On,
    transport: Transport,
    compression: bool,
    rounds: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_told_once_and_in_order_however_often_the_stream_is_cut() {
    cut_over(Way { on: On::Sqlite, transport: Transport::WebSocket, compression: false, rounds: ROUNDS }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_compressed_websocket() {
    spec!("P23");
    cut_over(Way { on: On::Sqlite, transport: Transport::WebSocket, compression: true, rounds: ROUNDS_ELSEWHERE })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_events() {
    spec!("P20", "P22", "C18");
    cut_over(Way { on: On::Sqlite, transport: Transport::Sse, compression: false, rounds: ROUNDS_ELSEWHERE }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_compressed_events() {
    spec!("P20", "P22", "P23", "C18");
    cut_over(Way { on: On::Sqlite, transport: Transport::Sse, compression: true, rounds: ROUNDS_ELSEWHERE }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_polls() {
    spec!("P21", "P22", "C18");
    cut_over(Way { on: On::Sqlite, transport: Transport::Poll, compression: false, rounds: ROUNDS_ELSEWHERE }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_compressed_polls() {
    spec!("P21", "P22", "P23", "C18");
    cut_over(Way { on: On::Sqlite, transport: Transport::Poll, compression: true, rounds: ROUNDS_ELSEWHERE }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_postgresql() {
    let (transport, rounds) = (Transport::WebSocket, ROUNDS_POSTGRES);
    cut_over(Way { on: On::Postgres, transport, compression: false, rounds }).await;
}

async fn cut_over(way: Way) {
    spec!("C4", "C6", "C8", "C13");
    let mut dice = Dice::from_environment();
    let mut script = Script::start(way).await;
    let began = Instant::now();

    let mut cuts = 0;
    for phase in [Phase::Load, Phase::Live, Phase::Ack, Phase::Removal] {
        let begun = Instant::now();
        let uncut = script.measure(phase).await;
        let tally = script.cut(phase, uncut, &mut dice).await;
        let mean = tally.bytes / tally.rounds;
        let (seconds, rounds) = (begun.elapsed().as_secs_f64(), tally.rounds);
        println!("{phase:?}: {} cuts, {rounds} rounds, {seconds:.1} s; bytes: {uncut} uncut, {mean} cut", tally.cuts);
        cuts += tally.cuts;
        if phase == Phase::Load {
            // C6: it goes on behind the last chunk that came; from the start it would take half as much again.
            // The answer to a poll comes whole or not at all, and this load fits into one.
            let percent_max = if way.transport == Transport::Poll { 250 } else { 135 };
            assert!(mean < uncut * percent_max / 100, "cut loads begin anew: {mean} bytes instead of {uncut}");
        }
    }

    println!("{way:?}: {cuts} cuts in {:.1} s", began.elapsed().as_secs_f64());
    assert!(cuts >= 4 * way.rounds);
    assert!(began.elapsed() < TIME_MAX);
}

/// The server, the two devices, and what the database should hold.
struct Script {
    way: Way,
    stage: Stage,
    /// In front of those who load.
    gate: CuttingProxy,
    /// In front of `ours`.
    proxy: CuttingProxy,
    /// Its stream is cut.
    ours: Witness,
    /// Its stream is not.
    theirs: Witness,
    counter: i64,
    own: i64,
}

impl Script {
    async fn start(way: Way) -> Self {
        let big = if way.on == On::Sqlite { BIG_SQLITE } else { BIG_POSTGRES };
        let tables: [(&str, &[&str]); 3] = [("big", &[]), ("t", &[]), ("u", &["room"])];
        let tables = tables.iter().map(everybodys).collect();
        let stage = Stage::start_on(way.on, &format!("{TABLES}{big}"), tables, |_| {}).await;
        let gate = CuttingProxy::start(stage.address()).await;
        let proxy = CuttingProxy::start(stage.address()).await;
        let room: Value = swain_core::strict_json::parse(r#"{"eq":["room",1]}"#).unwrap();
        let room = Shape { filter: Some(room), ..Shape::table("u") };
        let mut ours = way.open(proxy.address, vec![Shape::table("t"), room]).await;
        let mut theirs = Witness::open(stage.address(), vec![Shape::table("t"), Shape::table("u")]).await;
        ours.hear(1).await;
        theirs.hear(1).await;
        Self { way, stage, gate, proxy, ours, theirs, counter: 0, own: 0 }
    }

    /// The bytes of a phase without a cut; the fewest of some rounds, so that a cut within them does come.
    async fn measure(&mut self, phase: Phase) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..4 {
            self.prepare(phase).await;
            self.proxy(phase).arm([]);
            self.play(phase).await;
            fewest = fewest.min(self.proxy(phase).disarm().0);
        }
        fewest
    }

    async fn cut(&mut self, phase: Phase, uncut: usize, dice: &mut Dice) -> Tally {
        let mut tally = Tally::default();
        while tally.rounds < self.way.rounds {
            self.prepare(phase).await;
            let times = if dice.once_in(4) { 2 } else { 1 };
            self.proxy(phase).arm((0..times).map(|_| draw_cut(uncut, dice)));
            self.play(phase).await;
            let (bytes, cuts) = self.proxy(phase).disarm();
            self.compare().await;
            if cuts > 0 {
                tally.rounds += 1;
                tally.cuts += cuts;
                tally.bytes += bytes;
            }
        }
        tally
    }

    /// What has to be there before the phase; nothing is cut in it.
    async fn prepare(&mut self, phase: Phase) {
        let client = &self.theirs.client;
        let writes = match phase {
            Phase::Load | Phase::Live | Phase::Ack => return,
            Phase::Removal => [
                client.insert("t", Key::of("t0"), number("n", 1)),
                client.insert("t", Key::of("t1"), number("n", 1)),
                client.update("u", Key::of("u0"), number("room", 1)),
                client.update("u", Key::of("u1"), number("room", 1)),
            ],
        };
        let count = writes.len();
        all_synced(writes.map(Result::unwrap)).await;
        self.theirs.hear(count).await;
        self.ours.hear(count).await;
    }

    async fn play(&mut self, phase: Phase) {
        match phase {
            Phase::Load => self.load().await,
            Phase::Live => self.live().await,
            Phase::Ack => self.acknowledge().await,
            Phase::Removal => self.remove().await,
        }
    }

    async fn load(&mut self) {
        let begin = self.stage.head().await.pos;
        let shapes = vec![Shape::table("big"), Shape::table("t")];
        let mut newcomer = self.way.open(self.gate.address, shapes).await;
        let counted = self.count(3);

        all_synced(counted).await;
        let end = self.stage.head().await.pos;
        let told = newcomer.hear_until(end).await;

        assert_eq!(end.0, begin.0 + 3);
        assert_eq!(told[0].rows.len(), 802, "all rows are told at once, when the load ends");
        assert_eq!(positions(&told), (told[0].pos.0..=end.0).collect::<Vec<_>>());
        let seen = values(&told, "counter");
        assert_eq!(seen, (seen[0]..=self.counter).collect::<Vec<_>>());
        assert!(newcomer.rows("big") == self.stage.rows("big", None).await);
        assert_eq!(newcomer.rows("t"), self.stage.rows("t", None).await);
        self.ours.hear(3).await;
        self.theirs.hear(3).await;
    }

    async fn live(&mut self) {
        let (begin, before) = (self.stage.head().await.pos, self.counter);

        let counted = self.count(5);
        let told = self.ours.hear(5).await;

        assert_eq!(told.len(), 5);
        assert_eq!(positions(&told), next_positions(begin, 5));
        assert_eq!(values(&told, "counter"), (before + 1..=before + 5).collect::<Vec<_>>());
        all_synced(counted).await;
        self.theirs.hear(5).await;
    }

    async fn acknowledge(&mut self) {
        let (begin, before) = (self.stage.head().await.pos, self.own);
        let expected: Vec<i64> = (before + 1..=before + 5).collect();
        self.own += 5;

        let one_more = || Patch { inc: number("n", 1), ..Patch::default() };
        let writes = [(); 5].map(|()| self.ours.client.update("t", Key::of("own"), one_more()).unwrap());
        let told = self.ours.hear(5).await;
        let seen = self.theirs.hear(5).await;

        all_synced(writes).await;
        assert_eq!(told.len(), 10, "each edit and each position once");
        assert_eq!(positions(&told), next_positions(begin, 5));
        // Shown at once, and never anything else: only the edits themselves change the row.
        assert_eq!(values(&told, "own"), expected);
        assert!(from_server(&told).all(|changes| changes.rows.is_empty()), "{told:?}");
        assert_eq!(positions(&seen), next_positions(begin, 5));
        assert_eq!(values(&seen, "own"), expected);
    }

    async fn remove(&mut self) {
        let begin = self.stage.head().await.pos;
        let client = &self.theirs.client;

        let writes = [
            client.delete("t", Key::of("t0")),
            client.update("u", Key::of("u0"), number("room", 2)),
            client.delete("t", Key::of("t1")),
            client.update("u", Key::of("u1"), number("room", 2)),
        ];
        let told = self.ours.hear(4).await;

        assert_eq!(positions(&told), next_positions(begin, 4));
        let gone = told.iter().flat_map(|changes| &changes.rows);
        assert!(gone.clone().all(|change| change.after.is_none()), "{told:?}");
        let gone: Vec<String> = gone.map(|change| change.row.key.canonical()).collect();
        assert_eq!(gone, [r#"["t0"]"#, r#"["u0"]"#, r#"["t1"]"#, r#"["u1"]"#]);
        all_synced(writes.map(Result::unwrap)).await;
        self.theirs.hear(4).await;
    }

    fn proxy(&self, phase: Phase) -> &CuttingProxy {
        match phase {
            Phase::Load => &self.gate,
            Phase::Live | Phase::Ack | Phase::Removal => &self.proxy,
        }
    }

    /// The other device counts, one mutation for each number.
    fn count(&mut self, times: i64) -> Vec<Written> {
        let numbers = self.counter + 1..=self.counter + times;
        self.counter += times;
        let update = |n| self.theirs.client.update("t", Key::of("counter"), number("n", n)).unwrap();
        numbers.map(update).collect()
    }

    /// What the callback told is what the client shows is what the database holds.
    async fn compare(&self) {
        let t = self.stage.rows("t", None).await;
        let find = |key: &str| t.iter().find(|row| row.value("id") == &Value::text(key));
        assert_eq!(find("counter").map(|row| row.value("n")), Some(&Value::Int(self.counter)));
        assert_eq!(find("own").map(|row| row.value("n")), Some(&Value::Int(self.own)), "neither lost nor doubled");
        assert_eq!(self.ours.rows("t"), t);
        assert_eq!(self.theirs.rows("t"), t);
        assert_eq!(self.ours.rows("u"), self.stage.rows("u", Some(("room", 1))).await);
        assert_eq!(self.theirs.rows("u"), self.stage.rows("u", None).await);
    }
}

impl Way {
    async fn open(self, address: SocketAddr, shapes: Vec<Shape>) -> Witness {
        Witness::open_over(address, shapes, &[self.transport], self.compression).await
    }
}

fn draw_cut(uncut: usize, dice: &mut Dice) -> Cut {
    let after = usize::try_from(dice.below(uncut as u64)).unwrap();
    let ending = if dice.once_in(3) { Ending::Reset } else { Ending::Close };
    Cut { after, ending }
}

async fn all_synced(writes: impl IntoIterator<Item = Written>) {
    for written in writes {
        soon("the acknowledgement", written.synced()).await.unwrap();
    }
}

fn number(column: &str, value: i64) -> Row {
    Row::default().with(column, value)
}

fn positions(told: &[ChangeSet]) -> Vec<u64> {
    from_server(told).map(|changes| changes.pos.0).collect()
}

fn next_positions(begin: Pos, count: u64) -> Vec<u64> {
    (begin.0 + 1..=begin.0 + count).collect()
}

/// Every value of a counting row that was shown, in order.
fn values(told: &[ChangeSet], key: &str) -> Vec<i64> {
    let changes = told.iter().flat_map(|changes| &changes.rows);
    let of_row = changes.filter(|change| change.row.key == Key::of(key));
    of_row.map(|change| change.after.as_ref().unwrap().value("n").as_int().unwrap()).collect()
}
