//! Answers what sessions ask: opens them, decides their pushes, reads log and tables for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use swain_core::decode::Node;
use swain_core::protocol::{Cursor, Hello, LoadToken, MutationResult, Results, Unreadable};
use swain_core::rule::{Auth, Expression};
use swain_core::shape::Shape;
use swain_core::{
    Change, Code, DeviceId, Epoch, Key, Millis, Mutation, MutationNumber, Name, Pos, Problem, Row, RowKey, Schema, Tag,
};
use swain_store::{Answer, Head, Interest, Store, StoreError, StoreErrorKind, Submission};

use crate::catalog::{Catalog, ConfigError, TableConfig};
use crate::hub::{Hub, SessionId, Taken, interest_of};
use crate::judge::Judge;
use crate::limits::{
    CATCH_UP_CHANGES_MAX, LOAD_CHUNK_BYTES_MAX, LOAD_CHUNK_ROWS_MAX, LOG_PAGE_CHANGES_MAX, SESSIONS_MAX,
    USER_SESSIONS_MAX,
};
use crate::matching::{LiveShape, SharedChange, SharedPosition};

/// The server's mind: one for each node.
pub struct Engine<S> {
    store: Arc<S>,
    catalog: Arc<Catalog>,
    judge: Arc<Judge>,
    hub: Mutex<Hub>,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who is on the other side, from a checked token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user; none for a visitor.
    pub auth: Auth,
    /// When the right to the stream ends.
    pub expires: Option<Millis>,
}

/// What a session needs to begin.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// What the device said.
    pub hello: Hello,
    /// Who it is.
    pub auth: Auth,
    /// The server's time.
    pub now: Millis,
}

/// How a session begins.
#[derive(Clone, Debug)]
pub struct Opened {
    pub(crate) epoch: Epoch,
    pub(crate) schema: Schema,
    pub(crate) device: DeviceId,
    pub(crate) auth: Auth,
    /// All shapes, by index of the hello.
    pub(crate) shapes: Vec<LiveShape>,
    /// Their views.
    pub(crate) views: Vec<String>,
    /// The indexes that the cursor's promise covers.
    pub(crate) live: Vec<usize>,
    pub(crate) at: (Pos, Tag),
    pub(crate) acked: MutationNumber,
    pub(crate) last: MutationNumber,
    pub(crate) results: Vec<MutationResult>,
    pub(crate) load: Option<OpenedLoad>,
}

/// A load that begins or goes on.
#[derive(Clone, Debug)]
pub(crate) struct OpenedLoad {
    pub(crate) from: (Pos, Tag),
    pub(crate) resumes: bool,
    /// Which of the loading shapes is next, and behind which key.
    pub(crate) next: (usize, Option<Key>),
    pub(crate) total: u64,
}

/// A question of a session. Every one is answered by exactly one [`Told`].
#[derive(Clone, Debug)]
pub enum Ask {
    /// Whose token is this? The server answers, the engine does not know tokens.
    Authenticate {
        /// The token; none for a visitor.
        token: Option<String>,
    },
    /// Begin.
    Open(Box<OpenRequest>),
    /// Decide these mutations.
    Push {
        /// Who wants it.
        auth: Auth,
        /// From which device.
        device: DeviceId,
        /// The server's time.
        now: Millis,
        /// In order.
        mutations: Vec<Result<Mutation, Unreadable>>,
    },
    /// The log behind this position, for the live shapes.
    ReadLog {
        /// Where the session is.
        after: Pos,
        /// What it holds.
        shapes: Arc<[LiveShape]>,
        /// Whose acknowledgements it wants.
        device: DeviceId,
    },
    /// The next rows of a shape.
    ReadRows {
        /// The shape.
        shape: LiveShape,
        /// Behind this key.
        after: Option<Key>,
    },
    /// Bring the hub to the store's head, so that the session gets there too.
    Follow,
    /// What happened to these shapes in (after, through], folded to the last state of each row.
    ReadLoadLog {
        /// Where the load began.
        after: Pos,
        /// Where it ends.
        through: Pos,
        /// What was loaded.
        shapes: Vec<LiveShape>,
    },
    /// These shapes are live from where the session is.
    Watch {
        /// All live shapes.
        shapes: Arc<[LiveShape]>,
    },
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug)]
pub enum Told {
    /// To [`Ask::Authenticate`].
    Identity(Result<Identity, Problem>),
    /// To [`Ask::Open`].
    Opened(Result<Box<Opened>, Problem>),
    /// To [`Ask::Push`].
    Pushed(Results),
    /// To [`Ask::ReadLog`].
    Log {
        /// Positions of interest, in order.
        deliveries: Vec<crate::hub::Delivery>,
        /// How far it was read.
        through: (Pos, Tag),
        /// True when that is the head and the hub takes over.
        live: bool,
    },
    /// To [`Ask::ReadRows`].
    Rows {
        /// Canonical rows with commas between.
        rows: String,
        /// Behind which key more rows follow.
        more: Option<Key>,
        /// The rows are not newer than this.
        head: Pos,
    },
    /// To [`Ask::Follow`].
    Followed,
    /// To [`Ask::Watch`].
    Watched,
    /// To [`Ask::ReadLoadLog`]: operations with commas between.
    LoadLog(String),
    /// The store could not answer; the session ends and the device comes back.
    Failed(Problem),
}

impl<S: Store> Engine<S> {
    /// Reads the schema, checks the configuration against it, and takes over the log.
    pub async fn open(store: Arc<S>, tables: &BTreeMap<String, TableConfig>, now: Millis) -> Result<Self, EngineError> {
        let names = tables.keys().map(|name| Name::from(name.as_str())).collect();
        let schema = store.introspect(Some(names)).await?;
        let mut catalog = Catalog::new(schema, tables)?;
        catalog.schema = store.adopt(catalog.schema, now).await?;
        let catalog = Arc::new(catalog);
        let head = store.head().await?;
        let hub = Mutex::new(Hub::new((head.pos, head.tag)));
        Ok(Self { store, judge: Arc::new(Judge::new(Arc::clone(&catalog))), catalog, hub })
    }

    /// The store.
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// The tables and their rules.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// How far the log has been brought to the sessions.
    pub fn position(&self) -> Pos {
        self.hub().head().0
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.hub().sessions()
    }

    /// Reads what is new in the log and brings it to the sessions. May be called at any time, by anybody.
    pub async fn follow(&self) -> Result<(), StoreError> {
        let target = self.store.head().await?.pos;
        loop {
            let after = self.hub().head().0;
            if after >= target {
                return Ok(());
            }
            let page = self.store.log(after, target, None, None, LOG_PAGE_CHANGES_MAX).await?;
            let shared: Vec<SharedPosition> = page.positions.into_iter().map(SharedPosition::new).collect();
            let mut hub = self.hub();
            for position in &shared {
                hub.deliver(position, &self.catalog.schema);
            }
            if hub.head().0 <= after {
                // Positions are dense; a page that does not go on would be read for ever.
                let message = format!("the log has no position behind {after}, and its head is {target}");
                return Err(StoreError::new(StoreErrorKind::Internal, message));
            }
        }
    }

    /// What waits for a session. The waker given at its opening says when to look.
    pub fn take(&self, session: SessionId) -> Taken {
        self.hub().take(session)
    }

    /// The session is gone.
    pub fn close(&self, session: SessionId) {
        self.hub().leave(session);
    }

    /// Answers a session. `waker` is woken when something waits for it.
    pub async fn answer(&self, session: SessionId, waker: &Waker, ask: Ask) -> Told {
        let told = match ask {
            Ask::Authenticate { .. } => {
                let problem = Problem::new(Code::Internal, "tokens are checked by the server");
                Ok(Told::Identity(Err(problem)))
            }
            Ask::Open(request) => self.open_session(session, waker, *request).await.map(Told::Opened),
            Ask::Push { auth, device, now, mutations } => {
                Ok(Told::Pushed(self.push(auth, device, now, mutations).await))
            }
            Ask::ReadLog { after, shapes, device } => self.read_log(session, after, &shapes, device).await,
            Ask::ReadRows { shape, after } => self.read_rows(&shape, after).await,
            Ask::Follow => self.follow().await.map(|()| Told::Followed),
            Ask::ReadLoadLog { after, through, shapes } => self.read_load_log(after, through, &shapes).await,
            Ask::Watch { shapes } => {
                self.hub().watch(session, shapes, &self.catalog.schema);
                Ok(Told::Watched)
            }
        };
        told.unwrap_or_else(|error| Told::Failed(store_problem(&error)))
    }

    async fn push(
        &self,
        auth: Auth,
        device: DeviceId,
        now: Millis,
        mutations: Vec<Result<Mutation, Unreadable>>,
    ) -> Results {
        let submit = |mutation| Submission { auth: auth.clone(), device: device.clone(), now, mutation };
        let submissions = mutations.into_iter().map(submit).collect();
        let mut results = Results::default();
        for answer in self.store.submit(Arc::clone(&self.judge), submissions).await {
            match answer {
                Answer::Decided(result) => results.results.push(result),
                Answer::NotAttempted(problem) => {
                    results.problem = Some(problem);
                    break;
                }
            }
        }
        results
    }

    async fn read_log(
        &self,
        session: SessionId,
        after: Pos,
        shapes: &[LiveShape],
        device: DeviceId,
    ) -> Result<Told, StoreError> {
        let target = {
            let mut hub = self.hub();
            if hub.go_live(session, after) {
                return Ok(Told::Log { deliveries: Vec::new(), through: hub.head(), live: true });
            }
            hub.head().0
        };
        let interests = shapes.iter().map(|shape| interest_of(shape, &self.catalog.schema)).collect();
        let page = self.store.log(after, target, Some(interests), Some(device.clone()), LOG_PAGE_CHANGES_MAX).await?;
        let deliveries = page.positions.into_iter().map(SharedPosition::new).filter_map(|shared| {
            let own = shared.number_of(&device);
            let rows = shared.rows_for(shapes);
            let swain_core::Position { pos, tag, at, .. } = shared.position;
            (own.is_some() || rows.is_some()).then(|| crate::hub::Delivery {
                pos,
                tag,
                at,
                own,
                rows: rows.unwrap_or_default(),
            })
        });
        let deliveries = deliveries.collect();
        let live = self.hub().go_live(session, page.through);
        Ok(Told::Log { deliveries, through: (page.through, page.tag), live })
    }

    async fn read_rows(&self, shape: &LiveShape, after: Option<Key>) -> Result<Told, StoreError> {
        let predicate = shape.predicate.clone();
        let chunk = self.store.load(shape.table.clone(), predicate, after, LOAD_CHUNK_ROWS_MAX).await?;
        let table = self.catalog.schema.tables.get(&shape.table).expect("the shape was checked");
        let mut rows = String::new();
        for row in &chunk.rows {
            if !rows.is_empty() {
                rows.push(',');
            }
            row.write_canonical(&mut rows);
            if rows.len() >= LOAD_CHUNK_BYTES_MAX && Some(row) != chunk.rows.last() {
                return Ok(Told::Rows { rows, more: Some(row.key(table)), head: chunk.head });
            }
        }
        Ok(Told::Rows { rows, more: chunk.more, head: chunk.head })
    }

    /// The net effect of (after, through] on the loaded shapes: each row once, as it ended.
    async fn read_load_log(&self, after: Pos, through: Pos, shapes: &[LiveShape]) -> Result<Told, StoreError> {
        let interests: Vec<Interest> = shapes.iter().map(|shape| interest_of(shape, &self.catalog.schema)).collect();
        let mut last: BTreeMap<RowKey, Option<Row>> = BTreeMap::new();
        let mut at = after;
        while at < through {
            let page = self.store.log(at, through, Some(interests.clone()), None, LOG_PAGE_CHANGES_MAX).await?;
            let changes = page.positions.into_iter().flat_map(|position| position.changes);
            last.extend(changes.map(|change| (change.row, change.after)));
            at = page.through;
        }
        let mut out = String::new();
        for (row, after) in last {
            // A put where it is held in the end, a removal where it is not; staging takes both for a row it lacks.
            let (before, after) = if after.as_ref().is_some_and(|row_after| held(shapes, &row, row_after)) {
                (None, after)
            } else {
                (None, None)
            };
            write_final(&SharedChange::new(Change { row, before, after }), shapes, &mut out);
        }
        Ok(Told::LoadLog(out))
    }

    pub(crate) fn hub(&self) -> MutexGuard<'_, Hub> {
        // Every method of the hub leaves it whole, so a panic elsewhere does not spoil it.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(shapes: &[LiveShape], place: &RowKey, row: &Row) -> bool {
    !crate::matching::holding(shapes, &place.table, Some(row)).is_empty()
}

fn write_final(change: &SharedChange, shapes: &[LiveShape], out: &mut String) {
    let length = out.len();
    change.write_for(shapes, out);
    if out.len() == length {
        if !out.is_empty() {
            out.push(',');
        }
        let place = swain_core::protocol::place_fragment(&change.change().row);
        swain_core::protocol::write_remove(out, &place);
    }
}

pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error.kind() {
        StoreErrorKind::Full => {
            Problem::new(Code::StorageFull, "the server's disk is full; nothing is lost, try later")
        }
        StoreErrorKind::Transient => Problem::new(Code::Transient, "the server could not do it now; try again"),
        // What exactly broke is for the server's log, not for the outside.
        StoreErrorKind::Unusable | StoreErrorKind::Internal => {
            Problem::new(Code::Internal, "something is wrong inside the server")
        }
    }
}

// ---- opening ----

/// The shapes of a hello, checked.
struct Wanted {
    shapes: Vec<LiveShape>,
    views: Vec<String>,
}

impl<S: Store> Engine<S> {
    async fn open_session(
        &self,
        session: SessionId,
        waker: &Waker,
        request: OpenRequest,
    ) -> Result<Result<Box<Opened>, Problem>, StoreError> {
        let OpenRequest { hello, auth, now } = request;
        let wanted = match self.admit(&hello, &auth) {
            Ok(wanted) => wanted,
            Err(problem) => return Ok(Err(problem)),
        };
        let device = self.store.claim_device(hello.device.clone(), auth.user.clone(), now).await?;
        if device.user != auth.user {
            return Ok(Err(Problem::new(Code::DeviceNotYours, "this device belongs to another user")));
        }

        let head = self.store.head().await?;
        let (at, live) = self.resume(&hello, &wanted, head).await?;
        let loading: Vec<usize> = (0..wanted.shapes.len()).filter(|index| !live.contains(index)).collect();
        let load = self.begin_load(&hello, &wanted, &loading, head).await?;
        let acked = self.store.acked(hello.device.clone(), at.0).await?;
        let results = self.store.results(hello.device.clone(), hello.acked).await?;

        let live_shapes: Arc<[LiveShape]> = live.iter().map(|index| wanted.shapes[*index].clone()).collect();
        let user = auth.user.clone();
        self.hub().join(session, hello.device.clone(), user, live_shapes, &self.catalog.schema, waker.clone());
        Ok(Ok(Box::new(Opened {
            epoch: self.store.epoch(),
            schema: self.catalog.schema.clone(),
            device: hello.device,
            auth,
            shapes: wanted.shapes,
            views: wanted.views,
            live,
            at,
            acked,
            last: device.last,
            results,
            load,
        })))
    }

    fn admit(&self, hello: &Hello, auth: &Auth) -> Result<Wanted, Problem> {
        let hub = self.hub();
        if hub.sessions() >= SESSIONS_MAX {
            return Err(Problem::new(Code::Overloaded, "the server has as many connections as it takes"));
        }
        if auth.user.as_ref().is_some_and(|user| hub.sessions_of(user) >= USER_SESSIONS_MAX) {
            let detail = format!("a user has at most {USER_SESSIONS_MAX} connections");
            return Err(Problem::new(Code::LimitUserSessions, detail));
        }
        drop(hub);
        let mut wanted = Wanted { shapes: Vec::new(), views: Vec::new() };
        for (index, shape) in hello.shapes.iter().enumerate() {
            let filter = self.filter(index, shape)?;
            let readable = self.catalog.readable(&shape.table, auth);
            let table = shape.table.clone();
            wanted.shapes.push(LiveShape { index, table, predicate: readable.and(filter) });
            wanted.views.push(self.catalog.view(shape, auth));
        }
        Ok(wanted)
    }

    fn filter(&self, index: usize, shape: &Shape) -> Result<Expression, Problem> {
        let place = format!("hello.shapes[{index}]");
        let value = shape.to_value();
        shape.predicate(&self.catalog.schema, &Node::root(&place, &value))
    }

    /// Where the session stands and which shapes are live there (spec P13, R7). A cursor that is not ours covers nothing.
    async fn resume(&self, hello: &Hello, wanted: &Wanted, head: Head) -> Result<((Pos, Tag), Vec<usize>), StoreError> {
        let nothing = ((head.pos, head.tag), Vec::new());
        let Some(cursor) = hello.cursor.as_deref().and_then(Cursor::decode) else {
            return Ok(nothing);
        };
        if !self.is_honoured(&cursor, head).await? {
            return Ok(nothing);
        }
        let covered = |index: &usize| cursor.views.contains(&wanted.views[*index]);
        let live: Vec<usize> = (0..wanted.shapes.len()).filter(covered).collect();
        let interests = live.iter().map(|index| interest_of(&wanted.shapes[*index], &self.catalog.schema)).collect();
        let max = CATCH_UP_CHANGES_MAX + 1;
        if self.store.log_count(cursor.pos, head.pos, interests, max).await? > CATCH_UP_CHANGES_MAX {
            return Ok(nothing);
        }
        Ok(((cursor.pos, cursor.tag), live))
    }

    async fn is_honoured(&self, cursor: &Cursor, head: Head) -> Result<bool, StoreError> {
        let in_range = cursor.epoch == self.store.epoch() && cursor.pos >= head.floor && cursor.pos <= head.pos;
        Ok(in_range && self.store.tag(cursor.pos).await? == Some(cursor.tag))
    }

    async fn begin_load(
        &self,
        hello: &Hello,
        wanted: &Wanted,
        loading: &[usize],
        head: Head,
    ) -> Result<Option<OpenedLoad>, StoreError> {
        if loading.is_empty() {
            return Ok(None);
        }
        let mut total = 0;
        for index in loading {
            let shape = &wanted.shapes[*index];
            total += self.store.estimate(shape.table.clone(), shape.predicate.clone()).await?;
        }
        let views: Vec<String> = loading.iter().map(|index| wanted.views[*index].clone()).collect();
        if let Some(token) = hello.load.as_deref().and_then(LoadToken::decode)
            && token.from.views == views
            && token.shape <= loading.len()
            && self.is_honoured(&token.from, head).await?
        {
            let from = (token.from.pos, token.from.tag);
            return Ok(Some(OpenedLoad { from, resumes: true, next: (token.shape, token.after), total }));
        }
        Ok(Some(OpenedLoad { from: (head.pos, head.tag), resumes: false, next: (0, None), total }))
    }
}
