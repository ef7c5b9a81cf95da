//! A store, and other programs that write to the same database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use swain_core::protocol::MutationResult;
use swain_core::rule::{Auth, Expression};
use swain_core::{
    Change, Key, Millis, Mutation, MutationNumber, Name, Operation, Pos, Position, Row, RowKey, Schema, Who,
};
use swain_postgres::{PostgresOptions, PostgresStore};
use swain_store::conformance::PlainArbiter;
use swain_store::{Answer, Store, Submission};
use swain_testkit::postgres;
use tokio::runtime::Runtime;

/// Those who write and those who look are on threads of their own; the stores work on this.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

pub(crate) struct Bed {
    pub(crate) url: String,
    pub(crate) store: PostgresStore,
    pub(crate) schema: Schema,
}

pub(crate) type Rows = BTreeMap<RowKey, Row>;

impl Bed {
    /// A database with these tables, all of them adopted.
    pub(crate) fn new(tables: &str) -> Self {
        let url = postgres::database();
        postgres::run_sql(&url, tables);
        Self::open(url)
    }

    /// A store on a database with tables.
    pub(crate) fn open(url: String) -> Self {
        let store = open(&url);
        let schema = runtime().block_on(async {
            let schema = store.introspect(None).await.unwrap();
            store.adopt(schema, Millis(1)).await.unwrap()
        });
        Self { url, store, schema }
    }

    /// What another program does; the store looks then.
    pub(crate) fn write(&self, sql: &str) {
        postgres::run_sql(&self.url, sql);
        self.look();
    }

    pub(crate) fn look(&self) {
        runtime().block_on(self.store.look_outside()).unwrap();
    }

    pub(crate) fn head(&self) -> Pos {
        runtime().block_on(self.store.head()).unwrap().pos
    }

    pub(crate) fn log_after(&self, mut after: Pos) -> Vec<Position> {
        let mut positions = Vec::new();
        let head = self.head();
        while after < head {
            let page = runtime().block_on(self.store.log(after, head, None, None, 1000)).unwrap();
            assert!(page.through > after, "a page goes on");
            after = page.through;
            positions.extend(page.positions);
        }
        positions
    }

    /// The changes of the newest position.
    pub(crate) fn newest(&self) -> Vec<Change> {
        self.log_after(Pos(self.head().0 - 1)).pop().unwrap().changes
    }

    pub(crate) fn table(&self, table: &str) -> BTreeMap<Key, Row> {
        let (mut rows, mut after) = (BTreeMap::new(), None);
        loop {
            let load = self.store.load(table.into(), Expression::Constant(true), after, 1000);
            let chunk = runtime().block_on(load).unwrap();
            rows.extend(chunk.rows.into_iter().map(|row| (row.key(&self.schema.tables[table]), row)));
            after = chunk.more;
            if after.is_none() {
                return rows;
            }
        }
    }

    pub(crate) fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for table in self.schema.tables.keys() {
            let of_table = self.table(table).into_iter();
            rows.extend(of_table.map(|(key, row)| (RowKey { table: table.clone(), key }, row)));
        }
        rows
    }

    /// The whole log over an empty database is what is in the tables, and each change names the row before.
    pub(crate) fn assert_log_tells_the_truth(&self) {
        let replayed = replay(&self.log_after(Pos(0)));
        let rows = self.rows();
        let keys: BTreeSet<_> = rows.keys().chain(replayed.keys()).collect();
        for key in keys {
            assert_eq!(replayed.get(key), rows.get(key), "{key:?}");
        }
    }

    pub(crate) fn submit(&self, submission: Submission) -> MutationResult {
        match submit_all(self, vec![submission]).remove(0) {
            Answer::Decided(result) => result,
            Answer::NotAttempted(problem) => panic!("not attempted: {problem}"),
        }
    }
}

pub(crate) fn submit_all(bed: &Bed, submissions: Vec<Submission>) -> Vec<Answer> {
    let arbiter = Arc::new(PlainArbiter { schema: bed.schema.clone() });
    runtime().block_on(bed.store.submit(arbiter, submissions))
}

pub(crate) fn open(url: &str) -> PostgresStore {
    runtime().block_on(PostgresStore::open(PostgresOptions::new(url))).unwrap()
}

/// The rows after the last position.
fn replay(log: &[Position]) -> Rows {
    let mut replayed = Rows::new();
    for (position, pos) in log.iter().zip(1..) {
        assert_eq!(position.pos, Pos(pos), "positions are dense");
        for change in position.changes.iter().filter(|change| &*change.row.table != "swain_schema") {
            assert_eq!(replayed.get(&change.row), change.before.as_ref(), "before, at {}", position.pos);
            match &change.after {
                Some(after) => replayed.insert(change.row.clone(), after.clone()),
                None => replayed.remove(&change.row),
            };
        }
    }
    replayed
}

pub(crate) fn submission(n: u64, operations: Vec<Operation>) -> Submission {
    let mutation = Mutation { n: MutationNumber(n), base: Pos(0), at: Millis(0), schema: 1, operations };
    Submission { auth: Auth::default(), device: "d".into(), now: Millis(100 + n), mutation: Ok(mutation) }
}

pub(crate) fn insert(table: &str, key: Key, set: Row) -> Operation {
    Operation::Insert { row: RowKey { table: Name::from(table), key }, set }
}

pub(crate) fn update(table: &str, key: Key, set: Row) -> Operation {
    let row = RowKey { table: Name::from(table), key };
    let (inc, add, remove) = Default::default();
    Operation::Update { row, set, was: BTreeMap::new(), inc, add, remove }
}

pub(crate) fn is_outside(position: &Position) -> bool {
    matches!(position.who, Who::Outside { .. })
}
