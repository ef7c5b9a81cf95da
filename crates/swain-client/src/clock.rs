//! The wall clock, as milliseconds that never go back within a run.

use std::time::{SystemTime, UNIX_EPOCH};

use swain_core::Millis;
use tokio::time::{Duration, Instant};

/// The wall clock at the start, and what has passed since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: Millis,
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: Millis(milliseconds(wall)), start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Millis {
        self.wall.plus(Millis(milliseconds(self.start.elapsed())))
    }

    /// The moment of a time of this clock.
    pub(crate) fn moment(&self, time: Millis) -> Instant {
        // A millisecond later: what is asked for has to be due when the timer fires.
        self.start + Duration::from_millis(time.since(self.wall).0 + 1)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
