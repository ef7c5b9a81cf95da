//! The clock. Nothing else in this crate asks what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swain_core::Millis;

/// The server's time.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How long it is until a time.
pub(crate) fn until(time: Millis) -> Duration {
    Duration::from_millis(time.since(now()).0)
}
