//! The JSON-RPC door by raw bytes: the examples of the specification, and what holds for all doors.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox::{Base64, Caller, DateTime, Fault, Registry, Value, internal};
use edge::{Client, DEFAULTS, Response, exchange, post, start};

const JSON: &str = "Content-Type: application/json\r\n";

/// The methods of the specification's examples.
fn examples() -> Registry {
    let mut registry = Registry::new();
    registry
        .add("subtract", "", |minuend: i64, subtrahend: i64| minuend - subtrahend)
        .names(["minuend", "subtrahend"]);
    registry.add("sum", "", |a: i64, b: i64, c: i64| a + b + c);
    registry.add("get_data", "", || ("hello".to_owned(), 5));
    registry.add("update", "", |_: i64, _: i64, _: i64, _: i64, _: i64| ());
    registry.add("notify_hello", "", |_: i64| ());
    registry.add("notify_sum", "", |_: i64, _: i64, _: i64| ());
    registry
}

async fn send(addr: SocketAddr, document: &str) -> Response {
    exchange(addr, &post("/jsonrpc", JSON, document)).await
}

/// What `document` is answered with; nothing where there is nothing to say.
async fn ask(addr: SocketAddr, document: &str) -> String {
    let response = send(addr, document).await;
    let expected = match response.status {
        204 => (None, 0),
        status => {
            assert_eq!(status, 200, "{response:?}");
            (Some("application/json"), response.body.len())
        }
    };
    assert_eq!((response.header("content-type"), response.body.len()), expected, "{response:?}");
    response.text().to_owned()
}

/// A request without `"jsonrpc": "2.0"`, in full.
fn request(members: &str) -> String {
    format!(r#"{{"jsonrpc": "2.0", {members}}}"#)
}

async fn check(addr: SocketAddr, members: &str, expected: &str) {
    assert_eq!(
        ask(addr, &request(members)).await,
        request(expected).replace(": \"2.0\", ", ":\"2.0\","),
        "{members}"
    );
}

/// `error` of a fault.
fn error(code: i32, message: &str, id: &str) -> String {
    format!(r#""error":{{"code":{code},"message":"{message}"}},"id":{id}"#)
}

#[tokio::test]
async fn examples_of_the_specification_are_answered() {
    let addr = start(examples(), DEFAULTS).await;
    for (document, expected) in [
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            r#"{"jsonrpc":"2.0","result":19,"id":1}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
            r#"{"jsonrpc":"2.0","result":-19,"id":2}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
            r#"{"jsonrpc":"2.0","result":19,"id":3}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
            r#"{"jsonrpc":"2.0","result":19,"id":4}"#,
        ),
        (r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, ""),
        (r#"{"jsonrpc": "2.0", "method": "foobar"}"#, ""),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"1"}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#,
        ),
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
                {"jsonrpc": "2.0", "method""#,
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}"#,
        ),
        (
            "[]",
            r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#,
        ),
        (
            "[1]",
            r#"[{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}]"#,
        ),
        (
            "[1,2,3]",
            r#"[{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}]"#,
        ),
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
                {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
                {"foo": "boo"},
                {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
                {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]"#,
            r#"[{"jsonrpc":"2.0","result":7,"id":"1"},{"jsonrpc":"2.0","result":19,"id":"2"},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"5"},{"jsonrpc":"2.0","result":["hello",5],"id":"9"}]"#,
        ),
        (
            r#"[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]"#,
            "",
        ),
    ] {
        assert_eq!(ask(addr, document).await, expected, "{document}");
    }
}

#[tokio::test]
async fn parameters_find_their_places_by_name() {
    let mut registry = examples();
    let third = |a: i64, b: Option<i64>, c: Option<i64>| format!("{a} {b:?} {c:?}");
    registry.add("third", "", third).names(["a", "b", "c"]);
    registry
        .add("either", "", |number: i64| format!("int {number}"))
        .or(|text: String, count: Option<i64>| format!("string {text} {count:?}"))
        .names(["first", "second"]);
    let addr = start(registry, DEFAULTS).await;
    for (method, params, expected) in [
        ("sum", r#"{"p3": 3, "p1": 1, "p2": 2}"#, Ok("6")),
        ("sum", r#"{"p1": 1, "p2": 2}"#, Err("missing parameter p3")),
        ("sum", r#"{"p1": 1, "p3": 2}"#, Err("missing parameter p2")),
        ("sum", "{}", Err("missing parameter p1")),
        ("sum", r#"{"p1": 1, "p2": 2, "p3": 3, "p4": 4}"#, Err("no parameter p4")),
        ("sum", r#"{"p1": 1, "p2": 2, "p99999999999": 3}"#, Err("no parameter p99999999999")),
        ("sum", "[1, 2]", Err("expected 3 parameters, found 2")),
        ("sum", r#"[1, 2, "x"]"#, Err("params[2]: expected int, found string")),
        ("subtract", r#"{"p1": 1, "p2": 2}"#, Err("no parameter p1")),
        ("subtract", r#"{"minuend": 1, "mi\tnuend": 2}"#, Err(r"no parameter mi\\tnuend")),
        ("get_data", "{}", Ok(r#"["hello",5]"#)),
        ("get_data", r#"{"p1": 1}"#, Err("no parameter p1")),
        ("third", r#"{"a": 1}"#, Ok(r#""1 None None""#)),
        ("third", r#"{"c": 3, "a": 1}"#, Ok(r#""1 None Some(3)""#)),
        ("third", r#"{"c": 3, "b": 1}"#, Err("missing parameter a")),
        ("third", "[1, null, 3]", Ok(r#""1 None Some(3)""#)),
        ("either", r#"{"first": 1}"#, Ok(r#""int 1""#)),
        ("either", r#"{"first": "a"}"#, Ok(r#""string a None""#)),
        ("either", r#"{"second": 2, "first": "a"}"#, Ok(r#""string a Some(2)""#)),
        ("either", r#"{"second": 2}"#, Err("missing parameter first")),
        (
            "either",
            r#"{"first": 1, "second": 2}"#,
            Err("params: expected (int) or (string, [int]), found (int, int)"),
        ),
    ] {
        let members = format!(r#""method": "{method}", "params": {params}, "id": 7"#);
        let expected = match expected {
            Ok(result) => format!(r#""result":{result},"id":7"#),
            Err(message) => error(-32602, message, "7"),
        };
        check(addr, &members, &expected).await;
    }
}

#[tokio::test]
async fn dates_and_bytes_are_text_where_they_are_declared_and_marked_elsewhere() {
    let mut registry = Registry::new();
    registry.add("date", "", |at: DateTime| at);
    registry.add("bytes", "", |bytes: Base64| bytes);
    registry.add("maybe", "", |bytes: Option<Base64>| bytes.map(|bytes| bytes.len() as i64));
    registry.add("any", "", |value: Value| value);
    registry.add("list", "", |dates: Vec<DateTime>| dates);
    registry.add("kind", "", |_: DateTime| "date").or(|_: Base64| "bytes").or(|_: i64| "int");
    registry.add("text", "", |_: DateTime| "date").or(|_: String| "text");
    let addr = start(registry, DEFAULTS).await;
    let marked = r#"{"$dateTime":"1998-07-17T14:08:55"}"#;
    for (method, param, expected) in [
        ("date", r#""1998-07-17T14:08:55""#, Ok(r#""1998-07-17T14:08:55""#)),
        ("date", r#""19980717T14:08:55.5+01:00""#, Ok(r#""1998-07-17T14:08:55.5+01:00""#)),
        ("date", marked, Ok(r#""1998-07-17T14:08:55""#)),
        ("date", r#""today""#, Err("params[0]: expected dateTime.iso8601, found string")),
        ("date", r#"{"$dateTime": "today"}"#, Err("$dateTime: not a date and time")),
        ("bytes", r#""AAH/""#, Ok(r#""AAH/""#)),
        ("bytes", r#""data:image/png;base64,AAH/""#, Ok(r#""AAH/""#)),
        ("bytes", r#"{"$base64": "AAH/"}"#, Ok(r#""AAH/""#)),
        ("bytes", r#""?""#, Err("params[0]: expected base64, found string")),
        ("maybe", r#""AAH/""#, Ok("3")),
        ("maybe", "null", Ok("null")),
        ("any", marked, Ok(marked)),
        ("any", r#""AAH/""#, Ok(r#""AAH/""#)),
        ("any", r#"{"$base64":"AAH/"}"#, Ok(r#"{"$base64":"AAH/"}"#)),
        ("any", r#"{"$base64":"AAH/","a":1}"#, Ok(r#"{"$base64":"AAH/","a":1}"#)),
        (
            "any",
            r#"{"a":[1,1.0,1.5e300,true,null,"é\u0000"]}"#,
            Ok(r#"{"a":[1,1.0,1.5e+300,true,null,"é\u0000"]}"#),
        ),
        ("list", &format!("[{marked}]"), Ok(&format!("[{marked}]"))),
        ("kind", r#""1998-07-17T14:08:55""#, Ok(r#""date""#)),
        ("kind", r#""AAH/""#, Ok(r#""bytes""#)),
        ("kind", "1", Ok(r#""int""#)),
        (
            "kind",
            r#""?""#,
            Err("params: expected (dateTime.iso8601) or (base64) or (int), found (string)"),
        ),
        ("text", r#""1998-07-17T14:08:55""#, Ok(r#""text""#)),
        ("any", "18446744073709551616", Err("an integer beyond 64 bits")),
        ("any", "9223372036854775807", Ok("9223372036854775807")),
        ("any", "1e999", Err("a number beyond the range of a double")),
    ] {
        let members = format!(r#""method": "{method}", "params": [{param}], "id": "x""#);
        let expected = match expected {
            Ok(result) => format!(r#""result":{result},"id":"x""#),
            Err(message) => error(-32602, message, r#""x""#),
        };
        check(addr, &members, &expected).await;
    }
}

#[tokio::test]
async fn faults_have_their_code_and_text_and_status_200() {
    let mut registry = Registry::new();
    registry.add("refuse", "", || Err::<i32, _>(Fault::new(4, "sold \"out\"")));
    registry.add("fail", "", || Err::<i32, _>(internal("as it was told")));
    registry.add("panic", "", || -> i32 { panic!("as it was told") });
    registry.add("infinite", "", || f64::INFINITY);
    registry.add("later", "", async || Err::<i32, _>("not today"));
    let addr = start(registry, DEFAULTS).await;
    for (method, code, message) in [
        ("refuse", 4, r#"sold \"out\""#),
        ("fail", -32603, "internal error"),
        ("panic", -32603, "internal error"),
        ("infinite", -32603, "the result cannot be written: a double is infinite or not a number"),
        ("later", -32500, "not today"),
        ("nothing", -32601, "Method not found"),
    ] {
        let members = format!(r#""method": "{method}", "id": null"#);
        check(addr, &members, &error(code, message, "null")).await;
        let batch = format!("[{}]", request(&members));
        let expected = format!(r#"[{{"jsonrpc":"2.0",{}}}]"#, error(code, message, "null"));
        assert_eq!(ask(addr, &batch).await, expected);
        assert_eq!(ask(addr, &request(&format!(r#""method": "{method}""#))).await, "");
    }
}

#[tokio::test]
async fn notifications_run_in_their_order() {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let mut registry = examples();
    let seen = ran.clone();
    registry.add("note", "", move |number: i64| {
        seen.lock().unwrap().push(number);
        number
    });
    let addr = start(registry, DEFAULTS).await;
    let note = |number: i64| request(&format!(r#""method": "note", "params": [{number}]"#));
    assert_eq!(ask(addr, &note(1)).await, "");
    let answered = request(r#""method": "note", "params": [3], "id": 3"#);
    let batch = format!("[{}, {answered}, {}]", note(2), note(4));
    assert_eq!(ask(addr, &batch).await, r#"[{"jsonrpc":"2.0","result":3,"id":3}]"#);
    assert_eq!(*ran.lock().unwrap(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn batch_is_capped_as_a_multicall_is() {
    let ran = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::new();
    let count = ran.clone();
    registry.add("count", "", move || count.fetch_add(1, Ordering::Relaxed) as i64);
    let addr = start(registry, |limits| limits.max_multicall_entries = 40).await;
    let batch = |calls: usize| {
        let calls: Vec<_> =
            (0..calls).map(|id| request(&format!(r#""method": "count", "id": {id}"#))).collect();
        format!("[{}]", calls.join(","))
    };
    let answered = ask(addr, &batch(40)).await;
    let expected: Vec<_> =
        (0..40).map(|id| format!(r#"{{"jsonrpc":"2.0","result":{id},"id":{id}}}"#)).collect();
    assert_eq!(answered, format!("[{}]", expected.join(",")));
    let refused = error(-32600, "Invalid Request: more than 40 requests in a batch", "null");
    assert_eq!(ask(addr, &batch(41)).await, format!(r#"{{"jsonrpc":"2.0",{refused}}}"#));
    assert_eq!(ran.load(Ordering::Relaxed), 40, "none of the many was made");
}

#[tokio::test]
async fn multicall_is_called_by_itself_and_not_in_a_batch() {
    let addr = start(examples(), |limits| limits.max_multicall_entries = 2).await;
    let calls = |calls: usize| {
        let call = r#"{"methodName": "subtract", "params": [5, 3]}"#;
        format!(
            r#""method": "system.multicall", "params": [[{}]], "id": 1"#,
            vec![call; calls].join(",")
        )
    };
    check(addr, &calls(2), r#""result":[[2],[2]],"id":1"#).await;
    check(addr, &calls(3), &error(-32602, "params[0]: more than 2 calls", "1")).await;
    let nested = ask(addr, &format!("[{}]", request(&calls(1)))).await;
    assert!(nested.contains("a multicall cannot be nested"), "{nested}");
}

#[tokio::test]
async fn results_of_a_batch_take_no_more_memory_than_those_of_a_multicall() {
    let ran = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::new();
    let count = ran.clone();
    registry.add("large", "", move || {
        count.fetch_add(1, Ordering::Relaxed);
        "x".repeat(6 * 1024 * 1024)
    });
    let addr = start(registry, DEFAULTS).await;
    let calls = (1..=4).map(|id| request(&format!(r#""method": "large", "id": {id}"#)));
    let answered = ask(addr, &format!("[{}]", calls.collect::<Vec<_>>().join(","))).await;
    assert_eq!(answered.matches(r#""result":"x"#).count(), 2);
    assert!(answered.contains("the call was made, but its result is left out"));
    assert!(answered.contains("the call was not made"));
    assert_eq!(ran.swap(0, Ordering::Relaxed), 3);
    // What nobody wants to have is not kept.
    let notes = vec![request(r#""method": "large""#); 4].join(",");
    assert_eq!(ask(addr, &format!("[{notes}]")).await, "");
    assert_eq!(ran.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn large_batch_and_large_call_are_read_aside() {
    let mut registry = examples();
    registry.add("length", "", |text: String| text.len() as i64);
    let addr = start(registry, DEFAULTS).await;
    let text = "é,[{:".repeat(50_000);
    let members = format!(r#""method": "length", "params": ["{text}"], "id": 1"#);
    check(addr, &members, &format!(r#""result":{},"id":1"#, text.len())).await;
    let call =
        request(r#""method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 1"#);
    let answered = ask(addr, &format!("[{}]", vec![call; 1000].join(",\n"))).await;
    assert_eq!(answered.matches(r#""result":19"#).count(), 1000);
}

#[tokio::test]
async fn documents_over_a_limit_are_refused_whole() {
    let addr = start(examples(), |limits| {
        limits.max_depth = 3;
        limits.max_body_bytes = 200_000;
    })
    .await;
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        request(&format!(r#""method": "get_data", "params": [{open}{close}], "id": 1"#))
    };
    assert!(ask(addr, &nested(3)).await.contains("-32602"));
    let expected = error(-32600, "Invalid Request: more than 3 nested values", "null");
    for levels in [4, 90_000] {
        assert_eq!(ask(addr, &nested(levels)).await, format!(r#"{{"jsonrpc":"2.0",{expected}}}"#));
    }
    assert_eq!(send(addr, &" ".repeat(200_001)).await.status, 413);
}

#[tokio::test]
async fn body_has_to_be_said_to_be_json() {
    let addr = start(examples(), DEFAULTS).await;
    let call = request(r#""method": "subtract", "params": [42, 23], "id": 1"#);
    for (headers, status) in [
        ("Content-Type: application/json; charset=utf-8\r\n", 200),
        ("Content-Type: application/json-rpc\r\n", 200),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 200),
        ("", 200),
        ("Content-Type: application/json\r\nOrigin: http://a.example\r\n", 200),
        ("Content-Type: text/plain\r\nOrigin: http://a.example\r\n", 415),
        ("Content-Type: text/plain\r\nSec-Fetch-Site: none\r\n", 415),
        ("Origin: null\r\n", 415),
        ("Content-Type: text/xml\r\n", 415),
        ("Content-Type: application/json; charset=utf-16\r\n", 415),
        ("Content-Type: application/json\r\nContent-Type: application/json\r\n", 415),
        ("Content-Type: application/json\r\nContent-Encoding: br\r\n", 415),
    ] {
        let response = exchange(addr, &post("/jsonrpc", headers, &call)).await;
        assert_eq!(response.status, status, "{headers}");
        if status == 415 && !headers.contains("br") {
            assert!(response.text().contains("Content-Type: application/json"), "{response:?}");
        }
    }
}

#[tokio::test]
async fn other_methods_than_post_are_told_which_is() {
    let addr = start(examples(), DEFAULTS).await;
    for path in ["/jsonrpc", "/json/subtract", "/json/a/b"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = exchange(addr, request.as_bytes()).await;
        assert_eq!((response.status, response.header("allow")), (405, Some("POST")), "{path}");
    }
}

#[tokio::test]
async fn connection_is_kept_over_all_doors() {
    let addr = start(examples(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    let note = request(r#""method": "notify_hello", "params": [7]"#);
    let pipelined = [
        post("/jsonrpc", JSON, &note),
        post("/json/subtract", JSON, "[5, 3]"),
        post("/", "Content-Type: text/xml\r\n", &edge::call("get_data", &[])),
    ];
    client.send(&pipelined.concat()).await;
    let answers = [client.receive().await, client.receive().await, client.receive().await];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [204, 200, 200]);
    assert_eq!(answers[1].text(), "2");
    assert!(answers[2].text().contains("hello"));
}

#[tokio::test]
async fn callers_know_their_door() {
    let mut registry = Registry::new();
    registry.add("door", "", |caller: &Caller| caller.door().to_string());
    let addr = start(registry, DEFAULTS).await;
    check(addr, r#""method": "door", "id": 1"#, r#""result":"jsonrpc","id":1"#).await;
    assert_eq!(exchange(addr, &post("/json/door", JSON, "")).await.text(), r#""json""#);
}

#[tokio::test]
async fn slow_method_ends_call_and_batch_by_a_status() {
    let mut registry = Registry::new();
    registry.add("never", "", std::future::pending::<i32>);
    let addr = start(registry, |limits| limits.method_deadline = Duration::from_millis(50)).await;
    let call = request(r#""method": "never", "id": 1"#);
    assert_eq!(send(addr, &call).await.status, 504);
    assert_eq!(send(addr, &format!("[{call}]")).await.status, 504);
}
