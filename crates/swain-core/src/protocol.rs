//! The messages between device and server (spec/protocol.md).
//!
//! A message is one JSON object with exactly one member, named for its kind, on every transport.

mod cursor;
mod down;
mod presence;
mod transport;
mod up;

pub use cursor::{Cursor, LoadToken};
pub use down::{
    Checkpoint, Down, Goaway, LoadChunk, LoadEnd, MutationResult, Outcome, Results, RowOperation, ShapeState, Welcome,
    cursor_of_frame, kind_of_frame, number_frame, place_fragment, write_changes, write_load, write_load_changes,
    write_own_changes, write_patch, write_put, write_remove,
};
pub use presence::{Nearby, Other, Presence, Said, Tab};
pub use transport::Transport;
pub use up::{Hello, Unreadable, Up, UpBatch, read_shapes};

/// The version that this code speaks.
pub const PROTOCOL: u64 = 1;

/// Why a WebSocket is closed (spec P15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Nothing more to say.
    Done,
    /// The server is going down.
    Restart,
    /// Too many messages.
    Policy,
    /// A message over the limit.
    TooBig,
    /// Too many connections.
    Overloaded,
    /// A message that cannot be read.
    BadMessage,
    /// The token has expired or is missing.
    AuthExpired,
    /// Not this user's.
    Forbidden,
    /// No hello in time.
    HelloTooLate,
    /// The same device connected elsewhere.
    Superseded,
    /// No write progress.
    Slow,
}

impl Close {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Done,
        Self::Restart,
        Self::Policy,
        Self::TooBig,
        Self::Overloaded,
        Self::BadMessage,
        Self::AuthExpired,
        Self::Forbidden,
        Self::HelloTooLate,
        Self::Superseded,
        Self::Slow,
    ];

    /// The close that an HTTP answer of this status stands for (spec P20); none: a lost connection.
    pub fn of_status(status: u16) -> Option<Self> {
        match status {
            401 => Some(Self::AuthExpired),
            403 => Some(Self::Forbidden),
            429 | 503 => Some(Self::Overloaded),
            400..500 => Some(Self::BadMessage),
            _ => None,
        }
    }

    /// The code on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Done => 1000,
            Self::Restart => 1012,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Overloaded => 1013,
            Self::BadMessage => 4400,
            Self::AuthExpired => 4401,
            Self::Forbidden => 4403,
            Self::HelloTooLate => 4408,
            Self::Superseded => 4409,
            Self::Slow => 4410,
        }
    }
}
