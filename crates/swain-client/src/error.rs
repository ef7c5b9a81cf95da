//! What goes wrong at the edge of a client.

use std::time::Duration;

use swain_core::Problem;
use swain_core::client::Status;

use crate::store::StoreError;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none that this client can connect to.
    #[error("{url} is not an address like http://127.0.0.1:8090")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The storage failed.
    #[error("the storage failed")]
    Store(#[from] StoreError),
    /// The mutation was refused, by the device before it was taken or by the server.
    #[error("refused: {0}")]
    Refused(#[source] Problem),
    /// The state did not come in time.
    #[error("not within {limit:?}; the device is {status:?}")]
    TimedOut {
        /// How long was waited.
        limit: Duration,
        /// Where the device was then.
        status: Box<Status>,
    },
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// An HTTP answer that is no success.
    #[error("{0}")]
    Answer(#[source] Problem),
    /// An HTTP request that got no answer.
    #[error("no answer from {host}")]
    Unreachable {
        /// Whom was asked.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Why no token could be found now; it is asked for again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TokenError(pub String);

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}
