//! Peers without number: the memory that they make the service keep has an end, and so has their
//! patience with it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use support::{PATIENCE, Process, crowd, get, value, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const ARGS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn start(args: &[&str]) -> Process {
    Process::start(BINARY, &[&ARGS[..], args].concat(), &[], 2)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn is_answered(addr: SocketAddr) -> bool {
    let mut peer = connect(addr);
    let mut heard = String::new();
    peer.write_all(b"hello\n").is_ok()
        && peer.shutdown(std::net::Shutdown::Write).is_ok()
        && peer.read_to_string(&mut heard).is_ok()
        && heard == "How do you do?\n"
}

#[test]
fn replies_that_nobody_reads_take_no_more_memory_than_there_is() {
    let service = start(&["--max-memory", "16MiB"]);
    let addr = service.addr("command");
    let unread = crowd(addr, 1_000, &b"\r\n".repeat(60_000));
    assert!(service.peak_memory() < 40 << 20, "{} bytes", service.peak_memory());
    wait_until("somebody else is served", || is_answered(addr));
    let metrics = get(service.addr("admin"), "/metrics").1;
    let closed = value(&metrics, "callbox_connections_refused_total{reason=\"longest\"}");
    assert!(closed > 0.0, "{metrics}");
    drop(unread);
    wait_until("all have left", || is_answered(addr));
}

#[test]
fn who_has_not_ended_a_command_for_longest_gives_way() {
    let service = start(&["--max-connections", "3", "--idle-deadline", "1h"]);
    let addr = service.addr("command");
    let mut peers = [connect(addr), connect(addr), connect(addr)];
    for peer in &mut peers {
        peer.write_all(b"\n").unwrap();
        assert_eq!(peer.read(&mut [0; 64]).unwrap(), 17);
    }
    let [mut silent, mut longest, mut busy] = peers;
    // Peers are read in order: when this one is answered, the half commands of others are there.
    let mut wait = || {
        for _ in 0..3 {
            silent.write_all(b"\n").unwrap();
            assert_eq!(silent.read(&mut [0; 64]).unwrap(), 17);
        }
    };
    busy.write_all(b"hel").unwrap();
    wait();
    longest.write_all(b"hel").unwrap();
    wait();
    // Another command, which is waited for since now.
    busy.write_all(b"lo\nhel").unwrap();
    assert_hello(&mut busy);
    wait_until("the longest gives way", || is_answered(addr));
    let ended = longest.read(&mut [0]);
    let is_closed = match &ended {
        Ok(bytes) => *bytes == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(is_closed, "{ended:?}");
    busy.write_all(b"lo\n").unwrap();
    assert_hello(&mut busy);
    silent.write_all(b"hello\n").unwrap();
    assert_hello(&mut silent);
}

#[track_caller]
fn assert_hello(peer: &mut TcpStream) {
    let mut heard = [0; 15];
    peer.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"How do you do?\n");
}

#[test]
fn silent_peers_cannot_shut_the_admin_port() {
    let service = start(&[]);
    let admin = service.addr("admin");
    let silent: Vec<_> = (0..200).map(|_| connect(admin)).collect();
    for _ in 0..10 {
        assert!(get(admin, "/healthz").0.starts_with("http/1.1 200 "));
    }
    drop(silent);
}

#[test]
fn half_a_head_on_the_admin_port_ends_soon() {
    let service = start(&[]);
    let mut peer = connect(service.addr("admin"));
    // Elsewhere it has longer than that.
    peer.set_read_timeout(Some(PATIENCE / 2)).unwrap();
    peer.write_all(b"GET /healthz HTTP/1.1\r\nHost:").unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}
