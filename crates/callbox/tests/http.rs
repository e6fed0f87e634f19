//! The HTTP edge by raw bytes: what is answered with a status, and that the service lives on.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::time::Duration;

use edge::{Client, DEFAULTS, arithmetic, ask, call, exchange, post, start};
use protocol::xmlrpc::Value;
use tokio::sync::{mpsc, watch};

const FIVE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <methodResponse><params><param><value><int>5</int></value></param></params></methodResponse>";

fn addition() -> String {
    call("addition", &["<int>2</int>", "<int>3</int>"])
}

#[tokio::test]
async fn call_is_answered_as_curl_sends_it() {
    let addr = start(arithmetic(), DEFAULTS).await;
    for path in ["/", "/RPC2", "/?lang=en", "/RPC2?x"] {
        let headers = "User-Agent: curl\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let response = exchange(addr, &post(path, headers, &addition())).await;
        assert_eq!((response.status, response.text()), (200, FIVE), "{path}");
        assert_eq!(response.header("content-type"), Some("text/xml; charset=utf-8"));
        assert_eq!(response.header("content-length"), Some(FIVE.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    let body = addition();
    client
        .send(format!("POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .await;
    assert_eq!(client.receive().await.text(), FIVE);
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn connection_is_kept_and_pipelined_calls_are_answered_in_order() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    let requests: Vec<_> = (0..20)
        .flat_map(|n| {
            post("/", "", &call("addition", &[&format!("<int>{n}</int>"), "<int>0</int>"]))
        })
        .collect();
    client.send(&requests).await;
    for n in 0..20 {
        assert_eq!(client.receive().await.result(), Ok(Value::Int(n)));
    }
}

#[tokio::test]
async fn chunked_body_is_read_and_expect_is_answered() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.receive().await.status, 100);
    for piece in addition().as_bytes().chunks(7) {
        client
            .send(
                format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap())
                    .as_bytes(),
            )
            .await;
    }
    client.send(b"0\r\n\r\n").await;
    assert_eq!(client.receive().await.text(), FIVE);
}

#[tokio::test]
async fn half_closed_peer_gets_its_answer() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    client.send(&post("/", "", &addition())).await;
    client.shut_down().await;
    assert_eq!(client.receive().await.text(), FIVE);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let addr = start(arithmetic(), DEFAULTS).await;
    assert_eq!(exchange(addr, &post("/other", "", &addition())).await.status, 404);
    let response = exchange(addr, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
    let response = exchange(addr, b"OPTIONS /RPC2 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn health_is_told_on_the_public_port() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let response = exchange(addr, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((response.status, response.text()), (200, r#"{"status":"alive"}"#));
    let response = exchange(addr, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((response.status, response.text()), (200, r#"{"status":"ready"}"#));
}

#[tokio::test]
async fn body_that_is_no_xml_is_refused_with_the_header_to_send() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let response = exchange(addr, &post("/", "Content-Type: application/json\r\n", "{}")).await;
    assert_eq!(response.status, 415);
    assert!(response.text().contains("Content-Type: text/xml"), "{response:?}");
    let response = exchange(addr, &post("/", "Content-Encoding: br\r\n", "x")).await;
    assert_eq!(response.status, 415);
}

#[tokio::test]
async fn lengths_that_conflict_are_refused_and_closed() {
    let addr = start(arithmetic(), DEFAULTS).await;
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5x\r\n",
    ] {
        let mut client = Client::connect(addr).await;
        client
            .send(format!("POST / HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\nhello").as_bytes())
            .await;
        assert_eq!(client.receive().await.status, 400, "{lengths}");
        assert!(client.is_ended().await);
    }
    assert_eq!(ask(addr, "addition", &["<int>1</int>", "<int>2</int>"]).await, Ok(Value::Int(3)));
}

#[tokio::test]
async fn body_at_the_limit_is_read_and_one_over_it_is_refused() {
    let addr = start(arithmetic(), |limits| limits.max_body_bytes = 1000).await;
    let padded = |length: usize| format!("{:<length$}", addition());
    assert_eq!(exchange(addr, &post("/", "", &padded(1000))).await.text(), FIVE);
    assert_eq!(exchange(addr, &post("/", "", &padded(1001))).await.status, 413);

    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", padded(1001));
    let chunked =
        format!("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(exchange(addr, chunked.as_bytes()).await.status, 413);
}

#[tokio::test]
async fn peer_that_sends_all_before_it_reads_sees_the_early_answer() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let large = "x".repeat(8 * 1024 * 1024);
    for (path, headers, status) in
        [("/", "", 413), ("/", "Content-Type: application/json\r\n", 415), ("/other", "", 404)]
    {
        let mut client = Client::connect(addr).await;
        client.send(&post(path, headers, &large)).await;
        assert_eq!(client.receive().await.status, status);
    }
}

#[tokio::test]
async fn never_ending_body_is_cut_off() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    client
        .send(b"POST /other HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(client.receive().await.status, 404);
    assert!(client.is_ended().await, "the connection ends though the peer never ends its body");
}

#[tokio::test]
async fn slow_body_is_timed_out() {
    let deadline = Duration::from_millis(50);
    let addr = start(arithmetic(), |limits| limits.body_deadline = deadline).await;
    let mut client = Client::connect(addr).await;
    client
        .send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n<methodCall>")
        .await;
    assert_eq!(client.receive().await.status, 408);
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn body_that_breaks_off_gets_no_method_called() {
    let addr = start(arithmetic(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    client
        .send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n<methodCall>")
        .await;
    client.shut_down().await;
    assert_eq!(client.receive().await.status, 400);
}

#[tokio::test]
async fn slow_method_is_timed_out() {
    let mut registry = arithmetic();
    registry.add("never", "", std::future::pending::<i32>);
    let addr = start(registry, |limits| limits.method_deadline = Duration::from_millis(50)).await;
    assert_eq!(exchange(addr, &post("/", "", &call("never", &[]))).await.status, 504);
}

#[tokio::test]
async fn calls_over_the_limit_are_turned_away_and_health_is_not() {
    let (entered, mut entries) = mpsc::unbounded_channel();
    let (leave, left) = watch::channel(false);
    let mut registry = arithmetic();
    registry.add("wait", "", move || {
        let (entered, mut left) = (entered.clone(), left.clone());
        async move {
            entered.send(()).unwrap();
            left.wait_for(|is_over| *is_over).await.is_ok()
        }
    });
    let addr = start(registry, |limits| limits.max_calls = 2).await;
    let waiting = call("wait", &[]);
    let (mut first, mut second) = (Client::connect(addr).await, Client::connect(addr).await);
    first.send(&post("/", "", &waiting)).await;
    second.send(&post("/RPC2", "", &waiting)).await;
    entries.recv().await.unwrap();
    entries.recv().await.unwrap();

    let refused = exchange(addr, &post("/", "", &addition())).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(
        exchange(addr, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.status,
        200
    );
    leave.send(true).unwrap();
    assert_eq!(first.receive().await.result(), Ok(Value::Boolean(true)));
    assert_eq!(second.receive().await.result(), Ok(Value::Boolean(true)));
    assert_eq!(exchange(addr, &post("/", "", &addition())).await.text(), FIVE);
}

#[tokio::test]
async fn idle_kept_connections_hold_no_place_of_a_call() {
    let addr = start(arithmetic(), |limits| limits.max_calls = 1).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(addr).await;
        client.send(&post("/", "", &addition())).await;
        assert_eq!(client.receive().await.text(), FIVE);
        clients.push(client);
    }
}
