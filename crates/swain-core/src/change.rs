//! Changes: what happened (spec S1, S3).

use alloc::vec::Vec;

use crate::alias::Alias;
use crate::ids::{Actor, DeviceId, Millis, MutationNumber, Pos, Tag, UserId};
use crate::row::{Row, RowKey};

/// One position of the log with all its changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Its place.
    pub pos: Pos,
    /// Drawn at random.
    pub tag: Tag,
    /// When it was given, by the server's clock.
    pub at: Millis,
    /// Who did it.
    pub who: Who,
    /// What changed; empty for a refusal or a mutation that changed nothing.
    pub changes: Vec<Change>,
    /// What the keys stand for that this mutation proposed; for its own device only (spec P25).
    pub aliases: Vec<Alias>,
}

/// Who caused a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A device's mutation.
    Device {
        /// The user of the device.
        user: Option<UserId>,
        /// The device.
        device: DeviceId,
        /// The mutation's number.
        n: MutationNumber,
    },
    /// Another program that wrote to the database.
    Outside {
        /// What it calls itself; none when it does not say, or when the changes are of several (spec S13).
        actor: Option<Actor>,
    },
    /// Swain itself (schema, rules).
    Server,
}

/// One row inserted, updated or deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which row.
    pub row: RowKey,
    /// The row before; none for an insert.
    pub before: Option<Row>,
    /// The row after; none for a delete.
    pub after: Option<Row>,
    /// The outside program that made it, when its position holds changes of several; otherwise the position's `who` says it.
    pub actor: Option<Actor>,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A row came.
    Insert,
    /// Columns of a row changed.
    Update,
    /// A row went.
    Delete,
}

impl Change {
    /// What it did. A change without before and after does not exist.
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Insert,
            (Some(_), Some(_)) => ChangeKind::Update,
            (Some(_), None) => ChangeKind::Delete,
        }
    }
}

impl Who {
    /// The mutation's device and number, if a device did it.
    pub fn mutation(&self) -> Option<(&DeviceId, MutationNumber)> {
        match self {
            Self::Device { device, n, .. } => Some((device, *n)),
            Self::Outside { .. } | Self::Server => None,
        }
    }
}
