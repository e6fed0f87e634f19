//! The JSON door by raw bytes: a URL for each method.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::sync::Arc;

use callbox::{
    Awaited, Base64, Caller, Catalog, CatalogMethod, DateTime, Fault, Handler, Registry, Server,
    Settings, Switch, Value, internal,
};
use edge::{DEFAULTS, Response, arithmetic, exchange, post, start};
use tokio::net::TcpListener;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

async fn call(addr: SocketAddr, method: &str, body: &str) -> Response {
    exchange(addr, &post(&format!("/json/{method}"), FORM, body)).await
}

#[track_caller]
fn check_result(response: &Response, result: &str) {
    let found = (response.status, response.header("content-type"), response.text());
    assert_eq!(found, (200, Some("application/json"), result));
}

#[track_caller]
fn check_problem(response: &Response, (status, title): (u16, &str), code: i32, detail: &str) {
    let problem =
        format!(r#"{{"title":"{title}","status":{status},"detail":"{detail}","code":{code}}}"#);
    let found = (response.status, response.header("content-type"), response.text());
    assert_eq!(found, (status, Some("application/problem+json"), problem.as_str()));
}

#[tokio::test]
async fn result_alone_is_the_answer_to_what_curl_sends() {
    let mut registry = arithmetic();
    registry.add("at", "", |at: DateTime| at).names(["at"]);
    registry.add("bytes", "", |bytes: Base64| bytes);
    registry.add("nothing", "", || ());
    registry.add("later", "", async |text: String| text);
    let addr = start(registry, DEFAULTS).await;
    for (method, body, result) in [
        ("addition", r#"{"a": 2, "b": 3}"#, "5"),
        ("addition", r#"{"b": 3, "a": 2.5}"#, "5.5"),
        ("addition", "[2, 3]", "5"),
        ("addition", r#"["é", "\u0000"]"#, r#""é\u0000""#),
        ("addition", "[0.1, 0.2]", "0.30000000000000004"),
        ("nothing", "", "null"),
        ("nothing", " \r\n", "null"),
        ("nothing", "[]", "null"),
        ("nothing", "{}", "null"),
        ("at", r#"{"at": "1998-07-17T14:08:55Z"}"#, r#""1998-07-17T14:08:55Z""#),
        ("bytes", r#"["AAH/"]"#, r#""AAH/""#),
        ("later", r#"["a"]"#, r#""a""#),
        ("%61ddition?x=y", "[2, 3]", "5"),
    ] {
        check_result(&call(addr, method, body).await, result);
    }
}

#[tokio::test]
async fn faults_are_problems_with_a_status() {
    let mut registry = arithmetic();
    registry.add("refuse", "", || Err::<i32, _>(Fault::new(4, "sold out")));
    registry.add("sorry", "", || Err::<i32, _>("not today"));
    registry.add("fail", "", || Err::<i32, _>(internal("as it was told")));
    registry.add("down", "", || Err::<i32, _>(Fault::system("no answer")));
    registry.add("nonsense", "", || Err::<i32, _>(Fault::transport("no sense")));
    let addr = start(registry, |limits| limits.max_depth = 3).await;
    let bad = (400, "Bad Request");
    for (method, body, status, code, detail) in [
        ("nothing", "", (404, "Not Found"), -32601, "no such method: nothing"),
        (
            "addition",
            "[2]",
            bad,
            -32602,
            "params: expected (int, int) or (double, double) or (string, string), found (int)",
        ),
        ("subtraction", r#"{"a": 2}"#, bad, -32602, "no parameter a"),
        ("addition", "[2, 18446744073709551616]", bad, -32602, "an integer beyond 64 bits"),
        ("addition", r#"{"a": 1, "a": 2}"#, bad, -32602, "a name twice in an object"),
        ("addition", "[2, 3", bad, -32700, "Parse error"),
        ("addition", "2", bad, -32600, "Invalid Request"),
        ("addition", "a=2&b=3", bad, -32700, "Parse error"),
        ("addition", "[[[[1]]]]", bad, -32600, "Invalid Request: more than 3 nested values"),
        ("refuse", "", (422, "Unprocessable Entity"), 4, "sold out"),
        ("sorry", "", (422, "Unprocessable Entity"), -32500, "not today"),
        ("fail", "", (500, "Internal Server Error"), -32603, "internal error"),
        ("down", "", (502, "Bad Gateway"), -32400, "no answer"),
        ("nonsense", "", (502, "Bad Gateway"), -32300, "no sense"),
    ] {
        check_problem(&call(addr, method, body).await, status, code, detail);
    }
}

#[tokio::test]
async fn methods_of_any_name_have_a_path() {
    let mut registry = Registry::new();
    for name in ["a.b", "a/b", "grüße", "100%"] {
        registry.add(name, "", move || name);
    }
    let addr = start(registry, DEFAULTS).await;
    for (path, name) in [
        ("a.b", "a.b"),
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("gr%C3%BC%c3%9fe", "grüße"),
        ("100%25", "100%"),
    ] {
        check_result(&call(addr, path, "").await, &format!("\"{name}\""));
    }
    for path in ["100%", "%zz", "gr%C3", "%FF"] {
        let response = call(addr, path, "").await;
        assert_eq!(response.status, 400, "{path}");
        assert!(response.text().contains("percent-encoded"), "{response:?}");
    }
    for path in ["/json/", "/json", "/jsonx"] {
        assert_eq!(exchange(addr, &post(path, FORM, "")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn page_of_a_browser_reaches_no_method() {
    let addr = start(arithmetic(), DEFAULTS).await;
    for headers in [
        "Content-Type: text/plain\r\nOrigin: http://a.example\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: cross-site\r\n",
        "Origin: null\r\n",
        "Content-Type: text/xml\r\n",
    ] {
        let response = exchange(addr, &post("/json/addition", headers, "[2, 3]")).await;
        assert_eq!(response.status, 415, "{headers}");
        assert!(response.text().contains("Content-Type: application/json"), "{response:?}");
    }
}

#[tokio::test]
async fn doors_that_are_closed_are_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut settings = Settings::default();
    settings.json = Switch::Off;
    let server = Server::new(arithmetic()).settings(settings).listener(listener);
    tokio::spawn(server.run(std::future::pending()));
    for path in ["/jsonrpc", "/json/addition"] {
        assert_eq!(exchange(addr, &post(path, FORM, "[2, 3]")).await.status, 404, "{path}");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(exchange(addr, request.as_bytes()).await.status, 404, "{path}");
    }
    let two = ["<int>2</int>", "<int>3</int>"];
    assert_eq!(edge::ask(addr, "addition", &two).await, Ok(5.into()));
}

#[tokio::test]
async fn long_result_is_compressed_for_who_takes_it() {
    let mut registry = Registry::new();
    registry.add("long", "", || "x".repeat(100_000));
    let addr = start(registry, DEFAULTS).await;
    for path in ["/json/long", "/jsonrpc"] {
        let body = r#"{"jsonrpc": "2.0", "method": "long", "id": 1}"#;
        let body = if path == "/jsonrpc" { body } else { "" };
        let response = exchange(addr, &post(path, "Accept-Encoding: gzip\r\n", body)).await;
        assert_eq!((response.status, response.header("content-encoding")), (200, Some("gzip")));
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert!(response.body.len() < 10_000);
    }
}

/// Answers with what it was given.
struct Echo;

impl Handler for Echo {
    fn call(&self, name: &str, params: Vec<Value>, _: &Caller) -> Awaited<Result<Value, Fault>> {
        let given = params.iter().map(|value| format!(" {}", value.type_name()));
        let told = format!("{name}:{}", given.collect::<String>());
        Box::pin(async { Ok(told.into()) })
    }
}

#[tokio::test]
async fn methods_of_a_catalog_are_called_by_name_as_far_as_they_are_known() {
    let catalog = Catalog::new();
    let method = |name: &str| CatalogMethod::new(name, "", Arc::new(Echo));
    let typed = method("typed").names(["at", "count"]);
    let typed = typed.signature(["string", "dateTime.iso8601", "int"]);
    let two = method("two").signature(["int", "base64"]).signature(["int", "string"]);
    catalog.publish(vec![typed, method("bare"), two], vec![]).unwrap();
    let mut registry = Registry::new();
    registry.add_catalog(&catalog);
    let addr = start(registry, DEFAULTS).await;
    for (method, body, result) in [
        ("typed", r#"{"count": 2, "at": "1998-07-17T14:08:55"}"#, "typed: dateTime.iso8601 int"),
        ("typed", r#"["soon"]"#, "typed: string"),
        ("bare", "[1, true]", "bare: int boolean"),
        ("bare", r#"{"p2": true, "p1": 1}"#, "bare: int boolean"),
        ("two", r#"["AAH/"]"#, "two: string"),
    ] {
        check_result(&call(addr, method, body).await, &format!("\"{result}\""));
    }
    for (method, body, detail) in [
        ("typed", r#"{"count": 2}"#, "missing parameter at"),
        ("typed", r#"{"at": 2}"#, "missing parameter count"),
        ("typed", r#"{"at": 2, "p2": 2}"#, "no parameter p2"),
        ("bare", r#"{"p2": 2}"#, "no parameter p2"),
        ("bare", r#"{"p1": 1, "p3": 2}"#, "no parameter p3"),
        ("bare", r#"{"name": 1}"#, "no parameter name"),
    ] {
        let found = call(addr, method, body).await;
        check_problem(&found, (400, "Bad Request"), -32602, detail);
    }
}
