//! What a request is called, so that its traces in several logs can be found.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::http::HeaderValue;

/// Longest request id that is taken over from a peer, in characters.
pub const MAX_REQUEST_ID: usize = 64;

/// Length of an id that is made here.
const MADE_LENGTH: usize = 16;

/// Ids that a thread makes at once, in one piece of memory: a call allocates none of its own.
const MADE_AT_ONCE: u64 = 64;

/// Whether `bytes` can be taken over.
pub(super) fn is_request_id(bytes: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    (1..=MAX_REQUEST_ID).contains(&bytes.len()) && bytes.iter().all(is_allowed)
}

/// An id that no other request has: 16 hexadecimal digits, others in each process.
pub(super) fn make() -> HeaderValue {
    thread_local! {
        static MADE: RefCell<Bytes> = const { RefCell::new(Bytes::new()) };
    }
    let id = MADE.with_borrow_mut(|made| {
        if made.is_empty() {
            *made = make_some();
        }
        made.split_to(MADE_LENGTH)
    });
    HeaderValue::from_maybe_shared(id).unwrap_or(HeaderValue::from_static("-"))
}

fn make_some() -> Bytes {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
    let first = NEXT.fetch_add(MADE_AT_ONCE, Ordering::Relaxed);
    let numbers = first..first + MADE_AT_ONCE;
    numbers.flat_map(|number| hexadecimal(scatter(number ^ *PROCESS))).collect()
}

/// The end of SplitMix64, which makes another number of each.
fn scatter(mut number: u64) -> u64 {
    number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

fn hexadecimal(number: u64) -> [u8; MADE_LENGTH] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(number >> (60 - 4 * digit) & 0xf) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    #[test]
    fn made_ids_are_ids_and_differ_in_all_threads() {
        let make_many = || (0..1000).map(|_| make()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(make_many)).collect();
        let ids: Vec<_> = threads.into_iter().flat_map(|ids| ids.join().unwrap()).collect();
        assert!(ids.iter().all(|id| id.len() == MADE_LENGTH && is_request_id(id.as_bytes())));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4000);
    }

    #[test]
    fn digits_are_in_order() {
        assert_eq!(hexadecimal(0x0123_4567_89ab_cdef), *b"0123456789abcdef");
    }
}
