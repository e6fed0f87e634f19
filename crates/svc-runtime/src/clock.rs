//! The local time, from its one source.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A clock in the time zone of this process.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
}

/// `TZ` names no known time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownZone;

impl fmt::Display for UnknownZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a known time zone")
    }
}

impl Clock {
    /// A clock in the zone that `TZ` names, else in that of the machine, else in UTC.
    pub fn from_env() -> Result<Self, UnknownZone> {
        let is_set = std::env::var_os("TZ").is_some_and(|zone| !zone.is_empty());
        let zone = match TimeZone::try_system() {
            Err(_) if is_set => return Err(UnknownZone),
            zone => zone.unwrap_or(TimeZone::UTC),
        };
        Ok(Self { zone })
    }

    /// The local time now.
    pub fn now(&self) -> DateTime {
        self.zone.to_datetime(Timestamp::now())
    }
}
