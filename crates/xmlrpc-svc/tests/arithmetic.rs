//! `addition` and `subtraction`, by real calls.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../callbox/tests/edge/mod.rs"]
mod edge;

use std::net::SocketAddr;

use callbox::{Array, Registry, Value, code};
use edge::{DEFAULTS, ask, start};
use xmlrpc_svc::methods::arithmetic;

fn registry() -> Registry {
    let mut registry = Registry::new();
    arithmetic::add(&mut registry);
    registry
}

async fn check(addr: SocketAddr, method: &str, params: &[&str], expected: impl Into<Value>) {
    assert_eq!(ask(addr, method, params).await, Ok(expected.into()), "{method}{params:?}");
}

async fn check_fault(addr: SocketAddr, method: &str, params: &[&str], code: i32, text: &str) {
    assert_eq!(ask(addr, method, params).await, Err((code, text.to_owned())), "{method}{params:?}");
}

fn array<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Value {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    Array::try_from(values).unwrap().into()
}

#[tokio::test]
async fn addition_adds_numbers_as_they_mix_and_joins_strings_and_arrays() {
    let addr = start(registry(), DEFAULTS).await;
    check(addr, "addition", &["<int>2</int>", "<i4>3</i4>"], 5).await;
    check(addr, "addition", &["<int>2147483647</int>", "<int>1</int>"], 2_147_483_648_i64).await;
    check(addr, "addition", &["<i8>-9223372036854775808</i8>", "<int>1</int>"], i64::MIN + 1).await;
    check(addr, "addition", &["<double>1.5</double>", "<int>2</int>"], 3.5).await;
    check(addr, "addition", &["<int>2</int>", "<double>-0.5</double>"], 1.5).await;
    check(addr, "addition", &["<string>a</string>", "b "], "ab ").await;
    let (one, two) = (
        "<array><data><value>a</value></data></array>",
        "<array><data><value><int>1</int></value></data></array>",
    );
    check(addr, "addition", &[one, two], array([Value::from("a"), Value::from(1)])).await;
    check(addr, "subtraction", &["<int>2</int>", "<int>3</int>"], -1).await;
    check(addr, "subtraction", &["<int>2</int>", "<double>0.5</double>"], 1.5).await;
}

#[tokio::test]
async fn sums_beyond_64_bits_are_faults() {
    let addr = start(registry(), DEFAULTS).await;
    let (max, min) = ("<i8>9223372036854775807</i8>", "<i8>-9223372036854775808</i8>");
    let text = "the result is beyond 64 bits";
    check_fault(addr, "addition", &[max, "<int>1</int>"], code::APPLICATION_ERROR, text).await;
    check_fault(addr, "subtraction", &[min, "<int>1</int>"], code::APPLICATION_ERROR, text).await;
    let huge = "<double>1.7e308</double>";
    let (code, _) = ask(addr, "addition", &[huge, huge]).await.unwrap_err();
    assert_eq!(code, code::INTERNAL_ERROR);
}
