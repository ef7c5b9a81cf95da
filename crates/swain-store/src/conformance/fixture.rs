//! What the checks are written with: a store, and short ways to write to it and to read it.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use swain_core::protocol::MutationResult;
use swain_core::rule::{Auth, Expression};
use swain_core::{
    DeviceId, Key, Millis, Mutation, MutationNumber, Operation, Pos, Position, Row, RowKey, Table, UserId, Value, Was,
};

use super::arbiter::PlainArbiter;
use super::tables::schema;
use crate::commit::{Answer, Submission};
use crate::contract::{Interest, LogPage, Store};

/// A store to be checked.
pub struct Fixture<S> {
    /// The store.
    pub store: S,
    /// Which constraints of [`super::SQLITE_TABLES`] it enforces; null, keys and checks every store does.
    pub enforces: Enforces,
    /// How many random cases one check takes.
    pub cases: u64,
    /// Dropped after the store: a temporary directory.
    pub keep: Box<dyn Any>,
}

/// What a store knows beyond null, keys and checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforces {
    /// Nothing more.
    NoMore,
    /// Unique columns and deferred foreign keys.
    UniqueAndForeignKeys,
}

/// The time at which the suite adopts the schema.
const ADOPTED_AT: Millis = Millis(1_000);

/// Runs one check to its end on this thread.
pub fn run<S: Store, F: Future<Output = ()>>(fixture: Fixture<S>, check: impl FnOnce(Fixture<S>) -> F) {
    block_on(async {
        fixture.store.adopt(schema(), ADOPTED_AT).await.expect("the store takes the suite's schema");
        check(fixture).await;
    });
}

impl<S: Store> Fixture<S> {
    /// One mutation of a device without a user; it must be decided.
    pub(super) async fn decide(&self, device: &str, n: u64, operations: Vec<Operation>) -> MutationResult {
        decided(self.answer(submission(device, n, operations)).await)
    }

    /// One submission.
    pub(super) async fn answer(&self, submission: Submission) -> Answer {
        let mut answers = self.submit(vec![submission]).await;
        assert_eq!(answers.len(), 1, "one submission has one answer");
        answers.remove(0)
    }

    pub(super) async fn submit(&self, submissions: Vec<Submission>) -> Vec<Answer> {
        let count = submissions.len();
        let answers = self.store.submit(Arc::new(PlainArbiter { schema: schema() }), submissions).await;
        assert_eq!(answers.len(), count, "every submission has an answer");
        answers
    }

    pub(super) async fn head(&self) -> Pos {
        self.store.head().await.expect("the head can be read").pos
    }

    /// The log behind `after`, all of it.
    pub(super) async fn log_after(&self, after: Pos) -> Vec<Position> {
        self.page(after, None, None, usize::MAX).await.positions
    }

    pub(super) async fn page(
        &self,
        after: Pos,
        interests: Option<Vec<Interest>>,
        device: Option<&str>,
        changes_max: usize,
    ) -> LogPage {
        let head = self.head().await;
        let device = device.map(DeviceId::from);
        self.store.log(after, head, interests, device, changes_max).await.expect("the log can be read")
    }

    /// A table as a load brings it.
    pub(super) async fn table(&self, table: &str) -> BTreeMap<Key, Row> {
        self.table_of(table, &schema().tables[table]).await
    }

    /// The same of a table that is not in the suite's schema.
    pub(super) async fn table_of(&self, table: &str, shape: &Table) -> BTreeMap<Key, Row> {
        let everything = Expression::Constant(true);
        let chunk = self.store.load(table.into(), everything, None, 100_000).await.expect("the table can be loaded");
        assert_eq!(chunk.more, None, "the whole table fits into one chunk");
        chunk.rows.into_iter().map(|row| (row.key(shape), row)).collect()
    }

    pub(super) async fn note(&self, id: &str) -> Option<Row> {
        self.table("notes").await.remove(&Key::of(id))
    }
}

pub(super) fn decided(answer: Answer) -> MutationResult {
    match answer {
        Answer::Decided(result) => result,
        Answer::NotAttempted(problem) => panic!("not attempted: {problem}"),
    }
}

/// What a device without a user submits, n milliseconds after 2 s.
pub(super) fn submission(device: &str, n: u64, operations: Vec<Operation>) -> Submission {
    let mutation = Mutation { n: MutationNumber(n), base: Pos(0), at: Millis(0), schema: 1, operations };
    Submission { auth: Auth::default(), device: device.into(), now: Millis(2_000 + n), mutation: Ok(mutation) }
}

pub(super) fn signed_in(user: &str, mut submission: Submission) -> Submission {
    submission.auth.user = Some(UserId::from(user));
    submission
}

pub(super) fn with_role(role: &str, mut submission: Submission) -> Submission {
    submission.auth.role = Some(role.into());
    submission
}

/// A note with a title.
pub(super) fn insert(id: &str, title: &str) -> Operation {
    insert_with(id, title, Row::default())
}

/// A note with a title and other columns.
pub(super) fn insert_with(id: &str, title: &str, more: Row) -> Operation {
    let mut set = Row::default().with("title", title).with("state", "open");
    set.0.extend(more.0);
    Operation::Insert { row: place("notes", id), set }
}

pub(super) fn insert_owner(id: i64, name: &str) -> Operation {
    let row = RowKey { table: "owners".into(), key: Key::of(id) };
    Operation::Insert { row, set: Row::default().with("name", name) }
}

pub(super) fn update(id: &str, set: Row) -> Operation {
    let was = set.0.keys().map(|name| (name.clone(), Was::Value(Value::Null))).collect();
    Operation::Update {
        row: place("notes", id),
        set,
        was,
        inc: Row::default(),
        add: Row::default(),
        remove: Row::default(),
    }
}

pub(super) fn delete(id: &str) -> Operation {
    Operation::Delete { row: place("notes", id), seen: None }
}

pub(super) fn place(table: &str, id: &str) -> RowKey {
    RowKey { table: table.into(), key: Key::of(id) }
}

pub(super) fn whole(table: &str) -> Interest {
    Interest { table: table.into(), scope: None }
}

pub(super) fn of_owner(owners: &[Value]) -> Interest {
    Interest { table: "notes".into(), scope: Some(("owner".into(), owners.to_vec())) }
}

/// Polls a future here until it is done, asleep in between.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
