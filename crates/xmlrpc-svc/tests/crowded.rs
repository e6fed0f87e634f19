//! Peers without number: the memory that they make the service keep has an end, and others are
//! served all the while.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use support::{PATIENCE, Process, crowd, get, value, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");

/// Without a crowd, a test's build takes some 20 MB.
const MAX_MEMORY: usize = 48 << 20;

fn start() -> Process {
    let args = [
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--max-memory",
        "32MiB",
        "--methods",
        "arithmetic,interop",
    ];
    Process::start(BINARY, &args, &[], 2)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn read_to_end(mut peer: &TcpStream) -> String {
    let mut answer = Vec::new();
    // Ends with a reset where more was sent than was read.
    let _ = peer.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn is_answered(addr: SocketAddr) -> bool {
    let one = "<param><value><int>1</int></value></param>";
    let call = format!(
        "<methodCall><methodName>addition</methodName><params>{one}{one}</params></methodCall>"
    );
    let mut peer = connect(addr);
    let mut answer = String::new();
    peer.write_all(post(&call).as_bytes()).is_ok()
        && peer.shutdown(std::net::Shutdown::Write).is_ok()
        && peer.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200 ")
        && answer.contains("<int>2</int>")
}

/// So many peers that say `bytes` are let in as far as there is memory; others are served while
/// they are there, and after they have left.
#[track_caller]
fn check(peers: usize, bytes: &[u8]) {
    let service = start();
    let addr = service.addr("xmlrpc");
    let crowd = crowd(addr, peers, bytes);
    wait_until("somebody else is served", || is_answered(addr));
    let (peak, metrics) = (service.peak_memory(), get(service.addr("admin"), "/metrics").1);
    assert!(peak < MAX_MEMORY, "{peak} bytes at the peak\n{metrics}");
    let refused = [
        "callbox_connections_refused_total{reason=\"longest\"}",
        "callbox_connections_refused_total{reason=\"memory\"}",
        "callbox_requests_rejected_total{status=\"503\"}",
    ];
    assert!(refused.iter().any(|series| value(&metrics, series) > 0.0), "{metrics}");
    drop(crowd);
    wait_until("all have left", || is_answered(addr));
}

#[test]
fn half_heads_take_no_more_memory_than_there_is() {
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(15_000));
    check(2_500, head.as_bytes());
}

#[test]
fn half_bodies_take_no_more_memory_than_there_is() {
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n";
    check(2_500, format!("{head}{}", "x".repeat(14_000)).as_bytes());
}

#[test]
fn responses_that_nobody_reads_take_no_more_memory_than_there_is() {
    let text = "x".repeat(60_000);
    let call = format!(
        "<methodCall><methodName>interopEchoTests.echoString</methodName>\
         <params><param><value>{text}</value></param></params></methodCall>"
    );
    check(700, post(&call).repeat(20).as_bytes());
}

#[test]
fn rest_of_a_body_that_was_answered_early_counts_no_longer_than_its_connection() {
    let service = start();
    let addr = service.addr("xmlrpc");
    let request = format!(
        "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n\r\n{}",
        "x".repeat(3_000)
    );
    // Each would leave 24 KiB of 7 MiB, if it did.
    for _ in 0..600 {
        let mut peer = connect(addr);
        let _ = peer.write_all(request.as_bytes());
        let _ = peer.shutdown(std::net::Shutdown::Write);
        assert!(read_to_end(&peer).starts_with("HTTP/1.1 404 "));
    }
    assert!(is_answered(addr));
}

#[test]
fn connection_is_a_small_one_again_after_a_call_in_chunks() {
    let service = start();
    let text = "x".repeat(40_000);
    let call = format!(
        "<methodCall><methodName>interopEchoTests.echoString</methodName>\
         <params><param><value>{text}</value></param></params></methodCall>"
    );
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{call}\r\n0\r\n\r\n",
        call.len()
    );
    // 148 KiB each would be too much for half as many.
    let mut peers: Vec<_> = (0..100).map(|_| connect(service.addr("xmlrpc"))).collect();
    for round in 0..2 {
        for peer in &mut peers {
            peer.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"</methodResponse>") {
                let mut piece = [0; 65_536];
                let read = peer.read(&mut piece).unwrap();
                assert_ne!(read, 0, "closed in round {round}");
                answer.extend_from_slice(&piece[..read]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 200 "));
        }
    }
}
