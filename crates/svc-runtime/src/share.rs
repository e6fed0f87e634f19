//! The share of something for all that one address or account may take.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// So many of a hundred parts, 1 to 100.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Percent(u8);

impl Percent {
    /// Half of all.
    pub const HALF: Self = Self(50);

    /// Everything.
    pub const ALL: Self = Self(100);

    /// The part of `all`, at least one.
    pub fn of(self, all: usize) -> usize {
        let part = all as u128 * u128::from(self.0) / 100;
        usize::try_from(part).unwrap_or(usize::MAX).max(1)
    }
}

/// A text is no percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoPercent;

impl fmt::Display for NoPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a percentage from 1% to 100%")
    }
}

impl std::error::Error for NoPercent {}

impl FromStr for Percent {
    type Err = NoPercent;

    /// With its sign or without.
    fn from_str(text: &str) -> Result<Self, NoPercent> {
        let text = text.trim();
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        match number.parse() {
            Ok(percent @ 1..=100) => Ok(Self(percent)),
            _ => Err(NoPercent),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl fmt::Debug for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How much one address or account has taken. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Share(Arc<AtomicUsize>);

impl Share {
    /// Takes one more, if that makes no more than `most`.
    pub fn take(&self, most: usize) -> Option<Part> {
        let part = Part(self.0.clone());
        // Given back by the drop where it was too many.
        (self.0.fetch_add(1, Relaxed) < most).then_some(part)
    }

    /// Whether somebody else holds it, or a part of it.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether nothing is taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// One of what was taken, given back when dropped.
#[derive(Debug)]
pub struct Part(Arc<AtomicUsize>);

impl Drop for Part {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_is_no_more_than_it_may_be() {
        let share = Share::default();
        let first = share.take(2);
        let second = share.clone().take(2);
        assert!(first.is_some() && second.is_some());
        assert!(share.take(2).is_none());
        assert!(share.take(2).is_none(), "what is refused is not counted");
        drop(first);
        assert!(share.take(2).is_some());
        drop(second);
        assert!(share.is_empty());
    }

    #[test]
    fn percentages_are_read_with_and_without_their_sign() {
        for text in ["50%", "50", " 50 % "] {
            assert_eq!(text.parse(), Ok(Percent::HALF), "{text}");
        }
        for text in ["0", "101%", "-1", "half", "", "%"] {
            assert_eq!(text.parse::<Percent>(), Err(NoPercent), "{text}");
        }
        assert_eq!(Percent::HALF.to_string(), "50%");
    }

    #[test]
    fn part_of_little_is_one() {
        assert_eq!((Percent::HALF.of(1024), Percent::HALF.of(1)), (512, 1));
        assert_eq!(Percent::ALL.of(usize::MAX), usize::MAX);
    }
}
