//! Tokens that go to a mailbox. Nothing of them is stored: each is a seal on the account as it is, and ends with the
//! change that it allows. So it is used once, also when two use it at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use swain_core::{Millis, UserId};
use swain_store::Person;

use super::refresh_token::derive_key;
use crate::config::Secret;
use crate::limits::{RESET_MS_MAX, VERIFY_MS_MAX};
use crate::mail::MailAbout;

pub(super) struct MailTokens {
    key: [u8; 32],
}

/// A token that has been read; whether it is good, the account tells.
pub(super) struct MailToken {
    pub(super) user: UserId,
    expires: Millis,
    seal: Vec<u8>,
}

impl MailTokens {
    pub(super) fn new(secret: &Secret) -> Self {
        Self { key: derive_key(secret, "swain mail token") }
    }

    pub(super) fn issue(&self, about: MailAbout, person: &Person, now: Millis) -> String {
        let lasts = match about {
            MailAbout::Reset => RESET_MS_MAX,
            MailAbout::Verify => VERIFY_MS_MAX,
        };
        let expires = now.plus(Millis(lasts));
        let seal = self.seal(about, person, expires).finalize().into_bytes();
        let user = URL_SAFE_NO_PAD.encode(person.id.as_str());
        format!("{user}.{expires}.{}", URL_SAFE_NO_PAD.encode(seal))
    }

    /// True when the token was made for this, for the person as they are now.
    pub(super) fn is_good(&self, token: &MailToken, about: MailAbout, person: &Person, now: Millis) -> bool {
        let seal = self.seal(about, person, token.expires);
        now < token.expires && seal.verify_slice(&token.seal).is_ok()
    }

    fn seal(&self, about: MailAbout, person: &Person, expires: Millis) -> Hmac<Sha256> {
        let Person { id, email, password_hash, verified, .. } = person;
        let (purpose, is_over) = match about {
            MailAbout::Reset => ("reset", password_hash.as_str()),
            MailAbout::Verify => ("verify", if *verified { "verified" } else { "not yet" }),
        };
        let mut seal = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        for part in [purpose, id.as_str(), email, is_over, &expires.to_string()] {
            // With its length, so that no two lists of parts are the same bytes.
            seal.update(&(part.len() as u64).to_be_bytes());
            seal.update(part.as_bytes());
        }
        seal
    }
}

impl MailToken {
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (user, expires, seal) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let user = String::from_utf8(URL_SAFE_NO_PAD.decode(user).ok()?).ok()?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        Some(Self { user: UserId::from(user.as_str()), expires: Millis(expires.parse().ok()?), seal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Person {
        Person {
            id: "ada".into(),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            role: "user".into(),
            password_hash: "one".into(),
            verified: false,
        }
    }

    #[test]
    fn a_token_is_good_for_one_thing_until_that_is_done_or_its_time_is_over() {
        let tokens = MailTokens::new(&Secret::new([7; 32]).unwrap());
        let now = Millis(1_000_000);
        let text = tokens.issue(MailAbout::Reset, &ada(), now);
        let token = MailToken::read(&text).unwrap();

        assert!(tokens.is_good(&token, MailAbout::Reset, &ada(), now));
        assert!(tokens.is_good(&token, MailAbout::Reset, &Person { name: "Other".into(), ..ada() }, now));
        assert!(!tokens.is_good(&token, MailAbout::Verify, &ada(), now));
        let done = Person { password_hash: "two".into(), ..ada() };
        assert!(!tokens.is_good(&token, MailAbout::Reset, &done, now));
        let moved = Person { email: "other@example.com".into(), ..ada() };
        assert!(!tokens.is_good(&token, MailAbout::Reset, &moved, now));
        assert!(!tokens.is_good(&token, MailAbout::Reset, &ada(), now.plus(Millis(RESET_MS_MAX))));
        let other = MailTokens::new(&Secret::new([8; 32]).unwrap());
        assert!(!other.is_good(&token, MailAbout::Reset, &ada(), now));

        let verify = MailToken::read(&tokens.issue(MailAbout::Verify, &ada(), now)).unwrap();
        assert!(!tokens.is_good(&verify, MailAbout::Verify, &Person { verified: true, ..ada() }, now));
    }

    #[test]
    fn what_is_no_token_is_none() {
        let longer = MailTokens::new(&Secret::new([7; 32]).unwrap()).issue(MailAbout::Reset, &ada(), Millis(1)) + ".x";
        for text in ["", "a.b", "a.b.c", "YWRh.12", "YWRh.12.!", &longer] {
            assert!(MailToken::read(text).is_none(), "{text}");
        }
    }
}
