//! The life of a server: running, draining, ended.

use std::sync::atomic::{AtomicU64, Ordering};

use swain_core::Millis;
use swain_engine::SessionId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{RETURN_SPREAD_MS_MIN, RETURNS_PER_SECOND};
use crate::random::random_up_to;

/// What the connections and the follower watch.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    /// No more connections; those that are there say goodbye.
    pub(crate) draining: CancellationToken,
    /// Everything stops now.
    pub(crate) ended: CancellationToken,
    /// The connections.
    pub(crate) connections: TaskTracker,
    sessions: AtomicU64,
}

impl Lifecycle {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    pub(crate) fn next_session(&self) -> SessionId {
        SessionId(self.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// When a device shall come back: all of them spread so that the next server can take them (spec S10).
    pub(crate) fn draw_return(&self) -> Millis {
        let count = u64::try_from(self.connections.len()).unwrap_or(u64::MAX);
        let spread = count.saturating_mul(1000) / RETURNS_PER_SECOND;
        random_up_to(Millis(spread.max(RETURN_SPREAD_MS_MIN)))
    }
}
