//! The store: what the engine calls.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::channel::oneshot;
use rusqlite::Connection;
use swain_core::protocol::MutationResult;
use swain_core::rule::Expression;
use swain_core::{
    Alias, Code, DeviceId, Epoch, Key, Millis, MutationNumber, Name, Pos, Position, Problem, RowKey, Schema, Tag,
    UserId,
};
use swain_store::{
    Answer, Arbiter, DeviceRow, Head, Interest, LoadChunk, LocalBus, LogPage, Retention, Store, StoreError,
    StoreErrorKind, Submission, Trimmed,
};

use crate::adopt::{Adoption, adopt};
use crate::database::Database;
use crate::failure::Failure;
use crate::introspect::introspect;
use crate::layout::Layout;
use crate::log::Request;
use crate::options::SqliteOptions;
use crate::threads::{IdleLook, Threads};
use crate::writer::{Decide, GROUP_MUTATIONS_MAX, Job, Submitted, Writer};
use crate::{alias, ledger, load, log, meta, retention};

/// Mutations that wait for the writer; beyond it callers are asked to come back.
const QUEUED_MUTATIONS_MAX: usize = 16_384;

/// A SQLite database with Swain's log in it.
///
/// All methods may be called from any number of tasks. Dropped, it ends what it has begun; a crash loses nothing that
/// was answered.
pub struct SqliteStore {
    epoch: Epoch,
    bus: Arc<LocalBus>,
    /// As it was last committed, for readers.
    layout: Arc<RwLock<Arc<Layout>>>,
    /// The tables are no longer as they were adopted.
    drift: Arc<AtomicBool>,
    queued: Arc<AtomicUsize>,
    hands: Hands,
}

/// Who does the work.
enum Hands {
    /// The caller, at once.
    Stepped(Box<Mutex<Writer>>),
    Threaded(Threads),
}

impl SqliteStore {
    /// Opens a database file, and makes Swain's tables in it if they are not there. Starts its threads.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        Ok(Self::start(Some(path.as_ref()), options, Mode::Threaded)?)
    }

    /// The same without threads: each call does its work before it returns, so that a seed replays exactly.
    pub fn open_stepped(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        Ok(Self::start(Some(path.as_ref()), options, Mode::Stepped)?)
    }

    /// An empty database in memory, stepped like [`SqliteStore::open_stepped`].
    pub fn open_in_memory(options: SqliteOptions) -> Result<Self, StoreError> {
        Ok(Self::start(None, options, Mode::Stepped)?)
    }

    /// Gives a position to what other programs wrote since the last write or look.
    pub async fn look_outside(&self, now: Millis) -> Result<(), StoreError> {
        self.write(move |writer| writer.look(now)).await
    }

    /// Runs SQL as another program would, on the writer's connection: for the application's own tables, and for tests.
    pub async fn execute_outside(&self, sql: impl Into<String>) -> Result<(), StoreError> {
        let sql = sql.into();
        self.write(move |writer| {
            let result = writer.db.conn.execute_batch(&sql);
            writer.db.rollback();
            Ok(result?)
        })
        .await
    }

    fn start(path: Option<&Path>, options: SqliteOptions, mode: Mode) -> Result<Self, Failure> {
        let SqliteOptions { random, clock, readers, look_every } = options;
        let db = Database::open(path, random)?;
        let epoch: String = meta::get(&db.conn, "epoch")?.ok_or_else(|| Failure::internal("there is no epoch"))?;
        let layout = Arc::new(RwLock::new(Arc::clone(&db.layout)));
        let drift = db.adopted.drift();
        let bus = Arc::new(LocalBus::default());
        let mut writer = Writer::new(db, Arc::clone(&bus));
        writer.look_if_changed(clock())?;
        writer.announce_head();
        let hands = match (mode, path) {
            (Mode::Threaded, Some(path)) => {
                let look = IdleLook { every: look_every, clock };
                Hands::Threaded(Threads::start(path, writer, look, readers)?)
            }
            (Mode::Stepped, _) | (Mode::Threaded, None) => Hands::Stepped(Box::new(Mutex::new(writer))),
        };
        Ok(Self { epoch: Epoch::from(epoch.as_str()), bus, layout, drift, queued: Arc::default(), hands })
    }

    /// Runs `work` in a read transaction of its own.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Layout) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let layout = Arc::clone(&self.layout);
        let job = move |conn: &Connection| {
            if !reply.is_canceled() {
                let layout = Arc::clone(&layout.read().unwrap_or_else(PoisonError::into_inner));
                let _ = reply.send(in_snapshot(conn, |conn| work(conn, &layout)));
            }
        };
        match &self.hands {
            Hands::Stepped(writer) => job(&writer.lock().unwrap_or_else(PoisonError::into_inner).db.conn),
            Hands::Threaded(threads) => threads.read(Box::new(job)),
        }
        Ok(answer.await.map_err(|_| stopped())??)
    }

    /// Runs `work` on the writer, between groups.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.push(Job::Task(Box::new(move |writer| {
            let _ = reply.send(work(writer));
        })));
        Ok(answer.await.map_err(|_| stopped())??)
    }

    /// Reads that only accounts need.
    pub(crate) async fn read_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(|conn, _| work(conn)).await
    }

    fn push(&self, job: Job) {
        match &self.hands {
            Hands::Threaded(threads) => threads.write(job),
            Hands::Stepped(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.push(job);
                while writer.step() {}
            }
        }
    }

    async fn submit_group(&self, arbiter: Arc<dyn Decide>, submissions: Vec<Submission>) -> Vec<Answer> {
        let count = submissions.len();
        let place = QueuePlace::take(&self.queued, count);
        if place.queued_before + count > QUEUED_MUTATIONS_MAX {
            let problem = Problem::new(Code::Transient, "too many mutations wait; try again");
            return vec![Answer::NotAttempted(problem); count];
        }
        let (reply, answers) = oneshot::channel();
        self.push(Job::Submit(Submitted { arbiter, submissions, reply, _place: place }));
        answers.await.unwrap_or_else(|_| {
            let problem = Problem::new(Code::Internal, "something went wrong in the server's writer");
            vec![Answer::NotAttempted(problem); count]
        })
    }
}

/// A place in the writer's queue. It goes with the mutations, so that a caller who goes away does not free what still waits.
pub(crate) struct QueuePlace {
    queued: Arc<AtomicUsize>,
    count: usize,
    queued_before: usize,
}

impl QueuePlace {
    fn take(queued: &Arc<AtomicUsize>, count: usize) -> Self {
        Self { queued: Arc::clone(queued), count, queued_before: queued.fetch_add(count, Ordering::Relaxed) }
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.count, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Threaded,
    Stepped,
}

fn in_snapshot<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let result = work(conn);
    // Nothing was written: ending it either way is the same.
    conn.prepare_cached("COMMIT")?.execute([])?;
    result
}

fn stopped() -> StoreError {
    StoreError::new(StoreErrorKind::Internal, "the store's threads have stopped")
}

impl Store for SqliteStore {
    fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }

    fn bus(&self) -> &Arc<LocalBus> {
        &self.bus
    }

    async fn introspect(&self, tables: Option<Vec<Name>>) -> Result<Schema, StoreError> {
        self.read(move |conn, _| introspect(conn, tables.as_deref())).await
    }

    fn has_drifted(&self) -> bool {
        self.drift.load(Ordering::Relaxed)
    }

    async fn adopt(&self, schema: Schema, now: Millis) -> Result<Schema, StoreError> {
        let published = Arc::clone(&self.layout);
        self.write(move |writer| {
            let Adoption { schema, layout, adopted } = writer.transaction(|db| adopt(db, schema, now))?;
            adopted.settle();
            writer.db.adopted = adopted;
            writer.db.layout = Arc::new(layout);
            *published.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&writer.db.layout);
            Ok(schema)
        })
        .await
    }

    async fn submit<A: Arbiter>(&self, arbiter: Arc<A>, mut submissions: Vec<Submission>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(submissions.len());
        let mut stopped: BTreeMap<DeviceId, Problem> = BTreeMap::new();
        while !submissions.is_empty() {
            let rest = submissions.split_off(submissions.len().min(GROUP_MUTATIONS_MAX));
            let group = std::mem::replace(&mut submissions, rest);
            // Within a group the writer stops a device; here it stays stopped for the groups behind.
            let waiting: Vec<_> = group.iter().map(|submission| stopped.get(&submission.device).cloned()).collect();
            let devices: Vec<_> = group.iter().map(|submission| submission.device.clone()).collect();
            let attempted = group.into_iter().zip(&waiting).filter(|(_, problem)| problem.is_none());
            let attempted = attempted.map(|(submission, _)| submission).collect();
            let mut decided = self.submit_group(arbiter.clone(), attempted).await.into_iter();
            for (device, problem) in devices.into_iter().zip(waiting) {
                let answer = problem.map(Answer::NotAttempted).or_else(|| decided.next());
                if let Some(Answer::NotAttempted(problem)) = &answer {
                    stopped.insert(device, problem.clone());
                }
                answers.extend(answer);
            }
        }
        answers
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.read(|conn, _| log::head(conn)).await
    }

    async fn tag(&self, pos: Pos) -> Result<Option<Tag>, StoreError> {
        self.read(move |conn, _| log::tag(conn, pos)).await
    }

    async fn log(
        &self,
        after: Pos,
        through: Pos,
        interests: Option<Vec<Interest>>,
        device: Option<DeviceId>,
        changes_max: usize,
    ) -> Result<LogPage, StoreError> {
        let request = Request { after, through, interests, device, changes_max };
        self.read(move |conn, layout| log::page(conn, layout, &request)).await
    }

    async fn log_count(
        &self,
        after: Pos,
        through: Pos,
        interests: Vec<Interest>,
        max: usize,
    ) -> Result<usize, StoreError> {
        self.read(move |conn, layout| log::count(conn, layout, (after, through), &interests, max)).await
    }

    async fn load(
        &self,
        table: Name,
        predicate: Expression,
        after: Option<Key>,
        rows_max: usize,
    ) -> Result<LoadChunk, StoreError> {
        self.read(move |conn, layout| load::load(conn, layout, &table, &predicate, after.as_ref(), rows_max)).await
    }

    async fn estimate(&self, table: Name, predicate: Expression) -> Result<u64, StoreError> {
        self.read(move |conn, layout| load::estimate(conn, layout, &table, &predicate)).await
    }

    async fn device_row(&self, device: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        self.read(move |conn, _| ledger::device_row(conn, &device)).await
    }

    async fn claim_device(&self, device: DeviceId, user: Option<UserId>, now: Millis) -> Result<DeviceRow, StoreError> {
        let known = device.clone();
        if let Some(row) = self.read(move |conn, _| ledger::seen_row(conn, &known, now)).await? {
            return Ok(row);
        }
        self.write(move |writer| {
            writer.transaction(|db| {
                ledger::claim_device(&db.conn, &device, user.as_ref(), now)?;
                let row = ledger::device_row(&db.conn, &device)?;
                row.ok_or_else(|| Failure::internal("a claimed device is not there"))
            })
        })
        .await
    }

    async fn acked(&self, device: DeviceId, at: Pos) -> Result<MutationNumber, StoreError> {
        self.read(move |conn, _| log::acked(conn, &device, at)).await
    }

    async fn results(&self, device: DeviceId, after: MutationNumber) -> Result<Vec<MutationResult>, StoreError> {
        self.read(move |conn, _| ledger::results(conn, &device, after)).await
    }

    async fn trim(&self, now: Millis, retention: Arc<Retention>, rows_max: usize) -> Result<Trimmed, StoreError> {
        self.write(move |writer| writer.tidy(|db| retention::trim(&db.conn, now, &retention, rows_max))).await
    }

    async fn history(
        &self,
        table: Name,
        key: Key,
        before: Option<Pos>,
        max: usize,
    ) -> Result<Vec<Position>, StoreError> {
        self.read(move |conn, _| log::history(conn, &RowKey { table, key }, before, max)).await
    }

    async fn aliases(&self, device: DeviceId, after: MutationNumber) -> Result<Vec<Alias>, StoreError> {
        self.read(move |conn, _| alias::after(conn, &device, after)).await
    }
}
