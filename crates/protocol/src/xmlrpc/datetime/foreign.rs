//! What a date and time type of another crate has to offer, and why it may not fit.

use std::fmt;

use super::DateTime;

/// A type of another crate that is read from and written as a `dateTime.iso8601`.
pub trait Foreign: Sized + 'static {
    /// The same date and time, to the nanosecond, with nothing dropped.
    fn read(datetime: DateTime) -> Result<Self, UnfitDateTime>;

    /// The same date and time; its fraction has no zeros at the end.
    fn written(&self) -> Result<DateTime, UnfitDateTime>;
}

/// A date and time that the other type cannot hold, or that none is in XML-RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfitDateTime(&'static str);

impl UnfitDateTime {
    pub(super) const HAS_OFFSET: Self = Self("expected dateTime.iso8601 without an offset");
    pub(super) const HAS_NO_OFFSET: Self = Self("expected dateTime.iso8601 with an offset");
    #[cfg(feature = "jiff")]
    pub(super) const LEAP_SECOND: Self = Self("expected dateTime.iso8601 without a leap second");
    pub(super) const OUT_OF_RANGE: Self = Self("expected dateTime.iso8601 in the type's range");
    pub(super) const YEAR: Self = Self("a date's year is beyond 0 to 9999");
    pub(super) const OFFSET: Self = Self("a date's offset is no whole minutes of less than a day");
    #[cfg(feature = "chrono")]
    pub(super) const SECOND: Self = Self("a date's leap second is not in an hour's last minute");
}

impl fmt::Display for UnfitDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UnfitDateTime {}

/// `written`'s offset, which came in seconds.
pub(super) fn with_offset(written: DateTime, seconds: i32) -> Result<DateTime, UnfitDateTime> {
    let minutes = i16::try_from(seconds / 60).map_err(|_| UnfitDateTime::OFFSET)?;
    match seconds % 60 {
        0 => written.with_offset_minutes(minutes).map_err(|_| UnfitDateTime::OFFSET),
        _ => Err(UnfitDateTime::OFFSET),
    }
}

macro_rules! conversions {
    ($($foreign:ty),* $(,)?) => {$(
        impl TryFrom<DateTime> for $foreign {
            type Error = UnfitDateTime;

            fn try_from(datetime: DateTime) -> Result<$foreign, UnfitDateTime> {
                Foreign::read(datetime)
            }
        }

        impl TryFrom<$foreign> for DateTime {
            type Error = UnfitDateTime;

            fn try_from(foreign: $foreign) -> Result<DateTime, UnfitDateTime> {
                foreign.written()
            }
        }
    )*};
}

pub(super) use conversions;
