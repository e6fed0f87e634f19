//! JSON-RPC 2.0 as its specification's examples have it, and what is no such message.

#![allow(clippy::unwrap_used)]

use protocol::json::{
    DecodeError, Id, Message, Params, Request, decode_message, encode_error, encode_response,
};
use protocol::xmlrpc::{Fault, Limits, TypeName, Value};

const MAX_BATCH: usize = 10;

fn read(text: &str) -> Result<Message, DecodeError> {
    decode_message(text.as_bytes(), &Limits::DEFAULT, MAX_BATCH)
}

/// What a message says, in short: a call as `id method params`, what is refused as its answer, and
/// what is not answered as that.
fn told(text: &str) -> String {
    match read(text) {
        Ok(Message::Single(request)) => told_request(request),
        Ok(Message::Batch(requests)) => {
            requests.into_iter().map(told_request).collect::<Vec<_>>().join("\n")
        }
        Err(error) => String::from_utf8(encode_error(&Id::Null, &error.into())).unwrap(),
    }
}

fn told_request(request: Result<Request, protocol::json::Invalid>) -> String {
    match request {
        Ok(Request { id, method, params }) => {
            let params = match params {
                Params::Positional(values) => format!("{values:?}"),
                Params::Named(members) => format!("{members:?}"),
            };
            format!("{} {method} {params}", id.map_or("-".to_owned(), told_id))
        }
        Err(invalid) => match invalid.id {
            Some(id) => String::from_utf8(encode_error(&id, &invalid.fault)).unwrap(),
            None => "not answered".to_owned(),
        },
    }
}

fn told_id(id: Id) -> String {
    match id {
        Id::Null => "null".to_owned(),
        Id::Number(number) => number,
        Id::String(text) => format!("{text:?}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(told(text), expected, "{text}");
}

const PARSE_ERROR: &str =
    r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}"#;
const INVALID_REQUEST: &str =
    r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#;

#[test]
fn calls_of_the_specification_are_read() {
    check(
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
        "1 subtract [Int(42), Int(23)]",
    );
    check(
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
        r#"3 subtract [("subtrahend", Int(23)), ("minuend", Int(42))]"#,
    );
    check(
        r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#,
        "- update [Int(1), Int(2), Int(3), Int(4), Int(5)]",
    );
    check(r#"{"jsonrpc": "2.0", "method": "foobar"}"#, "- foobar []");
    check(r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#, r#""1" foobar []"#);
}

#[test]
fn refusals_of_the_specification_are_told() {
    check(r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#, PARSE_ERROR);
    check(r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#, INVALID_REQUEST);
    check(
        r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method" ]"#,
        PARSE_ERROR,
    );
    check("[]", INVALID_REQUEST);
    check("[1]", INVALID_REQUEST);
    check("[1,2,3]", &[INVALID_REQUEST; 3].join("\n"));
}

#[test]
fn batch_of_the_specification_is_read() {
    let batch = r#"[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]"#;
    let expected = [
        r#""1" sum [Int(1), Int(2), Int(4)]"#,
        "- notify_hello [Int(7)]",
        r#""2" subtract [Int(42), Int(23)]"#,
        INVALID_REQUEST,
        r#""5" foo.get [("name", String("myself"))]"#,
        r#""9" get_data []"#,
    ];
    check(batch, &expected.join("\n"));
}

#[test]
fn answers_of_the_specification_are_written() {
    let response = |id, value| encode_response(&id, &value, TypeName::Any).unwrap();
    assert_eq!(
        response(Id::Number("1".to_owned()), Value::Int(19)),
        br#"{"jsonrpc":"2.0","result":19,"id":1}"#
    );
    assert_eq!(
        encode_error(&Id::String("5".to_owned()), &Fault::new(-32601, "Method not found")),
        br#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"5"}"#
    );
}
