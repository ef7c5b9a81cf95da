//! Refresh tokens: 256 bits, known to the server only by their hash, used once (spec P18).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::config::{Secret, TokenTimes};
use crate::random::random_bytes;

pub(super) struct RefreshTokens {
    key: [u8; 32],
    times: TokenTimes,
}

impl RefreshTokens {
    pub(super) fn new(secret: &Secret, times: TokenTimes) -> Self {
        Self { key: derive_key(secret, "swain refresh token"), times }
    }

    pub(super) fn times(&self) -> TokenTimes {
        self.times
    }

    /// The first token of a sign-in.
    pub(super) fn draw(&self) -> String {
        URL_SAFE_NO_PAD.encode(random_bytes::<32>())
    }

    /// The token that follows a used one: always the same, so that two requests with one token get the same answer.
    pub(super) fn successor(&self, token: &str) -> String {
        URL_SAFE_NO_PAD.encode(keyed_hash(&self.key, token))
    }

    /// What the store knows a token by.
    pub(super) fn hash(&self, token: &str) -> String {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(token) {
            write!(hex, "{byte:02x}").expect("a string takes everything");
        }
        hex
    }
}

/// A key of its own for each use of the secret.
pub(super) fn derive_key(secret: &Secret, purpose: &str) -> [u8; 32] {
    keyed_hash(secret.bytes(), purpose)
}

fn keyed_hash(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}
