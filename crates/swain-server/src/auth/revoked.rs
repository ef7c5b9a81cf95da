//! Access tokens that ended before their time: those of a user, or of one sign-in, that were signed before a moment (spec P18).
//!
//! Each node keeps it in memory, as long as such a token could live; the refresh tokens are gone from the database at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use swain_core::{Millis, UserId};

use crate::limits::REVOKED_MAX;

/// Whose tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    /// All of a user.
    User(UserId),
    /// Those of one sign-in.
    SignIn(String),
}

pub(super) struct Revoked {
    /// How long an access token lives.
    lasts: Millis,
    /// Tokens of these that were signed before this do not count.
    since: Mutex<BTreeMap<Of, Millis>>,
}

impl Revoked {
    pub(super) fn new(lasts: Millis) -> Self {
        Self { lasts, since: Mutex::default() }
    }

    pub(super) fn add(&self, of: Of, now: Millis) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.retain(|_, at| now.since(*at) <= self.lasts);
        if since.len() >= REVOKED_MAX {
            let oldest = since.iter().min_by_key(|(_, at)| **at).map(|(of, _)| of.clone());
            oldest.map(|of| since.remove(&of));
        }
        since.insert(of, now);
    }

    pub(super) fn has(&self, of: &Of, signed: Millis) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get(of).is_some_and(|at| signed < *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_before_do_not_count_and_nothing_is_kept_beyond_their_life() {
        let (ada, ben) = (Of::User("ada".into()), Of::SignIn("ben's".into()));
        let revoked = Revoked::new(Millis(1000));
        revoked.add(ada.clone(), Millis(5000));

        assert!(revoked.has(&ada, Millis(4999)));
        assert!(!revoked.has(&ada, Millis(5000)) && !revoked.has(&ben, Millis(4999)));

        revoked.add(ben, Millis(6001));
        assert!(!revoked.has(&ada, Millis(4999)), "such a token has ended by itself");
    }
}
