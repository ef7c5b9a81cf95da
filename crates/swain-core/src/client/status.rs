//! What the device tells about itself (spec C12).

use crate::ids::Millis;

/// What a person may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How far the connection is.
    pub state: State,
    /// True until the first caught_up of this run: rows may be old.
    pub cached: bool,
    /// The server's time of the last moment at which the device was known to be current.
    pub last_synced: Option<Millis>,
    /// Mutations that are not acknowledged.
    pub pending: usize,
    /// Mutations that were refused and wait for a decision.
    pub refused: usize,
    /// How far a load is, while there is one.
    pub loading: Option<Loading>,
    /// Why the device does not try to connect, if it does not.
    pub stop: Option<Stop>,
}

/// How far the connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No connection and none on its way.
    #[default]
    Offline,
    /// A connection is being opened.
    Connecting,
    /// Connected; not everything is here yet.
    Syncing,
    /// Everything is here and changes come as they happen.
    Live,
}

/// Rows of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// That came so far.
    pub rows: u64,
    /// That are expected; an estimate.
    pub total: u64,
}

/// Why the device does not try to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The application asked for a pause.
    Paused,
    /// A fresh token was not accepted either: sign in.
    Unauthenticated,
    /// The server said no for good (close 4403): the device belongs to somebody else.
    Forbidden,
    /// The storage does not take writes.
    StorageFailed,
}
