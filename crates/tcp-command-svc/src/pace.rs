//! How often one address is answered by UDP, where nothing proves that it is its own.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::{Duration, Instant};

use svc_runtime::source::Source;

/// Addresses that are remembered at once.
pub(crate) const MAX_ADDRESSES: usize = 4096;

/// What the rate counts in.
const SECOND: Duration = Duration::from_secs(1);

/// Replies a second to one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As many as are asked for.
    Any,
    /// So many.
    Of(NonZeroU32),
}

/// A text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRate;

impl fmt::Display for NoRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a number from 1 on, or off")
    }
}

impl std::error::Error for NoRate {}

impl FromStr for Rate {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        match text {
            "off" => Ok(Self::Any),
            _ => text.parse().map(Self::Of).map_err(|_| NoRate),
        }
    }
}

/// Why an address is not answered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It had as many replies as there are in a second.
    Often,
    /// It is unknown, and as many as may be are remembered.
    Full,
}

/// Who was answered, and how often.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    seconds: HashMap<Source, Second>,
    /// When those that were answered long ago were forgotten last.
    tidied: Instant,
}

/// A second in which an address was answered.
#[derive(Debug, Clone, Copy)]
struct Second {
    since: Instant,
    answered: u32,
}

impl Pace {
    /// Nobody was answered yet.
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, seconds: HashMap::new(), tidied: now }
    }

    /// Counts a reply to `source`, unless it gets none.
    pub(crate) fn admit(&mut self, source: Source, now: Instant) -> Result<(), Refused> {
        let Rate::Of(most) = self.rate else { return Ok(()) };
        if !self.seconds.contains_key(&source) {
            self.has_room(now)?;
        }
        let second = self.seconds.entry(source).or_insert(Second { since: now, answered: 0 });
        if second.is_over(now) {
            *second = Second { since: now, answered: 0 };
        }
        if second.answered == most.get() {
            return Err(Refused::Often);
        }
        second.answered += 1;
        Ok(())
    }

    fn has_room(&mut self, now: Instant) -> Result<(), Refused> {
        // Once a second, or a flood from many addresses would have us look at all of them each time.
        if self.seconds.len() >= MAX_ADDRESSES && now.duration_since(self.tidied) >= SECOND {
            self.seconds.retain(|_, second| !second.is_over(now));
            self.tidied = now;
        }
        if self.seconds.len() < MAX_ADDRESSES { Ok(()) } else { Err(Refused::Full) }
    }
}

impl Second {
    fn is_over(self, now: Instant) -> bool {
        now.duration_since(self.since) >= SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn source(number: usize) -> Source {
        let number = u32::try_from(number).unwrap();
        IpAddr::from(Ipv4Addr::from_bits(number)).into()
    }

    fn pace(rate: &str, now: Instant) -> Pace {
        Pace::new(rate.parse().unwrap(), now)
    }

    #[test]
    fn address_is_answered_so_often_in_a_second() {
        let now = Instant::now();
        let mut pace = pace("2", now);
        for _ in 0..2 {
            assert_eq!(pace.admit(source(1), now), Ok(()));
        }
        assert_eq!(pace.admit(source(1), now + SECOND / 2), Err(Refused::Often));
        assert_eq!(pace.admit(source(2), now + SECOND / 2), Ok(()), "another one is not affected");
        assert_eq!(pace.admit(source(1), now + SECOND), Ok(()));
    }

    #[test]
    fn unknown_address_is_not_answered_where_all_places_are_taken() {
        let now = Instant::now();
        let mut pace = pace("2", now);
        for number in 0..MAX_ADDRESSES {
            assert_eq!(pace.admit(source(number), now), Ok(()));
        }
        let unknown = source(MAX_ADDRESSES);
        assert_eq!(pace.admit(unknown, now), Err(Refused::Full));
        assert_eq!(pace.admit(source(0), now), Ok(()), "a known one is answered");
        assert_eq!(pace.admit(source(0), now + SECOND), Ok(()));
        assert_eq!(pace.admit(unknown, now + SECOND), Ok(()), "others are forgotten");
        assert_eq!(pace.seconds.len(), 2);
    }

    #[test]
    fn any_number_is_answered_where_that_is_wanted() {
        let now = Instant::now();
        let mut pace = pace("off", now);
        for number in 0..2 * MAX_ADDRESSES {
            assert_eq!(pace.admit(source(number % 2), now), Ok(()));
        }
        assert!(pace.seconds.is_empty());
    }

    #[test]
    fn rates_are_read() {
        let twenty = NonZeroU32::new(20).unwrap();
        assert_eq!(("off".parse(), "20".parse()), (Ok(Rate::Any), Ok(Rate::Of(twenty))));
        for text in ["", "0", "-1", "on", "2/s"] {
            assert_eq!(text.parse::<Rate>(), Err(NoRate), "{text}");
        }
    }
}
