//! How fast a session may send messages: the generic cell rate algorithm (ITU-T I.371).

use swain_core::Millis;

use crate::limits::{MESSAGES_BURST, MESSAGES_PER_SECOND};

const INTERVAL_US: u64 = 1_000_000 / MESSAGES_PER_SECOND;

/// Keeps one number: the time at which the next message would be due at the long-run pace.
#[derive(Debug)]
pub(super) struct Rate {
    due_us: u64,
}

impl Rate {
    pub(super) fn new(now: Millis) -> Self {
        Self { due_us: now.0 * 1000 }
    }

    /// True when a message may come now.
    pub(super) fn admits(&mut self, now: Millis) -> bool {
        let now_us = now.0 * 1000;
        let due_us = self.due_us.max(now_us) + INTERVAL_US;
        if due_us - now_us > MESSAGES_BURST * INTERVAL_US {
            return false;
        }
        self.due_us = due_us;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_admitted_and_the_next_message_is_not() {
        let mut rate = Rate::new(Millis(5));

        let admitted = (0..=MESSAGES_BURST).filter(|_| rate.admits(Millis(5))).count() as u64;

        assert_eq!(admitted, MESSAGES_BURST);
        assert!(rate.admits(Millis(15)), "after one interval there is room for one");
        assert!(!rate.admits(Millis(15)));
    }
}
