//! The documents that are sent, read and written.

use protocol::json;
use protocol::xmlrpc::{
    Array, DateTime, MethodCall, Struct, TypeName, Value, encode_call, encode_response,
};

/// `addition(2, 3)`, without layout.
pub fn addition() -> Vec<u8> {
    written(&addition_call())
}

pub fn addition_call() -> MethodCall {
    MethodCall::new("addition", sum())
}

/// `method(2, 3)`.
pub fn sum_by(method: &str) -> Vec<u8> {
    written(&MethodCall::new(method, sum()))
}

/// `method()`.
pub fn call(method: &str) -> Vec<u8> {
    written(&MethodCall::new(method, Vec::new()))
}

fn sum() -> Vec<Value> {
    vec![Value::Int(2), Value::Int(3)]
}

/// `addition(2, 3)` so many times in one `system.multicall`.
pub fn multicall(calls: usize) -> Vec<u8> {
    multicall_of("addition", calls)
}

/// `method(2, 3)` so many times in one `system.multicall`.
pub fn multicall_of(method: &str, calls: usize) -> Vec<u8> {
    let entry = structure(vec![("methodName", method.into()), ("params", array(sum()))]);
    let params = vec![array(vec![entry; calls])];
    written(&MethodCall::new("system.multicall", params))
}

/// An echo of `value`.
pub fn echo(value: Value) -> Vec<u8> {
    written(&echo_call(value))
}

pub fn echo_call(value: Value) -> MethodCall {
    MethodCall::new("interopEchoTests.echoValue", vec![value])
}

/// `addition(2, 3)` by JSON-RPC.
pub fn json_addition() -> &'static [u8] {
    br#"{"jsonrpc":"2.0","method":"addition","params":[2,3],"id":1}"#
}

/// An echo of `value` by JSON-RPC.
pub fn json_echo(value: &Value) -> Vec<u8> {
    let start = br#"{"jsonrpc":"2.0","method":"interopEchoTests.echoValue","params":["#;
    [start, &*json(value), br#"],"id":1}"#].concat()
}

/// `value` as JSON.
pub fn json(value: &Value) -> Vec<u8> {
    json::encode_result(value, TypeName::Any).expect("the documents of this file can be written")
}

/// The answer that gives `value`.
pub fn response(value: &Value) -> Vec<u8> {
    encode_response(value).expect("the documents of this file can be written")
}

/// An array of structs of five members of five types: 489 kB as written for 1,000 of them.
pub fn structs(count: usize) -> Value {
    array((0..count).map(person).collect())
}

/// Plain text of so many bytes, without a character that is written otherwise.
pub fn plain_text(bytes: usize) -> String {
    "The quick brown fox jumps over the lazy dog, and once more. "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

/// Text of so many bytes in which one character in twenty or so is written otherwise.
pub fn marked_text(bytes: usize) -> String {
    "if a < b && b > c: the quick brown fox, who <b>jumps</b> over the lazy dog and the others. "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

fn person(index: usize) -> Value {
    let date = format!("2026{:02}{:02}T10:{:02}:03", index % 12 + 1, index % 28 + 1, index % 60);
    let date: DateTime = date.parse().expect("a date");
    structure(vec![
        ("id", Value::Int(100_000 + index as i64)),
        ("active", Value::Boolean(index.is_multiple_of(3))),
        ("balance", Value::Double(1_000.0 + index as f64 * 0.25)),
        ("since", date.into()),
        ("note", NOTE.into()),
    ])
}

const NOTE: &str = "Pays at the end of a month & asks for a receipt by post, in red, please.";

fn structure(members: Vec<(&str, Value)>) -> Value {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Struct::from_members(members).expect("flat").into()
}

fn array(values: Vec<Value>) -> Value {
    Array::try_from(values).expect("flat").into()
}

fn written(call: &MethodCall) -> Vec<u8> {
    encode_call(call).expect("the documents of this file can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_the_size_that_the_goals_speak_of() {
        let array = response(&structs(1_000)).len();
        assert!((488_000..490_000).contains(&array), "{array}");
        let call = addition().len();
        assert!((180..200).contains(&call), "{call}");
        assert_eq!(plain_text(1_000_000).len(), 1_000_000);
    }
}
