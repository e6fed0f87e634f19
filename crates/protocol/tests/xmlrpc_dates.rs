//! Dates of jiff and chrono: by themselves, in fields, as conversions, and where they are
//! refused.
#![allow(clippy::unwrap_used)]
#![cfg(any(feature = "chrono", feature = "jiff"))]

use std::fmt::Debug;

use protocol::xmlrpc::{
    Array, DateTime, Value, foreign_date, from_value, into_value, to_value, type_of,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

const NO_OFFSET: &str = "expected dateTime.iso8601 with an offset";
const OFFSET: &str = "expected dateTime.iso8601 without an offset";

fn date(text: &str) -> Value {
    DateTime::parse(text).unwrap().into()
}

fn array<const N: usize>(values: [Value; N]) -> Value {
    Array::try_from(Vec::from(values)).unwrap().into()
}

/// `rust` is read from and written as `text`, by itself, as an option and in a list.
#[track_caller]
fn same<T>(rust: T, text: &str)
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + 'static,
{
    passes(rust.clone(), date(text), "dateTime.iso8601");
    passes(Some(rust.clone()), date(text), "dateTime.iso8601");
    passes(None::<T>, Value::Nil, "dateTime.iso8601");
    passes(vec![rust.clone(), rust], array([date(text), date(text)]), "array");
    passes(Vec::<T>::new(), array([]), "array");
}

/// `rust` as it is written.
fn text<T: Serialize + 'static>(rust: T) -> String {
    into_value(rust).unwrap().as_datetime().unwrap().to_string()
}

#[track_caller]
fn passes<T>(rust: T, value: Value, name: &str)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    assert_eq!(from_value::<T>(value.clone()).as_ref(), Ok(&rust));
    assert_eq!(into_value(rust), Ok(value));
    assert_eq!(type_of::<T>().as_str(), name);
    assert_eq!(foreign_date::<T>(), None);
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug + 'static>(value: Value, expected: &str) {
    assert_eq!(from_value::<T>(value).unwrap_err().to_string(), expected);
}

#[track_caller]
fn unwritable<T: Serialize + Clone + 'static>(rust: T, expected: &str) {
    assert_eq!(into_value(rust.clone()).unwrap_err().to_string(), expected);
    assert_eq!(into_value(vec![rust]).unwrap_err().to_string(), expected);
}

/// Refusals that are the same for every type.
#[track_caller]
fn refuses_what_is_no_date<T: DeserializeOwned + Debug + 'static>() {
    refuses::<T>("20240229T12:00:00Z".into(), "expected dateTime.iso8601, found string");
    refuses::<T>(Value::Nil, "expected dateTime.iso8601, found nil");
    refuses::<Option<T>>(5.into(), "expected dateTime.iso8601, found int");
    refuses::<Vec<T>>(array([5.into()]), "[0]: expected dateTime.iso8601, found int");
    refuses::<Vec<T>>(vec![1].into(), "expected array, found base64");
    refuses::<Vec<T>>(date("20240229T12:00:00"), "expected array, found dateTime.iso8601");
}

#[cfg(feature = "jiff")]
mod jiff_types {
    use jiff::civil;
    use jiff::tz::{Offset, TimeZone};
    use jiff::{Timestamp, Zoned};
    use protocol::xmlrpc::UnfitDateTime;
    use serde::Deserialize;

    use super::*;

    fn zoned(second: i64, nanosecond: i32, offset_minutes: i32) -> Zoned {
        let offset = Offset::from_seconds(offset_minutes * 60).unwrap();
        Timestamp::new(second, nanosecond).unwrap().to_zoned(TimeZone::fixed(offset))
    }

    #[test]
    fn pass_both_ways() {
        same(civil::date(2024, 2, 29).at(12, 30, 59, 50_000_000), "20240229T12:30:59.05");
        same(civil::date(0, 1, 1).at(0, 0, 0, 0), "00000101T00:00:00");
        same(civil::date(9999, 12, 31).at(23, 59, 59, 999_999_999), "99991231T23:59:59.999999999");
        same(Timestamp::UNIX_EPOCH, "19700101T00:00:00Z");
        same(Timestamp::new(-1, -1).unwrap(), "19691231T23:59:58.999999999Z");
        same(zoned(0, 0, 0), "19700101T00:00:00Z");
        same(zoned(0, 120_000_000, -90), "19691231T22:30:00.12-01:30");
        same(zoned(0, 0, 14 * 60), "19700101T14:00:00+14:00");
    }

    #[test]
    fn offset_is_heeded_and_zeros_at_the_end_are_not_kept() {
        let read: Timestamp = from_value(date("19700101T05:30:01.500+05:30")).unwrap();
        assert_eq!(read, Timestamp::new(1, 500_000_000).unwrap());
        assert_eq!(text(read), "19700101T00:00:01.5Z");
        let read: Zoned = from_value(date("19700101T05:30:01.500+05:30")).unwrap();
        assert_eq!(text(read), "19700101T05:30:01.5+05:30");
    }

    #[test]
    fn what_they_cannot_hold_is_refused() {
        refuses_what_is_no_date::<civil::DateTime>();
        refuses_what_is_no_date::<Timestamp>();
        refuses_what_is_no_date::<Zoned>();
        refuses::<civil::DateTime>(date("20240229T12:00:00Z"), OFFSET);
        refuses::<Timestamp>(date("20240229T12:00:00"), NO_OFFSET);
        refuses::<Zoned>(date("20240229T12:00:00"), NO_OFFSET);
        refuses::<Option<Zoned>>(date("20240229T12:00:00"), NO_OFFSET);
        let nested = array([date("20240229T12:00:00Z"), date("20240229T12:00:00")]);
        refuses::<Vec<Timestamp>>(nested, &format!("[1]: {NO_OFFSET}"));
        let leap = "expected dateTime.iso8601 without a leap second";
        refuses::<civil::DateTime>(date("19981231T23:59:60"), leap);
        refuses::<Timestamp>(date("19981231T23:59:60Z"), leap);
        refuses::<Zoned>(date("19981231T23:59:60Z"), leap);
        let range = "expected dateTime.iso8601 in the type's range";
        refuses::<Timestamp>(date("99991231T23:59:59-23:59"), range);
        refuses::<Zoned>(date("99991231T23:59:59-23:59"), range);
    }

    #[test]
    fn what_xml_rpc_cannot_hold_is_not_written() {
        let year = "a date's year is beyond 0 to 9999";
        unwritable(civil::date(-1, 12, 31).at(23, 59, 59, 0), year);
        unwritable(Timestamp::MIN, year);
        let offset = "a date's offset is no whole minutes of less than a day";
        let zone = |seconds| TimeZone::fixed(Offset::from_seconds(seconds).unwrap());
        unwritable(Timestamp::UNIX_EPOCH.to_zoned(zone(1)), offset);
        unwritable(Timestamp::UNIX_EPOCH.to_zoned(zone(-3_599)), offset);
        unwritable(Timestamp::UNIX_EPOCH.to_zoned(zone(25 * 3_600)), offset);
    }

    #[test]
    fn convert_by_themselves() {
        let datetime = DateTime::parse("20240229T12:00:00Z").unwrap();
        assert_eq!(DateTime::try_from(Timestamp::try_from(datetime).unwrap()), Ok(datetime));
        let error: UnfitDateTime = civil::DateTime::try_from(datetime).unwrap_err();
        assert_eq!(error.to_string(), OFFSET);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        #[serde(with = "protocol::xmlrpc::jiff")]
        placed: Timestamp,
        #[serde(with = "protocol::xmlrpc::jiff", default)]
        paid: Option<Zoned>,
        #[serde(with = "protocol::xmlrpc::jiff")]
        due: civil::DateTime,
    }

    #[test]
    fn pass_in_fields() {
        for paid in [Some(zoned(60, 0, 120)), None] {
            let due = civil::date(2024, 3, 1).at(0, 0, 0, 0);
            let order = Order { placed: Timestamp::UNIX_EPOCH, paid: paid.clone(), due };
            let value = to_value(&order).unwrap();
            let members = value.as_struct().unwrap();
            assert_eq!(members.get("placed"), Some(&date("19700101T00:00:00Z")));
            let written = paid.map_or(Value::Nil, |_| date("19700101T02:01:00+02:00"));
            assert_eq!(members.get("paid"), Some(&written));
            assert_eq!(members.get("due"), Some(&date("20240301T00:00:00")));
            assert_eq!(from_value::<Order>(value), Ok(order));
        }
        let members = vec![("placed".to_owned(), date("20240229T12:00:00"))];
        let order = protocol::xmlrpc::Struct::from_members(members).unwrap().into();
        refuses::<Order>(order, &format!(".placed: {NO_OFFSET}"));
    }

    #[test]
    fn others_are_foreign() {
        assert_eq!(foreign_date::<civil::Date>(), Some("jiff::civil::date::Date"));
        for found in [
            foreign_date::<civil::Time>(),
            foreign_date::<(Timestamp, i32)>(),
            foreign_date::<[Zoned; 2]>(),
            foreign_date::<Option<Option<Timestamp>>>(),
            foreign_date::<Vec<Option<Zoned>>>(),
            foreign_date::<std::collections::HashMap<String, civil::DateTime>>(),
        ] {
            assert!(found.is_some());
        }
        assert_eq!(foreign_date::<Order>(), None);
        assert_eq!(foreign_date::<jiff::Span>(), None);
    }
}

#[cfg(feature = "chrono")]
mod chrono_types {
    use chrono::{
        DateTime as Chrono, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc,
    };
    use protocol::xmlrpc::UnfitDateTime;
    use serde::Deserialize;

    use super::*;

    fn naive(date: [u32; 3], time: [u32; 4]) -> NaiveDateTime {
        let day = NaiveDate::from_ymd_opt(date[0] as i32, date[1], date[2]).unwrap();
        day.and_hms_nano_opt(time[0], time[1], time[2], time[3]).unwrap()
    }

    fn fixed(second: i64, nanosecond: u32, offset_seconds: i32) -> Chrono<FixedOffset> {
        let offset = FixedOffset::east_opt(offset_seconds).unwrap();
        Chrono::from_timestamp(second, nanosecond).unwrap().with_timezone(&offset)
    }

    #[test]
    fn pass_both_ways() {
        same(naive([2024, 2, 29], [12, 30, 59, 50_000_000]), "20240229T12:30:59.05");
        same(naive([0, 1, 1], [0, 0, 0, 0]), "00000101T00:00:00");
        same(naive([1998, 12, 31], [23, 59, 59, 1_500_000_000]), "19981231T23:59:60.5");
        same(Chrono::UNIX_EPOCH, "19700101T00:00:00Z");
        same(naive([1998, 12, 31], [23, 59, 59, 1_000_000_000]).and_utc(), "19981231T23:59:60Z");
        same(Chrono::from_timestamp(-1, 1).unwrap(), "19691231T23:59:59.000000001Z");
        same(fixed(0, 0, 0), "19700101T00:00:00Z");
        same(fixed(0, 120_000_000, -90 * 60), "19691231T22:30:00.12-01:30");
        same(fixed(0, 0, 23 * 3_600 + 59 * 60), "19700101T23:59:00+23:59");
    }

    #[test]
    fn offset_is_heeded_and_zeros_at_the_end_are_not_kept() {
        let read: Chrono<Utc> = from_value(date("19700101T05:30:01.500+05:30")).unwrap();
        assert_eq!(text(read), "19700101T00:00:01.5Z");
        let read: Chrono<FixedOffset> = from_value(date("19700101T05:30:01.500+05:30")).unwrap();
        assert_eq!(text(read), "19700101T05:30:01.5+05:30");
        let read: Chrono<Utc> = from_value(date("99991231T23:59:59-23:59")).unwrap();
        unwritable(read, "a date's year is beyond 0 to 9999");
    }

    #[test]
    fn what_they_cannot_hold_is_refused() {
        refuses_what_is_no_date::<NaiveDateTime>();
        refuses_what_is_no_date::<Chrono<Utc>>();
        refuses_what_is_no_date::<Chrono<FixedOffset>>();
        refuses::<NaiveDateTime>(date("20240229T12:00:00Z"), OFFSET);
        refuses::<Chrono<Utc>>(date("20240229T12:00:00"), NO_OFFSET);
        refuses::<Chrono<FixedOffset>>(date("20240229T12:00:00"), NO_OFFSET);
        refuses::<Option<Chrono<Utc>>>(date("20240229T12:00:00"), NO_OFFSET);
        let nested = array([date("20240229T12:00:00Z"), date("20240229T12:00:00")]);
        refuses::<Vec<Chrono<Utc>>>(nested, &format!("[1]: {NO_OFFSET}"));
    }

    #[test]
    fn what_xml_rpc_cannot_hold_is_not_written() {
        let year = "a date's year is beyond 0 to 9999";
        for date in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
            unwritable(date, year);
            unwritable(date.and_utc(), year);
            for seconds in [-60, 60] {
                let offset = FixedOffset::east_opt(seconds).unwrap();
                unwritable(date.and_utc().with_timezone(&offset), year);
            }
        }
        unwritable(naive([10_000, 1, 1], [0, 0, 0, 0]), year);
        unwritable(naive([0, 1, 1], [0, 0, 0, 0]) - TimeDelta::seconds(1), year);
        let offset = "a date's offset is no whole minutes of less than a day";
        unwritable(fixed(0, 0, 1), offset);
        unwritable(fixed(0, 0, -3_599), offset);
        let leap = naive([1998, 12, 31], [12, 0, 59, 1_000_000_000]);
        unwritable(leap, "a date's leap second is not in an hour's last minute");
    }

    #[test]
    fn convert_by_themselves() {
        let datetime = DateTime::parse("20240229T12:00:00Z").unwrap();
        assert_eq!(DateTime::try_from(Chrono::<Utc>::try_from(datetime).unwrap()), Ok(datetime));
        let error: UnfitDateTime = NaiveDateTime::try_from(datetime).unwrap_err();
        assert_eq!(error.to_string(), OFFSET);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        #[serde(with = "protocol::xmlrpc::chrono")]
        placed: Chrono<Utc>,
        #[serde(with = "protocol::xmlrpc::chrono", default)]
        paid: Option<Chrono<FixedOffset>>,
        #[serde(with = "protocol::xmlrpc::chrono")]
        due: NaiveDateTime,
    }

    #[test]
    fn pass_in_fields() {
        for paid in [Some(fixed(60, 0, 7_200)), None] {
            let due = naive([2024, 3, 1], [0, 0, 0, 0]);
            let order = Order { placed: Chrono::UNIX_EPOCH, paid, due };
            let value = to_value(&order).unwrap();
            let members = value.as_struct().unwrap();
            assert_eq!(members.get("placed"), Some(&date("19700101T00:00:00Z")));
            let written = paid.map_or(Value::Nil, |_| date("19700101T02:01:00+02:00"));
            assert_eq!(members.get("paid"), Some(&written));
            assert_eq!(members.get("due"), Some(&date("20240301T00:00:00")));
            assert_eq!(from_value::<Order>(value), Ok(order));
        }
        let members = vec![("placed".to_owned(), date("20240229T12:00:00"))];
        let order = protocol::xmlrpc::Struct::from_members(members).unwrap().into();
        refuses::<Order>(order, &format!(".placed: {NO_OFFSET}"));
    }

    #[test]
    fn others_are_foreign() {
        assert_eq!(foreign_date::<NaiveDate>(), Some("chrono::naive::date::NaiveDate"));
        for found in [
            foreign_date::<NaiveTime>(),
            foreign_date::<(Chrono<Utc>, i32)>(),
            foreign_date::<Option<Vec<NaiveDateTime>>>(),
        ] {
            assert!(found.is_some());
        }
        assert_eq!(foreign_date::<Order>(), None);
        assert_eq!(foreign_date::<chrono::Weekday>(), None);
    }
}
