//! The hash that tells values apart (spec V4).

use alloc::format;
use alloc::string::String;

/// FNV-1a, 64 bits, as 16 lower-case hex digits. It protects nothing; it only tells values apart.
pub fn hash_text(text: &str) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}
