//! Lines of the access log: peers cause them, so some a second are let through and the rest counted.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

/// Lines of one kind that are let through in a second.
pub const MAX_LINES_A_SECOND: u64 = 100;

/// The half of [`Paced::admitted`] that counts lines.
const LINES: u64 = u32::MAX as u64;

/// How often it is told how many were not.
const PAUSE: Duration = Duration::from_secs(1);

/// One kind of lines in the access log.
///
/// ```ignore
/// static FAULTS: Paced = Paced::new("faults");
/// if enabled!(target: "access", Level::INFO) && FAULTS.admits() {
///     info!(target: "access", method, fault, "fault");
/// }
/// ```
#[derive(Debug)]
pub struct Paced {
    kind: &'static str,
    /// The seconds since [`Paced::admits`] was first asked in the upper half, the lines that were
    /// let through in that second in the lower.
    admitted: AtomicU64,
    suppressed: AtomicU64,
}

impl Paced {
    /// Lines that are told as `kind` where they are too many.
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, admitted: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Whether the line that is about to be written may be. One that may not is counted, and told
    /// in a line with `kind` and `suppressed` within two seconds, by the subscriber of the process.
    /// To be asked only for a line that the filter lets through.
    pub fn admits(&'static self) -> bool {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let admits = self.admits_at(START.elapsed());
        if !admits && self.suppressed.fetch_add(1, Ordering::Relaxed) == 0 {
            owe(self);
        }
        admits
    }

    fn admits_at(&self, now: Duration) -> bool {
        let second = now.as_secs() << 32;
        let one_more = |admitted: u64| match admitted {
            _ if admitted < second => Some(second + 1),
            _ if admitted & LINES == MAX_LINES_A_SECOND => None,
            _ => Some(admitted + 1),
        };
        self.admitted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    fn tell_suppressed(&self) {
        let suppressed = self.suppressed.swap(0, Ordering::Relaxed);
        if suppressed > 0 {
            warn!(target: "access", kind = self.kind, suppressed, "too many lines");
        }
    }
}

/// The kinds with suppressed lines that are still to be told.
struct Owed {
    kinds: Vec<&'static Paced>,
    has_teller: bool,
}

static OWED: Mutex<Owed> = Mutex::new(Owed { kinds: Vec::new(), has_teller: false });

/// Tells at once what is still to be told: the process ends.
pub(super) fn tell_owed() {
    let kinds = mem::take(&mut owed().kinds);
    kinds.into_iter().for_each(Paced::tell_suppressed);
}

/// One thread for all kinds, and none while nothing is suppressed.
fn owe(kind: &'static Paced) {
    let mut owed = owed();
    owed.kinds.push(kind);
    if !owed.has_teller {
        let teller = thread::Builder::new().name("log-counts".to_owned());
        owed.has_teller = teller.spawn(tell_while_owed).is_ok();
    }
}

fn tell_while_owed() {
    loop {
        thread::sleep(PAUSE);
        let mut owed = owed();
        if owed.kinds.is_empty() {
            owed.has_teller = false;
            return;
        }
        drop(owed);
        tell_owed();
    }
}

fn owed() -> MutexGuard<'static, Owed> {
    // Whole at any time, whoever panicked.
    OWED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundred_lines_of_a_second_are_admitted_and_as_many_of_the_next() {
        let paced = Paced::new("test");
        let admitted = |millis, asked: usize| {
            (0..asked).filter(|_| paced.admits_at(Duration::from_millis(millis))).count()
        };
        assert_eq!(admitted(0, 60), 60);
        assert_eq!(admitted(999, 60), 40);
        assert_eq!(admitted(1000, 1000), 100);
        // A thread whose look at the clock is older than another's.
        assert_eq!(admitted(999, 10), 0);
        assert_eq!(admitted(90_000, 7), 7);
    }

    #[test]
    fn kinds_do_not_share_their_lines() {
        let (one, other) = (Paced::new("one"), Paced::new("other"));
        assert!((0..100).all(|_| one.admits_at(Duration::ZERO)));
        assert!(!one.admits_at(Duration::ZERO));
        assert!(other.admits_at(Duration::ZERO));
    }
}
