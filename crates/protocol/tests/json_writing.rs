//! What results and errors look like.

#![allow(clippy::unwrap_used)]

use protocol::json::{EncodeError, Id, encode_error, encode_response, encode_result};
use protocol::xmlrpc::{Array, DateTime, Fault, Struct, TypeName, Value};

#[track_caller]
fn check(value: impl Into<Value>, expected: &str) {
    check_as(TypeName::Any, value, expected);
}

#[track_caller]
fn check_as(returns: TypeName, value: impl Into<Value>, expected: &str) {
    let written = encode_result(&value.into(), returns).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), expected);
}

fn array(values: Vec<Value>) -> Value {
    Array::try_from(values).unwrap().into()
}

fn date() -> DateTime {
    DateTime::parse("19980717T14:08:55.050+05:30").unwrap()
}

#[test]
fn each_type_is_written_in_one_way() {
    check(Value::Nil, "null");
    check(true, "true");
    check(false, "false");
    check(0, "0");
    check(i64::MIN, "-9223372036854775808");
    check("", "\"\"");
    check(array(Vec::new()), "[]");
    check(array(vec![1.into(), array(vec!["a".into()])]), "[1,[\"a\"]]");
    check(Struct::default(), "{}");
    let members = vec![("b \"".to_owned(), 1.into()), ("a".to_owned(), Value::Nil)];
    check(Struct::from_members(members).unwrap(), r#"{"b \"":1,"a":null}"#);
}

#[test]
fn doubles_have_a_point_or_an_exponent() {
    for (number, expected) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1e300, "1e+300"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (9_007_199_254_740_993.0, "9007199254740992.0"),
    ] {
        check(number, expected);
    }
}

#[test]
fn any_character_is_written() {
    check("a\"\\/<\u{e9}\u{1F600}\u{2028}\u{7f}", "\"a\\\"\\\\/<\u{e9}\u{1F600}\u{2028}\u{7f}\"");
    check("\0\u{1}\u{8}\t\n\u{c}\r\u{1f}", r#""\u0000\u0001\b\t\n\f\r\u001f""#);
}

#[test]
fn dates_and_bytes_are_marked_unless_they_are_declared() {
    let text = "1998-07-17T14:08:55.050+05:30";
    check(date(), &format!("{{\"$dateTime\":\"{text}\"}}"));
    check(vec![0, 1], r#"{"$base64":"AAE="}"#);
    check_as(TypeName::DateTime, date(), &format!("\"{text}\""));
    check_as(TypeName::Base64, vec![0, 1], "\"AAE=\"");
    check_as(TypeName::Base64, date(), &format!("{{\"$dateTime\":\"{text}\"}}"));
    check_as(TypeName::DateTime, vec![0, 1], r#"{"$base64":"AAE="}"#);
    check_as(TypeName::DateTime, Value::Nil, "null");
    check_as(TypeName::Array, array(vec![vec![0, 1].into()]), r#"[{"$base64":"AAE="}]"#);
}

#[test]
fn what_is_no_number_cannot_be_written() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let value = array(vec![number.into()]);
        assert_eq!(encode_result(&value, TypeName::Any), Err(EncodeError));
        assert_eq!(encode_response(&Id::Null, &value, TypeName::Any), Err(EncodeError));
    }
}

#[test]
fn responses_have_the_id_that_came() {
    for (id, expected) in [
        (Id::Null, "null"),
        (Id::Number("1.50e3".to_owned()), "1.50e3"),
        (Id::String("a\"b".to_owned()), r#""a\"b""#),
    ] {
        let written = encode_response(&id, &date().into(), TypeName::DateTime).unwrap();
        let result = "\"1998-07-17T14:08:55.050+05:30\"";
        let response = format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{expected}}}"#);
        assert_eq!(String::from_utf8(written).unwrap(), response);

        let written = encode_error(&id, &Fault::new(-4, "no\n\u{FFFF}"));
        let error = "{\"code\":-4,\"message\":\"no\\n\u{FFFF}\"}";
        let response = format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{expected}}}"#);
        assert_eq!(String::from_utf8(written).unwrap(), response);
    }
}
