//! A stepped store on a file, with another program that writes to the same file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use swain_core::protocol::{MutationResult, Outcome};
use swain_core::rule::{Auth, Expression};
use swain_core::{Key, Millis, Mutation, MutationNumber, Operation, Pos, Position, Row, RowKey, Schema, Who};
use swain_sqlite::{SqliteOptions, SqliteStore};
use swain_store::conformance::PlainArbiter;
use swain_store::{Answer, Store, Submission, ready};
use tempfile::TempDir;

pub(crate) struct Bed {
    pub(crate) store: SqliteStore,
    pub(crate) outside: Connection,
    pub(crate) schema: Schema,
    pub(crate) directory: TempDir,
}

pub(crate) type Rows = BTreeMap<RowKey, Row>;

impl Bed {
    pub(crate) fn new(tables: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let outside = Connection::open(directory.path().join("app.db")).unwrap();
        outside.execute_batch(tables).unwrap();
        let store = SqliteStore::open_stepped(directory.path().join("app.db"), SqliteOptions::seeded(7)).unwrap();
        let schema = ready(store.introspect(None)).unwrap();
        let schema = ready(store.adopt(schema, Millis(1))).unwrap();
        Self { store, outside, schema, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("app.db")
    }

    /// What another program does; the store looks then.
    pub(crate) fn write(&self, sql: &str) {
        self.outside.execute_batch(sql).unwrap();
        ready(self.store.look_outside(Millis(2))).unwrap();
    }

    pub(crate) fn head(&self) -> Pos {
        ready(self.store.head()).unwrap().pos
    }

    pub(crate) fn log_after(&self, after: Pos) -> Vec<Position> {
        ready(self.store.log(after, self.head(), None, None, usize::MAX)).unwrap().positions
    }

    /// The changes of the newest position as `key: before → after` of the titles.
    pub(crate) fn newest(&self) -> Position {
        self.log_after(Pos(self.head().0 - 1)).pop().unwrap()
    }

    pub(crate) fn table(&self, table: &str) -> BTreeMap<Key, Row> {
        let (mut rows, mut after) = (BTreeMap::new(), None);
        loop {
            let chunk = ready(self.store.load(table.into(), Expression::Constant(true), after, 1000)).unwrap();
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
        let mut replayed = Rows::new();
        for position in self.log_after(Pos(0)) {
            for change in position.changes {
                if &*change.row.table == "swain_schema" {
                    continue;
                }
                assert_eq!(replayed.get(&change.row), change.before.as_ref(), "before, at {}", position.pos);
                assert_ne!(change.before, change.after);
                match change.after {
                    Some(after) => replayed.insert(change.row, after),
                    None => replayed.remove(&change.row),
                };
            }
        }
        let rows = self.rows();
        let keys: BTreeSet<_> = rows.keys().chain(replayed.keys()).collect();
        for key in keys {
            assert_eq!(replayed.get(key), rows.get(key), "{key:?}");
        }
    }

    pub(crate) fn submit(&self, n: u64, operations: Vec<Operation>) -> MutationResult {
        match self.submit_all(vec![submission("d", n, operations)]).remove(0) {
            Answer::Decided(result) => result,
            Answer::NotAttempted(problem) => panic!("not attempted: {problem}"),
        }
    }

    pub(crate) fn submit_all(&self, submissions: Vec<Submission>) -> Vec<Answer> {
        ready(self.store.submit(Arc::new(PlainArbiter { schema: self.schema.clone() }), submissions))
    }
}

pub(crate) fn submission(device: &str, n: u64, operations: Vec<Operation>) -> Submission {
    let mutation = Mutation { n: MutationNumber(n), base: Pos(0), at: Millis(0), schema: 1, operations };
    Submission { auth: Auth::default(), device: device.into(), now: Millis(100 + n), mutation: Ok(mutation) }
}

pub(crate) fn insert(table: &str, key: Key, set: Row) -> Operation {
    Operation::Insert { row: RowKey { table: table.into(), key }, set }
}

pub(crate) fn update(table: &str, key: Key, set: Row) -> Operation {
    let (was, none) = (BTreeMap::new(), Row::default);
    let row = RowKey { table: table.into(), key };
    Operation::Update { row, set, was, inc: none(), add: none(), remove: none() }
}

pub(crate) fn delete(table: &str, key: Key) -> Operation {
    Operation::Delete { row: RowKey { table: table.into(), key }, seen: None }
}

pub(crate) fn outcomes(answers: &[Answer]) -> Vec<Outcome> {
    let outcome = |answer: &Answer| match answer {
        Answer::Decided(result) => result.outcome,
        Answer::NotAttempted(problem) => panic!("not attempted: {problem}"),
    };
    answers.iter().map(outcome).collect()
}

pub(crate) fn is_outside(position: &Position) -> bool {
    matches!(position.who, Who::Outside { .. })
}
