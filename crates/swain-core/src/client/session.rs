//! Where the connection is, and what each state knows.

use super::status::{Loading, State, Stop};
use crate::ids::{Millis, MutationNumber};

/// The state of the connection; the drawing is in the module's documentation.
#[derive(Clone, Debug)]
pub(super) enum Connection {
    /// Connects when the token comes.
    NeedsToken,
    /// Goes on under a new device id when it comes (spec C10).
    NeedsDevice {
        /// A restored server lost what is above; it is sent again under the new id.
        lost_above: Option<MutationNumber>,
    },
    /// Does not try.
    Stopped(Stop),
    /// Tries again later.
    Waiting {
        /// When.
        until: Millis,
        patience: Patience,
    },
    /// The driver is opening a connection.
    Connecting { deadline: Millis },
    /// Hello is sent.
    Greeting { deadline: Millis },
    /// Welcome came.
    Running(Session),
}

/// Whether a wake may cut a wait short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// The wait was our own choice.
    Own,
    /// The server asked for it (spec C8).
    AskedFor,
}

/// A connection behind its welcome.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// When the welcome came.
    pub(super) since: Millis,
    /// When the last bytes came.
    pub(super) heard: Millis,
    /// The longest silence of a server that lives.
    pub(super) heartbeat: Millis,
    pub(super) progress: Progress,
    pub(super) loading: Option<Loading>,

    pub(super) push: Push,
    /// The highest n that the server has decided.
    pub(super) decided: MutationNumber,

    pub(super) renewal: Renewal,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Catching up or loading.
    Syncing,
    /// Caught up.
    Live,
}

/// The push side of a session (spec C9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Push {
    /// Nothing is in flight.
    Idle,
    /// Results are awaited, until this time.
    InFlight { until: Millis },
    /// The server could not now; the same again at this time.
    Paused { until: Millis },
}

/// The right to the stream (spec P3). Times are the device's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// It does not end, or was asked for already.
    NotNeeded,
    /// A new token is asked for at this time.
    Due { at: Millis },
    /// A new token was sent; the next heartbeat tells when that one ends.
    Sent,
}

impl Connection {
    pub(super) fn state(&self) -> State {
        match self {
            Self::NeedsToken | Self::NeedsDevice { .. } | Self::Connecting { .. } | Self::Greeting { .. } => {
                State::Connecting
            }
            Self::Stopped(_) | Self::Waiting { .. } => State::Offline,
            Self::Running(session) => session.state(),
        }
    }

    pub(super) fn stop(&self) -> Option<Stop> {
        match self {
            Self::Stopped(stop) => Some(*stop),
            Self::NeedsToken
            | Self::NeedsDevice { .. }
            | Self::Waiting { .. }
            | Self::Connecting { .. }
            | Self::Greeting { .. }
            | Self::Running(_) => None,
        }
    }

    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match self {
            Self::Running(session) => Some(session),
            Self::NeedsToken
            | Self::NeedsDevice { .. }
            | Self::Stopped(_)
            | Self::Waiting { .. }
            | Self::Connecting { .. }
            | Self::Greeting { .. } => None,
        }
    }

    /// True when the driver has a connection, or is opening one.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Connecting { .. } | Self::Greeting { .. } | Self::Running(_) => true,
            Self::NeedsToken | Self::NeedsDevice { .. } | Self::Stopped(_) | Self::Waiting { .. } => false,
        }
    }

    /// When this state ends by itself, and why.
    pub(super) fn timeout(&self) -> Option<(Millis, &'static str)> {
        match self {
            Self::NeedsToken | Self::NeedsDevice { .. } | Self::Stopped(_) => None,
            Self::Waiting { until, .. } => Some((*until, "reconnect")),
            Self::Connecting { deadline } => Some((*deadline, "connection does not open")),
            Self::Greeting { deadline } => Some((*deadline, "welcome does not come")),
            Self::Running(session) => Some(session.timeout()),
        }
    }
}

impl Session {
    fn state(&self) -> State {
        match (self.progress, self.loading) {
            (Progress::Live, None) => State::Live,
            (Progress::Live, Some(_)) | (Progress::Syncing, _) => State::Syncing,
        }
    }

    /// Two and a half heartbeats without bytes: the stream is dead (spec C8).
    pub(super) fn silence_ends(&self) -> Millis {
        self.heard.plus(Millis(self.heartbeat.0.saturating_mul(5) / 2))
    }

    fn timeout(&self) -> (Millis, &'static str) {
        let mut first = (self.silence_ends(), "stream is silent");
        match self.push {
            Push::Idle => {}
            Push::InFlight { until } => first = first.min((until, "results do not come")),
            Push::Paused { until } => first = first.min((until, "push again")),
        }
        if let Renewal::Due { at } = self.renewal {
            first = first.min((at, "renew token"));
        }
        first
    }
}
