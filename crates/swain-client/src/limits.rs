//! The limits of a client, each with its name.

use std::time::Duration;

/// Change sets that wait for a slow reader of [`Changes`](crate::Changes); one more ends its stream.
pub(crate) const CHANGES_QUEUED_MAX: usize = 1024;
/// Bytes of one frame from the server.
pub(crate) const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a connection reads at once. The default of the library, 128 KiB, is too much for thousands of clients.
pub(crate) const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How long a message may take to leave; longer is a dead connection.
pub(crate) const SEND_TIME_MAX: Duration = Duration::from_secs(15);
/// How long a close frame may take to leave.
pub(crate) const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);
/// The first pause after a token could not be found, and the longest.
pub(crate) const TOKEN_PAUSE_MIN: Duration = Duration::from_secs(1);
/// See above.
pub(crate) const TOKEN_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Bytes of an answer to a sign-in.
pub(crate) const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// How long a connection for a request may take to open.
pub(crate) const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Without a welcome so long after it was asked for, the WebSocket does not get through (spec C17).
pub(crate) const WEBSOCKET_WELCOME_TIME_MAX: Duration = Duration::from_secs(10);
/// The same for server-sent events: somebody holds them back.
pub(crate) const SSE_WELCOME_TIME_MAX: Duration = Duration::from_secs(5);
/// Between polls that do not wait.
pub(crate) const POLL_PAUSE: Duration = Duration::from_secs(5);
/// A poll that fails sooner was not waiting.
pub(crate) const POLL_CUT_TIME_MIN: Duration = Duration::from_secs(1);
/// How long a sign-in, or another request that does not wait, may take.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
