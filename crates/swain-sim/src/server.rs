//! A simulated server: the real engine and its sessions over a real store. A crash leaves the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use swain_core::rule::Auth;
use swain_core::{Code, Millis, Pos, Position, Problem, UserId};
use swain_engine::{Ask, Engine, Identity, Input, Output, Session, SessionId, Told};
use swain_store::{Keep, Retention, Store, Trimmed, ready};

use crate::network::Link;
use crate::workload::table_configs;

pub(crate) struct Server<S> {
    store: Arc<S>,
    /// None while it is down.
    engine: Option<Engine<S>>,
    sessions: BTreeMap<Link, Session>,
    awake: Arc<Awake>,
}

/// What a session wants of the world.
pub(crate) enum Wish {
    Send(Link, String),
    Close(Link, u16),
    /// The answer arrives a little later.
    Answer(Link, Told),
    Tick(Link, Millis),
}

/// The sessions that were woken.
#[derive(Default)]
struct Awake(Mutex<BTreeSet<Link>>);

struct Bell {
    awake: Arc<Awake>,
    link: Link,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut woken = self.awake.0.lock().unwrap_or_else(PoisonError::into_inner);
        woken.insert(self.link);
    }
}

impl<S: Store> Server<S> {
    pub(crate) fn new(store: Arc<S>) -> Self {
        Self { store, engine: None, sessions: BTreeMap::new(), awake: Arc::default() }
    }

    pub(crate) fn start(&mut self, now: Millis) -> Result<(), String> {
        let engine = ready(Engine::open(Arc::clone(&self.store), &table_configs(), now));
        self.engine = Some(engine.map_err(|error| format!("the server does not start: {error}"))?);
        Ok(())
    }

    pub(crate) fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    /// All sessions are gone, and whatever they had in mind.
    pub(crate) fn crash(&mut self) {
        self.engine = None;
        self.sessions.clear();
    }

    pub(crate) fn accept(&mut self, now: Millis, link: Link) {
        self.sessions.insert(link, Session::new(now));
    }

    pub(crate) fn leave(&mut self, link: Link) {
        self.sessions.remove(&link);
        if let Some(engine) = &self.engine {
            engine.close(SessionId(link.0));
        }
    }

    /// Something happened to a session; gives what follows, for it and for all that it woke.
    pub(crate) fn handle(&mut self, now: Millis, link: Link, input: Input) -> Vec<Wish> {
        let mut wishes = Vec::new();
        if let Some(session) = self.sessions.get_mut(&link) {
            session.handle(now, input);
            self.run(now, link, &mut wishes);
        }
        self.run_woken(now, &mut wishes);
        wishes
    }

    /// The log may have grown.
    pub(crate) fn look(&mut self, now: Millis) -> Vec<Wish> {
        let mut wishes = Vec::new();
        self.run_woken(now, &mut wishes);
        wishes
    }

    /// What the log has behind a position.
    pub(crate) fn log(&self, after: Pos) -> Result<Vec<Position>, String> {
        let head = ready(self.store.head()).map_err(|error| error.to_string())?;
        let page = ready(self.store.log(after, head.pos, None, None, usize::MAX));
        Ok(page.map_err(|error| error.to_string())?.positions)
    }

    /// A step of the clean-up. Table u keeps its history.
    pub(crate) fn trim(&self, now: Millis, keep: Millis, rows_max: u64) -> Result<Trimmed, String> {
        let retention = Retention { log: keep, history: BTreeMap::from([("u".into(), Keep::Forever)]) };
        let rows_max = usize::try_from(rows_max).expect("a small number");
        ready(self.store.trim(now, Arc::new(retention), rows_max)).map_err(|error| error.to_string())
    }

    pub(crate) fn store(&self) -> &Arc<S> {
        &self.store
    }

    fn run_woken(&mut self, now: Millis, wishes: &mut Vec<Wish>) {
        loop {
            if let Some(engine) = &self.engine {
                ready(engine.follow()).expect("a simulated store answers");
            }
            let woken = std::mem::take(&mut *self.awake.0.lock().unwrap_or_else(PoisonError::into_inner));
            if woken.is_empty() {
                return;
            }
            for link in woken {
                self.run(now, link, wishes);
            }
        }
    }

    fn run(&mut self, now: Millis, link: Link, wishes: &mut Vec<Wish>) {
        let Some(engine) = &self.engine else { return };
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        let id = SessionId(link.0);
        loop {
            session.handle(now, Input::Taken(engine.take(id)));
            let Some(output) = session.poll(now) else {
                break;
            };
            match output {
                Output::Send(frame) => wishes.push(Wish::Send(link, frame)),
                Output::Close(close) => {
                    wishes.push(Wish::Close(link, close.code()));
                    engine.close(id);
                    self.sessions.remove(&link);
                    return;
                }
                Output::Ask(ask) => {
                    let bell = Arc::new(Bell { awake: Arc::clone(&self.awake), link });
                    wishes.push(Wish::Answer(link, answer(engine, id, &Waker::from(bell), ask)));
                }
            }
        }
        wishes.extend(session.poll_timeout().map(|(at, _)| Wish::Tick(link, at)));
    }
}

/// A token is the user's name.
fn answer<S: Store>(engine: &Engine<S>, id: SessionId, waker: &Waker, ask: Ask) -> Told {
    match ask {
        Ask::Authenticate { token: Some(token) } => {
            let auth = Auth { user: Some(UserId::from(token.as_str())), ..Auth::default() };
            Told::Identity(Ok(Identity { auth, expires: None }))
        }
        Ask::Authenticate { token: None } => Told::Identity(Err(Problem::new(Code::Unauthenticated, "no token"))),
        ask => ready(engine.answer(id, waker, ask)),
    }
}
