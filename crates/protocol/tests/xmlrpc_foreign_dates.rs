//! Dates of other crates are found by their types' names, whatever this build knows of them.

use std::marker::PhantomData;

use protocol::xmlrpc::{DateTime, Value, foreign_date};

#[cfg(not(feature = "jiff"))]
#[test]
fn dates_of_a_crate_whose_feature_is_off_are_foreign() {
    use jiff::{Timestamp, Zoned, civil};

    assert_eq!(foreign_date::<Timestamp>(), Some("jiff::timestamp::Timestamp"));
    for found in [
        foreign_date::<Zoned>(),
        foreign_date::<civil::DateTime>(),
        foreign_date::<Option<Timestamp>>(),
        foreign_date::<Vec<Timestamp>>(),
    ] {
        assert!(found.is_some());
    }
}

#[test]
fn ones_own_types_are_not_foreign() {
    struct Zoned<T>(PhantomData<T>);

    assert_eq!(foreign_date::<DateTime>(), None);
    assert_eq!(foreign_date::<Vec<Option<Value>>>(), None);
    assert_eq!(foreign_date::<Zoned<String>>(), None);
    assert_eq!(foreign_date::<std::time::Duration>(), None);
    assert!(foreign_date::<Zoned<jiff::Timestamp>>().is_some());
}
