#[cfg(feature = "chrono")]
mod chrono;
#[cfg(any(feature = "chrono", feature = "jiff"))]
pub(super) mod foreign;
#[cfg(feature = "jiff")]
mod jiff;

use std::fmt;
use std::str::FromStr;

use super::chars::trim;

/// Digits that a fraction of a second keeps; a longer one is refused rather than shortened.
const MAX_FRACTION_DIGITS: usize = 9;

/// A date and time of day, valid in the proleptic Gregorian calendar.
///
/// XML-RPC's own form names no time zone; where the peer sent an offset from UTC it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// As many of the nine nanosecond digits as were written, so that zeros at the end are kept.
    fraction_digits: u8,
    nanosecond: u32,
    offset_minutes: Option<i16>,
}

/// The text or the numbers are no date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDateTime;

impl fmt::Display for InvalidDateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date and time")
    }
}

impl std::error::Error for InvalidDateTime {}

impl DateTime {
    /// A date and time without fraction and offset.
    ///
    /// Years reach from 0 to 9999; second 60 is read in an hour's last minute, where leap seconds
    /// fall; hour 24 is refused.
    pub fn new(
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
    ) -> Result<DateTime, InvalidDateTime> {
        let date = year <= 9999 && (1..=days_in(year, month)).contains(&day);
        let time = hour <= 23 && minute <= 59 && (second <= 59 || (second == 60 && minute == 59));
        if !date || !time {
            return Err(InvalidDateTime);
        }
        Ok(DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            fraction_digits: 0,
            nanosecond: 0,
            offset_minutes: None,
        })
    }

    /// The same with a fraction of a second, in nanoseconds; zero takes the fraction away.
    pub fn with_nanosecond(self, nanosecond: u32) -> Result<DateTime, InvalidDateTime> {
        if nanosecond > 999_999_999 {
            return Err(InvalidDateTime);
        }
        let written = format!("{nanosecond:09}");
        Ok(DateTime {
            nanosecond,
            fraction_digits: written.trim_end_matches('0').len() as u8,
            ..self
        })
    }

    /// The same at that many minutes east of UTC, less than a day of them.
    pub fn with_offset_minutes(self, minutes: i16) -> Result<DateTime, InvalidDateTime> {
        if minutes.unsigned_abs() >= 24 * 60 {
            return Err(InvalidDateTime);
        }
        Ok(DateTime { offset_minutes: Some(minutes), ..self })
    }

    /// Reads basic and extended dates, times with or without colons, a fraction of up to nine
    /// digits, `Z` or an offset (`+hh:mm`, `+hhmm`, `+hh`), and blanks around.
    pub fn parse(text: &str) -> Result<DateTime, InvalidDateTime> {
        Reader(trim(text).as_bytes()).datetime().ok_or(InvalidDateTime)
    }

    /// The year, 0 to 9999.
    pub fn year(&self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(&self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(&self) -> u8 {
        self.day
    }

    /// The hour, 0 to 23.
    pub fn hour(&self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(&self) -> u8 {
        self.minute
    }

    /// The second, 0 to 60.
    pub fn second(&self) -> u8 {
        self.second
    }

    /// The fraction of the second, in nanoseconds.
    pub fn nanosecond(&self) -> u32 {
        self.nanosecond
    }

    /// Minutes east of UTC, where the value has an offset.
    pub fn offset_minutes(&self) -> Option<i16> {
        self.offset_minutes
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

impl FromStr for DateTime {
    type Err = InvalidDateTime;

    fn from_str(text: &str) -> Result<DateTime, InvalidDateTime> {
        DateTime::parse(text)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl DateTime {
    /// Writes the specification's own form, `yyyyMMddThh:mm:ss`; a fraction and an offset follow it.
    pub(super) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.write_parted("", out)
    }

    /// Writes ISO 8601's extended form, which differs in `yyyy-MM-dd`.
    pub(crate) fn write_extended(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.write_parted("-", out)
    }

    fn write_parted(&self, hyphen: &str, out: &mut impl fmt::Write) -> fmt::Result {
        for digits in [(self.year / 100) as u8, (self.year % 100) as u8] {
            out.write_str(two_digits(digits))?;
        }
        for (mark, digits) in [(hyphen, self.month), (hyphen, self.day)] {
            out.write_str(mark)?;
            out.write_str(two_digits(digits))?;
        }
        for (mark, digits) in [("T", self.hour), (":", self.minute), (":", self.second)] {
            out.write_str(mark)?;
            out.write_str(two_digits(digits))?;
        }
        if self.fraction_digits > 0 {
            let digits = usize::from(self.fraction_digits);
            let unit = 10_u32.pow((MAX_FRACTION_DIGITS - digits) as u32);
            write!(out, ".{:0digits$}", self.nanosecond / unit)?;
        }
        match self.offset_minutes {
            None => Ok(()),
            Some(0) => out.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// A number under 100.
fn two_digits(number: u8) -> &'static str {
    const DIGITS: &str = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
                          5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    let start = 2 * usize::from(number);
    &DIGITS[start..start + 2]
}

/// What is left to read of the text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn datetime(mut self) -> Option<DateTime> {
        let (year, month, day) = self.date()?;
        self.skip(b'T').then_some(())?;
        let (hour, minute, second) = self.time()?;
        let mut datetime = DateTime::new(year, month, day, hour, minute, second).ok()?;
        (datetime.nanosecond, datetime.fraction_digits) = self.fraction()?;
        if let Some(offset) = self.offset()? {
            datetime = datetime.with_offset_minutes(offset).ok()?;
        }
        self.0.is_empty().then_some(datetime)
    }

    fn date(&mut self) -> Option<(u16, u8, u8)> {
        let century = self.two_digits()?;
        let year = u16::from(century) * 100 + u16::from(self.two_digits()?);
        let extended = self.skip(b'-');
        let month = self.two_digits()?;
        (self.skip(b'-') == extended).then_some(())?;
        Some((year, month, self.two_digits()?))
    }

    fn time(&mut self) -> Option<(u8, u8, u8)> {
        let hour = self.two_digits()?;
        let colons = self.skip(b':');
        let minute = self.two_digits()?;
        (self.skip(b':') == colons).then_some(())?;
        Some((hour, minute, self.two_digits()?))
    }

    /// Nanoseconds and the number of digits that they were written with.
    fn fraction(&mut self) -> Option<(u32, u8)> {
        if !self.skip(b'.') && !self.skip(b',') {
            return Some((0, 0));
        }
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > MAX_FRACTION_DIGITS {
            return None;
        }
        let (written, rest) = self.0.split_at(digits);
        self.0 = rest;
        let number = written.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        Some((number * 10_u32.pow((MAX_FRACTION_DIGITS - digits) as u32), digits as u8))
    }

    fn offset(&mut self) -> Option<Option<i16>> {
        if self.skip(b'Z') {
            return Some(Some(0));
        }
        let sign = match self.0.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Some(None),
        };
        self.0 = &self.0[1..];
        let hours = self.two_digits()?;
        let minutes = match self.skip(b':') || !self.0.is_empty() {
            true => self.two_digits()?,
            false => 0,
        };
        let in_range = hours <= 23 && minutes <= 59;
        in_range.then(|| Some(sign * (i16::from(hours) * 60 + i16::from(minutes))))
    }

    fn two_digits(&mut self) -> Option<u8> {
        let [tens, ones, rest @ ..] = self.0 else {
            return None;
        };
        if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
            return None;
        }
        self.0 = rest;
        Some((tens - b'0') * 10 + (ones - b'0'))
    }

    fn skip(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let written = DateTime::parse(text).map(|datetime| datetime.to_string());
        assert_eq!(written.as_deref(), Ok(expected), "{text}");
        assert_eq!(DateTime::parse(expected), DateTime::parse(text), "{text}");
    }

    #[test]
    fn every_form_is_read_and_written_in_one() {
        check("19980717T14:08:55", "19980717T14:08:55");
        check("19980717T140855", "19980717T14:08:55");
        check("1998-07-17T14:08:55", "19980717T14:08:55");
        check(" 1998-07-17T140855\n", "19980717T14:08:55");
        check("19980717T14:08:55Z", "19980717T14:08:55Z");
        check("19980717T14:08:55+00:00", "19980717T14:08:55Z");
        check("19980717T14:08:55-02:30", "19980717T14:08:55-02:30");
        check("19980717T14:08:55+0530", "19980717T14:08:55+05:30");
        check("19980717T14:08:55+14", "19980717T14:08:55+14:00");
        check("19980717T14:08:55.5", "19980717T14:08:55.5");
        check("19980717T14:08:55,050", "19980717T14:08:55.050");
        check("19980717T14:08:55.123456789Z", "19980717T14:08:55.123456789Z");
        check("20000229T00:00:00", "20000229T00:00:00");
        check("00000101T00:00:00", "00000101T00:00:00");
        check("19981231T23:59:60Z", "19981231T23:59:60Z");
    }

    #[test]
    fn what_is_no_date_and_time_is_refused() {
        for junk in [
            "",
            " ",
            "T",
            "19980717",
            "14:08:55",
            "19980717T",
            "19980717T14:08",
            "19980717 14:08:55",
            "19980717t14:08:55",
            "199807-17T14:08:55",
            "1998-0717T14:08:55",
            "19980717T14:0855",
            "19980717T1408:55",
            "9980717T14:08:55",
            "019980717T14:08:55",
            "+19980717T14:08:55",
            "19980017T14:08:55",
            "19981317T14:08:55",
            "19980700T14:08:55",
            "19980732T14:08:55",
            "19980431T14:08:55",
            "19980229T14:08:55",
            "19000229T14:08:55",
            "19980717T24:00:00",
            "19980717T14:60:55",
            "19980717T14:08:60",
            "19980717T23:59:61",
            "19980717T14:08:55.",
            "19980717T14:08:55.1234567890",
            "19980717T14:08:55.Z",
            "19980717T14:08:55z",
            "19980717T14:08:55+24",
            "19980717T14:08:55+01:60",
            "19980717T14:08:55+1",
            "19980717T14:08:55+01:",
            "19980717T14:08:55+01:0",
            "19980717T14:08:55ZZ",
            "19980717T14:08:55Z+01",
            "19980717T14:08:55 +01",
            "1998071\u{661}T14:08:55",
            "junk",
        ] {
            assert_eq!(DateTime::parse(junk), Err(InvalidDateTime), "{junk}");
        }
    }

    #[test]
    fn made_values_read_back_as_themselves() {
        let noon = DateTime::new(2024, 2, 29, 12, 0, 0).unwrap();
        let made = noon.with_nanosecond(50_000_000).unwrap().with_offset_minutes(-90).unwrap();
        assert_eq!(made.to_string(), "20240229T12:00:00.05-01:30");
        assert_eq!(DateTime::parse("20240229T12:00:00.05-01:30"), Ok(made));
        assert_eq!(noon.with_nanosecond(0), Ok(noon));
        assert_eq!(noon.with_nanosecond(1_000_000_000), Err(InvalidDateTime));
        assert_eq!(noon.with_offset_minutes(24 * 60), Err(InvalidDateTime));
        assert_eq!(DateTime::new(2023, 2, 29, 12, 0, 0), Err(InvalidDateTime));
        assert_eq!(DateTime::new(10_000, 1, 1, 0, 0, 0), Err(InvalidDateTime));
    }
}
