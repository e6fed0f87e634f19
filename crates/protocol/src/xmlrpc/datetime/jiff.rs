//! jiff's types. None of them holds a leap second.

use ::jiff::civil;
use ::jiff::tz::{Offset, TimeZone};
use ::jiff::{Timestamp, Zoned};

use super::DateTime;
use super::foreign::{Foreign, UnfitDateTime, conversions, with_offset};

conversions! { civil::DateTime, Timestamp, Zoned }

impl Foreign for civil::DateTime {
    fn read(datetime: DateTime) -> Result<civil::DateTime, UnfitDateTime> {
        match datetime.offset_minutes() {
            None => local(datetime),
            Some(_) => Err(UnfitDateTime::HAS_OFFSET),
        }
    }

    fn written(&self) -> Result<DateTime, UnfitDateTime> {
        let year = u16::try_from(self.year()).map_err(|_| UnfitDateTime::YEAR)?;
        let [month, day] = [self.month(), self.day()].map(i8::unsigned_abs);
        let [hour, minute, second] =
            [self.hour(), self.minute(), self.second()].map(i8::unsigned_abs);
        DateTime::new(year, month, day, hour, minute, second)
            .and_then(|whole| whole.with_nanosecond(self.subsec_nanosecond().unsigned_abs()))
            .map_err(|_| UnfitDateTime::YEAR)
    }
}

/// Written in UTC.
impl Foreign for Timestamp {
    fn read(datetime: DateTime) -> Result<Timestamp, UnfitDateTime> {
        let timestamp = offset(datetime)?.to_timestamp(local(datetime)?);
        timestamp.map_err(|_| UnfitDateTime::OUT_OF_RANGE)
    }

    fn written(&self) -> Result<DateTime, UnfitDateTime> {
        with_offset(Offset::UTC.to_datetime(*self).written()?, 0)
    }
}

/// Read into a time zone of a fixed offset, and written with the offset that it has in its own.
impl Foreign for Zoned {
    fn read(datetime: DateTime) -> Result<Zoned, UnfitDateTime> {
        let zone = TimeZone::fixed(offset(datetime)?);
        Ok(Timestamp::read(datetime)?.to_zoned(zone))
    }

    fn written(&self) -> Result<DateTime, UnfitDateTime> {
        with_offset(self.datetime().written()?, self.offset().seconds())
    }
}

/// What a clock on the wall showed.
fn local(datetime: DateTime) -> Result<civil::DateTime, UnfitDateTime> {
    if datetime.second() == 60 {
        return Err(UnfitDateTime::LEAP_SECOND);
    }
    civil::DateTime::new(
        datetime.year() as i16,
        datetime.month() as i8,
        datetime.day() as i8,
        datetime.hour() as i8,
        datetime.minute() as i8,
        datetime.second() as i8,
        datetime.nanosecond() as i32,
    )
    .map_err(|_| UnfitDateTime::OUT_OF_RANGE)
}

fn offset(datetime: DateTime) -> Result<Offset, UnfitDateTime> {
    let minutes = datetime.offset_minutes().ok_or(UnfitDateTime::HAS_NO_OFFSET)?;
    Offset::from_seconds(i32::from(minutes) * 60).map_err(|_| UnfitDateTime::OUT_OF_RANGE)
}
