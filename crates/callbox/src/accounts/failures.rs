//! Who failed to log in how often, and how long they are to pause.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use svc_runtime::source::Source;

/// Failures in a row after which there are pauses.
pub(super) const MAX_FAILURES: u32 = 10;

/// Longest pause; the first is of a second, and each next one twice as long.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Most pairs that are known; the oldest goes.
pub(super) const MAX_PAIRS: usize = 4096;

/// Failures in a row of a source and a user.
#[derive(Default)]
pub(super) struct Failures {
    users: RandomState,
    rows: Mutex<HashMap<Pair, Row>>,
}

/// A source and a user. Not the user's name: some type their password there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    source: Option<Source>,
    user: u64,
}

#[derive(Clone, Copy)]
struct Row {
    failures: u32,
    last: Instant,
}

impl Row {
    fn pause(self) -> Duration {
        let Some(doublings) = self.failures.checked_sub(MAX_FAILURES) else {
            return Duration::ZERO;
        };
        Duration::from_secs(1 << doublings.min(6)).min(MAX_PAUSE)
    }
}

impl Failures {
    /// The pair of a source and a user's name.
    pub(super) fn pair(&self, source: Option<Source>, user: &[u8]) -> Pair {
        Pair { source, user: self.users.hash_one(user) }
    }

    /// How many seconds are left `now` of the pair's pause, rounded up, if it is to pause.
    pub(super) fn pause(&self, pair: Pair, now: Instant) -> Option<u8> {
        let row = *self.rows().get(&pair)?;
        let left = (row.last + row.pause()).saturating_duration_since(now);
        let seconds = left.as_millis().div_ceil(1000);
        u8::try_from(seconds).ok().filter(|&seconds| seconds > 0)
    }

    /// The pair failed.
    pub(super) fn note(&self, pair: Pair, now: Instant) {
        let mut rows = self.rows();
        if rows.len() >= MAX_PAIRS && !rows.contains_key(&pair) {
            forget_oldest(&mut rows);
        }
        let row = rows.entry(pair).or_insert(Row { failures: 0, last: now });
        *row = Row { failures: row.failures.saturating_add(1), last: now };
    }

    /// The pair succeeded.
    pub(super) fn forget(&self, pair: Pair) {
        self.rows().remove(&pair);
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Pair, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_oldest(rows: &mut HashMap<Pair, Row>) {
    let oldest = rows.iter().min_by_key(|(_, row)| row.last).map(|(pair, _)| *pair);
    if let Some(pair) = oldest {
        rows.remove(&pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn source(number: u32) -> Option<Source> {
        Some(IpAddr::from(Ipv4Addr::from_bits(number)).into())
    }

    #[test]
    fn pauses_begin_after_ten_failures_and_grow_to_a_minute() {
        let (failures, mut now) = (Failures::default(), Instant::now());
        let pair = failures.pair(source(1), b"ana");
        for _ in 1..MAX_FAILURES {
            failures.note(pair, now);
            assert_eq!(failures.pause(pair, now), None);
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            failures.note(pair, now);
            assert_eq!(failures.pause(pair, now), Some(seconds));
            now += Duration::from_secs(seconds.into());
            assert_eq!(failures.pause(pair, now - Duration::from_millis(1)), Some(1));
            assert_eq!(failures.pause(pair, now), None);
        }
    }

    #[test]
    fn success_clears_its_pair_alone() {
        let (failures, now) = (Failures::default(), Instant::now());
        let pairs = [
            failures.pair(source(1), b"ana"),
            failures.pair(source(1), b"bob"),
            failures.pair(source(2), b"ana"),
            failures.pair(None, b"ana"),
        ];
        for pair in pairs {
            (0..MAX_FAILURES).for_each(|_| failures.note(pair, now));
        }
        failures.forget(pairs[0]);
        assert_eq!(pairs.map(|pair| failures.pause(pair, now)), [None, Some(1), Some(1), Some(1)]);
        failures.note(pairs[0], now);
        assert_eq!(failures.pause(pairs[0], now), None);
    }

    #[test]
    fn oldest_pair_goes_where_there_are_too_many() {
        let (failures, start) = (Failures::default(), Instant::now());
        let pair = |number| failures.pair(source(number), b"ana");
        let most = u32::try_from(MAX_PAIRS).unwrap();
        for number in 0..=most {
            let now = start + Duration::from_nanos(number.into());
            (0..MAX_FAILURES).for_each(|_| failures.note(pair(number), now));
        }
        assert_eq!(failures.rows().len(), MAX_PAIRS);
        assert_eq!(failures.pause(pair(0), start), None);
        assert!(failures.pause(pair(1), start).is_some());
        assert!(failures.pause(pair(most), start).is_some());
    }
}
