//! chrono's types. A leap second is second 59 to them, with a second and more of nanoseconds.

use ::chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, Timelike, Utc};

use super::DateTime;
use super::foreign::{Foreign, UnfitDateTime, conversions, with_offset};

const SECOND: u32 = 1_000_000_000;

type Chrono<Zone> = ::chrono::DateTime<Zone>;

conversions! { NaiveDateTime, Chrono<Utc>, Chrono<FixedOffset> }

impl Foreign for NaiveDateTime {
    fn read(datetime: DateTime) -> Result<NaiveDateTime, UnfitDateTime> {
        match datetime.offset_minutes() {
            None => local(datetime),
            Some(_) => Err(UnfitDateTime::HAS_OFFSET),
        }
    }

    fn written(&self) -> Result<DateTime, UnfitDateTime> {
        let leap = self.nanosecond() / SECOND;
        let year = u16::try_from(self.year()).ok().filter(|year| *year <= 9999);
        let year = year.ok_or(UnfitDateTime::YEAR)?;
        let [month, day] = [self.month(), self.day()].map(|number| number as u8);
        let [hour, minute, second] =
            [self.hour(), self.minute(), self.second() + leap].map(|number| number as u8);
        DateTime::new(year, month, day, hour, minute, second)
            .and_then(|whole| whole.with_nanosecond(self.nanosecond() % SECOND))
            .map_err(|_| UnfitDateTime::SECOND)
    }
}

/// Written in UTC.
impl Foreign for Chrono<Utc> {
    fn read(datetime: DateTime) -> Result<Chrono<Utc>, UnfitDateTime> {
        Ok(Chrono::<FixedOffset>::read(datetime)?.to_utc())
    }

    fn written(&self) -> Result<DateTime, UnfitDateTime> {
        with_offset(self.naive_utc().written()?, 0)
    }
}

impl Foreign for Chrono<FixedOffset> {
    fn read(datetime: DateTime) -> Result<Chrono<FixedOffset>, UnfitDateTime> {
        let minutes = datetime.offset_minutes().ok_or(UnfitDateTime::HAS_NO_OFFSET)?;
        let offset = FixedOffset::east_opt(i32::from(minutes) * 60);
        let offset = offset.ok_or(UnfitDateTime::OUT_OF_RANGE)?;
        let zoned = local(datetime)?.and_local_timezone(offset);
        zoned.single().ok_or(UnfitDateTime::OUT_OF_RANGE)
    }

    fn written(&self) -> Result<DateTime, UnfitDateTime> {
        let local = self.naive_utc().checked_add_offset(*self.offset());
        let written = local.ok_or(UnfitDateTime::YEAR)?.written()?;
        with_offset(written, self.offset().local_minus_utc())
    }
}

/// What a clock on the wall showed.
fn local(datetime: DateTime) -> Result<NaiveDateTime, UnfitDateTime> {
    let (second, leap) = match datetime.second() {
        60 => (59, SECOND),
        second => (second, 0),
    };
    let day = (datetime.month().into(), datetime.day().into());
    NaiveDate::from_ymd_opt(datetime.year().into(), day.0, day.1)
        .and_then(|date| {
            let (hour, minute) = (datetime.hour().into(), datetime.minute().into());
            date.and_hms_nano_opt(hour, minute, second.into(), datetime.nanosecond() + leap)
        })
        .ok_or(UnfitDateTime::OUT_OF_RANGE)
}
