//! Limits of a document, enforced while it is read.

#![allow(clippy::unwrap_used)]

use protocol::json::{DecodeError, InvalidParams, Message, Params, decode_message, decode_params};
use protocol::xmlrpc::{Fault, Limits, MAX_VALUE_DEPTH};

fn params(text: &str) -> Result<Params, DecodeError> {
    decode_params(text.as_bytes(), &Limits::DEFAULT)
}

#[test]
fn batch_is_refused_over_its_limit() {
    let read = |text: &str| decode_message(text.as_bytes(), &Limits::DEFAULT, 2);
    assert!(read("[1,2]").is_ok());
    let error = read("[1,2,3]").unwrap_err();
    assert_eq!(
        Fault::from(error),
        Fault::new(-32600, "Invalid Request: more than 2 requests in a batch")
    );
}

#[test]
fn values_are_counted() {
    let read = |text: &str, elements| {
        decode_params(text.as_bytes(), &Limits { elements, ..Limits::DEFAULT })
    };
    assert!(read(r#"[1,{"a":[2]}]"#, 5).is_ok());
    assert_eq!(read(r#"[1,{"a":[2]}]"#, 4), Err(DecodeError::OverLimit(4, "values")));
    // The second reading counts anew.
    assert!(read("[1,-0]", 3).is_ok());
}

#[test]
fn names_are_measured() {
    let limits = Limits { name_bytes: 6, ..Limits::DEFAULT };
    let over = Err(DecodeError::OverLimit(6, "bytes in a name"));
    for (text, is_read) in [
        (r#"{"abcdef":1}"#, true),
        (r#"{"abcdefg":1}"#, false),
        (r#"[{"\u00e9\u00e9\u00e9":1}]"#, true),
        (r#"[{"\u00e9\u00e9\u00e9a":1}]"#, false),
    ] {
        let read = decode_params(text.as_bytes(), &limits);
        assert!(if is_read { read.is_ok() } else { read == over }, "{text}");
    }
    let call = r#"{"jsonrpc":"2.0","method":"a"}"#;
    let read = decode_message(call.as_bytes(), &limits, 1);
    assert_eq!(read, Err(DecodeError::OverLimit(6, "bytes in a name")));
}

/// So many values in one another, arrays and objects in turn.
fn nested(levels: usize) -> String {
    let opened = (1..levels).map(|level| if level % 2 == 0 { "[" } else { "{\"a\":" });
    let closed = (1..levels).rev().map(|level| if level % 2 == 0 { "]" } else { "}" });
    opened.chain(["7"]).chain(closed).collect()
}

#[test]
fn depth_is_that_of_values_whatever_is_around_them() {
    let limits = Limits { depth: 5, ..Limits::DEFAULT };
    let over = DecodeError::OverLimit(5, "nested values");
    let call =
        |levels| format!(r#"{{"jsonrpc":"2.0","method":"a","params":[{}]}}"#, nested(levels));
    let other = |levels| format!(r#"{{"other":{}}}"#, nested(levels));
    for wrap in [&call as &dyn Fn(usize) -> String, &|levels| format!("[{}]", call(levels)), &other]
    {
        let read = |levels| decode_message(wrap(levels).as_bytes(), &limits, 1);
        assert!(read(5).is_ok());
        assert_eq!(read(6), Err(over));
    }
    let read = |text: String| decode_params(text.as_bytes(), &limits);
    assert!(read(format!("[{}]", nested(5))).is_ok());
    assert_eq!(read(format!("[{}]", nested(6))), Err(over));
    assert!(read(format!("{{\"a\":{}}}", nested(5))).is_ok());
    assert_eq!(read(format!("{{\"a\":{}}}", nested(6))), Err(over));
}

#[test]
fn default_depth_is_128() {
    let read = |levels| params(&format!("[{}]", nested(levels)));
    assert!(read(128).is_ok());
    assert_eq!(read(129), Err(DecodeError::OverLimit(128, "nested values")));
}

#[test]
fn depth_of_100_000_is_our_refusal_in_half_of_a_thread_stack() {
    let work = || {
        let limits = Limits { depth: usize::MAX, ..Limits::DEFAULT };
        let over = DecodeError::OverLimit(MAX_VALUE_DEPTH, "nested values");
        let deepest = format!("[{}]", nested(MAX_VALUE_DEPTH));
        assert!(decode_params(deepest.as_bytes(), &limits).is_ok());
        for text in [nested(100_000), "[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            assert_eq!(decode_params(text.as_bytes(), &limits), Err(over));
            assert_eq!(decode_message(text.as_bytes(), &limits, 9), Err(over));
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

/// So many members with no value but 0, whose names are these.
fn members(names: impl Iterator<Item = usize>) -> String {
    let members: Vec<_> = names.map(|name| format!("\"{name}\":0")).collect();
    members.join(",")
}

#[test]
fn a_hundred_thousand_members_are_told_apart() {
    let members = members(0..100_000);
    let named = params(&format!("{{{members}}}"));
    assert!(matches!(named, Ok(Params::Named(members)) if members.len() == 100_000));
    assert!(params(&format!("[{{{members}}}]")).is_ok());
    let request = format!(r#"{{"jsonrpc":"2.0","method":"a",{members}}}"#);
    let read = decode_message(request.as_bytes(), &Limits::DEFAULT, 1);
    assert!(matches!(read, Ok(Message::Single(Ok(_)))));
}

#[test]
fn one_name_twice_among_a_hundred_thousand_is_refused() {
    let members = members((0..100_000).chain([0]));
    let twice = Err(DecodeError::InvalidParams(InvalidParams::NameTwice));
    assert_eq!(params(&format!("{{{members}}}")), twice);
    assert_eq!(params(&format!("[{{{members}}}]")), twice);
    let request = format!(r#"{{"jsonrpc":"2.0","method":"a",{members}}}"#);
    let read = decode_message(request.as_bytes(), &Limits::DEFAULT, 1);
    assert!(matches!(read, Ok(Message::Single(Err(_)))));
}
