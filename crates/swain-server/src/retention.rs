//! Cleans up the log, a small step at a time (spec S16).
//!
//! A step waits for its turn at the writer like any write, and those behind it wait for the step: so it is small. After it
//! the clean-up rests for many times as long as the step took, the wait included: a busy writer makes it slow, never idle.
//! While the log grows all the same, the rests are made shorter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swain_core::Pos;
use swain_engine::Engine;
use swain_store::{Retention, Store, StoreError, Trimmed};

use crate::clock::now;
use crate::config::ServerConfig;
use crate::lifecycle::Lifecycle;
use crate::limits::{TRIM_PROGRESS_MS, TRIM_REST_FACTOR_MAX, TRIM_REST_FACTOR_MIN, TRIM_REST_MS_MIN, TRIM_STEP_ROWS};
use crate::metrics::Metrics;

/// What is cleaned up, and how often.
pub(crate) struct Plan {
    retention: Arc<Retention>,
    interval: Duration,
}

impl Plan {
    pub(crate) fn of(config: &ServerConfig) -> Self {
        Self { retention: Arc::new(config.retention.clone()), interval: config.trim_interval }
    }
}

/// Cleans up until the server has ended.
pub(crate) async fn clean_up<S: Store>(
    engine: Arc<Engine<S>>,
    plan: Plan,
    metrics: Arc<Metrics>,
    lifecycle: Arc<Lifecycle>,
) {
    let mut progress = Progress::new();
    let mut pace = Pace::new(engine.position());
    loop {
        let begun = Instant::now();
        let step = engine.store().trim(now(), Arc::clone(&plan.retention), TRIM_STEP_ROWS).await;
        if let Ok(trimmed) = &step {
            metrics.note_trimmed(trimmed);
            pace.note(trimmed.raised, engine.position());
        }
        let rest = match progress.note(step) {
            Next::Step => pace.rest_after(begun.elapsed()),
            Next::Later => plan.interval,
        };
        tokio::select! {
            () = lifecycle.ended.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// How long a clean-up rests: as long as possible, and short enough that the log does not grow meanwhile.
struct Pace {
    head: Pos,
    factor: u32,
}

impl Pace {
    fn new(head: Pos) -> Self {
        Self { head, factor: TRIM_REST_FACTOR_MAX }
    }

    /// A step took `raised` positions away, and the newest is now `head`.
    fn note(&mut self, raised: u64, head: Pos) {
        let written = head.0.saturating_sub(std::mem::replace(&mut self.head, head).0);
        let factor = if written > raised { self.factor / 2 } else { self.factor.saturating_mul(2) };
        self.factor = factor.clamp(TRIM_REST_FACTOR_MIN, TRIM_REST_FACTOR_MAX);
    }

    fn rest_after(&self, step: Duration) -> Duration {
        (step * self.factor).max(Duration::from_millis(TRIM_REST_MS_MIN))
    }
}

enum Next {
    /// The next step of this clean-up.
    Step,
    /// The next clean-up.
    Later,
}

/// What is said in the log: the beginning of a longer clean-up, how it goes on, its end, and when it fails, once.
struct Progress {
    steps: u64,
    total: Trimmed,
    told: Instant,
    is_failing: bool,
}

impl Progress {
    fn new() -> Self {
        Self { steps: 0, total: Trimmed::default(), told: Instant::now(), is_failing: false }
    }

    fn note(&mut self, step: Result<Trimmed, StoreError>) -> Next {
        let step = match step {
            Ok(step) => step,
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(error = %error, "the log cannot be cleaned up; trying again later");
                }
                return Next::Later;
            }
        };
        self.is_failing = false;
        self.steps += 1;
        self.total.floor = step.floor;
        self.total.raised += step.raised;
        self.total.changes += step.changes;
        self.total.devices += step.devices;
        let is_over = !step.more;
        if is_over || self.told.elapsed() >= Duration::from_millis(TRIM_PROGRESS_MS) {
            self.tell(is_over);
        }
        if !is_over {
            return Next::Step;
        }
        *self = Self::new();
        Next::Later
    }

    fn tell(&mut self, is_over: bool) {
        self.told = Instant::now();
        let Trimmed { floor, raised, changes, devices, more: _ } = self.total;
        if raised + changes + devices == 0 {
            return;
        }
        let state = if is_over { "the log is cleaned up" } else { "the log is being cleaned up" };
        tracing::info!(%floor, positions = raised, changes, devices, steps = self.steps, "{state}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn a_step_that_waited_long_for_the_writer_is_followed_by_a_long_rest() {
        let pace = Pace::new(Pos(7));
        assert_eq!(pace.rest_after(STEP), STEP * TRIM_REST_FACTOR_MAX);
        assert_eq!(pace.rest_after(Duration::ZERO), Duration::from_millis(TRIM_REST_MS_MIN));
    }

    #[test]
    fn rests_are_shortened_while_the_log_grows_and_lengthened_again_after() {
        let mut pace = Pace::new(Pos(0));
        pace.note(30, Pos(40));
        assert_eq!(pace.rest_after(STEP), STEP * (TRIM_REST_FACTOR_MAX / 2));
        pace.note(30, Pos(70));
        assert_eq!(pace.rest_after(STEP), STEP * TRIM_REST_FACTOR_MAX);
        for step in 1..=20 {
            pace.note(30, Pos(70 + 1000 * step));
        }
        assert_eq!(pace.rest_after(STEP), STEP * TRIM_REST_FACTOR_MIN);
    }
}
