//! Access tokens that ended before their time: those of a user that were signed before a moment (spec P18).
//!
//! Each node keeps it in memory, as long as such a token could live; the refresh tokens are gone from the database at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use swain_core::{Millis, UserId};

use crate::limits::REVOKED_USERS_MAX;

pub(super) struct Revoked {
    /// How long an access token lives.
    lasts: Millis,
    /// Tokens of these users that were signed before this do not count.
    since: Mutex<BTreeMap<UserId, Millis>>,
}

impl Revoked {
    pub(super) fn new(lasts: Millis) -> Self {
        Self { lasts, since: Mutex::default() }
    }

    pub(super) fn add(&self, user: UserId, now: Millis) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.retain(|_, at| now.since(*at) <= self.lasts);
        if since.len() >= REVOKED_USERS_MAX {
            let oldest = since.iter().min_by_key(|(_, at)| **at).map(|(user, _)| user.clone());
            oldest.map(|user| since.remove(&user));
        }
        since.insert(user, now);
    }

    pub(super) fn has(&self, user: &UserId, signed: Millis) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get(user).is_some_and(|at| signed < *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_before_do_not_count_and_nothing_is_kept_beyond_their_life() {
        let (ada, ben) = (UserId::from("ada"), UserId::from("ben"));
        let revoked = Revoked::new(Millis(1000));
        revoked.add(ada.clone(), Millis(5000));

        assert!(revoked.has(&ada, Millis(4999)));
        assert!(!revoked.has(&ada, Millis(5000)) && !revoked.has(&ben, Millis(4999)));

        revoked.add(ben, Millis(6001));
        assert!(!revoked.has(&ada, Millis(4999)), "such a token has ended by itself");
    }
}
