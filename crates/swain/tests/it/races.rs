//! Pushes and another program that write the same column at the same time, on PostgreSQL, each through a node of its own:
//! an edit meets what is there now, whether it has a position yet or not, and nothing is lost in silence.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swain_core::protocol::{MutationResult, Outcome};
use swain_core::rule::Auth;
use swain_core::{Key, Millis, Mutation, MutationNumber, Operation, Pos, Position, Row, RowKey, Value, Was, Who};
use swain_engine::{Catalog, ColumnConfig, Judge, TableConfig};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_store::{Answer, Arbiter, Store, Submission, Transaction, Verdict, WriteError};
use swain_testkit::{Psql, postgres, spec, wait_for};

const ROWS: i64 = 3;
const TABLE: &str =
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'first' FROM generate_series(1, 3) i";

fn races() -> u64 {
    std::env::var("SWAIN_RACES").map_or(500, |text| text.parse().unwrap())
}

/// What one edit met, as it was under the lock of its row.
struct Met {
    current: Value,
    /// What a look-up in the log would have said: a position behind the edit's base has changed the column.
    is_in_log: bool,
}

/// The judge, and somebody who looks over its shoulder.
struct Witnessed {
    judge: Judge,
    catalog: Arc<Catalog>,
    store: Arc<PostgresStore>,
    met: Mutex<BTreeMap<MutationNumber, Met>>,
}

impl Arbiter for Witnessed {
    async fn apply<T: Transaction>(
        &self,
        tx: &mut T,
        submission: &Submission,
        mutation: &Mutation,
    ) -> Result<Verdict, WriteError> {
        let place = mutation.operations[0].row();
        let row = tx.row(&self.catalog.schema.tables["t"], &place.key).await?.unwrap();
        let log = self.store.log(mutation.base, Pos(u64::MAX), None, None, 100_000).await?;
        let is_in_log = log.positions.iter().flat_map(|position| &position.changes).any(|change| change.row == *place);
        self.met.lock().unwrap().insert(mutation.n, Met { current: row.value("v").clone(), is_in_log });
        self.judge.apply(tx, submission, mutation).await
    }
}

/// An edit, and what it was told.
struct Race {
    row: RowKey,
    was: Value,
    new: Value,
    result: MutationResult,
    met: Met,
}

/// A device on a node of its own: it knows what the log has told it, and edits that.
async fn edit(url: String, device: &'static str, count: u64) -> Vec<Race> {
    let store = Arc::new(PostgresStore::open(PostgresOptions::new(url)).await.unwrap());
    let catalog = Arc::new(adopt(&store).await);
    let judge = Judge::new(Arc::clone(&catalog));
    let arbiter = Witnessed { judge, catalog, store: Arc::clone(&store), met: Mutex::default() };
    let arbiter = Arc::new(arbiter);
    let chunk = store.load("t".into(), swain_core::rule::Expression::Constant(true), None, 100).await.unwrap();
    let mut known: Vec<Value> = chunk.rows.iter().map(|row| row.value("v").clone()).collect();
    let (mut base, mut races) = (chunk.head, Vec::new());
    for n in 1..=count {
        let page = store.log(base, Pos(u64::MAX), None, None, 100_000).await.unwrap();
        base = page.through;
        for change in page.positions.iter().flat_map(|position| &position.changes) {
            if let (Some(id), Some(after)) = (change.row.key.0[0].as_int(), &change.after) {
                known[usize::try_from(id - 1).unwrap()] = after.value("v").clone();
            }
        }
        let id = i64::try_from(n).unwrap() % ROWS + 1;
        let row = RowKey { table: "t".into(), key: Key::of(id) };
        let (was, new) = (known[usize::try_from(id - 1).unwrap()].clone(), Value::text(format!("{device} {n}")));
        let operation = Operation::Update {
            row: row.clone(),
            set: Row::default().with("v", new.clone()),
            was: [("v".into(), Was::Value(was.clone()))].into(),
            inc: Row::default(),
            add: Row::default(),
            remove: Row::default(),
        };
        let n = MutationNumber(n);
        let mutation = Mutation { n, base, at: Millis(0), schema: 1, operations: vec![operation] };
        let submission =
            Submission { auth: Auth::default(), device: device.into(), now: Millis(1), mutation: Ok(mutation) };
        let answer = store.submit(Arc::clone(&arbiter), vec![submission]).await.remove(0);
        let Answer::Decided(result) = answer else { panic!("{answer:?}") };
        let met = arbiter.met.lock().unwrap().remove(&n).unwrap();
        races.push(Race { row, was, new, result, met });
    }
    races
}

/// What is there wins: an edit that meets another one is told so.
async fn adopt(store: &PostgresStore) -> Catalog {
    let columns = [("v".to_owned(), ColumnConfig { strategy: Some("server-wins".into()), ..ColumnConfig::default() })];
    let everybody = || Some("true".to_owned());
    let config =
        TableConfig { read: everybody(), write: everybody(), columns: columns.into(), ..TableConfig::default() };
    let schema = store.introspect(None).await.unwrap();
    let mut catalog = Catalog::new(schema, &[("t".to_owned(), config)].into()).unwrap();
    catalog.schema = store.adopt(catalog.schema, Millis(1)).await.unwrap();
    catalog
}

/// The first edit, if any, that wrote over something else than what it was made on and was not told of it.
fn lost_in_silence(races: &[Race], was_told: impl Fn(&Race) -> bool) -> Option<&Race> {
    races.iter().find(|race| race.met.current != race.was && !was_told(race))
}

/// What was answered is what the log says.
fn assert_kept(races: &[Race], device: &str, log: &[Position]) {
    for (race, n) in races.iter().zip(1..) {
        let own = |position: &&Position| {
            let mutation = position.who.mutation();
            mutation.is_some_and(|(of, number)| of.as_str() == device && number == MutationNumber(n))
        };
        let position = log.iter().find(own).unwrap();
        let values: Vec<_> = position
            .changes
            .iter()
            .map(|change| {
                (&change.row, change.before.as_ref().unwrap().value("v"), change.after.as_ref().unwrap().value("v"))
            })
            .collect();
        match race.result.outcome {
            Outcome::Applied => assert_eq!(values, [(&race.row, &race.was, &race.new)], "{device} {n}"),
            Outcome::Overruled => {
                assert_eq!((values, &race.result.lost), (Vec::new(), &vec!["v".into()]), "{device} {n}");
            }
            Outcome::Merged | Outcome::Conflict | Outcome::Refused => panic!("{device} {n}: {:?}", race.result),
        }
    }
}

#[test]
fn an_edit_that_races_with_another_program_is_never_lost_in_silence() {
    spec!("M4", "S5");
    let url = postgres::database();
    postgres::run_sql(&url, TABLE);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let is_over = AtomicBool::new(false);
    let [mut ada, ben] = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut psql = Psql::open(&url);
            let mut written = 0;
            while !is_over.load(Ordering::Relaxed) {
                written += 1;
                psql.say(&format!("UPDATE t SET v = 'psql {written}' WHERE id = {}", written % ROWS + 1));
                // sleep: how often the other program writes.
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let devices = ["ada", "ben"].map(|device| runtime.spawn(edit(url.clone(), device, races() / 2)));
        let races = devices.map(|device| runtime.block_on(device));
        is_over.store(true, Ordering::Relaxed);
        races.map(Result::unwrap)
    });

    let log = runtime.block_on(async {
        let store = PostgresStore::open(PostgresOptions::new(&url)).await.unwrap();
        let (mut log, mut after) = (Vec::new(), Pos(0));
        while after < store.head().await.unwrap().pos {
            let page = store.log(after, Pos(u64::MAX), None, None, 10_000).await.unwrap();
            after = page.through;
            log.extend(page.positions);
        }
        log
    });
    assert_kept(&ada, "ada", &log);
    assert_kept(&ben, "ben", &log);
    ada.extend(ben);
    let outside = log.iter().filter(|position| matches!(position.who, Who::Outside { .. })).count();
    let met = ada.iter().filter(|race| race.met.current != race.was).count();
    let unseen = ada.iter().filter(|race| race.met.current != race.was && !race.met.is_in_log).count();
    println!("{} edits, {outside} of psql; {met} met another, {unseen} of them one without a position", ada.len());
    let was_told = |race: &Race| race.result.outcome == Outcome::Overruled;
    assert!(lost_in_silence(&ada, was_told).is_none());
    // Who looks in the log for what came behind the edit's base is not told of what has no position yet.
    assert!(lost_in_silence(&ada, |race| race.met.is_in_log).is_some(), "{met} met another and none was missed");
}

/// Two who make the same row at the same time: the second waits for the first, and then it is an edit of that row.
#[test]
fn an_upsert_that_waits_for_who_makes_the_row_finds_it() {
    spec!("M11");
    let url = postgres::database();
    let table = "CREATE TABLE t (id text PRIMARY KEY, no int UNIQUE, v text)";
    postgres::run_sql(&url, table);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = runtime.block_on(PostgresStore::open(PostgresOptions::new(&url))).unwrap();
    let arbiter = Arc::new(Judge::new(Arc::new(runtime.block_on(adopt(&store)))));
    let mut psql = Psql::open(&url);
    psql.say("BEGIN; INSERT INTO t VALUES ('theirs', 7, 'psql')");

    let row = RowKey { table: "t".into(), key: Key::of("ours") };
    let set = Row::default().with("no", 7).with("v", Value::text("device"));
    let operations = vec![Operation::Upsert { row, on: vec!["no".into()], set, was: BTreeMap::new() }];
    let mutation = Mutation { n: MutationNumber(1), base: Pos(0), at: Millis(0), schema: 1, operations };
    let submission = Submission { auth: Auth::default(), device: "ada".into(), now: Millis(1), mutation: Ok(mutation) };
    let answers = runtime.spawn(async move { store.submit(arbiter, vec![submission]).await });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    runtime
        .block_on(wait_for("the upsert waits", || async { (postgres::run_sql(&url, waiting) == "1").then_some(()) }));
    psql.say("COMMIT");
    let answer = runtime.block_on(answers).unwrap().remove(0);

    assert!(matches!(&answer, Answer::Decided(result) if result.outcome != Outcome::Refused), "{answer:?}");
    assert_eq!(postgres::run_sql(&url, "SELECT id, no FROM t"), "theirs|7");
}
