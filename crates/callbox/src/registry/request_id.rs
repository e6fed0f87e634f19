//! What a request is called, so that its traces in several logs can be found.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest request id that is taken over from a peer, in characters.
pub const MAX_REQUEST_ID: usize = 64;

/// Length of an id that is made here.
pub(super) const MADE_LENGTH: usize = 16;

/// Whether `bytes` can be taken over.
pub(super) fn is_request_id(bytes: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=MAX_REQUEST_ID).contains(&bytes.len()) && bytes.iter().all(is_allowed)
}

/// What ids are made of: of each request another number.
pub(super) fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// The id that is made of `number`: hexadecimal, and another one in each process.
pub(super) fn made_of(number: u64) -> [u8; MADE_LENGTH] {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
    let scattered = scatter(number ^ *PROCESS);
    std::array::from_fn(|digit| {
        let nibble = scattered >> (60 - 4 * digit) & 0xf;
        b"0123456789abcdef"[nibble as usize]
    })
}

/// The end of SplitMix64, which makes another number of each.
fn scatter(mut number: u64) -> u64 {
    number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_are_ids_and_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(made_of).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| is_request_id(id)));
    }
}
