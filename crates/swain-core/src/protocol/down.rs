//! Messages from the server (spec P4 to P12).
//!
//! The server writes the hot ones (changes, load) from fragments that sessions share; the device reads all of them.

mod read;
mod write;

use alloc::string::String;
use alloc::vec::Vec;

use crate::alias::Alias;
use crate::ids::{DeviceId, Epoch, Millis, MutationNumber, Name, Pos, Tag, UserId};
use crate::problem::Problem;
use crate::protocol::Nearby;
use crate::row::{Row, RowKey};
use crate::schema::Schema;

pub use write::{
    cursor_of_frame, kind_of_frame, number_frame, place_fragment, write_changes, write_load, write_load_changes,
    write_own_changes, write_patch, write_put, write_remove,
};

/// A message from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Down {
    /// Answer to hello.
    Welcome(Welcome),
    /// Rows for staging.
    Load(LoadChunk),
    /// Changes since the load began, for staging.
    LoadChanges(Vec<RowOperation>),
    /// Staging becomes confirmed.
    LoadEnd(LoadEnd),
    /// One position.
    Changes {
        /// The cursor that it moves to.
        checkpoint: Checkpoint,
        /// What changed.
        rows: Vec<RowOperation>,
        /// What keys stand for that this device proposed (spec P25).
        aliases: Vec<Alias>,
    },
    /// Everything up to the head was sent.
    CaughtUp(Checkpoint),
    /// Nothing else was sent for a while.
    Heartbeat(Checkpoint),
    /// Answer to a push.
    Results(Results),
    /// Come back later.
    Goaway(Goaway),
    /// Who else is here (spec P28).
    Presence(Nearby),
    /// Something was wrong.
    Problem(Problem),
    /// A kind of a newer server; ignored.
    Unknown(String),
}

/// What every frame carries that moves a cursor (spec P8, P9).
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// To give back on reconnect.
    pub cursor: String,
    /// The position.
    pub pos: Pos,
    /// Its tag.
    pub tag: Tag,
    /// The highest n of this device at that position.
    pub acked: MutationNumber,
    /// The server's time.
    pub now: Millis,
}

/// Whether a shape is under the cursor's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeState {
    /// It is.
    Live,
    /// It will be loaded.
    Load,
}

/// The session begins (spec P4).
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome {
    /// The database's history.
    pub epoch: Epoch,
    /// Who the server takes the device's user for.
    pub user: Option<UserId>,
    /// The device.
    pub device: DeviceId,
    /// The server's time.
    pub now: Millis,
    /// The longest silence of the server.
    pub heartbeat: Millis,
    /// When the right to the stream ends.
    pub expires: Option<Millis>,
    /// By index of the hello's shapes.
    pub shapes: Vec<ShapeState>,
    /// The highest n of this device in the ledger.
    pub last: MutationNumber,
    /// Stored results that the device may have missed.
    pub results: Vec<MutationResult>,
    /// What keys stand for that those mutations proposed (spec P25).
    pub aliases: Vec<Alias>,
    /// The synced tables; none when the device has them already.
    pub schema: Option<Schema>,
    /// Whether a cut load goes on (true) or starts over (false); none: no load.
    pub load_resumes: Option<bool>,
}

/// A chunk of a load (spec P5).
#[derive(Clone, Debug, PartialEq)]
pub struct LoadChunk {
    /// The shape, by index of the hello.
    pub shape: usize,
    /// Rows in key order.
    pub rows: Vec<Row>,
    /// An estimate of all rows of the load.
    pub total: u64,
    /// Where the load goes on after a cut.
    pub token: String,
}

/// The end of a load (spec P6).
#[derive(Clone, Debug, PartialEq)]
pub struct LoadEnd {
    /// Where the device is now.
    pub checkpoint: Checkpoint,
    /// The shapes that became live.
    pub shapes: Vec<usize>,
}

/// What happens to a row of the device.
#[derive(Clone, Debug, PartialEq)]
pub enum RowOperation {
    /// The whole row.
    Put {
        /// Which row.
        row: RowKey,
        /// The shapes that hold it now.
        shapes: Vec<usize>,
        /// All its columns.
        values: Row,
    },
    /// Columns that changed.
    Patch {
        /// Which row.
        row: RowKey,
        /// The shapes that hold it now.
        shapes: Vec<usize>,
        /// The columns that changed.
        set: Row,
    },
    /// The row leaves the device.
    Remove {
        /// Which row.
        row: RowKey,
    },
}

/// What became of a mutation (spec P10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As wished.
    Applied,
    /// In part: a strategy decided against some columns.
    Merged,
    /// In part, or not at all: a person has to decide on some columns (spec M15).
    Conflict,
    /// Not at all: a strategy decided against all of it.
    Overruled,
    /// Against the rules of the database or of Swain.
    Refused,
}

/// The result of one mutation.
#[derive(Clone, Debug, PartialEq)]
pub struct MutationResult {
    /// Its number.
    pub n: MutationNumber,
    /// What became of it.
    pub outcome: Outcome,
    /// Columns that a strategy decided against.
    pub lost: Vec<Name>,
    /// Why it was refused.
    pub problem: Option<Problem>,
}

/// The answer to a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// In the order of the push.
    pub results: Vec<MutationResult>,
    /// Why the rest was not attempted.
    pub problem: Option<Problem>,
}

/// The server asks the device to come back later (spec P11).
#[derive(Clone, Debug, PartialEq)]
pub struct Goaway {
    /// Why.
    pub reason: String,
    /// After how long.
    pub retry: Millis,
}

impl Outcome {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Merged => "merged",
            Self::Conflict => "conflict",
            Self::Overruled => "overruled",
            Self::Refused => "refused",
        }
    }

    /// The outcome of this text.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Applied, Self::Merged, Self::Conflict, Self::Overruled, Self::Refused]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}
