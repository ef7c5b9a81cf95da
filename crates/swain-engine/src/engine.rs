//! Answers what sessions ask: opens them, decides their pushes, reads log and tables for them.

mod ask;
mod open;
mod read;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use swain_core::protocol::{Results, Unreadable};
use swain_core::rule::Auth;
use swain_core::{Code, DeviceId, Millis, Mutation, Name, Pos, Problem};
use swain_store::{Answer, Store, StoreError, StoreErrorKind, Submission};

use crate::catalog::{Catalog, ConfigError, TableConfig};
use crate::hub::{Hub, SessionId, Taken};
use crate::judge::Judge;
use crate::limits::{LOG_PAGE_CHANGES_MAX, SESSIONS_MAX, USER_SESSIONS_MAX};
use crate::matching::SharedPosition;
pub(crate) use ask::OpenedLoad;
pub use ask::{Ask, Identity, OpenRequest, Opened, Told};

/// The server's mind: one for each node.
pub struct Engine<S> {
    store: Arc<S>,
    catalog: Arc<Catalog>,
    judge: Arc<Judge>,
    hub: Mutex<Hub>,
    session_limits: SessionLimits,
    planted: Option<PlantedLeak>,
}

/// Leaks that the taint tests have to catch. Only they set one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedLeak {
    /// A session goes on under the rights that it opened with.
    RightsNotFollowed,
    /// A cursor is honoured though rights have moved behind it.
    ResumeIgnoresRights,
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
        let mut catalog = Catalog::new(schema, tables)?;
        catalog.schema = store.adopt(catalog.schema, now).await?;
        let catalog = Arc::new(catalog);
        let head = store.head().await?;
        let hub = Mutex::new(Hub::new((head.pos, head.tag)));
        let judge = Arc::new(Judge::new(Arc::clone(&catalog)));
        Ok(Self { store, judge, catalog, hub, session_limits: SessionLimits::default(), planted: None })
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
        Self { planted: Some(leak), ..self }
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
        self.hub().leave(session, &self.catalog.schema);
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
