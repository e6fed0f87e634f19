//! The date and time types of other crates that this build reads and writes directly, and those that
//! it does not.

use std::any::type_name;

use super::direct::Direct;
#[cfg(any(feature = "chrono", feature = "jiff"))]
use super::foreign::by;

/// The way to a `T`, if it is a date and time of another crate, an option or a list of them.
#[inline]
pub(super) fn direct<T: 'static>() -> Option<Direct<T>> {
    #[cfg(feature = "jiff")]
    {
        use jiff::{Timestamp, Zoned, civil};
        let found = by::<civil::DateTime, T>().or_else(by::<Timestamp, T>);
        if let Some(found) = found.or_else(by::<Zoned, T>) {
            return Some(found);
        }
    }
    #[cfg(feature = "chrono")]
    {
        use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
        let found = by::<NaiveDateTime, T>().or_else(by::<DateTime<Utc>, T>);
        if let Some(found) = found.or_else(by::<DateTime<FixedOffset>, T>) {
            return Some(found);
        }
    }
    None
}

/// Types of jiff and chrono that serde sees as strings, by the ends of their names.
const DATES: [&str; 9] = [
    "Date",
    "DateTime",
    "ISOWeekDate",
    "NaiveDate",
    "NaiveDateTime",
    "NaiveTime",
    "Time",
    "Timestamp",
    "Zoned",
];

/// The name of `T`, if jiff's or chrono's dates show in it that are not read and written as
/// `dateTime.iso8601` but would be strings: another type than those of
/// [`from_value`](crate::xmlrpc::from_value)'s table, one nested deeper, or one whose feature is
/// off. What is inside a struct of one's own does not show.
pub fn foreign_date<T: 'static>() -> Option<&'static str> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let name = type_name::<T>();
    let shows = name.split(|c| !is_path(c)).any(is_date);
    (shows && direct::<T>().is_none()).then_some(name)
}

fn is_date(path: &str) -> bool {
    let of_either = path.starts_with("jiff::") || path.starts_with("chrono::");
    of_either && path.rsplit("::").next().is_some_and(|last| DATES.contains(&last))
}
