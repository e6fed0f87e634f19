//! What values, members and ids are read as, and what is refused by whom.

#![allow(clippy::unwrap_used, clippy::panic)]

use protocol::json::{
    DecodeError, Id, Invalid, InvalidParams, Message, Params, Request, decode_message,
    decode_params,
};
use protocol::xmlrpc::{Array, DateTime, Fault, Limits, Struct, Value};

fn params(text: &str) -> Result<Params, DecodeError> {
    decode_params(text.as_bytes(), &Limits::DEFAULT)
}

/// The one value in an array.
fn value(text: &str) -> Result<Value, DecodeError> {
    match params(&format!("[ {text} ]"))? {
        Params::Positional(values) => Ok(values.into_iter().next().unwrap()),
        Params::Named(_) => unreachable!(),
    }
}

#[track_caller]
fn check(text: &str, expected: impl Into<Value>) {
    assert_eq!(value(text), Ok(expected.into()), "{text}");
}

#[track_caller]
fn check_invalid(text: &str, expected: InvalidParams) {
    assert_eq!(value(text), Err(DecodeError::InvalidParams(expected)), "{text}");
}

fn request(text: &str) -> Result<Request, Invalid> {
    match decode_message(text.as_bytes(), &Limits::DEFAULT, 10) {
        Ok(Message::Single(request)) => request,
        other => panic!("{text}: {other:?}"),
    }
}

fn structure(members: &[(&str, Value)]) -> Value {
    let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Struct::from_members(members.collect()).unwrap().into()
}

#[test]
fn scalars_are_what_they_are() {
    check("null", Value::Nil);
    check("true", true);
    check("false", false);
    check("\"\"", "");
    check(r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#, "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}");
    check("\"\\u0000\u{FFFF}\u{1F600}\"", "\0\u{FFFF}\u{1F600}");
}

#[test]
fn numbers_without_point_and_exponent_are_integers_of_64_bits() {
    check("0", 0);
    check("-0", 0);
    check("-1", -1);
    check("9223372036854775807", i64::MAX);
    check("-9223372036854775808", i64::MIN);
    for beyond in [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551616",
        &"9".repeat(400),
        &format!("-1{}", "0".repeat(400)),
    ] {
        check_invalid(beyond, InvalidParams::IntegerRange);
    }
}

#[test]
fn numbers_with_point_or_exponent_are_doubles() {
    for text in [
        "0.0",
        "-0.0",
        "-0e0",
        "1.0",
        "1e0",
        "1E+2",
        "2.5e-3",
        "0.1",
        "5e-324",
        "1e-400",
        "1.7976931348623157e308",
        "9223372036854775808.0",
        "18446744073709551616e0",
        "-1e19",
        "7.2057594037927933e16",
        "123456789012345678901234567890.5",
    ] {
        let number = text.parse::<f64>().unwrap();
        let read = value(text).unwrap().as_double().unwrap();
        assert_eq!(read.to_bits(), number.to_bits(), "{text}");
    }
    check(&format!("0.{}1e401", "0".repeat(400)), 1.0);
    for beyond in ["1e309", "-1e309", "1.8e308", "1e999999999999999999999"] {
        check_invalid(beyond, InvalidParams::DoubleRange);
    }
    check("0e999999999999999999999", 0.0);
}

#[test]
fn arrays_and_objects_keep_their_order() {
    check("[]", Array::default());
    check("{}", Struct::default());
    check("[ 1 , \"a\" ]", Array::try_from(vec![1.into(), "a".into()]).unwrap());
    check(
        r#"{"b":1,"a":[null],"":{}}"#,
        structure(&[
            ("b", 1.into()),
            ("a", Array::try_from(vec![Value::Nil]).unwrap().into()),
            ("", Struct::default().into()),
        ]),
    );
}

#[test]
fn marked_objects_are_dates_and_bytes() {
    let date = DateTime::new(1998, 7, 17, 14, 8, 55).unwrap();
    check(r#"{"$dateTime":"1998-07-17T14:08:55"}"#, date);
    check(r#"{"$dateTime":"19980717T14:08:55Z"}"#, date.with_offset_minutes(0).unwrap());
    check(r#"{"$base64":"AAE="}"#, vec![0, 1]);
    check(r#"{"\u0024base64":"data:a/b;base64,AAE="}"#, vec![0, 1]);
    check(r#"{"a":{"$base64":""}}"#, structure(&[("a", Vec::new().into())]));
    for junk in
        ["\"\"", "\"yesterday\"", "\"1998-07-17\"", "1", "null", "{}", "[\"19980717T14:08:55\"]"]
    {
        check_invalid(&format!("{{\"$dateTime\":{junk}}}"), InvalidParams::NotDateTime);
    }
    for junk in ["\"?\"", "\"AAE\"", "\"data:AAE=\"", "1", "null", "[]"] {
        check_invalid(&format!("{{\"$base64\":{junk}}}"), InvalidParams::NotBase64);
    }
}

#[test]
fn other_objects_with_such_names_are_structs() {
    let text = "19980717T14:08:55";
    check(
        r#"{"$dateTime":"19980717T14:08:55","a":1}"#,
        structure(&[("$dateTime", text.into()), ("a", 1.into())]),
    );
    check(r#"{"$datetime":"19980717T14:08:55"}"#, structure(&[("$datetime", text.into())]));
    check(r#"{"$":"?"}"#, structure(&[("$", "?".into())]));
}

#[test]
fn parameters_are_an_array_an_object_or_none() {
    let named = |members: &[(&str, Value)]| {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Ok(Params::Named(members.collect()))
    };
    for blank in ["", " \t\r\n", "[]"] {
        assert_eq!(params(blank), Ok(Params::Positional(Vec::new())), "{blank}");
    }
    assert_eq!(params("[1,null]"), Ok(Params::Positional(vec![1.into(), Value::Nil])));
    assert_eq!(params("{}"), named(&[]));
    assert_eq!(params(r#"{"b":1,"a":2}"#), named(&[("b", 1.into()), ("a", 2.into())]));
    // Parameters are no value, so that a name like that is one.
    assert_eq!(params(r#"{"$base64":"?"}"#), named(&[("$base64", "?".into())]));
    for other in ["null", "1", "\"a\"", "true", "1e999"] {
        assert_eq!(params(other), Err(DecodeError::NotRequest), "{other}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for junk in [
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "['a']",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[-]",
        "[1e]",
        "[1e400.]",
        "[01e400]",
        "[1.e400]",
        "[NaN]",
        "[Infinity]",
        "[tru]",
        "[True]",
        "[1] 2",
        "[1]]",
        "[\"a]",
        "[\"\n\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\ud83d\"]",
        "[\"\\ude00\"]",
        "[\"\\ud83dx\"]",
        "[\"\\ud83d\\u0041\"]",
        "[1]\0",
        "\u{feff}[1]",
        "// a\n[1]",
        "[18446744073709551616,]",
        "[1e400",
    ] {
        assert_eq!(params(junk), Err(DecodeError::NotJson), "{junk}");
    }
    for bytes in
        [&b"[\"\xff\"]"[..], b"[\"\xc3\"]", b"[\"\xed\xa0\x80\"]", b"\xff\xfe[\0]\0", b"\xa0"]
    {
        assert_eq!(decode_params(bytes, &Limits::DEFAULT), Err(DecodeError::NotJson));
    }
}

#[test]
fn name_twice_in_an_object_is_refused() {
    check_invalid(r#"{"a":1,"a":1}"#, InvalidParams::NameTwice);
    check_invalid(r#"[{"b":{"a":1,"b":2,"\u0061":3}}]"#, InvalidParams::NameTwice);
    check_invalid(r#"{"$base64":"","$base64":""}"#, InvalidParams::NameTwice);
    let twice = DecodeError::InvalidParams(InvalidParams::NameTwice);
    assert_eq!(params(r#"{"a":1,"b":2,"a":1}"#), Err(twice));
}

#[test]
fn first_refusal_is_told() {
    check_invalid(r#"[{"a":1,"a":1},1e999]"#, InvalidParams::NameTwice);
    check_invalid(r#"[1e999,{"a":1,"a":1}]"#, InvalidParams::DoubleRange);
}

#[test]
fn ids_come_back_as_they_came() {
    for (text, id) in [
        ("null", Id::Null),
        ("\"\"", Id::String(String::new())),
        ("\"\\u00e9\"", Id::String("\u{e9}".to_owned())),
    ] {
        let read = request(&format!(r#"{{"id":{text},"jsonrpc":"2.0","method":"a"}}"#));
        assert_eq!(read.unwrap().id, Some(id), "{text}");
    }
    for number in
        ["0", "-0", "7", "1.0", "1.5e-3", "1e400", "18446744073709551616", "-0.0", &"9".repeat(400)]
    {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"a","params":[1],"id":{number}}}"#);
        let read = request(&text).unwrap();
        assert_eq!(read.id, Some(Id::Number(number.to_owned())));
        assert_eq!(read.params, Params::Positional(vec![1.into()]));
    }
}

#[test]
fn what_is_no_request_is_told_by_its_id() {
    let number = |text: &str| Id::Number(text.to_owned());
    for (text, id) in [
        ("{}", Id::Null),
        (r#"{"id":7}"#, number("7")),
        (r#"{"method":"a","id":7}"#, number("7")),
        (r#"{"jsonrpc":"1.0","method":"a","id":7}"#, number("7")),
        (r#"{"jsonrpc":2.0,"method":"a","id":7}"#, number("7")),
        (r#"{"jsonrpc":"2.0","id":7}"#, number("7")),
        (r#"{"jsonrpc":"2.0","method":null,"id":7}"#, number("7")),
        (r#"{"jsonrpc":"2.0","method":"a","params":null,"id":7}"#, number("7")),
        (r#"{"jsonrpc":"2.0","method":"a","params":"b","id":7.5}"#, number("7.5")),
        (r#"{"jsonrpc":"2.0","method":"a","id":true}"#, Id::Null),
        (r#"{"jsonrpc":"2.0","method":"a","id":[7]}"#, Id::Null),
        (r#"{"jsonrpc":"2.0","method":"a","id":{"$base64":""}}"#, Id::Null),
        (r#"{"jsonrpc":"2.0","method":"a","params":1}"#, Id::Null),
        // A name twice, be it the id's own, and one in what is none of a request's own members.
        (r#"{"jsonrpc":"2.0","method":"a","method":"a","id":7}"#, number("7")),
        (r#"{"jsonrpc":"2.0","method":"a","id":7,"id":7}"#, Id::Null),
        (r#"{"jsonrpc":"2.0","method":"a","id":7,"b":1,"b":1}"#, number("7")),
        (r#"{"jsonrpc":"2.0","method":"a","id":7,"b":{"c":1,"c":1}}"#, number("7")),
        // What is refused within the parameters is told after what is wrong with the request.
        (r#"{"jsonrpc":"2.0","params":[1e999],"id":7}"#, number("7")),
    ] {
        let fault = Fault::new(-32600, "Invalid Request");
        assert_eq!(request(text), Err(Invalid { id: Some(id), fault }), "{text}");
    }
}

#[test]
fn refused_parameters_are_told_but_to_notifications() {
    let fault = Fault::new(-32602, "a name twice in an object");
    let text = r#"{"jsonrpc":"2.0","method":"a","params":{"b":{"c":1,"c":1}},"id":7}"#;
    let id = Some(Id::Number("7".to_owned()));
    assert_eq!(request(text), Err(Invalid { id, fault: fault.clone() }));
    let text = r#"{"jsonrpc":"2.0","method":"a","params":{"b":1,"b":1}}"#;
    assert_eq!(request(text), Err(Invalid { id: None, fault }));
}

#[test]
fn other_members_of_a_request_are_skipped() {
    let text = r#"{"x":{"params":[1]},"jsonrpc":"2.0","method":"a","y":null,"id":1}"#;
    let read = request(text).unwrap();
    assert_eq!((read.method.as_str(), read.params), ("a", Params::default()));
}

#[test]
fn failure_of_one_in_a_batch_is_its_own() {
    let text = r#"[
        {"jsonrpc":"2.0","method":"a","params":[18446744073709551616],"id":1},
        {"jsonrpc":"2.0","method":"b","params":[-0],"id":-0},
        [1e999,{"a":1,"a":1}],
        {"jsonrpc":"2.0","method":"c","params":{"$base64":{"$base64":"?"}},"id":3},
        {"jsonrpc":"2.0","method":"d","params":[7],"id":4}
    ]"#;
    let Ok(Message::Batch(batch)) = decode_message(text.as_bytes(), &Limits::DEFAULT, 5) else {
        panic!("{text}");
    };
    let codes: Vec<_> =
        batch.iter().map(|one| one.as_ref().map_err(|invalid| invalid.fault.code).err()).collect();
    assert_eq!(codes, [Some(-32602), None, Some(-32600), Some(-32602), None]);
    let read = batch[1].as_ref().unwrap();
    assert_eq!(read.id, Some(Id::Number("-0".to_owned())));
    assert_eq!(read.params, Params::Positional(vec![0.into()]));
}

#[test]
fn message_that_is_no_object_and_no_array_is_no_request() {
    for text in ["null", "1", "\"a\"", "[]", "1e999"] {
        let read = decode_message(text.as_bytes(), &Limits::DEFAULT, 10);
        assert_eq!(read, Err(DecodeError::NotRequest), "{text}");
    }
    for text in ["", " ", "1 2", "a", "[1,2"] {
        let read = decode_message(text.as_bytes(), &Limits::DEFAULT, 10);
        assert_eq!(read, Err(DecodeError::NotJson), "{text}");
    }
}
