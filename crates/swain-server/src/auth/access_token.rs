//! Access tokens: JWT, HS256 (spec P18).

use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use swain_core::rule::Auth as Who;
use swain_core::{Code, Millis, Problem, UserId};
use swain_engine::Identity;
use swain_store::Person;

use super::refresh_token::derive_key;
use super::revoked::{Of, Revoked};
use crate::config::Secret;

const ISSUER: &str = "swain";
const AUDIENCE: &str = "swain";

pub(super) struct AccessTokens {
    sign: EncodingKey,
    check: DecodingKey,
    validation: Validation,
    lasts: Millis,
    revoked: Revoked,
}

pub(super) struct AccessToken {
    pub(super) text: String,
    pub(super) expires: Millis,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    role: String,
    exp: u64,
    /// Seconds; with parts of one, so that a sign-in right after a revocation counts.
    iat: f64,
}

impl AccessTokens {
    pub(super) fn new(secret: &Secret, lasts: Millis) -> Self {
        // A second server in the process finds it installed.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        let key = derive_key(secret, "swain access token");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The time is compared below: with this crate's clock, without leeway, and with its own code.
        validation.validate_exp = false;
        Self {
            sign: EncodingKey::from_secret(&key),
            check: DecodingKey::from_secret(&key),
            validation,
            lasts,
            revoked: Revoked::new(lasts),
        }
    }

    pub(super) fn issue(&self, person: &Person, family: &str, now: Millis) -> AccessToken {
        let exp = now.plus(self.lasts).0 / 1000;
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: person.id.as_str().into(),
            sid: family.into(),
            role: person.role.clone(),
            exp,
            iat: seconds(now),
        };
        let header = Header::new(Algorithm::HS256);
        AccessToken {
            text: encode(&header, &claims, &self.sign).expect("these claims can be signed"),
            expires: Millis(exp * 1000),
        }
    }

    pub(super) fn read(&self, token: &str, now: Millis) -> Result<Identity, Problem> {
        let data = decode::<Claims>(token, &self.check, &self.validation)
            .map_err(|_| Problem::new(Code::Unauthenticated, "the access token is not valid"))?;
        let expires = Millis(data.claims.exp.saturating_mul(1000));
        if expires <= now {
            let detail = "the access token has expired; refresh it";
            return Err(Problem::new(Code::TokenExpired, detail));
        }
        let user = UserId::from(data.claims.sub.as_str());
        let signed = millis(data.claims.iat);
        let is_ended = |of| self.revoked.has(&of, signed);
        if is_ended(Of::User(user.clone())) || is_ended(Of::SignIn(data.claims.sid)) {
            return Err(Problem::new(Code::Unauthenticated, "this sign-in was ended; sign in again"));
        }
        let auth = Who { user: Some(user), role: Some(data.claims.role), ..Who::default() };
        Ok(Identity { auth, expires: Some(expires) })
    }

    /// What was signed for this user until now does not count any more.
    pub(super) fn revoke(&self, user: UserId, now: Millis) {
        self.revoked.add(Of::User(user), now);
    }

    /// The same of one sign-in.
    pub(super) fn revoke_sign_in(&self, family: String, now: Millis) {
        self.revoked.add(Of::SignIn(family), now);
    }

    /// By which sign-in a token was issued; none if it was not issued here.
    pub(super) fn sign_in(&self, token: &str) -> Option<String> {
        Some(decode::<Claims>(token, &self.check, &self.validation).ok()?.claims.sid)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time of our days in milliseconds is far below 2^53")]
fn seconds(time: Millis) -> f64 {
    time.0 as f64 / 1000.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number out of range is at its end")]
fn millis(seconds: f64) -> Millis {
    Millis((seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: u8) -> AccessTokens {
        AccessTokens::new(&Secret::new([secret; 32]).unwrap(), Millis(60_000))
    }

    fn ada() -> Person {
        Person {
            id: UserId::from("ada"),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            role: "user".into(),
            password_hash: String::new(),
            verified: false,
        }
    }

    #[test]
    fn a_token_is_good_until_its_end_and_only_for_its_secret() {
        let token = tokens(1).issue(&ada(), "f", Millis(1_000_000));

        let at = |secret, now| tokens(secret).read(&token.text, Millis(now)).map_err(|e| e.code);

        assert_eq!(at(1, 1_000_000).unwrap().expires, Some(Millis(1_060_000)));
        assert_eq!(at(1, 1_059_999).unwrap().auth.user, Some(UserId::from("ada")));
        assert_eq!(at(1, 1_060_000), Err(Code::TokenExpired));
        assert_eq!(at(2, 1_000_000), Err(Code::Unauthenticated));
    }

    #[test]
    fn tokens_of_another_kind_are_not_taken() {
        let forge = |header: Header, claims: serde_json::Value| {
            let key = derive_key(&Secret::new([1; 32]).unwrap(), "swain access token");
            let token = encode(&header, &claims, &EncodingKey::from_secret(&key)).unwrap();
            tokens(1).read(&token, Millis(0)).map_err(|e| e.code)
        };
        let claims = |aud: serde_json::Value, iss: &str| serde_json::json!({"iss": iss, "aud": aud, "sub": "ada", "sid": "f", "role": "user", "exp": 9, "iat": 0});
        let hs256 = || Header::new(Algorithm::HS256);

        assert!(forge(hs256(), claims("swain".into(), "swain")).is_ok());
        for bad in [
            forge(Header::new(Algorithm::HS512), claims("swain".into(), "swain")),
            forge(hs256(), claims("other".into(), "swain")),
            forge(hs256(), claims(["swain", "other"].as_slice().into(), "swain")),
            forge(hs256(), claims("swain".into(), "other")),
            forge(hs256(), serde_json::json!({"sub": "ada", "exp": 9})),
        ] {
            assert_eq!(bad, Err(Code::Unauthenticated));
        }
        let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJzd2FpbiJ9.";
        assert!(tokens(1).read(none, Millis(0)).is_err());
    }
}
