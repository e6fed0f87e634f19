//! Any value that can be written reads back as itself, and nothing makes the reader panic.

#![allow(clippy::unwrap_used, clippy::panic)]

mod values;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use protocol::json::{
    Id, Message, Params, Request, as_type, decode_message, decode_params, encode_error,
    encode_response, encode_result,
};
use protocol::xmlrpc::{Fault, Limits, TypeName, Value};
use values::{datetime, text, value};

/// Names in structs may be as long as the generator makes them.
const LIMITS: Limits = Limits { name_bytes: 1_000, ..Limits::DEFAULT };

fn written(value: &Value) -> String {
    String::from_utf8(encode_result(value, TypeName::Any).unwrap()).unwrap()
}

/// The result that an encoded text alone says.
fn result(text: &[u8]) -> Value {
    let params = [b"[", text, b"]"].concat();
    match decode_params(&params, &LIMITS) {
        Ok(Params::Positional(values)) if values.len() == 1 => values.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn id() -> impl Strategy<Value = Id> {
    prop_oneof![
        Just(Id::Null),
        text().prop_map(Id::String),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?".prop_map(Id::Number),
    ]
}

fn id_text(id: &Id) -> String {
    match id {
        Id::Null => "null".to_owned(),
        Id::Number(number) => number.clone(),
        Id::String(text) => written(&text.as_str().into()),
    }
}

/// A request as a client writes it.
fn call(id: &Option<Id>, method: &str, params: &[Value]) -> String {
    let params: Vec<_> = params.iter().map(written).collect();
    let id = id.as_ref().map_or(String::new(), |id| format!(",\"id\":{}", id_text(id)));
    let method = written(&method.into());
    format!(r#"{{"jsonrpc":"2.0","method":{method},"params":[{}]{id}}}"#, params.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn results_read_back_as_themselves(value in value()) {
        prop_assert_eq!(result(written(&value).as_bytes()), value);
    }

    #[test]
    fn doubles_read_back_to_the_last_bit(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let read = result(written(&number.into()).as_bytes());
        prop_assert_eq!(read.as_double().map(f64::to_bits), Some(number.to_bits()));
    }

    #[test]
    fn any_text_reads_back_as_itself(text in any::<String>()) {
        prop_assert_eq!(result(written(&text.as_str().into()).as_bytes()), Value::from(text));
    }

    #[test]
    fn declared_dates_and_bytes_read_back_as_themselves(datetime in datetime(), bytes in vec(any::<u8>(), 0..100)) {
        for (value, name) in [(Value::from(datetime), TypeName::DateTime), (bytes.into(), TypeName::Base64)] {
            let text = result(&encode_result(&value, name).unwrap());
            prop_assert!(text.as_str().is_some());
            prop_assert_eq!(as_type(text, name), Ok(value));
        }
    }

    #[test]
    fn named_parameters_read_back_as_themselves(value in value()) {
        if let Some(members) = value.as_struct() {
            let read = decode_params(written(&value).as_bytes(), &LIMITS);
            prop_assert_eq!(read, Ok(Params::Named(members.clone().into_members())));
        }
    }

    #[test]
    fn calls_read_back_as_themselves(calls in vec((proptest::option::of(id()), text(), vec(value(), 0..3)), 1..4)) {
        let texts: Vec<_> = calls.iter().map(|(id, method, params)| call(id, method, params)).collect();
        let expected: Vec<_> = calls.into_iter().map(|(id, method, params)| {
            Ok(Request { id, method, params: Params::Positional(params) })
        }).collect();
        let single = decode_message(texts[0].as_bytes(), &LIMITS, 1);
        prop_assert_eq!(single, Ok(Message::Single(expected[0].clone())));
        let batch = format!("[{}]", texts.join(","));
        let batch = decode_message(batch.as_bytes(), &LIMITS, texts.len());
        prop_assert_eq!(batch, Ok(Message::Batch(expected)));
    }

    #[test]
    fn answers_are_json_with_the_id_that_came(id in id(), value in value(), code in any::<i32>(), message in any::<String>()) {
        let response = String::from_utf8(encode_response(&id, &value, TypeName::Any).unwrap()).unwrap();
        let expected = format!("{{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":{}}}", written(&value), id_text(&id));
        prop_assert_eq!(response, expected);
        let error = String::from_utf8(encode_error(&id, &Fault::new(code, message.clone()))).unwrap();
        let message = written(&message.into());
        let expected = format!("{{\"jsonrpc\":\"2.0\",\"error\":{{\"code\":{code},\"message\":{message}}},\"id\":{}}}", id_text(&id));
        prop_assert_eq!(error, expected);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode_message(&bytes, &LIMITS, 10);
        let _ = decode_params(&bytes, &LIMITS);
    }

    #[test]
    fn damaged_messages_are_read_without_panic(value in value(), at in any::<Index>(), byte in any::<u8>()) {
        let mut text = call(&Some(Id::Null), "m", &[value]).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let _ = decode_message(&text, &LIMITS, 10);
        text.truncate(at);
        prop_assert!(decode_message(&text, &LIMITS, 10).is_err());
    }
}
