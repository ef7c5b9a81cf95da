//! What a connection asks of its transport.

use swain_core::protocol::{Close, Transport};

/// One way to and from a device. A frame goes to it whole and in order; it waits as long as the other side is slow.
pub(super) trait Wire: Send {
    const TRANSPORT: Transport;

    /// The next thing that the device says, or that it is over. May be dropped half way: nothing is lost.
    fn hear(&mut self) -> impl Future<Output = Result<Said, Lost>> + Send;

    /// Hands a frame over. [`Wire::flush`] sees to the rest.
    fn send(&mut self, frame: String, packing: Packing) -> impl Future<Output = Result<(), Lost>> + Send;

    /// What was handed over is on its way when this returns.
    fn flush(&mut self) -> impl Future<Output = Result<(), Lost>> + Send;

    /// The last word.
    fn close(&mut self, close: Close) -> impl Future<Output = Result<(), Lost>> + Send;
}

/// How a frame may travel (spec P23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
}

/// What the other side said.
pub(super) enum Said {
    Text(String),
    /// Not a text message.
    Binary,
    /// More than a message may hold.
    TooLarge,
    /// Bytes that are no text.
    NotUtf8,
}

/// Why nothing more can be sent or heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The other side is gone.
    Gone,
    /// It takes nothing any more.
    Stalled,
    /// It has what it asked for.
    Answered,
}
