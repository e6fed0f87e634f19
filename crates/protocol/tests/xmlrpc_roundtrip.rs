//! Any value that can be written reads back as itself.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::xmlrpc::{
    Array, DateTime, Fault, Limits, MethodCall, MethodResponse, Struct, Value, decode_call,
    decode_response, encode_call, encode_fault, encode_response,
};

fn text() -> impl Strategy<Value = String> {
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

fn datetime() -> impl Strategy<Value = DateTime> {
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

fn value() -> impl Strategy<Value = Value> {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn calls_read_back_as_themselves(name in "[^\\s\\p{C}\u{FFFE}\u{FFFF}]{1,20}", params in vec(value(), 0..4)) {
        let call = MethodCall { name, params };
        let written = encode_call(&call).unwrap();
        prop_assert_eq!(decode_call(&written, None, &Limits::default()), Ok(call));
    }

    #[test]
    fn results_read_back_as_themselves(result in value()) {
        let written = encode_response(&result).unwrap();
        let read = decode_response(&written, Some("utf-8"), &Limits::default());
        prop_assert_eq!(read, Ok(MethodResponse::Success(result.clone())));
        // The same text in another charset means the same.
        let utf_16: Vec<u8> = String::from_utf8(written).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        let read = decode_response(&utf_16, None, &Limits::default());
        prop_assert_eq!(read, Ok(MethodResponse::Success(result)));
    }

    #[test]
    fn faults_read_back_as_themselves(code in any::<i32>(), message in text()) {
        let fault = Fault { code, message };
        let read = decode_response(&encode_fault(&fault), None, &Limits::default());
        prop_assert_eq!(read, Ok(MethodResponse::Fault(fault)));
    }

    #[test]
    fn faults_with_any_text_can_be_written(message in any::<String>()) {
        let read = decode_response(&encode_fault(&Fault::new(1, message)), None, &Limits::default());
        prop_assert!(matches!(read, Ok(MethodResponse::Fault(_))));
    }

    #[test]
    fn any_string_is_written_readably_or_not_at_all(text in any::<String>()) {
        let value = Value::from(text);
        if let Ok(written) = encode_response(&value) {
            let read = decode_response(&written, None, &Limits::default());
            prop_assert_eq!(read, Ok(MethodResponse::Success(value)));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200), charset in proptest::option::of("[a-z0-9-]{0,12}")) {
        let _ = decode_call(&bytes, charset.as_deref(), &Limits::default());
    }

    #[test]
    fn damaged_documents_are_read_without_panic(result in value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut written = encode_response(&result).unwrap();
        let at = at.index(written.len());
        written[at] = byte;
        let _ = decode_response(&written, None, &Limits::default());
        written.truncate(at);
        prop_assert!(decode_response(&written, None, &Limits::default()).is_err());
    }
}
