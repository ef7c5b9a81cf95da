//! What a device wants done, and what it tells.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::batch::Batch;
use super::outbox::EntryId;
use super::status::Status;
use crate::alias::Alias;
use crate::ids::{MutationNumber, Pos};
use crate::problem::Problem;
use crate::protocol::MutationResult;
use crate::row::{Row, RowKey};

/// What the driver does or passes on, in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Find the access token and answer with `Token`.
    NeedToken {
        /// The one at hand was not accepted or is about to expire: get a new one.
        renew: bool,
    },
    /// Draw a new UUID and answer with `DeviceId` (spec C10).
    NeedDeviceId,
    /// Open a connection.
    Connect,
    /// End the connection; nothing more of it is to be delivered.
    Close(Cause),
    /// Send a message.
    Send(String),
    /// Write this in one transaction, after all earlier ones, then answer with `Persisted`.
    Persist(Batch),

    /// A mutation is durable.
    Saved(EntryId),
    /// A mutation could not be taken; nothing of it happened.
    Rejected(Problem),
    /// Visible rows changed, or a position was applied.
    Changed(ChangeSet),
    /// A mutation is acknowledged and its result is known.
    Settled(Settled),
    /// The status changed.
    Status(Status),
    /// The server complained; for logs.
    Problem(Problem),
}

/// Why a device ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is silent or garbled: as good as lost.
    Dead,
    /// The device, or the server, wants it so.
    Left,
}

/// One step of the visible rows (spec C13).
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeSet {
    /// Where the device is now.
    pub pos: Pos,
    /// Whose step it is.
    pub origin: Origin,
    /// Rows that look different now, in order of table and key.
    pub rows: Vec<RowChange>,
    /// What keys stand for from here on: each such row is in `rows` twice, gone under the one key and there under the other.
    pub aliases: Vec<Alias>,
}

/// Whose step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An edit on this device.
    Local(EntryId),
    /// A frame of the server.
    Server,
}

/// A visible row before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    /// Which row.
    pub row: RowKey,
    /// What was visible.
    pub before: Option<Arc<Row>>,
    /// What is visible.
    pub after: Option<Arc<Row>>,
}

/// The end of a mutation.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The outbox entry.
    pub id: EntryId,
    /// The number under which the server knows it.
    pub n: MutationNumber,
    /// What became of it.
    pub result: MutationResult,
}
