//! What a function's parameters are read from: optional ones, bytes, and where a wrong one stands.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use callbox::{Base64, Caller, Fault, Registry, Value, code, methods};
use edge::{DEFAULTS, array, ask, start};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

type Maybe = Option<i64>;

struct Optional;

#[methods(prefix = "m")]
impl Optional {
    fn one(a: Maybe) -> String {
        format!("{a:?}")
    }

    fn two(&self, a: String, caller: &Caller, b: Maybe, c: Option<bool>) -> String {
        assert!(caller.account().is_none());
        format!("{a} {b:?} {c:?}")
    }

    async fn middle(&self, a: Maybe, b: i64) -> String {
        format!("{a:?} {b}")
    }

    #[method(blocking)]
    fn none() -> String {
        String::new()
    }
}

fn optional() -> Registry {
    let mut registry = Registry::new();
    registry.add_methods(Optional);
    registry.add("one", "", |a: Maybe| format!("{a:?}"));
    registry
        .add("two", "", |a: String, b: Maybe, c: Option<bool>| format!("{a} {b:?} {c:?}"))
        .names(["a", "b", "c"]);
    registry.add("middle", "", async |a: Maybe, b: i64| format!("{a:?} {b}"));
    registry.add_blocking("none", "", String::new);
    registry
        .add("either", "", |a: bool, b: Maybe| format!("{a} {b:?}"))
        .or(|a: String, b: Option<String>| format!("{a} {b:?}"))
        .or(|a: i64, b: i64| format!("{a} {b}"));
    registry.add("any", "", |value: Option<Value>| value.is_none());
    registry
}

const INT: &str = "<int>7</int>";
const NIL: &str = "<nil/>";
const TRUE: &str = "<boolean>1</boolean>";

#[tokio::test]
async fn optional_parameters_at_the_end_may_be_missing() {
    let addr = start(optional(), DEFAULTS).await;
    let rows: [(&str, &[&str], &str); 12] = [
        ("one", &[], "None"),
        ("one", &[NIL], "None"),
        ("one", &[INT], "Some(7)"),
        ("two", &["a"], "a None None"),
        ("two", &["a", INT], "a Some(7) None"),
        ("two", &["a", NIL], "a None None"),
        ("two", &["a", NIL, TRUE], "a None Some(true)"),
        ("two", &["a", INT, TRUE], "a Some(7) Some(true)"),
        ("two", &["a", NIL, NIL], "a None None"),
        ("middle", &[NIL, INT], "None 7"),
        ("middle", &[INT, INT], "Some(7) 7"),
        ("none", &[], ""),
    ];
    for (method, params, expected) in rows {
        assert_eq!(ask(addr, method, params).await, Ok(expected.into()), "{method}{params:?}");
        let method = format!("m.{method}");
        assert_eq!(ask(addr, &method, params).await, Ok(expected.into()), "{method}{params:?}");
    }
    assert_eq!(ask(addr, "any", &[]).await, Ok(true.into()));
    assert_eq!(ask(addr, "any", &[NIL]).await, Ok(true.into()));
    assert_eq!(ask(addr, "any", &[INT]).await, Ok(false.into()));
}

#[tokio::test]
async fn wrong_numbers_of_parameters_are_told() {
    let addr = start(optional(), DEFAULTS).await;
    let rows: [(&str, &[&str], &str); 8] = [
        ("none", &[INT], "expected 0 parameters, found 1"),
        ("one", &[INT, INT], "expected 0 to 1 parameter, found 2"),
        ("two", &[], "expected 1 to 3 parameters, found 0"),
        ("two", &["a", INT, TRUE, NIL], "expected 1 to 3 parameters, found 4"),
        ("middle", &[], "expected 2 parameters, found 0"),
        ("middle", &[INT], "expected 2 parameters, found 1"),
        ("middle", &[INT, NIL], "params[1]: expected int, found nil"),
        ("two", &["a", TRUE], "params[1]: expected int, found boolean"),
    ];
    for (method, params, text) in rows {
        let expected = Err((code::INVALID_PARAMS, text.to_owned()));
        assert_eq!(ask(addr, method, params).await, expected, "{method}{params:?}");
        let method = format!("m.{method}");
        assert_eq!(ask(addr, &method, params).await, expected, "{method}{params:?}");
    }
}

#[tokio::test]
async fn optional_parameter_fits_nil_and_nothing_among_several_functions() {
    let addr = start(optional(), DEFAULTS).await;
    let rows: [(&[&str], &str); 7] = [
        (&[TRUE], "true None"),
        (&[TRUE, NIL], "true None"),
        (&[TRUE, INT], "true Some(7)"),
        (&["a"], "a None"),
        (&["a", NIL], "a None"),
        (&["a", "b"], "a Some(\"b\")"),
        (&[INT, INT], "7 7"),
    ];
    for (params, expected) in rows {
        assert_eq!(ask(addr, "either", params).await, Ok(expected.into()), "{params:?}");
    }
    let expected = "params: expected (boolean, [int]) or (string, [string]) or (int, int), found ";
    for (params, found) in
        [(&[INT, NIL][..], "(int, nil)"), (&[INT], "(int)"), (&[TRUE, TRUE], "(boolean, boolean)")]
    {
        let expected = Err((code::INVALID_PARAMS, format!("{expected}{found}")));
        assert_eq!(ask(addr, "either", params).await, expected, "{params:?}");
    }
}

#[tokio::test]
async fn signatures_list_each_number_of_parameters() {
    let addr = start(optional(), DEFAULTS).await;
    let rows: [(&str, &[&[&str]]); 5] = [
        ("one", &[&["string"], &["string", "int"], &["string", "i8"]]),
        (
            "two",
            &[
                &["string", "string"],
                &["string", "string", "int"],
                &["string", "string", "i8"],
                &["string", "string", "int", "boolean"],
                &["string", "string", "i8", "boolean"],
            ],
        ),
        ("middle", &[&["string", "int", "int"], &["string", "i8", "i8"]]),
        ("none", &[&["string"]]),
        ("any", &[&["boolean"], &["boolean", "any"]]),
    ];
    for (method, signatures) in rows {
        let expected = array(signatures.iter().map(|names| array(names.iter().copied())));
        assert_eq!(ask(addr, "system.methodSignature", &[method]).await, Ok(expected), "{method}");
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    kind: String,
    price: f64,
    tags: Option<Vec<i32>>,
}

struct Lines;

#[methods(prefix = "m")]
impl Lines {
    fn lines(&self, caller: &Caller, number: i64, line: Line) -> Option<String> {
        assert_eq!(number, 7);
        caller.header("user-agent").map(|_| line.kind)
    }
}

fn line(members: &str) -> String {
    format!("<struct>{members}</struct>")
}

fn member(name: &str, value: &str) -> String {
    format!("<member><name>{name}</name><value>{value}</value></member>")
}

#[tokio::test]
async fn fault_tells_the_place_of_what_is_wrong() {
    let mut registry = Registry::new();
    registry.add_methods(Lines);
    registry.add("by_reference", "", |_: &Caller, _: i64, line: Line| line.price);
    registry.add("by_value", "", |_: Caller, _: i64, line: Line| line.price);
    registry.add("between", "", async |_: i64, _: Caller, line: Line| line.price);
    registry.with(()).add("state", "", |_: &(), _: Caller, _: i64, line: Line| line.price);
    let addr = start(registry, DEFAULTS).await;
    let (kind, price) = (member("kind", "tea"), member("price", "<double>1</double>"));
    let tags = "<array><data><value><int>1</int></value><value>x</value></data></array>";
    let tags = member("tags", tags);
    let price_as_text = member("price", "dear");
    for method in ["m.lines", "by_reference", "by_value", "between", "state"] {
        assert!(ask(addr, method, &[INT, &line(&(kind.clone() + &price))]).await.is_ok());
        for (param, text) in [
            (
                line(&(kind.clone() + &price_as_text)),
                "params[1].price: expected double, found string",
            ),
            (
                line(&(kind.clone() + &price + &tags)),
                "params[1].tags[1]: expected int, found string",
            ),
            (line(&kind), "params[1]: missing member `price`"),
            (INT.to_owned(), "params[1]: expected struct, found int"),
        ] {
            let expected = Err((code::INVALID_PARAMS, text.to_owned()));
            assert_eq!(ask(addr, method, &[INT, &param]).await, expected, "{method}");
        }
        let expected = Err((code::INVALID_PARAMS, "params[0]: expected int, found string".into()));
        assert_eq!(ask(addr, method, &["a", "b"]).await, expected, "{method}");
    }
}

struct Bytes;

#[methods(prefix = "m")]
impl Bytes {
    fn byte_buf(&self, bytes: ByteBuf) -> ByteBuf {
        bytes
    }

    fn byte_buf_or(bytes: ByteBuf) -> Result<ByteBuf, Fault> {
        Ok(bytes)
    }

    fn base64(&self, bytes: Base64) -> Base64 {
        Base64::from(bytes.to_vec())
    }
}

#[tokio::test]
async fn bytes_are_base64() {
    let mut registry = Registry::new();
    registry.add_methods(Bytes);
    registry.add("byte_buf", "", |bytes: ByteBuf| Ok::<_, Fault>(bytes));
    registry.add("base64", "", |bytes: Base64| Base64(bytes.iter().rev().copied().collect()));
    registry.add("length", "", |bytes: Base64| bytes.len());
    let addr = start(registry, DEFAULTS).await;
    let value = |bytes: &[u8]| Value::Base64(bytes.to_vec());
    let param = "<base64>AAEC</base64>";
    for (method, expected) in [
        ("m.byte_buf", value(&[0, 1, 2])),
        ("m.byte_buf_or", value(&[0, 1, 2])),
        ("m.base64", value(&[0, 1, 2])),
        ("byte_buf", value(&[0, 1, 2])),
        ("base64", value(&[2, 1, 0])),
    ] {
        assert_eq!(ask(addr, method, &[param]).await, Ok(expected), "{method}");
        let signature = ask(addr, "system.methodSignature", &[method]).await;
        assert_eq!(signature, Ok(array([array(["base64", "base64"])])), "{method}");
        let expected = "params[0]: expected base64, found string";
        let expected = Err((code::INVALID_PARAMS, expected.to_owned()));
        assert_eq!(ask(addr, method, &["AAEC"]).await, expected, "{method}");
    }
    assert_eq!(ask(addr, "length", &[param]).await, Ok(3.into()));
}
