//! Dates of jiff and chrono: dateTime.iso8601 with the feature, the end of the start without.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use callbox::{Registry, RegistryError};

/// What is told of a type that would be a string.
fn check_foreign(rust_name: &str, add: impl FnOnce(&mut Registry)) {
    let mut registry = Registry::new();
    add(&mut registry);
    let error = registry.check().unwrap_err();
    let text = format!(
        "method \"when\": {rust_name} would be sent as a string; use callbox::DateTime, or a date and time of jiff or chrono with callbox's feature of that name"
    );
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, RegistryError::ForeignDate { .. }), "{error:?}");
}

/// With the feature or without: these are not read from a dateTime.iso8601.
#[test]
fn type_of_another_kind_ends_the_start() {
    let add = |registry: &mut Registry| _ = registry.add("when", "", |_: jiff::civil::Date| 1);
    check_foreign("jiff::civil::date::Date", add);
    let add = |registry: &mut Registry| _ = registry.add("when", "", |_: chrono::NaiveDate| 1);
    check_foreign("chrono::naive::date::NaiveDate", add);
}

#[cfg(not(feature = "jiff"))]
#[test]
fn dates_of_jiff_end_the_start_without_the_feature() {
    use callbox::{Fault, methods};
    use jiff::Timestamp;

    struct Clock;

    #[methods]
    impl Clock {
        fn when(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }
    let name = "jiff::timestamp::Timestamp";
    let optional = "core::option::Option<jiff::timestamp::Timestamp>";
    check_foreign(name, |registry| _ = registry.add_methods(Clock));
    check_foreign(name, |registry| _ = registry.add("when", "", |_: Timestamp| 1));
    check_foreign(optional, |registry| _ = registry.add("when", "", |_: Option<Timestamp>| 1));
    let now = || Ok::<_, Fault>(Timestamp::UNIX_EPOCH);
    check_foreign(name, |registry| _ = registry.add("when", "", now));
    check_foreign(name, |registry| _ = registry.add_blocking("when", "", now));
    let now = async |_: std::sync::Arc<()>, _: Timestamp| 1;
    check_foreign(name, |registry| _ = registry.with(()).add("when", "", now));
    let later = |_: Timestamp| 2;
    check_foreign(name, |registry| _ = registry.add("when", "", || 1).or(later));
}

#[cfg(not(feature = "chrono"))]
#[test]
fn dates_of_chrono_end_the_start_without_the_feature() {
    use callbox::Fault;
    use chrono::{DateTime, NaiveDateTime, Utc};

    let name = "chrono::naive::datetime::NaiveDateTime";
    check_foreign(name, |registry| _ = registry.add("when", "", |_: NaiveDateTime| 1));
    let name = "chrono::datetime::DateTime<chrono::offset::utc::Utc>";
    let epoch = || Ok::<_, Fault>(DateTime::<Utc>::UNIX_EPOCH);
    check_foreign(name, |registry| _ = registry.add("when", "", epoch));
}

#[cfg(any(feature = "jiff", feature = "chrono"))]
mod over_the_wire {
    use std::net::SocketAddr;

    use callbox::{DateTime, Value, code};

    use crate::edge::{array, ask};

    pub(crate) const DATE: &str = "<dateTime.iso8601>20260714T12:30:00Z</dateTime.iso8601>";
    pub(crate) const LOCAL: &str = "<dateTime.iso8601>20260714T12:30:00</dateTime.iso8601>";

    /// Each method takes and returns what its type of date is written as.
    pub(crate) async fn check(addr: SocketAddr, method: &str, param: &str) {
        let (_, text) = param.split_once('>').unwrap();
        let (text, _) = text.split_once('<').unwrap();
        let date = Value::DateTime(DateTime::parse(text).unwrap());
        assert_eq!(ask(addr, method, &[param]).await, Ok(date), "{method}");
        let expected = "params[0]: expected dateTime.iso8601, found string";
        let expected = Err((code::INVALID_PARAMS, expected.to_owned()));
        assert_eq!(ask(addr, method, &["2026-07-14T12:30:00Z"]).await, expected, "{method}");
    }

    pub(crate) async fn check_signature(addr: SocketAddr, method: &str, names: &[&[&str]]) {
        let expected = array(names.iter().map(|names| array(names.iter().copied())));
        assert_eq!(ask(addr, "system.methodSignature", &[method]).await, Ok(expected), "{method}");
    }

    pub(crate) const ONE: &[&[&str]] = &[&["dateTime.iso8601", "dateTime.iso8601"]];
}

#[cfg(feature = "jiff")]
#[tokio::test]
async fn dates_of_jiff_are_dates() {
    use callbox::{Value, methods};
    use jiff::{Timestamp, civil};
    use serde::{Deserialize, Serialize};

    use edge::{DEFAULTS, array, ask, start};
    use over_the_wire::{DATE, LOCAL, ONE, check, check_signature};

    #[derive(Serialize, Deserialize)]
    struct Order {
        #[serde(with = "callbox::jiff")]
        placed: Timestamp,
    }

    struct Clock;

    #[methods(prefix = "clock")]
    impl Clock {
        fn at(&self, when: Timestamp) -> Timestamp {
            when
        }

        async fn checked(when: Option<Timestamp>) -> Result<Option<Timestamp>, String> {
            Ok(when)
        }

        fn order(when: Timestamp) -> Order {
            Order { placed: when }
        }
    }

    let mut registry = Registry::new();
    registry.add_methods(Clock);
    registry.add("at", "", |when: Timestamp| when);
    registry.add("local", "", |when: civil::DateTime| when);
    registry.add("list", "", |dates: Vec<Timestamp>| dates);
    let addr = start(registry, DEFAULTS).await;
    for (method, param) in [("at", DATE), ("clock.at", DATE), ("local", LOCAL)] {
        check(addr, method, param).await;
        check_signature(addr, method, ONE).await;
    }
    check(addr, "clock.checked", DATE).await;
    let two: &[&[&str]] = &[&["dateTime.iso8601"], ONE[0]];
    check_signature(addr, "clock.checked", two).await;
    assert_eq!(ask(addr, "clock.checked", &[]).await, Ok(Value::Nil));
    assert_eq!(ask(addr, "list", &["<array><data/></array>"]).await, Ok(array([0; 0])));
    let order = ask(addr, "clock.order", &[DATE]).await.unwrap();
    let placed = order.as_struct().unwrap().get("placed").unwrap();
    assert_eq!(placed.type_name(), "dateTime.iso8601");
}

#[cfg(feature = "chrono")]
#[tokio::test]
async fn dates_of_chrono_are_dates() {
    use chrono::{DateTime, NaiveDateTime, Utc};
    use serde::{Deserialize, Serialize};

    use edge::{DEFAULTS, ask, start};
    use over_the_wire::{DATE, LOCAL, ONE, check, check_signature};

    #[derive(Serialize, Deserialize, callbox::Reply)]
    struct Order {
        #[serde(with = "callbox::chrono")]
        placed: DateTime<Utc>,
    }

    let mut registry = Registry::new();
    registry.add("at", "", |when: DateTime<Utc>| when);
    registry.add("local", "", async |when: NaiveDateTime| Ok::<_, String>(when));
    registry.add("order", "", |placed: DateTime<Utc>| Order { placed });
    let addr = start(registry, DEFAULTS).await;
    for (method, param) in [("at", DATE), ("local", LOCAL)] {
        check(addr, method, param).await;
        check_signature(addr, method, ONE).await;
    }
    let order = ask(addr, "order", &[DATE]).await.unwrap();
    let placed = order.as_struct().unwrap().get("placed").unwrap();
    assert_eq!(placed.type_name(), "dateTime.iso8601");
}
