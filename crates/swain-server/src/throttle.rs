//! How often somebody may try: the generic cell rate algorithm (ITU-T I.371) per key, over a bounded number of keys.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use swain_core::{DeviceId, Millis, UserId};

use crate::limits::{
    FAILED_LOGIN_INTERVAL_MS, FAILED_LOGINS_BURST, MAIL_INTERVAL_MS, MAILS_BURST, REQUEST_INTERVAL_MS, REQUESTS_BURST,
    SIGNUP_INTERVAL_MS, SIGNUPS_BURST, THROTTLED_KEYS_MAX,
};

/// Who tries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ThrottleKey {
    /// An address; of IPv6 the /64, which one household has all of.
    Address([u8; 8]),
    /// An account.
    Account(String),
    /// A device.
    Device(DeviceId),
    /// Somebody who is signed in.
    User(UserId),
}

/// Where somebody stands who was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// So many more would be admitted at once.
    pub(crate) left: u64,
    /// So long, and as many as ever are.
    pub(crate) full_in: Millis,
}

pub(crate) struct Throttle {
    /// Of one attempt, at the long-run pace.
    interval: Micros,
    /// So much may be ahead of the pace.
    most: Micros,
    /// For each key the time at which its next attempt would be due at the long-run pace.
    due: Mutex<BTreeMap<ThrottleKey, Micros>>,
}

/// Microseconds: many a minute are apart by fractions of a millisecond.
type Micros = u64;

impl ThrottleKey {
    pub(crate) fn address(address: IpAddr) -> Self {
        let octets = match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => {
                let mut octets = [0; 8];
                octets.copy_from_slice(&address.octets()[..8]);
                return Self::Address(octets);
            }
        };
        let mut tail = [0xff; 8];
        tail[4..].copy_from_slice(&octets[12..]);
        Self::Address(tail)
    }

    pub(crate) fn device(device: &DeviceId) -> Self {
        Self::Device(device.clone())
    }

    pub(crate) fn account(email: &str) -> Self {
        Self::Account(email.chars().take(254).collect())
    }
}

impl Throttle {
    pub(crate) fn of_failed_logins() -> Self {
        Self::new(Millis(FAILED_LOGIN_INTERVAL_MS), FAILED_LOGINS_BURST)
    }

    pub(crate) fn of_signups() -> Self {
        Self::new(Millis(SIGNUP_INTERVAL_MS), SIGNUPS_BURST)
    }

    pub(crate) fn of_mails() -> Self {
        Self::new(Millis(MAIL_INTERVAL_MS), MAILS_BURST)
    }

    pub(crate) fn of_requests() -> Self {
        Self::new(Millis(REQUEST_INTERVAL_MS), REQUESTS_BURST)
    }

    /// So many in so long.
    pub(crate) fn of_window(most: u64, window: Millis) -> Self {
        let window = micros(window);
        Self { interval: window / most, most: window, due: Mutex::default() }
    }

    fn new(interval: Millis, burst: u64) -> Self {
        let interval = micros(interval);
        Self { interval, most: interval * burst, due: Mutex::default() }
    }

    /// Charges an attempt; when there were too many, says how long to wait.
    pub(crate) fn admit(&self, key: ThrottleKey, now: Millis) -> Result<(), Millis> {
        self.charge(key, 1, now).map(drop)
    }

    /// Charges so many at once, all or none. More than are ever admitted at once are admitted when nothing was charged
    /// before, and those after them wait the longer.
    pub(crate) fn charge(&self, key: ThrottleKey, count: u64, now: Millis) -> Result<Standing, Millis> {
        let now = micros(now);
        let mut due = self.due();
        let begun = due.get(&key).copied().unwrap_or(now).max(now);
        let next = begun + self.interval.saturating_mul(count);
        let ahead = next - now;
        if ahead > self.most && begun > now {
            return Err(millis((ahead - self.most).min(begun - now)));
        }
        if due.len() >= THROTTLED_KEYS_MAX && !due.contains_key(&key) {
            make_room(&mut due, now);
        }
        due.insert(key, next);
        Ok(Standing { left: self.most.saturating_sub(ahead) / self.interval, full_in: millis(ahead) })
    }

    /// The attempt was good and does not count.
    pub(crate) fn give_back(&self, key: &ThrottleKey) {
        if let Some(due) = self.due().get_mut(key) {
            *due = due.saturating_sub(self.interval);
        }
    }

    fn due(&self) -> MutexGuard<'_, BTreeMap<ThrottleKey, Micros>> {
        // The map is whole after every statement, so a panic elsewhere does not spoil it.
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets those who have waited long enough; if there are none, the one who tried least.
fn make_room(due: &mut BTreeMap<ThrottleKey, Micros>, now: Micros) {
    due.retain(|_, next| *next > now);
    if due.len() >= THROTTLED_KEYS_MAX {
        let least = due.iter().min_by_key(|(_, next)| **next);
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            due.remove(&key);
        }
    }
}

fn micros(time: Millis) -> Micros {
    time.0.saturating_mul(1000)
}

fn millis(time: Micros) -> Millis {
    Millis(time.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> ThrottleKey {
        ThrottleKey::account(&n.to_string())
    }

    #[test]
    fn the_burst_is_admitted_and_the_next_has_to_wait() {
        let throttle = Throttle::new(Millis(1000), 3);

        let answers: Vec<_> = (0..4).map(|_| throttle.admit(key(1), Millis(5000))).collect();

        assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Err(Millis(1000))]);
        assert_eq!(throttle.admit(key(2), Millis(5000)), Ok(()));
        assert_eq!(throttle.admit(key(1), Millis(6000)), Ok(()));
    }

    #[test]
    fn a_good_attempt_does_not_count() {
        let throttle = Throttle::new(Millis(1000), 1);

        for _ in 0..5 {
            assert_eq!(throttle.admit(key(1), Millis(5000)), Ok(()));
            throttle.give_back(&key(1));
        }
    }

    #[test]
    fn many_at_once_are_admitted_whole_or_not_at_all() {
        let throttle = Throttle::of_window(10, Millis(10_000));

        let charge = |count, now| throttle.charge(key(1), count, Millis(now));
        assert_eq!(charge(7, 0), Ok(Standing { left: 3, full_in: Millis(7000) }));
        assert_eq!(charge(5, 0), Err(Millis(2000)));
        assert_eq!(charge(5, 2000), Ok(Standing { left: 0, full_in: Millis(10_000) }));
        assert_eq!(charge(25, 2000), Err(Millis(10_000)), "more than ever at once, and not now");
        assert_eq!(charge(25, 12_000), Ok(Standing { left: 0, full_in: Millis(25_000) }));
        assert_eq!(charge(1, 12_000), Err(Millis(16_000)));
    }

    #[test]
    fn it_remembers_no_more_keys_than_the_limit() {
        let throttle = Throttle::new(Millis(1000), 1);
        let keys = u32::try_from(THROTTLED_KEYS_MAX).unwrap() + 1;

        for n in 0..keys {
            assert_eq!(throttle.admit(key(n), Millis(5000)), Ok(()));
        }

        assert_eq!(throttle.due().len(), THROTTLED_KEYS_MAX);
    }

    #[test]
    fn addresses_of_one_household_are_one_key() {
        let key = |text: &str| ThrottleKey::address(text.parse().unwrap());

        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:1::1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
        assert_eq!(key("10.0.0.1"), key("::ffff:10.0.0.1"));
    }
}
