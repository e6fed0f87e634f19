//! The registry and the methods, by real calls.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::time::Duration;

use callbox::{Array, Fault, Registry, Value, code};
use edge::{
    DEFAULTS, arithmetic, array, ask, call, entry, exchange, fault, multicall, post, start,
};

/// Arithmetic, and methods that misbehave.
fn registry() -> Registry {
    let mut registry = arithmetic();
    registry.add("panic", "Panics.", || -> i32 { panic!("as it was told") });
    registry.add("panic.async", "Panics later.", async || -> i32 { panic!("as it was told") });
    registry.add("nan", "Is not a number.", || f64::NAN);
    registry.add("bell", "Rings.", || "\u{7}");
    registry
        .add("refuse", "Refuses.", async |code: i32| Err::<(), _>(Fault::new(code, "no <thanks>")));
    registry.add("echo", "Returns its argument.", |value: Value| value);
    registry.add("maybe", "Adds one, if there is one.", |number: Option<i32>| {
        number.map(|number| number + 1)
    });
    registry
}

async fn check(addr: SocketAddr, method: &str, params: &[&str], expected: impl Into<Value>) {
    assert_eq!(ask(addr, method, params).await, Ok(expected.into()), "{method}{params:?}");
}

async fn check_fault(addr: SocketAddr, method: &str, params: &[&str], code: i32, text: &str) {
    assert_eq!(ask(addr, method, params).await, Err((code, text.to_owned())), "{method}{params:?}");
}

#[tokio::test]
async fn wrong_parameters_say_which_and_what_was_expected() {
    let addr = start(registry(), DEFAULTS).await;
    let code = code::INVALID_PARAMS;
    let either = "params: expected (int, int) or (double, double), found ";
    check_fault(
        addr,
        "subtraction",
        &["<int>2</int>", "x"],
        code,
        &format!("{either}(int, string)"),
    )
    .await;
    check_fault(addr, "subtraction", &["<int>2</int>"], code, &format!("{either}(int)")).await;
    let any = "params: expected (int, int) or (double, double) or (string, string), found ";
    check_fault(
        addr,
        "addition",
        &["<boolean>1</boolean>", "<int>2</int>"],
        code,
        &format!("{any}(boolean, int)"),
    )
    .await;
    check_fault(addr, "system.methodHelp", &[], code, "expected 1 parameter, found 0").await;
    check_fault(
        addr,
        "system.methodHelp",
        &["<int>1</int>"],
        code,
        "params[0]: expected string, found int",
    )
    .await;
    check_fault(
        addr,
        "maybe",
        &["<i8>2147483648</i8>"],
        code,
        "params[0]: expected int from -2147483648 to 2147483647",
    )
    .await;
}

#[tokio::test]
async fn nil_is_read_and_written() {
    let addr = start(registry(), DEFAULTS).await;
    check(addr, "maybe", &["<nil/>"], Value::Nil).await;
    check(addr, "maybe", &["<ex:nil/>"], Value::Nil).await;
    check(addr, "maybe", &["<int>1</int>"], 2).await;
    let response = exchange(addr, &post("/", "", &call("maybe", &["<nil/>"]))).await;
    assert!(response.text().contains("<value><nil/></value>"), "{response:?}");
}

#[tokio::test]
async fn method_that_panics_is_an_internal_error_and_the_service_lives_on() {
    let addr = start(registry(), DEFAULTS).await;
    for method in ["panic", "panic.async"] {
        check_fault(addr, method, &[], code::INTERNAL_ERROR, "internal error").await;
    }
    check(addr, "addition", &["<int>1</int>", "<int>2</int>"], 3).await;
}

#[tokio::test]
async fn result_that_xml_cannot_carry_is_a_fault_in_readable_xml() {
    let addr = start(registry(), DEFAULTS).await;
    for method in ["nan", "bell"] {
        let (code, text) = ask(addr, method, &[]).await.unwrap_err();
        assert_eq!(code, code::INTERNAL_ERROR, "{text}");
    }
    check_fault(addr, "refuse", &["<int>7</int>"], 7, "no <thanks>").await;
}

#[tokio::test]
async fn unknown_method_is_a_fault() {
    let addr = start(registry(), DEFAULTS).await;
    for method in ["no.such", "Addition", "registry.__class__", "system.shutdown", "\u{e9}"] {
        let expected = format!("no such method: {method}");
        check_fault(addr, method, &[], code::METHOD_NOT_FOUND, &expected).await;
    }
}

#[tokio::test]
async fn body_that_is_no_call_is_a_fault() {
    let addr = start(registry(), DEFAULTS).await;
    let bomb = format!(
        "<methodCall><methodName>echo</methodName><params><param>{}",
        "<value><array><data>".repeat(100_000)
    );
    for (body, code) in [
        ("", code::NOT_WELL_FORMED),
        ("hello", code::NOT_WELL_FORMED),
        ("{\"jsonrpc\": \"2.0\"}", code::NOT_WELL_FORMED),
        ("<methodCall><methodName>echo", code::NOT_WELL_FORMED),
        ("<html></html>", code::NOT_XML_RPC),
        ("<methodCall/>", code::NOT_XML_RPC),
        (&bomb, code::NOT_XML_RPC),
    ] {
        let fault = exchange(addr, &post("/", "", body)).await.result().unwrap_err();
        assert_eq!(fault.0, code, "{fault:?}");
    }
    check(addr, "addition", &["<int>1</int>", "<int>2</int>"], 3).await;
}

#[tokio::test]
async fn depth_at_the_limit_is_read_and_one_over_it_is_refused() {
    let addr = start(registry(), |limits| limits.max_depth = 5).await;
    let nested = |arrays: usize| {
        let (open, close) = ("<array><data><value>", "</value></data></array>");
        format!("{}<int>1</int>{}", open.repeat(arrays), close.repeat(arrays))
    };
    assert!(ask(addr, "echo", &[&nested(4)]).await.is_ok());
    assert_eq!(ask(addr, "echo", &[&nested(5)]).await.unwrap_err().0, code::NOT_XML_RPC);
}

#[tokio::test]
async fn introspection_tells_names_help_and_true_signatures() {
    let addr = start(registry(), DEFAULTS).await;
    let names = [
        "addition",
        "bell",
        "echo",
        "maybe",
        "nan",
        "panic",
        "panic.async",
        "refuse",
        "subtraction",
        "system.getCapabilities",
        "system.listMethods",
        "system.methodHelp",
        "system.methodSignature",
        "system.multicall",
    ];
    check(addr, "system.listMethods", &[], array(names)).await;
    check(addr, "system.methodHelp", &["refuse"], "Refuses.").await;
    let expected = "no such method: no";
    check_fault(addr, "system.methodHelp", &["no"], code::METHOD_NOT_FOUND, expected).await;
    for (method, expected) in [
        (
            "subtraction",
            &[&["int", "int", "int"][..], &["i8", "i8", "i8"], &["double", "double", "double"]][..],
        ),
        ("nan", &[&["double"]]),
        ("bell", &[&["string"]]),
        ("refuse", &[&["nil", "int"]]),
        ("maybe", &[&["int"], &["int", "int"]]),
        ("system.listMethods", &[&["array"]]),
        ("system.multicall", &[&["array", "array"]]),
    ] {
        let expected = array(expected.iter().map(|signature| array(signature.iter().copied())));
        check(addr, "system.methodSignature", &[method], expected).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_entry_of_a_multicall_is_its_fault_alone() {
    let addr = start(registry(), DEFAULTS).await;
    let add = |n: usize| {
        entry("addition", &format!("<value><int>{n}</int></value><value><int>1</int></value>"))
    };
    let results = multicall(addr, &[
        add(1),
        entry("no.such", ""),
        entry("panic", ""),
        entry("panic.async", ""),
        entry("system.multicall", "<value><array><data/></array></value>"),
        entry("refuse", "<value><int>7</int></value>"),
        "<value><int>1</int></value>".to_owned(),
        "<value><struct/></value>".to_owned(),
        "<value><struct><member><name>methodName</name><value>nan</value></member></struct></value>".to_owned(),
        add(2),
    ])
    .await;
    let expected = [
        array([2]),
        fault(code::METHOD_NOT_FOUND, "no such method: no.such"),
        fault(code::INTERNAL_ERROR, "internal error"),
        fault(code::INTERNAL_ERROR, "internal error"),
        fault(code::INVALID_PARAMS, "a multicall cannot be nested"),
        fault(7, "no <thanks>"),
        fault(code::INVALID_PARAMS, "expected a struct with methodName and params"),
        fault(code::INVALID_PARAMS, "missing member methodName"),
        fault(code::INVALID_PARAMS, "missing member params"),
        array([3]),
    ];
    assert_eq!(results, Ok(array(expected)));
}

#[tokio::test]
async fn unwritable_result_is_the_fault_of_its_entry() {
    let addr = start(registry(), DEFAULTS).await;
    for method in ["nan", "bell"] {
        let results =
            multicall(addr, &[entry(method, ""), entry("echo", "<value>a</value>")]).await.unwrap();
        let results = results.as_array().unwrap().as_slice();
        let code = results[0].as_struct().unwrap().get("faultCode").unwrap();
        assert_eq!((code, &results[1]), (&Value::Int(code::INTERNAL_ERROR.into()), &array(["a"])));
    }
}

#[tokio::test]
async fn entry_that_no_document_can_carry_costs_the_others_nothing() {
    let mut registry = registry();
    registry.add("bell.fault", "Refuses with a bell.", || Err::<(), _>("a\u{7}b"));
    registry.add("nested", "One in so many arrays.", |arrays: usize| {
        let mut value = Value::from(1);
        for _ in 0..arrays {
            value = Array::try_from(vec![value]).map_err(Fault::from_error)?.into();
        }
        Ok::<_, Fault>(value)
    });
    let addr = start(registry, DEFAULTS).await;
    let nested = |arrays: usize| entry("nested", &format!("<value><int>{arrays}</int></value>"));
    let entries = [entry("bell.fault", ""), nested(254), nested(255), nested(2)];
    let results = multicall(addr, &entries).await.unwrap();
    let expected = [
        fault(code::APPLICATION_ERROR, "a\u{fffd}b"),
        fault(code::INTERNAL_ERROR, "internal error"),
        fault(code::INTERNAL_ERROR, "internal error"),
        array([array([array([1])])]),
    ];
    assert_eq!(results, array(expected));
    // Two arrays are the multicall's own, and the value itself is a level.
    let calls = format!("<array><data>{}</data></array>", nested(253));
    let at_limit = exchange(addr, &post("/", "", &call("system.multicall", &[&calls]))).await;
    assert_eq!(at_limit.text().matches("<array>").count(), 255);
}

#[tokio::test]
async fn multicall_over_its_limit_is_refused_whole() {
    let addr = start(registry(), DEFAULTS).await;
    let entries = vec![entry("echo", "<value>a</value>"); 1_001];
    let results = multicall(addr, &entries[..1_000]).await.unwrap();
    assert_eq!(results.as_array().unwrap().len(), 1_000);
    let refused = (code::INVALID_PARAMS, "params[0]: more than 1000 calls".to_owned());
    assert_eq!(multicall(addr, &entries).await, Err(refused));
    assert_eq!(multicall(addr, &[]).await, Ok(array([Value::Nil; 0])));
}

#[tokio::test]
async fn multicall_keeps_the_deadline_of_a_call() {
    let mut registry = registry();
    registry.add("never", "", std::future::pending::<i32>);
    let addr = start(registry, |limits| limits.method_deadline = Duration::from_millis(50)).await;
    let entries = format!("<array><data>{}</data></array>", entry("never", ""));
    let response = exchange(addr, &post("/", "", &call("system.multicall", &[&entries]))).await;
    assert_eq!(response.status, 504);
}
