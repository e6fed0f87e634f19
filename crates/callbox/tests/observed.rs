//! What an operator sees of calls: metrics on the admin port, ids in the answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use callbox::{Caller, Fault, MAX_REQUEST_ID, Metrics, Registry, Server, Settings, internal};
use edge::{Client, Response, arithmetic, call, entry, exchange, post};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower::ServiceExt as _;

/// Serves `registry`, and tells where and where its admin port is.
async fn start(registry: Registry, change: impl FnOnce(&mut Settings)) -> [SocketAddr; 2] {
    let (main, admin) = (listener().await, listener().await);
    let addrs = [main.local_addr().unwrap(), admin.local_addr().unwrap()];
    let mut settings = Settings::default();
    change(&mut settings);
    let server = Server::new(registry).settings(settings).listener(main).admin_listener(admin);
    tokio::spawn(server.run(std::future::pending()));
    addrs
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn get(addr: SocketAddr, path: &str) -> Response {
    exchange(addr, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await
}

async fn metrics(admin: SocketAddr) -> String {
    let response = get(admin, "/metrics").await;
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    response.text().to_owned()
}

/// The value of a series, where there is one.
fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

fn calls(metrics: &str, method: &str, outcome: &str) -> Option<f64> {
    let labels = format!("{{door=\"xmlrpc\",rpc_method=\"{method}\",outcome=\"{outcome}\"}}");
    value(metrics, &format!("rpc_server_call_duration_seconds_count{labels}"))
}

#[tokio::test]
async fn calls_are_counted_by_method_and_outcome() {
    let mut registry = arithmetic();
    registry.add("sell", "", || Err::<i32, _>(Fault::new(4, "sold out")));
    registry.add("fail", "", || Err::<i32, _>(internal("as it was told")));
    registry.add("later", "", async || tokio::task::yield_now().await);
    let [addr, admin] = start(registry, |_| ()).await;
    let mut client = Client::connect(addr).await;
    let two = ["<int>2</int>", "<int>3</int>"];
    let mut bodies = [0; 2];
    for (method, params) in [
        ("addition", &two[..]),
        ("addition", &two[..]),
        ("addition", &two[..1]),
        ("sell", &[]),
        ("fail", &[]),
        ("later", &[]),
        ("system.listMethods", &[]),
    ] {
        let document = call(method, params);
        client.send(&post("/", "", &document)).await;
        bodies[0] += document.len();
        bodies[1] += client.receive().await.body.len();
    }
    let metrics = metrics(admin).await;
    for (method, outcome, count) in [
        ("addition", "ok", Some(2.0)),
        ("addition", "-32602", Some(1.0)),
        ("addition", "fault", None),
        ("sell", "fault", Some(1.0)),
        ("fail", "-32603", Some(1.0)),
        ("later", "ok", Some(1.0)),
        ("system.listMethods", "ok", Some(1.0)),
        ("subtraction", "ok", None),
    ] {
        assert_eq!(calls(&metrics, method, outcome), count, "{method} {outcome}\n{metrics}");
    }
    assert_eq!(value(&metrics, "callbox_request_bytes_total"), Some(bodies[0] as f64));
    assert_eq!(value(&metrics, "callbox_response_bytes_total"), Some(bodies[1] as f64));
    assert_eq!(value(&metrics, "callbox_calls_in_flight"), Some(0.0));
    assert_eq!(value(&metrics, "callbox_connections{listener=\"xmlrpc\"}"), Some(1.0));
    assert_eq!(value(&metrics, "callbox_connections_total{listener=\"xmlrpc\"}"), Some(1.0));
}

#[tokio::test]
async fn each_call_of_a_multicall_counts_and_so_does_the_multicall() {
    let [addr, admin] = start(arithmetic(), |_| ()).await;
    let sum = entry("addition", "<value><int>2</int></value><value><int>3</int></value>");
    let entries = [sum.clone(), sum, entry("addition", ""), entry("nothing", "")];
    edge::multicall(addr, &entries).await.unwrap();
    let metrics = metrics(admin).await;
    assert_eq!(calls(&metrics, "addition", "ok"), Some(2.0));
    assert_eq!(calls(&metrics, "addition", "-32602"), Some(1.0));
    assert_eq!(calls(&metrics, "-", "-32601"), Some(1.0));
    assert_eq!(calls(&metrics, "system.multicall", "ok"), Some(1.0));
}

#[tokio::test]
async fn calls_by_json_are_counted_under_their_doors() {
    let [addr, admin] = start(arithmetic(), |_| ()).await;
    let call = |members: &str| format!(r#"{{"jsonrpc": "2.0", "method": {members}}}"#);
    let batch = [
        call(r#""addition", "params": [2, 3], "id": 1"#),
        call(r#""addition", "params": [2], "id": 2"#),
        call(r#""addition", "params": [2, 3]"#),
        call(r#""nothing", "id": 3"#),
    ];
    exchange(addr, &post("/jsonrpc", "", &format!("[{}]", batch.join(",")))).await;
    exchange(addr, &post("/jsonrpc", "", &batch[2])).await;
    exchange(addr, &post("/jsonrpc", "", "[")).await;
    for (method, body) in [("addition", "[2, 3]"), ("addition", "[2]"), ("nothing", "")] {
        exchange(addr, &post(&format!("/json/{method}"), "", body)).await;
    }
    exchange(addr, &post("/json/addition", "Content-Type: text/xml\r\n", "")).await;
    let metrics = metrics(admin).await;
    for (door, method, outcome, count) in [
        ("jsonrpc", "addition", "ok", 3.0),
        ("jsonrpc", "addition", "-32602", 1.0),
        ("jsonrpc", "-", "-32601", 1.0),
        ("jsonrpc", "-", "-32700", 1.0),
        ("json", "addition", "ok", 1.0),
        ("json", "addition", "-32602", 1.0),
        ("json", "-", "-32601", 1.0),
    ] {
        let labels = format!("{{door=\"{door}\",rpc_method=\"{method}\",outcome=\"{outcome}\"}}");
        let series = format!("rpc_server_call_duration_seconds_count{labels}");
        assert_eq!(value(&metrics, &series), Some(count), "{series}\n{metrics}");
    }
    assert_eq!(metrics.matches("rpc_server_call_duration_seconds_count{").count(), 7, "{metrics}");
    assert_eq!(metrics.matches("callbox_requests_rejected_total{").count(), 1, "{metrics}");
    assert_eq!(value(&metrics, "callbox_requests_rejected_total{status=\"415\"}"), Some(1.0));
}

#[tokio::test]
async fn whatever_peers_call_makes_no_more_series() {
    let [addr, admin] = start(arithmetic(), |_| ()).await;
    let mut client = Client::connect(addr).await;
    for number in 0..10_000 {
        client.send(&post("/", "", &call(&format!("method{number}"), &[]))).await;
        assert!(client.receive().await.result().is_err());
    }
    let metrics = metrics(admin).await;
    assert_eq!(calls(&metrics, "-", "-32601"), Some(10_000.0));
    assert_eq!(metrics.matches("rpc_server_call_duration_seconds_count{").count(), 1);
    assert!(!metrics.contains("method1"), "{metrics}");
}

#[tokio::test]
async fn rejections_are_counted_by_status() {
    let [addr, admin] = start(arithmetic(), |settings| settings.limits.max_body_bytes = 100).await;
    let statuses = [
        (get(addr, "/nowhere").await, "404"),
        (get(addr, "/metrics").await, "404"),
        (get(addr, "/").await, "405"),
        (exchange(addr, &post("/", "Content-Type: image/png\r\n", "")).await, "415"),
        (exchange(addr, &post("/", "", &"x".repeat(101))).await, "413"),
    ];
    for (response, status) in &statuses {
        assert_eq!(response.status.to_string(), *status);
        assert_eq!(response.header("x-request-id").unwrap().len(), 16);
    }
    let metrics = metrics(admin).await;
    let rejected = |status| {
        value(&metrics, &format!("callbox_requests_rejected_total{{status=\"{status}\"}}"))
    };
    assert_eq!(["404", "405", "413", "415"].map(rejected), [2.0, 1.0, 1.0, 1.0].map(Some));
    assert_eq!(rejected("503"), None);
    assert!(!metrics.contains("rpc_server_call_duration_seconds_count"), "{metrics}");
}

#[tokio::test]
async fn heads_that_are_no_request_are_counted_too() {
    let [addr, admin] = start(arithmetic(), |_| ()).await;
    for (status, head) in [
        (400, "hello\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (501, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (431, &format!("GET /{}", "x".repeat(16 * 1024))),
        (403, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        (403, "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n"),
    ] {
        assert_eq!(exchange(addr, head.as_bytes()).await.status, status, "{head}");
    }
    for (status, count) in [(400, 2.0), (403, 2.0), (431, 1.0), (501, 1.0)] {
        let series = format!("callbox_requests_rejected_total{{status=\"{status}\"}}");
        // hyper's own are told when the connection has ended.
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        while value(&metrics(admin).await, &series) != Some(count) {
            assert!(tokio::time::Instant::now() < deadline, "{series} {}", metrics(admin).await);
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn logins_are_counted_by_what_came_of_them() {
    let path = std::env::temp_dir().join(format!("callbox-observed-{}.toml", std::process::id()));
    let token = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    std::fs::write(&path, format!("[token.ci]\nsha256 = \"{token}\"\nmethods = [\"*\"]\n"))
        .unwrap();
    let accounts = path.clone();
    let [addr, admin] =
        start(arithmetic(), |settings| settings.accounts.accounts = Some(accounts)).await;
    let answer = exchange(addr, &post("/", "Authorization: Bearer wrong\r\n", "")).await;
    std::fs::remove_file(path).unwrap();
    assert_eq!(answer.status, 401);
    let metrics = metrics(admin).await;
    for (result, times) in [("ok", 0.0), ("denied", 1.0), ("paused", 0.0), ("busy", 0.0)] {
        let series = format!("callbox_logins_total{{result=\"{result}\"}}");
        assert_eq!(value(&metrics, &series), Some(times), "{series}");
    }
    assert_eq!(value(&metrics, "callbox_requests_rejected_total{status=\"401\"}"), Some(1.0));
}

#[tokio::test]
async fn bodies_in_work_are_seen_in_the_budgets() {
    let (begun, mut seen) = tokio::sync::mpsc::channel::<()>(1);
    let (end, ended) = tokio::sync::watch::channel(());
    let mut registry = Registry::new();
    registry.add("wait", "", move |_: String| {
        let (begun, mut ended) = (begun.clone(), ended.clone());
        async move {
            let _ = begun.send(()).await;
            let _ = ended.changed().await;
        }
    });
    let [addr, admin] = start(registry, |_| ()).await;
    let mut client = Client::connect(addr).await;
    client.send(&post("/", "", &call("wait", &[&"x".repeat(1000)]))).await;
    seen.recv().await.unwrap();
    let during = metrics(admin).await;
    assert_eq!(value(&during, "callbox_calls_in_flight"), Some(1.0));
    assert_eq!(value(&during, "callbox_body_budget_bytes{budget=\"bodies\"}"), Some(2048.0));
    end.send(()).unwrap();
    client.receive().await;
    let after = metrics(admin).await;
    for budget in ["bodies", "reading", "responses"] {
        let series = format!("callbox_body_budget_bytes{{budget=\"{budget}\"}}");
        assert_eq!(value(&after, &series), Some(0.0));
    }
}

#[tokio::test]
async fn answer_has_the_request_id_that_the_method_sees() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (mut registry, note) = (Registry::new(), seen.clone());
    registry.add("note", "", move |caller: &Caller| {
        let trace_id = caller.trace_id().map(str::to_owned);
        note.lock().unwrap().push((caller.request_id().into_owned(), trace_id));
    });
    let [addr, _] = start(registry, |_| ()).await;
    let longest = "x".repeat(MAX_REQUEST_ID);
    let trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    for (headers, id) in [
        ("X-Request-Id: a.B_c-9\r\n".to_owned(), Some("a.B_c-9")),
        (format!("x-request-id: {longest}\r\n{trace}"), Some(&*longest)),
        (format!("X-Request-Id: {longest}x\r\n"), None),
        ("X-Request-Id: a b\r\n".to_owned(), None),
        (String::new(), None),
    ] {
        let answer = exchange(addr, &post("/", &headers, &call("note", &[]))).await;
        let told = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.unwrap_or(&told), told);
        assert_eq!(told.len(), id.map_or(16, str::len));
        let trace_id =
            headers.contains("traceparent").then(|| "0af7651916cd43dd8448eb211c80319c".to_owned());
        assert_eq!(seen.lock().unwrap().pop(), Some((told, trace_id)));
    }
    let other =
        exchange(addr, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc\r\n\r\n").await;
    assert_eq!(other.header("x-request-id"), Some("abc"));
}

#[tokio::test]
async fn call_that_nobody_waits_for_any_more_is_told_of() {
    let (metrics, begun) = (Metrics::new(), Arc::new(Notify::new()));
    let (mut registry, begins) = (Registry::new(), begun.clone());
    registry.add("wait", "Never ends.", move || {
        begins.notify_one();
        std::future::pending::<i32>()
    });
    let service = Server::new(registry).metrics(metrics.clone()).service().unwrap();
    let request = Request::post("/").header("content-type", "text/xml");
    let request = request.body(Body::from(call("wait", &[]))).unwrap();
    tokio::select! {
        _ = service.oneshot(request) => panic!("it ended"),
        () = begun.notified() => {}
    }
    let text = metrics.text();
    assert_eq!(value(&text, "callbox_requests_rejected_total{status=\"408\"}"), Some(1.0));
    assert_eq!(value(&text, "callbox_calls_in_flight"), Some(0.0));
}
