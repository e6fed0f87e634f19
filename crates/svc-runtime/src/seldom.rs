//! What would be told too often: once a minute is enough, if it is counted meanwhile.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long nothing is told again.
pub const SELDOM: Duration = Duration::from_secs(60);

/// Counts how often something happens, and says when that is to be told.
#[derive(Debug, Default)]
pub struct Seldom {
    untold: AtomicU64,
    /// Milliseconds from the process's first use of this until it may be told again.
    next: AtomicU64,
}

impl Seldom {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Self { untold: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// It happened. Where it is to be told now: how often it did since that was told last.
    pub fn due(&self) -> Option<u64> {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        self.due_at(START.elapsed())
    }

    fn due_at(&self, now: Duration) -> Option<u64> {
        let (now, pause) = (millis(now), millis(SELDOM));
        self.untold.fetch_add(1, Ordering::Relaxed);
        let next = self.next.load(Ordering::Relaxed);
        let is_due = now >= next
            && self
                .next
                .compare_exchange(next, now + pause, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        is_due.then(|| self.untold.swap(0, Ordering::Relaxed))
    }
}

/// A trouble that may last: told when it begins, once a minute while it lasts or comes back, and
/// when it is over.
#[derive(Debug, Default)]
pub struct Trouble {
    seldom: Seldom,
    is_told: AtomicBool,
}

impl Trouble {
    /// There is none.
    pub const fn new() -> Self {
        Self { seldom: Seldom::new(), is_told: AtomicBool::new(false) }
    }

    /// It is there. Where that is to be told now: how often it was since that was told last.
    pub fn occurred(&self) -> Option<u64> {
        let times = self.seldom.due();
        if times.is_some() {
            self.is_told.store(true, Ordering::Relaxed);
        }
        times
    }

    /// It is not there. Whether that is to be told: it was told that it is.
    pub fn is_over(&self) -> bool {
        // A load first: all goes well nearly always.
        self.is_told.load(Ordering::Relaxed) && self.is_told.swap(false, Ordering::Relaxed)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_told_once_a_minute_and_counted() {
        let seldom = Seldom::new();
        assert_eq!(seldom.due_at(Duration::ZERO), Some(1));
        for second in 0..60 {
            assert_eq!(seldom.due_at(Duration::from_secs(second)), None);
        }
        assert_eq!(seldom.due_at(Duration::from_secs(60)), Some(61));
        assert_eq!(seldom.due_at(Duration::from_secs(61)), None);
        assert_eq!(seldom.due_at(Duration::from_secs(500)), Some(2));
    }

    #[test]
    fn trouble_that_comes_and_goes_is_told_once_and_its_end_once() {
        let trouble = Trouble::new();
        assert!(!trouble.is_over());
        assert_eq!(trouble.occurred(), Some(1));
        assert_eq!(trouble.occurred(), None);
        assert!(trouble.is_over());
        for _ in 0..3 {
            assert_eq!(trouble.occurred(), None);
            assert!(!trouble.is_over());
        }
    }
}
