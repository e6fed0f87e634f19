//! How the values of settings are spelled.

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command};
use jiff::SignedDuration;

/// Longest deadline that can be set, a year: timers cannot count much further.
pub const MAX_DEADLINE: Duration = Duration::from_secs(8760 * 60 * 60);

/// Reads the permissions of a file, such as `660`.
pub(super) fn file_mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode @ 0..=0o777) => Ok(mode),
        _ => Err("expected permissions such as 660".into()),
    }
}

/// Reads a time such as `300ms`, or `0s`: at most [`MAX_DEADLINE`].
pub fn delay(text: &str) -> Result<Duration, String> {
    match time(text)? {
        delay if delay <= MAX_DEADLINE => Ok(delay),
        _ => Err("expected at most 8760h".into()),
    }
}

/// Reads a deadline such as `300ms`, `5m` or `1h 30m`: over zero and at most [`MAX_DEADLINE`].
pub fn deadline(text: &str) -> Result<Duration, String> {
    match time(text)? {
        deadline if !deadline.is_zero() && deadline <= MAX_DEADLINE => Ok(deadline),
        _ => Err("expected more than 0s and at most 8760h".into()),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let signed = text.parse::<SignedDuration>().ok();
    let time = signed.and_then(|signed| Duration::try_from(signed).ok());
    time.ok_or_else(|| "expected a time such as 300ms, 30s or 5m".to_owned())
}

/// Bytes that a unit of sizes stands for, in lower case.
const UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
];

/// Reads a size in bytes such as `65536`, `64k`, `4MiB` or `1GiB`, within `range`. Units are powers
/// of 1024, in capitals or not.
pub fn size(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].trim_start().to_ascii_lowercase();
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let number: Option<u64> = text[..digits].parse().ok();
    let (Some(number), Some((_, factor))) = (number, unit) else {
        return Err("expected a size such as 65536, 64k or 4MiB".into());
    };
    let bytes = number.checked_mul(*factor).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| range.contains(bytes)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        format!("expected a size from {least} to {most} bytes")
    })
}

/// Reads the memory of a process: enough of it to start.
pub(super) fn memory(text: &str) -> Result<usize, String> {
    size(text, 16 * 1024 * 1024..=usize::MAX)
}

/// Reads an item of a list as `parser` does, but for the blanks around it.
#[derive(Debug, Clone)]
pub struct Listed<P>(pub P);

impl<P: TypedValueParser> TypedValueParser for Listed<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<P::Value, clap::Error> {
        let trimmed = value.to_str().map(str::trim).map_or(value, OsStr::new);
        self.0.parse_ref(command, arg, trimmed)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_have_units_and_a_range() {
        assert_eq!(deadline("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(deadline("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(deadline("1m 30s"), Ok(Duration::from_secs(90)));
        for bad in ["", "5", "0s", "-1s", "8761h", "soon", "9999999999999h"] {
            assert!(deadline(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn delay_may_be_none() {
        assert_eq!(delay("0s"), Ok(Duration::ZERO));
        assert_eq!(delay("5m"), Ok(Duration::from_secs(300)));
        for bad in ["", "0", "-1s", "8761h"] {
            assert!(delay(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_units_and_a_range() {
        for (text, bytes) in [
            ("1", 1),
            ("65536", 65_536),
            ("100B", 100),
            ("64k", 65_536),
            ("64 KiB", 65_536),
            ("4MiB", 4 << 20),
            ("4m", 4 << 20),
            (" 4MB ", 4 << 20),
            ("1GiB", 1 << 30),
            ("1g", 1 << 30),
            ("1GB", 1 << 30),
        ] {
            assert_eq!(size(text, 1..=1 << 30), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "k",
            "0",
            "-1",
            "1.5k",
            "1x",
            "2GiB",
            "1 0",
            "0x10",
            "99999999999999999999",
            "17179869184g",
            "1é",
        ] {
            assert!(size(bad, 1..=1 << 30).is_err(), "{bad}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!(file_mode("660"), Ok(0o660));
        assert_eq!(file_mode("0600"), Ok(0o600));
        for bad in ["", "rw", "888", "1777", "-1"] {
            assert!(file_mode(bad).is_err(), "{bad}");
        }
    }
}
