//! What sessions ask of the engine, and what they are told.

use std::sync::Arc;

use swain_core::protocol::{Hello, MutationResult, Presence, Results, Unreadable};
use swain_core::rule::Auth;
use swain_core::{Alias, DeviceId, Epoch, Key, Millis, Mutation, MutationNumber, Pos, Problem, Schema, Tag};

use crate::hub::{Delivery, Moved};
use crate::matching::LiveShape;

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
    /// None when the device has it.
    pub(crate) schema: Option<Schema>,
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
    /// What the device's rows contain of it until the load ends.
    pub(crate) told_acked: MutationNumber,
    pub(crate) last: MutationNumber,
    pub(crate) results: Vec<MutationResult>,
    pub(crate) aliases: Vec<Alias>,
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

/// What a tab says of itself, and under which rights.
#[derive(Clone, Debug)]
pub struct PresenceHeard {
    pub(crate) auth: Auth,
    /// What the session holds or loads.
    pub(crate) held: Arc<[LiveShape]>,
    pub(crate) said: Presence,
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
    /// What happened to these shapes in (after, through], a page at a time.
    ReadLoadLog {
        /// Where the load began.
        after: Pos,
        /// Where it ends.
        through: Pos,
        /// What was loaded.
        shapes: Vec<LiveShape>,
    },
    /// Take in what a tab says of itself.
    HearPresence(Box<PresenceHeard>),
    /// What has the session not heard of others yet?
    LookAround,
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
        deliveries: Vec<Delivery>,
        /// How far it was read.
        through: (Pos, Tag),
        /// True when that is the head and the hub takes over.
        live: bool,
    },
    /// To any question about log or rows: the session's promise has ended.
    Moved(Moved),
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
    /// To [`Ask::HearPresence`] and [`Ask::LookAround`]: frames.
    Presence(Vec<String>),
    /// To [`Ask::ReadLoadLog`].
    LoadLog {
        /// Operations with commas between.
        changes: String,
        /// How far the page went.
        through: Pos,
    },
    /// Where the session is, the log is no longer whole: the device comes back and loads (spec S16).
    Expired,
    /// The store could not answer; the session ends and the device comes back.
    Failed(Problem),
}
