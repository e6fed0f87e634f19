//! Values of every kind that can be written, for property tests.
#![allow(dead_code)]

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::xmlrpc::{Array, DateTime, Struct, Value};

pub(crate) fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        proptest::char::range(' ', '~'),
        Just('\r'),
        Just('\n'),
        Just('\t'),
        Just('<'),
        Just('&'),
        Just(']'),
        Just('>'),
        proptest::char::range('\u{80}', '\u{D7FF}'),
        proptest::char::range('\u{E000}', '\u{FFFD}'),
        proptest::char::range('\u{10000}', '\u{10FFFF}'),
    ];
    vec(character, 0..80).prop_map(String::from_iter)
}

pub(crate) fn datetime() -> impl Strategy<Value = DateTime> {
    let date = (0..=9999_u16, 1..=12_u8, 1..=28_u8);
    let time = (0..=23_u8, 0..=59_u8, 0..=59_u8);
    let fraction = prop_oneof![Just(String::new()), "\\.[0-9]{1,9}"];
    let offset = prop_oneof![Just(String::new()), Just("Z".to_owned()), "[+-][01][0-9]:[0-5][0-9]"];
    (date, time, fraction, offset).prop_map(
        |((year, month, day), (hour, minute, second), fraction, offset)| {
            let text = format!(
                "{year:04}{month:02}{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}"
            );
            DateTime::parse(&text).expect("a date and time")
        },
    )
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let finite = any::<f64>().prop_filter("finite", |number| number.is_finite());
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        finite.prop_map(Value::from),
        text().prop_map(Value::from),
        datetime().prop_map(Value::from),
        vec(any::<u8>(), 0..100).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let array =
            vec(inner.clone(), 0..8).prop_map(|values| Array::try_from(values).map(Value::from));
        let structure = vec((text(), inner), 0..8)
            .prop_map(|members| Struct::from_members(members).map(Value::from));
        prop_oneof![array, structure].prop_map(|value| value.expect("a shallow value"))
    })
}
