//! Answers what sessions ask: opens them, decides their pushes, reads log and tables for them.

mod ask;
mod history;
mod open;
mod planted;
mod presence;
mod read;
mod terms;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::Waker;

use swain_core::protocol::{Results, Unreadable};
use swain_core::rule::Auth;
use swain_core::{Code, DeviceId, Millis, Mutation, Name, Pos, Problem, UserId};
use swain_store::{Answer, Store, StoreError, StoreErrorKind, Submission};

use crate::catalog::{Catalog, ConfigError, TableConfig};
use crate::hub::{Hub, SessionId, Taken};
use crate::limits::{LOG_PAGE_CHANGES_MAX, SESSIONS_MAX, USER_SESSIONS_MAX};
use crate::matching::SharedPosition;
pub(crate) use ask::OpenedLoad;
pub use ask::{Ask, Identity, OpenRequest, Opened, PresenceHeard, Told};
pub use history::{History, HistoryError, Step};
pub use planted::{Channel, PlantedLeak};
use terms::Terms;

/// The server's mind: one for each node.
pub struct Engine<S> {
    store: Arc<S>,
    /// As configured, whatever the database has.
    tables: BTreeMap<String, TableConfig>,
    terms: RwLock<Arc<Terms>>,
    /// The log has a newer schema than the terms: another node adopted it.
    is_outdated: AtomicBool,
    hub: Mutex<Hub>,
    session_limits: SessionLimits,
    planted: Option<PlantedLeak>,
}

/// How many sessions a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// All of them.
    pub sessions: usize,
    /// Those of one user.
    pub user_sessions: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { sessions: SESSIONS_MAX, user_sessions: USER_SESSIONS_MAX }
    }
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

impl<S: Store> Engine<S> {
    /// Reads the schema, checks the configuration against it, and takes over the log.
    pub async fn open(store: Arc<S>, tables: &BTreeMap<String, TableConfig>, now: Millis) -> Result<Self, EngineError> {
        let names = tables.keys().map(|name| Name::from(name.as_str())).collect();
        let schema = store.introspect(Some(names)).await?;
        let terms = Terms::adopt(&*store, Catalog::new(schema, tables)?, now).await?;
        let head = store.head().await?;
        let hub = Hub::new((head.pos, head.tag), terms.catalog.schema.version);
        Ok(Self {
            store,
            tables: tables.clone(),
            terms: RwLock::new(Arc::new(terms)),
            is_outdated: AtomicBool::new(false),
            hub: Mutex::new(hub),
            session_limits: SessionLimits::default(),
            planted: None,
        })
    }

    /// Takes as many sessions as an operator allows instead of the defaults.
    #[must_use]
    pub fn with_session_limits(self, session_limits: SessionLimits) -> Self {
        Self { session_limits, ..self }
    }

    /// An engine with a leak, for testing the test that looks for leaks.
    #[must_use]
    pub fn with_planted_leak(self, leak: PlantedLeak) -> Self {
        self.hub().is_deaf = leak == PlantedLeak::RightsNotFollowed;
        self.hub().rooms.ignores_rows = leak == PlantedLeak::PresenceIgnoresRows;
        Self { planted: Some(leak), ..self }
    }

    /// The store.
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// The tables and their rules.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.terms().catalog)
    }

    pub(crate) fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.terms.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// True when the database's tables are no longer those of the catalog: [`Engine::renew`] has to be called.
    pub fn is_stale(&self) -> bool {
        self.store.has_drifted() || self.is_outdated.load(Ordering::Relaxed)
    }

    /// Takes over the tables as they are now; every session is told to come back, and loads what changed. Gives the
    /// tables that the configuration no longer fits, and why: they are closed until it does (spec S14).
    pub async fn renew(&self, now: Millis) -> Result<BTreeMap<Name, String>, StoreError> {
        self.is_outdated.store(false, Ordering::Relaxed);
        let terms = Terms::adopt_anew(&*self.store, &self.tables, now).await?;
        let (version, closed) = (terms.catalog.schema.version, terms.closed().clone());
        // Both under the hub's lock: a session joins by the one or by the other.
        let mut hub = self.hub();
        let mut current = self.terms.write().unwrap_or_else(PoisonError::into_inner);
        let known = current.catalog.schema.version;
        if version >= known {
            *current = Arc::new(terms);
        }
        if version > known {
            hub.renew(version);
        }
        Ok(closed)
    }

    /// Ends what is open of a user; a device that comes back has to show a token that counts.
    pub fn end_sessions_of(&self, user: &UserId) {
        self.hub().end_sessions_of(user);
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
        let head = self.store.head().await?;
        let target = head.pos;
        loop {
            let after = self.hub().head().0;
            if after >= target {
                return Ok(());
            }
            if after < head.floor {
                // It slept for longer than the log is kept. The sessions find out for themselves.
                self.hub().skip((head.pos, head.tag));
                return Ok(());
            }
            let page = self.store.log(after, target, None, None, LOG_PAGE_CHANGES_MAX).await?;
            let terms = self.terms();
            let shared: Vec<SharedPosition> = page.positions.into_iter().map(SharedPosition::new).collect();
            let mut hub = self.hub();
            for position in &shared {
                if position.schema_version() > Some(terms.catalog.schema.version) {
                    // What comes behind it is of tables that nobody here knows.
                    self.is_outdated.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                hub.deliver(position, &terms.catalog.schema);
            }
            page.large.iter().for_each(|large| hub.pass(large));
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
            Ask::ReadRows { shape, after } => self.read_rows(session, &shape, after).await,
            Ask::Follow => self.follow().await.map(|()| Told::Followed),
            Ask::ReadLoadLog { after, through, shapes } => self.read_load_log(session, after, through, &shapes).await,
            Ask::HearPresence(heard) => self.hear_presence(session, *heard).await,
            Ask::LookAround => Ok(Told::Presence(self.hub().rooms.look(session))),
            Ask::Watch { shapes } => {
                let shapes = self.shapes_on(Channel::Live, &shapes).into();
                self.hub().watch(session, shapes, &self.catalog().schema);
                Ok(Told::Watched)
            }
        };
        told.unwrap_or_else(|error| match error.kind() {
            StoreErrorKind::BelowFloor => Told::Expired,
            _ => Told::Failed(store_problem(&error)),
        })
    }

    /// Decides mutations that came outside a stream (spec P22): the device is claimed as at the opening of a session.
    pub async fn push_batch(
        &self,
        auth: Auth,
        device: DeviceId,
        now: Millis,
        mutations: Vec<Result<Mutation, Unreadable>>,
    ) -> Result<Results, Problem> {
        let claimed = self.store.claim_device(device.clone(), auth.user.clone(), now).await;
        if claimed.map_err(|error| store_problem(&error))?.user != auth.user {
            return Err(not_yours());
        }
        Ok(self.push(auth, device, now, mutations).await)
    }

    async fn push(
        &self,
        auth: Auth,
        device: DeviceId,
        now: Millis,
        mutations: Vec<Result<Mutation, Unreadable>>,
    ) -> Results {
        let terms = self.terms();
        let mut mutations = mutations;
        let closes = |mutation: &Result<Mutation, Unreadable>| terms.closes(mutation.as_ref().ok()?);
        let closed = mutations.iter().enumerate().find_map(|(index, mutation)| Some((index, closes(mutation)?)));
        let mut results = Results::default();
        if let Some((index, problem)) = closed {
            // What comes behind it waits as well: a device's mutations keep their order.
            mutations.truncate(index);
            results.problem = Some(problem);
        }
        let submit = |mutation| Submission { auth: auth.clone(), device: device.clone(), now, mutation };
        let submissions = mutations.into_iter().map(submit).collect();
        for answer in self.store.submit(Arc::clone(&terms.judge), submissions).await {
            match answer {
                Answer::Decided(result) => results.results.push(result),
                Answer::NotAttempted(problem) => {
                    results.problem = Some(problem);
                    break;
                }
            }
        }
        self.leak_into(&mut results).await;
        results
    }

    pub(crate) fn hub(&self) -> MutexGuard<'_, Hub> {
        // Every method of the hub leaves it whole, so a panic elsewhere does not spoil it.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn not_yours() -> Problem {
    Problem::new(Code::DeviceNotYours, "this device belongs to another user")
}

pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error.kind() {
        StoreErrorKind::Full => {
            Problem::new(Code::StorageFull, "the server's disk is full; nothing is lost, try later")
        }
        StoreErrorKind::Transient => Problem::new(Code::Transient, "the server could not do it now; try again"),
        // What exactly broke is for the server's log, not for the outside.
        StoreErrorKind::Unusable | StoreErrorKind::BelowFloor | StoreErrorKind::Internal => {
            Problem::new(Code::Internal, "something is wrong inside the server")
        }
    }
}
