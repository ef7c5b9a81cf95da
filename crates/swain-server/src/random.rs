//! Randomness. Nothing else in this crate draws any.

use swain_core::{Millis, UserId};
use uuid::Builder;

/// Bytes of the operating system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A new id as text.
pub(crate) fn random_id() -> String {
    Builder::from_random_bytes(random_bytes()).into_uuid().to_string()
}

/// An id for a new person.
pub(crate) fn random_user() -> UserId {
    UserId::from(random_id().as_str())
}

/// A duration from 0 to `max`.
pub(crate) fn random_up_to(max: Millis) -> Millis {
    Millis(u64::from_le_bytes(random_bytes()) % (max.0 + 1))
}
