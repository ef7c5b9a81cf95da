//! The store: what the engine calls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use swain_core::protocol::MutationResult;
use swain_core::rule::Expression;
use swain_core::{
    Alias, DeviceId, Epoch, Key, Millis, MutationNumber, Name, Pos, Position, Problem, Schema, Tag, UserId,
};
use swain_store::{
    Answer, Arbiter, Bus as _, DeviceRow, Head, Interest, LoadChunk, LocalBus, LogPage, Retention, Store, StoreError,
    StoreErrorKind, Submission, Trimmed,
};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::adopt::{adopt, stored_layout};
use crate::adopted::has_drifted;
use crate::connection::{Connections, Session};
use crate::failure::Failure;
use crate::introspect::{introspect, schema};
use crate::layout::Layout;
use crate::log::Request;
use crate::options::PostgresOptions;
use crate::retention::trim;
use crate::sequence::{Sequencer, adopt_identity, announce};
use crate::writer::{GROUP_MUTATIONS_MAX, Shared, Writers};
use crate::{alias, ledger, load, log, meta};

/// A snapshot that all statements of one load share.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// How often the tables are looked at, whether they are still as they were adopted.
const SCHEMA_LOOK: Duration = Duration::from_millis(500);

/// Between two attempts to hear from other nodes.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// A PostgreSQL database with Swain's log in it, seen from one node.
///
/// All methods may be called from any number of tasks, also outside the runtime that opened the store. Work that has
/// begun is ended when the caller goes away; a crash loses nothing that was answered.
pub struct PostgresStore {
    epoch: Epoch,
    bus: Arc<LocalBus>,
    shared: Arc<Shared>,
    writers: Arc<Writers>,
    runtime: Handle,
    listener: AbortHandle,
    watcher: AbortHandle,
}

impl PostgresStore {
    /// Connects, and makes Swain's schema if it is not there. Has to be called inside a tokio runtime, which does the
    /// store's work from then on.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        Ok(Self::start(options).await?)
    }

    /// Gives positions to what is committed now, whoever wrote it, and looks whether the tables are still the same.
    pub async fn look_outside(&self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.run(async move {
            shared.sequencer.pass().await?;
            look_at_tables(&shared).await
        })
        .await
    }

    async fn start(options: PostgresOptions) -> Result<Self, Failure> {
        let connections = Connections::new(&options)?;
        let session = connections.get().await?;
        session.batch("BEGIN").await?;
        let result = meta::migrate(&session).await;
        session.end(result).await?;
        let session = connections.get().await?;
        if is_restored(&session).await? {
            adopt_identity(&session).await?;
        }
        let epoch: String = session.query_one("SELECT epoch FROM swain.state", &[]).await?.get(0);
        let layout = stored_layout(&session).await?;
        let bus = Arc::new(LocalBus::default());
        announce(&bus, log::head(&session).await?.pos);
        drop(session);
        let sequencer = Sequencer::start(connections.clone(), Arc::clone(&bus), options.look_every);
        let listener = tokio::spawn(listen(connections.clone(), Arc::clone(&bus))).abort_handle();
        let layout = Arc::new(RwLock::new(Arc::new(layout)));
        let shared = Arc::new(Shared { connections, layout, sequencer, drift: AtomicBool::new(false) });
        let watcher = tokio::spawn(watch(Arc::downgrade(&shared))).abort_handle();
        let writers = Arc::new(Writers::start(options.writers, &shared));
        let epoch = Epoch::from(epoch.as_str());
        Ok(Self { epoch, bus, shared, writers, runtime: Handle::current(), listener, watcher })
    }

    /// Runs work on the store's runtime, to its end even if the caller goes away.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.runtime.spawn(work).await;
        Ok(done.map_err(|error| StoreError::caused(StoreErrorKind::Internal, "the store has stopped", error))??)
    }

    /// The same with a connection.
    pub(crate) async fn with_session<T: Send + 'static, F>(
        &self,
        work: impl FnOnce(Session) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let connections = self.shared.connections.clone();
        self.run(async move { work(connections.get().await?).await }).await
    }

    fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.shared.layout.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.listener.abort();
        self.watcher.abort();
        self.shared.connections.close();
    }
}

/// True when this is not the database that the log was written in: a dump or a backup was restored.
async fn is_restored(session: &Session) -> Result<bool, Failure> {
    let sql = "
        SELECT s.system <> c.system_identifier
            OR pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmax(s.snapshot)
        FROM swain.state s, pg_control_system() c";
    Ok(session.query_one(sql, &[]).await?.get(0))
}

/// Hears from other nodes how far the log has got. A hint that is lost is made good by the sequencer's own look.
async fn listen(connections: Connections, bus: Arc<LocalBus>) {
    loop {
        if let Err(error) = listen_once(&connections, &bus).await {
            tracing::warn!(%error, "this node does not hear from the others now");
        }
        sleep(LISTEN_PAUSE).await;
    }
}

async fn listen_once(connections: &Connections, bus: &LocalBus) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = connections.config.connect(connections.tls.clone()).await?;
    let mut listening = std::pin::pin!(client.batch_execute("LISTEN swain"));
    let mut is_listening = false;
    std::future::poll_fn(|context| {
        use std::task::Poll;
        if !is_listening && let Poll::Ready(result) = listening.as_mut().poll(context) {
            match result {
                Ok(()) => is_listening = true,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        loop {
            match connection.poll_message(context) {
                Poll::Ready(Some(Ok(tokio_postgres::AsyncMessage::Notification(hint)))) => {
                    if let Ok(head) = hint.payload().parse() {
                        bus.announce(Pos(head));
                    }
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Looks at the tables every now and then. What cannot be asked now is asked again.
async fn watch(shared: Weak<Shared>) {
    loop {
        sleep(SCHEMA_LOOK).await;
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = look_at_tables(&shared).await {
            tracing::debug!(?error, "the tables could not be looked at");
        }
    }
}

async fn look_at_tables(shared: &Shared) -> Result<(), Failure> {
    let layout = Arc::clone(&shared.layout.read().unwrap_or_else(PoisonError::into_inner));
    if has_drifted(&shared.connections.get().await?, &layout, layout.tables.keys()).await? {
        shared.drift.store(true, Ordering::Relaxed);
    }
    Ok(())
}

impl Store for PostgresStore {
    fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }

    fn bus(&self) -> &Arc<LocalBus> {
        &self.bus
    }

    async fn introspect(&self, tables: Option<Vec<Name>>) -> Result<Schema, StoreError> {
        self.with_session(async move |session| Ok(schema(&introspect(&session, tables.as_deref()).await?.0))).await
    }

    fn has_drifted(&self) -> bool {
        self.shared.drift.load(Ordering::Relaxed)
    }

    async fn adopt(&self, schema: Schema, now: Millis) -> Result<Schema, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.run(async move {
            let (schema, layout) = adopt(&shared, schema, now).await?;
            *shared.layout.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(layout);
            shared.drift.store(false, Ordering::Relaxed);
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
            let mut decided = self.writers.submit(arbiter.clone(), attempted).await.into_iter();
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
        self.with_session(async move |session| log::head(&session).await).await
    }

    async fn tag(&self, pos: Pos) -> Result<Option<Tag>, StoreError> {
        self.with_session(async move |session| log::tag(&session, pos).await).await
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
        let layout = self.layout();
        self.with_session(async move |session| log::page(&session, &layout, &request).await).await
    }

    async fn log_count(
        &self,
        after: Pos,
        through: Pos,
        interests: Vec<Interest>,
        max: usize,
    ) -> Result<usize, StoreError> {
        let layout = self.layout();
        self.with_session(async move |session| log::count(&session, &layout, (after, through), &interests, max).await)
            .await
    }

    async fn load(
        &self,
        table: Name,
        predicate: Expression,
        after: Option<Key>,
        rows_max: usize,
    ) -> Result<LoadChunk, StoreError> {
        let (layout, shared) = (self.layout(), Arc::clone(&self.shared));
        self.run(async move {
            let session = shared.connections.get().await?;
            session.batch(SNAPSHOT).await?;
            let result = load::load(&session, &layout, &table, &predicate, after.as_ref(), rows_max).await;
            let load::Loaded { mut chunk, sees_more } = session.end(result).await?;
            if sees_more {
                // The rows hold changes without a position: they are not newer than the head after the next pass.
                shared.sequencer.pass().await?;
                chunk.head = log::head(&shared.connections.get().await?).await?.pos;
            }
            Ok(chunk)
        })
        .await
    }

    async fn estimate(&self, table: Name, predicate: Expression) -> Result<u64, StoreError> {
        let layout = self.layout();
        self.with_session(async move |session| load::estimate(&session, &layout, &table, &predicate).await).await
    }

    async fn device_row(&self, device: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        self.with_session(async move |session| ledger::device_row(&session, &device).await).await
    }

    async fn claim_device(&self, device: DeviceId, user: Option<UserId>, now: Millis) -> Result<DeviceRow, StoreError> {
        self.with_session(async move |session| {
            ledger::claim_device(&session, &device, user.as_ref(), now).await?;
            let row = ledger::device_row(&session, &device).await?;
            row.ok_or_else(|| Failure::internal("a claimed device is not there"))
        })
        .await
    }

    async fn acked(&self, device: DeviceId, at: Pos) -> Result<MutationNumber, StoreError> {
        self.with_session(async move |session| log::acked(&session, &device, at).await).await
    }

    async fn results(&self, device: DeviceId, after: MutationNumber) -> Result<Vec<MutationResult>, StoreError> {
        self.with_session(async move |session| ledger::results(&session, &device, after).await).await
    }

    async fn history(
        &self,
        table: Name,
        key: Key,
        before: Option<Pos>,
        max: usize,
    ) -> Result<Vec<Position>, StoreError> {
        let layout = self.layout();
        self.with_session(async move |session| log::history(&session, &layout, (&table, &key), before, max).await).await
    }

    async fn aliases(&self, device: DeviceId, after: MutationNumber) -> Result<Vec<Alias>, StoreError> {
        self.with_session(async move |session| alias::after(&session, &device, after).await).await
    }

    async fn trim(&self, now: Millis, retention: Arc<Retention>, rows_max: usize) -> Result<Trimmed, StoreError> {
        self.with_session(async move |session| {
            session.batch("BEGIN").await?;
            let result = trim(&session, now, &retention, rows_max).await;
            session.end(result).await
        })
        .await
    }
}
