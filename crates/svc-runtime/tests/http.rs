//! One HTTP connection, byte for byte: how long it is kept, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{get, post};
use svc_runtime::http::{self, HttpDeadlines, MAX_HEAD_BYTES};
use svc_runtime::stop::Stop;
use svc_runtime::stream::Origin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest wait for anything that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A deadline that passes in no test, and one that passes in every test.
const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(100);

const PATIENT: HttpDeadlines = HttpDeadlines { header: NEVER, write: NEVER, age: None };

const PING: &str = "GET /ping HTTP/1.1\r\nhost: x\r\n\r\n";

struct Peer {
    stream: TcpStream,
    stop: Stop,
    service: JoinHandle<()>,
    refused: UnboundedReceiver<StatusCode>,
}

impl Peer {
    async fn connect(router: Router, deadlines: HttpDeadlines) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far_end, addr) = listener.accept().await.unwrap();
        let stop = Stop::new();
        let (refuse, refused) = unbounded_channel();
        let told = stop.clone();
        let service = tokio::spawn(async move {
            let spoken = http::spoken(far_end.into(), deadlines.header, &told).await;
            let Some(far_end) = spoken else { return };
            let origin = Origin::new(addr.into(), "test");
            let refused = move |status| refuse.send(status).unwrap();
            let answer = http::routed(router);
            http::run(far_end, origin, Arc::default(), answer, refused, deadlines, told).await;
        });
        Self { stream, stop, service, refused }
    }

    async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    /// Reads one response that ends with `body` and gives back its status line.
    async fn hear(&mut self, body: &str) -> String {
        let mut heard = Vec::new();
        while !heard.ends_with(format!("\r\n\r\n{body}").as_bytes()) {
            let byte = timeout(PATIENCE, self.stream.read_u8()).await;
            let heard_so_far = String::from_utf8_lossy(&heard).into_owned();
            heard.push(byte.expect(&heard_so_far).expect(&heard_so_far));
        }
        String::from_utf8(heard).unwrap().lines().next().unwrap().to_owned()
    }

    /// All that is still said, until a clean end of the stream; a reset fails the test.
    async fn hear_the_rest(&mut self) -> String {
        let mut heard = String::new();
        timeout(PATIENCE, self.stream.read_to_string(&mut heard)).await.unwrap().unwrap();
        heard
    }

    /// The statuses that were told beside the answers.
    fn refused(&mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.refused.try_recv().ok()).map(|status| status.as_u16()).collect()
    }

    /// Hangs up, and waits until the service has left the connection too.
    async fn hang_up(self) {
        drop(self.stream);
        timeout(PATIENCE, self.service).await.unwrap().unwrap();
    }
}

/// Answers `/ping`; `/slow` says on the channel that it was reached, with what lets it answer.
fn routes() -> (Router, UnboundedReceiver<UnboundedSender<()>>) {
    let (reached, requests) = unbounded_channel();
    let slow = move || async move {
        let (answer, mut awaited) = unbounded_channel();
        reached.send(answer).unwrap();
        awaited.recv().await;
        "at last"
    };
    let router = Router::new().route("/ping", get(|| async { "pong" })).route("/slow", get(slow));
    (router, requests)
}

fn ping() -> Router {
    routes().0
}

#[tokio::test]
async fn connection_is_kept_for_further_requests() {
    let mut peer = Peer::connect(ping(), PATIENT).await;
    for _ in 0..3 {
        peer.say(PING).await;
        assert_eq!(peer.hear("pong").await, "HTTP/1.1 200 OK");
    }
}

#[tokio::test]
async fn connection_is_closed_where_the_peer_asks_for_it() {
    for request in
        ["GET /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "GET /ping HTTP/1.0\r\n\r\n"]
    {
        let mut peer = Peer::connect(ping(), PATIENT).await;
        peer.say(request).await;
        assert!(peer.hear_the_rest().await.ends_with("\r\n\r\npong"), "{request}");
        peer.hang_up().await;
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut peer = Peer::connect(ping(), PATIENT).await;
    peer.say(PING.repeat(2) + "GET /none HTTP/1.1\r\nhost: x\r\n\r\n" + PING).await;
    for (body, status) in [("pong", "200 OK"), ("pong", "200 OK"), ("", "404 Not Found")] {
        assert_eq!(peer.hear(body).await, format!("HTTP/1.1 {status}"));
    }
    assert_eq!(peer.hear("pong").await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn answer_does_not_wait_for_the_rest_of_the_next_request() {
    let mut peer = Peer::connect(ping(), PATIENT).await;
    peer.say(PING.to_owned() + "GET /pi").await;
    assert_eq!(peer.hear("pong").await, "HTTP/1.1 200 OK");
    peer.say("ng HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(peer.hear("pong").await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn peer_that_has_ended_its_stream_gets_its_answer() {
    let (router, mut requests) = routes();
    let mut peer = Peer::connect(router, PATIENT).await;
    peer.say("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    peer.stream.shutdown().await.unwrap();
    let answer = timeout(PATIENCE, requests.recv()).await.unwrap().unwrap();
    answer.send(()).unwrap();
    assert!(peer.hear_the_rest().await.ends_with("\r\n\r\nat last"));
    peer.hang_up().await;
}

#[tokio::test]
async fn slow_header_is_closed_at_the_deadline_without_an_answer() {
    for piece in ["", "GET", "GET /ping HTTP/1.1\r\nhost: x\r\n"] {
        let mut peer = Peer::connect(ping(), HttpDeadlines { header: SOON, ..PATIENT }).await;
        peer.say(piece).await;
        assert_eq!(peer.hear_the_rest().await, "", "{piece:?}");
        peer.hang_up().await;
    }
}

#[tokio::test]
async fn kept_connection_without_a_next_request_is_closed_at_the_header_deadline() {
    let mut peer = Peer::connect(ping(), HttpDeadlines { header: SOON, ..PATIENT }).await;
    peer.say(PING).await;
    peer.hear("pong").await;
    assert_eq!(peer.hear_the_rest().await, "");
    peer.hang_up().await;
}

#[tokio::test]
async fn header_deadline_does_not_count_against_a_slow_answer() {
    let (router, mut requests) = routes();
    let mut peer = Peer::connect(router, HttpDeadlines { header: SOON, ..PATIENT }).await;
    peer.say("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = timeout(PATIENCE, requests.recv()).await.unwrap().unwrap();
    tokio::time::pause();
    let closed = timeout(NEVER, peer.stream.read_u8()).await;
    assert!(closed.is_err(), "{closed:?}");
    tokio::time::resume();
    answer.send(()).unwrap();
    peer.hear("at last").await;
}

#[tokio::test]
async fn stop_closes_a_kept_connection_at_once() {
    let mut peer = Peer::connect(ping(), PATIENT).await;
    peer.say(PING).await;
    peer.hear("pong").await;
    peer.stop.tell();
    assert_eq!(peer.hear_the_rest().await, "");
    peer.hang_up().await;
}

#[tokio::test]
async fn stop_closes_a_fresh_connection_at_once() {
    let mut peer = Peer::connect(ping(), PATIENT).await;
    peer.stop.tell();
    assert_eq!(peer.hear_the_rest().await, "");
    peer.hang_up().await;
}

#[tokio::test]
async fn request_that_had_arrived_at_the_stop_is_answered() {
    // More than once, lest it be luck which of the two is seen first.
    for _ in 0..20 {
        let mut peer = Peer::connect(ping(), PATIENT).await;
        peer.say(PING).await;
        peer.stop.tell();
        assert!(peer.hear_the_rest().await.ends_with("\r\n\r\npong"));
        peer.hang_up().await;
    }
}

#[tokio::test]
async fn request_under_way_is_answered_after_the_stop_and_its_connection_closed() {
    let (router, mut requests) = routes();
    let mut peer = Peer::connect(router, PATIENT).await;
    peer.say("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = timeout(PATIENCE, requests.recv()).await.unwrap().unwrap();
    peer.stop.tell();
    // The service, woken by the stop, goes first.
    tokio::task::yield_now().await;
    answer.send(()).unwrap();
    let heard = peer.hear_the_rest().await;
    assert!(heard.starts_with("HTTP/1.1 200 OK\r\n"), "{heard}");
    assert!(heard.contains("connection: close\r\n"), "{heard}");
    assert!(heard.ends_with("\r\n\r\nat last"), "{heard}");
    peer.hang_up().await;
}

/// Answers of one connection, each with whether it says that it is the last.
fn is_last(heard: &str) -> Vec<bool> {
    heard.split("HTTP/1.1 ").skip(1).map(|answer| answer.contains("connection: close")).collect()
}

#[tokio::test]
async fn all_pipelined_requests_that_had_arrived_at_the_stop_are_answered_and_the_last_says_so() {
    // More than hyper reads at once, and more than it does in one go.
    for requests in [1, 2, 16, 20, 2000] {
        let mut peer = Peer::connect(ping(), PATIENT).await;
        let heads = PING.repeat(requests);
        peer.say(heads).await;
        peer.stop.tell();
        let last = is_last(&peer.hear_the_rest().await);
        assert_eq!(last.len(), requests);
        assert!(last[requests - 1] && !last[..requests - 1].contains(&true), "{last:?}");
        peer.hang_up().await;
    }
}

#[tokio::test]
async fn pipelined_requests_with_bodies_are_answered_after_the_stop() {
    for fields in [
        "content-length: 5\r\n\r\nhello",
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let router = Router::new().route("/", post(|body: String| async move { body }));
        let mut peer = Peer::connect(router, PATIENT).await;
        peer.say(format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}").repeat(20)).await;
        peer.stop.tell();
        let heard = peer.hear_the_rest().await;
        assert_eq!(heard.matches("\r\n\r\nhello").count(), 20);
        assert_eq!(is_last(&heard), [[false; 19].as_slice(), &[true]].concat());
        peer.hang_up().await;
    }
}

#[tokio::test]
async fn request_behind_one_that_is_under_way_at_the_stop_is_answered() {
    let (router, mut requests) = routes();
    let mut peer = Peer::connect(router, PATIENT).await;
    peer.say("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = timeout(PATIENCE, requests.recv()).await.unwrap().unwrap();
    peer.say(PING).await;
    peer.stop.tell();
    tokio::task::yield_now().await;
    answer.send(()).unwrap();
    let heard = peer.hear_the_rest().await;
    assert!(heard.contains("at last") && heard.ends_with("pong"), "{heard}");
    assert_eq!(is_last(&heard), [false, true]);
    peer.hang_up().await;
}

#[tokio::test]
async fn stop_closes_a_connection_with_half_a_head_at_once() {
    for (before, answers) in [("", 0), (PING, 1)] {
        let mut peer = Peer::connect(ping(), PATIENT).await;
        peer.say(before).await;
        if answers > 0 {
            peer.hear("pong").await;
        }
        peer.say("GET /ping HTTP/1.1\r\nho").await;
        peer.stop.tell();
        assert_eq!(peer.hear_the_rest().await, "");
        peer.hang_up().await;
    }
    let mut peer = Peer::connect(ping(), PATIENT).await;
    peer.say(PING.to_owned() + "GET /pi").await;
    peer.stop.tell();
    assert!(peer.hear_the_rest().await.ends_with("pong"));
    peer.hang_up().await;
}

#[tokio::test]
async fn body_under_way_at_the_stop_is_waited_for() {
    let router = Router::new().route("/", post(|body: String| async move { body }));
    let mut peer = Peer::connect(router, PATIENT).await;
    peer.say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
        .await;
    peer.hear("").await;
    peer.say("he").await;
    peer.stop.tell();
    tokio::task::yield_now().await;
    peer.say("llo").await;
    let heard = peer.hear_the_rest().await;
    assert!(heard.contains("connection: close\r\n") && heard.ends_with("\r\n\r\nhello"), "{heard}");
    peer.hang_up().await;
}

#[tokio::test]
async fn body_that_breaks_off_is_an_error_at_once() {
    let router = Router::new().route("/", post(|_: String| async {}));
    let mut peer = Peer::connect(router, PATIENT).await;
    peer.say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhel").await;
    peer.stream.shutdown().await.unwrap();
    let heard = peer.hear_the_rest().await;
    assert!(heard.starts_with("HTTP/1.1 400 "), "{heard}");
    peer.hang_up().await;
}

#[tokio::test]
async fn peer_that_has_ended_its_stream_gets_all_of_a_large_response() {
    const LARGE: usize = 32 * 1024 * 1024;
    let router = Router::new().route("/", get(|| async { Bytes::from_static(&[b'x'; LARGE]) }));
    let mut peer = Peer::connect(router, HttpDeadlines::default()).await;
    peer.say("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // In the midst of the response.
    peer.stream.read_exact(&mut [0; 1024]).await.unwrap();
    peer.stream.shutdown().await.unwrap();
    assert!(peer.hear_the_rest().await.len() > LARGE - 1024);
    peer.hang_up().await;
}

#[tokio::test]
async fn announced_stop_is_told_with_each_answer_and_closes_nobody_who_is_idle() {
    let mut idle = Peer::connect(ping(), PATIENT).await;
    let mut kept = Peer::connect(ping(), PATIENT).await;
    kept.say(PING).await;
    kept.hear("pong").await;
    idle.stop.announce();
    kept.stop.announce();
    for peer in [&mut idle, &mut kept] {
        let mut byte = [0];
        let silent = timeout(SOON, peer.stream.peek(&mut byte)).await;
        assert!(silent.is_err(), "{silent:?}");
    }
    kept.say(PING.repeat(3)).await;
    assert_eq!(is_last(&kept.hear_the_rest().await), [false, false, true]);
    kept.hang_up().await;
    idle.stop.tell();
    assert_eq!(idle.hear_the_rest().await, "");
    idle.hang_up().await;
}

#[tokio::test]
async fn connection_over_its_age_is_closed_after_its_next_answer_and_left_alone_while_idle() {
    let aged = HttpDeadlines { age: Some(SOON), ..PATIENT };
    let mut peer = Peer::connect(ping(), aged).await;
    peer.say(PING).await;
    peer.hear("pong").await;
    // Twice the age, give or take a tenth.
    let silent = timeout(2 * SOON, peer.stream.peek(&mut [0])).await;
    assert!(silent.is_err(), "{silent:?}");
    peer.say(PING.repeat(3)).await;
    assert_eq!(is_last(&peer.hear_the_rest().await), [false, false, true]);
    peer.hang_up().await;
}

#[tokio::test]
async fn peer_that_reads_nothing_of_a_large_response_is_left_at_the_write_deadline() {
    let large = Bytes::from_static(&[b'x'; 32 * 1024 * 1024]);
    let router = Router::new().route("/", get(|| async { large }));
    let mut peer = Peer::connect(router, HttpDeadlines { write: SOON, ..PATIENT }).await;
    peer.say("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    timeout(PATIENCE, &mut peer.service).await.unwrap().unwrap();
}

#[tokio::test]
async fn peer_that_reads_all_of_a_large_response_gets_all_of_it() {
    const LARGE: usize = 32 * 1024 * 1024;
    let router = Router::new().route("/", get(|| async { Bytes::from_static(&[b'x'; LARGE]) }));
    let mut peer = Peer::connect(router, HttpDeadlines::default()).await;
    peer.say("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let heard = peer.hear_the_rest().await;
    assert_eq!(heard.bytes().filter(|&byte| byte == b'x').count(), LARGE);
}

#[tokio::test]
async fn head_that_is_not_answered_as_it_asks_has_its_status_which_is_told() {
    let long = "x".repeat(MAX_HEAD_BYTES);
    for (status, head) in [
        // hyper's own.
        (400, "hello\r\n\r\n"),
        (400, "GET /ping HTTP/3.0\r\nhost: x\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x\r\n: x\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n"),
        (400, "GET /ping HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"),
        (431, &format!("GET /ping HTTP/1.1\r\nx: {long}")),
        (431, &format!("GET /{long}")),
        // Ours.
        (400, "GET /ping HTTP/1.1\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x y\r\n\r\n"),
        (400, "GET http://x/ping HTTP/1.1\r\n\r\n"),
        (400, "GET /ping HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n"),
        (501, "GET /ping HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
        (
            501,
            "GET /ping HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n",
        ),
    ] {
        let mut peer = Peer::connect(ping(), PATIENT).await;
        // Nothing is heard of what comes behind such a head.
        peer.say(head.to_owned() + PING).await;
        let heard = peer.hear_the_rest().await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}: {heard:?}");
        assert_eq!(is_last(&heard), [true], "{head:?}: {heard:?}");
        assert_eq!(peer.refused(), [status], "{head:?}");
        peer.hang_up().await;
    }
}

#[tokio::test]
async fn head_that_is_odd_but_right_is_answered() {
    for head in [
        "GET /ping HTTP/1.0\r\n\r\n",
        "GET /ping HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        "GET http://y/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /ping HTTP/1.1\nHOST:[::1]:80\nconnection: close\n\n",
    ] {
        let mut peer = Peer::connect(ping(), PATIENT).await;
        peer.say(head).await;
        assert!(peer.hear_the_rest().await.ends_with("\r\n\r\npong"), "{head:?}");
        assert_eq!(peer.refused(), [0; 0]);
        peer.hang_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_survives_a_body_that_nobody_read() {
    let router = Router::new().route("/", post(|| async { "not read" }));
    for length in [0, 10, 30_000, 60_000].repeat(5) {
        let mut peer = Peer::connect(router.clone(), PATIENT).await;
        peer.say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
        // As a client that writes all before it reads.
        for piece in vec![b'x'; length].chunks(1000) {
            peer.say(piece).await;
            tokio::task::yield_now().await;
        }
        let heard = peer.hear_the_rest().await;
        assert!(heard.ends_with("\r\n\r\nnot read"), "{length}: {heard:?}");
        peer.hang_up().await;
    }
}
