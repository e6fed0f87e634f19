//! Peers without number: the memory that they make the service keep has an end, and others are
//! served all the while.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use support::{PATIENCE, Process, get, value, wait_until};

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

/// So many peers that each send as much of `bytes` as is taken at once, and read nothing.
fn crowd(addr: SocketAddr, peers: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let peer = || {
        let mut peer = connect(addr);
        peer.set_nonblocking(true).unwrap();
        let mut rest = bytes;
        while let Ok(sent @ 1..) = peer.write(rest) {
            rest = &rest[sent..];
        }
        peer
    };
    (0..peers).map(|_| peer()).collect()
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
