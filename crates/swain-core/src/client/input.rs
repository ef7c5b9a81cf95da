//! What happens to a device.

use alloc::string::String;
use alloc::vec::Vec;

use super::batch::BatchId;
use super::outbox::EntryId;
use crate::ids::DeviceId;
use crate::mutation::Operation;

/// What the driver tells the device.
///
/// After [`Output::Close`](super::Output::Close) the connection is over for the device:
/// the driver delivers nothing more of it, its end neither.
#[derive(Clone, Debug)]
pub enum Input {
    /// The application edits. The device fills in what each edit was based on.
    Mutate {
        /// What to do, in order, all or nothing.
        operations: Vec<Operation>,
    },
    /// A refused mutation is tried again, as a new one.
    Retry(EntryId),
    /// A refused mutation is given up.
    Discard(EntryId),

    /// The connection that was asked for is open.
    TransportOpened,
    /// A message came.
    FrameReceived(String),
    /// The connection is over, or could not be opened.
    TransportClosed {
        /// The WebSocket close code, if there was one.
        code: Option<u16>,
    },

    /// The connection is over for no fault of anybody: another one goes on at once.
    TransportRestarts,

    /// This batch and all before it are durable.
    Persisted(BatchId),
    /// The storage does not take writes any more; nothing can be promised from here on.
    StorageFailed,

    /// The time that `poll_timeout` gave has come.
    Tick,
    /// The answer to `NeedToken`, or a token on the driver's own account; none: signed out.
    Token(Option<String>),
    /// The answer to `NeedDeviceId`: a new UUID.
    DeviceId(DeviceId),
    /// Online again, visible again, or the person asked: a reason to try at once.
    Wake,
    /// Disconnect and stay so. Edits go on.
    Pause,
    /// The end of a pause, or another try after a stop.
    Resume,
}
