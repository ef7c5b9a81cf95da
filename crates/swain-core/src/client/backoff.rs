//! How long to wait before trying again (spec C8): full jitter, never giving up.

use super::random::Random;
use crate::ids::Millis;
use crate::limits::RECONNECT_DELAY_MS_MAX;

/// Counts attempts and draws delays.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    first: Millis,
    attempt: u32,
}

impl Backoff {
    pub(super) fn new(first: Millis) -> Self {
        Self { first, attempt: 0 }
    }

    /// random(0..min(30 s, first · 2^attempt)), and the next one is from twice the range.
    pub(super) fn delay(&mut self, random: &mut Random) -> Millis {
        let factor = 1u64.checked_shl(self.attempt).unwrap_or(u64::MAX);
        let range = self.first.0.saturating_mul(factor).min(RECONNECT_DELAY_MS_MAX);
        self.attempt = self.attempt.saturating_add(1);
        Millis(random.below(range))
    }

    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// A first delay below a second is for tests and benches, where caught_up already counts as healthy (spec C8).
    pub(super) fn is_hasty(&self) -> bool {
        self.first.0 < 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_thirty_seconds_and_never_beyond() {
        let mut backoff = Backoff::new(Millis(1000));
        let mut random = Random::from_seed(7);

        for attempt in 0..200u32 {
            let range = 1000u64.saturating_mul(1u64.checked_shl(attempt).unwrap_or(u64::MAX)).min(30_000);
            assert!(backoff.delay(&mut random).0 < range);
        }
    }
}
