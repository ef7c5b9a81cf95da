//! Tokens that the application's own identity provider signs (spec R15): pinned issuer and audience, pinned algorithm.

use std::collections::BTreeMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value as Json;
use swain_core::rule::Auth as Who;
use swain_core::{Code, Millis, Name, Problem, UserId, Value};
use swain_engine::Identity;

use crate::config::Secret;
use crate::limits::USER_ID_BYTES_MAX;

/// Whose tokens count besides the server's own.
#[derive(Clone, Debug)]
pub struct ExternalTokens {
    issuer: String,
    audience: String,
    keys: Vec<Key>,
    id_claim: String,
    role_claim: String,
}

/// A key with the one algorithm that it checks: what a token says of its algorithm never chooses how a key is used.
#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Why keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// It is no set of keys.
    #[error("this is no JSON Web Key Set: {0}")]
    NotASet(String),
    /// A key that a public set does not have, or that there is no algorithm for.
    #[error("key {0} is none that checks signatures (RSA, P-256, P-384 and Ed25519 do; a secret does not belong here)")]
    Unusable(usize),
    /// Nothing in it.
    #[error("the set has no keys")]
    Empty,
}

#[derive(Deserialize)]
struct Claims {
    /// One text: a list of issuers is not taken.
    #[serde(rename = "iss")]
    _iss: String,
    exp: u64,
    #[serde(flatten)]
    more: BTreeMap<String, Json>,
}

impl ExternalTokens {
    /// Tokens signed with a secret that both sides know (HS256).
    pub fn with_secret(issuer: &str, audience: &str, secret: &Secret) -> Self {
        let key = Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.bytes()) };
        Self::new(issuer, audience, vec![key])
    }

    /// Tokens signed with a private key, whose public side is in this JSON Web Key Set.
    pub fn with_key_set(issuer: &str, audience: &str, set: &str) -> Result<Self, KeysError> {
        let set: JwkSet = serde_json::from_str(set).map_err(|error| KeysError::NotASet(error.to_string()))?;
        let keys = set.keys.iter().enumerate().map(|(index, jwk)| Key::read(jwk).ok_or(KeysError::Unusable(index)));
        let keys: Vec<Key> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Self::new(issuer, audience, keys)) }
    }

    fn new(issuer: &str, audience: &str, keys: Vec<Key>) -> Self {
        let text = str::to_owned;
        Self { issuer: text(issuer), audience: text(audience), keys, id_claim: text("sub"), role_claim: text("role") }
    }

    /// With claims of other names for the user's id and role.
    #[must_use]
    pub fn with_claims(self, id_claim: &str, role_claim: &str) -> Self {
        Self { id_claim: id_claim.to_owned(), role_claim: role_claim.to_owned(), ..self }
    }

    /// Whose token it is.
    pub(super) fn read(&self, token: &str, now: Millis) -> Result<Identity, Problem> {
        let refused = || Problem::new(Code::Unauthenticated, "the access token is not valid");
        let key_id = decode_header(token).map_err(|_| refused())?.kid;
        let is_meant = |key: &&Key| match (&key_id, &key.id) {
            (Some(wanted), Some(id)) => wanted == id,
            (_, None) | (None, Some(_)) => true,
        };
        let mut checked = self.keys.iter().filter(is_meant).filter_map(|key| self.check(token, key));
        let claims = checked.next().ok_or_else(refused)?;
        let expires = Millis(claims.exp.saturating_mul(1000));
        if expires <= now {
            return Err(Problem::new(Code::TokenExpired, "the access token has expired; get another"));
        }
        let user = claims.more.get(&self.id_claim).and_then(user_of).ok_or_else(refused)?;
        let role = claims.more.get(&self.role_claim).and_then(Json::as_str).map(str::to_owned);
        let values = claims.more.iter().filter_map(|(name, json)| Some((Name::from(name.as_str()), value_of(json)?)));
        Ok(Identity { auth: Who { user: Some(user), role, claims: values.collect() }, expires: Some(expires) })
    }

    fn check(&self, token: &str, key: &Key) -> Option<Claims> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        validation.validate_nbf = true;
        // Compared by the caller: with this crate's clock, without leeway, and with its own code.
        validation.validate_exp = false;
        decode::<Claims>(token, &key.key, &validation).ok().map(|data| data.claims)
    }
}

impl Key {
    fn read(jwk: &Jwk) -> Option<Self> {
        let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
            (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
            (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS384)) => Algorithm::RS384,
            (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS512)) => Algorithm::RS512,
            (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
            (AlgorithmParameters::EllipticCurve(curve), _) => match curve.curve {
                EllipticCurve::P256 => Algorithm::ES256,
                EllipticCurve::P384 => Algorithm::ES384,
                _ => return None,
            },
            (AlgorithmParameters::OctetKeyPair(_), _) => Algorithm::EdDSA,
            _ => return None,
        };
        Some(Self { id: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
    }
}

/// Text, or a whole number as its decimal form.
fn user_of(json: &Json) -> Option<UserId> {
    let id = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.as_i64()?.to_string(),
        _ => return None,
    };
    (!id.is_empty() && id.len() <= USER_ID_BYTES_MAX).then(|| UserId::from(id.as_str()))
}

/// A claim that rules can compare; lists and objects are none.
fn value_of(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(truth) => Some(Value::Bool(*truth)),
        Json::String(text) => Some(Value::text(text.as_str())),
        Json::Number(number) => number.as_i64().map(Value::int64).or_else(|| number.as_f64().map(Value::number)),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
