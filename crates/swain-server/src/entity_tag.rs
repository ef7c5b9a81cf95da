//! Tags by which a browser says what it has (RFC 9110 §8.8.3).

use std::fmt::Write as _;

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use sha2::{Digest, Sha256};

/// The same content has the same tag, and no other has it.
pub(crate) fn entity_tag(content: &[u8]) -> String {
    format!("\"{}\"", short_hash(content))
}

/// The first 128 bits of SHA-256, in hex.
pub(crate) fn short_hash(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// Whether the request says that its sender has this.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(IF_NONE_MATCH).is_some_and(|tags| {
        let tags = tags.to_str().unwrap_or_default().split(',');
        tags.map(|known| known.trim().trim_start_matches("W/")).any(|known| known == tag || known == "*")
    })
}
