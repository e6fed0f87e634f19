//! How the built binary stops: what has arrived is answered, and whoever is to notice has the time.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{PATIENCE, Process, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// Under the drain deadline of 10 s, which a connection that is not closed takes.
const AT_ONCE: Duration = Duration::from_secs(8);

fn start(args: &[&str]) -> Process {
    Process::start(BINARY, &[&PORTS, args].concat(), &[], 2)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn request(method: &str, params: &str) -> String {
    let body = format!(
        "<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    );
    format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn list_methods() -> String {
    request("system.listMethods", "")
}

/// Each answer of one connection, with whether it says that it is the last.
fn is_last(heard: &str) -> Vec<bool> {
    heard
        .split("HTTP/1.1 200 ")
        .skip(1)
        .map(|answer| answer.contains("connection: close"))
        .collect()
}

/// Reads one answer and gives back its head; `None` where there is none any more.
fn hear(stream: &mut TcpStream) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0].into());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    stream.read_exact(&mut vec![0; length.parse().ok()?]).ok()?;
    Some(head)
}

fn status(addr: SocketAddr, path: &str) -> String {
    let mut stream = connect(addr);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn pipelined_calls_that_have_arrived_are_answered_and_the_last_answer_says_so() {
    // The first of them waits for the text service, and so does all that is behind it.
    let text = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut service = start(&["--command-addr", &text.local_addr().unwrap().to_string()]);
    let xmlrpc = service.addr("xmlrpc");
    let mut caller = connect(xmlrpc);
    let first = request("command.run", "<param><value>hello</value></param>");
    caller.write_all((first + &list_methods().repeat(19)).as_bytes()).unwrap();
    let (mut asked, _) = text.accept().unwrap();
    service.signal("TERM");
    wait_until("the listener is closed", || TcpStream::connect(xmlrpc).is_err());
    asked.write_all(b"How do you do?\n").unwrap();
    let mut heard = String::new();
    caller.read_to_string(&mut heard).unwrap();
    assert_eq!(is_last(&heard), [[false; 19].as_slice(), &[true]].concat());
    assert_eq!(service.wait(AT_ONCE), Some(0));
    assert!(service.stderr().contains("drained"), "{}", service.stderr());
}

#[test]
fn half_a_head_does_not_delay_the_end() {
    for before in [String::new(), list_methods()] {
        let mut service = start(&[]);
        let mut caller = connect(service.addr("xmlrpc"));
        caller.write_all(before.as_bytes()).unwrap();
        if !before.is_empty() {
            hear(&mut caller).unwrap();
        }
        caller.write_all(b"POST / HTTP/1.1\r\nHo").unwrap();
        // Answered on another connection after that was sent: so it was seen, as likely as can be.
        assert_eq!(status(service.addr("xmlrpc"), "/healthz"), "200");
        service.signal("TERM");
        assert_eq!(service.wait(AT_ONCE), Some(0));
        assert!(service.stderr().contains("drained"), "{}", service.stderr());
        assert_eq!(hear(&mut caller), None);
    }
}

#[test]
fn busy_kept_connections_lose_no_call_where_a_stop_is_announced() {
    let mut service = start(&["--drain-delay", "1h"]);
    let (xmlrpc, admin) = (service.addr("xmlrpc"), service.addr("admin"));
    let mut idle = connect(xmlrpc);
    idle.write_all(list_methods().as_bytes()).unwrap();
    hear(&mut idle).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (mut stream, mut was_told) = (connect(xmlrpc), false);
                while !(was_told && is_over.load(Ordering::Relaxed)) {
                    stream.write_all(list_methods().as_bytes()).unwrap();
                    let head = hear(&mut stream).expect("a call was lost");
                    if head.contains("connection: close") {
                        was_told = true;
                        stream = connect(xmlrpc);
                    }
                }
            });
        }
        service.signal("TERM");
        wait_until("it is not ready", || status(admin, "/readyz") == "503");
        assert_eq!(status(xmlrpc, "/readyz"), "503");
        assert_eq!(status(admin, "/healthz"), "200");
        is_over.store(true, Ordering::Relaxed);
    });
    // The idle one was left open, and hears of it now.
    idle.write_all(list_methods().as_bytes()).unwrap();
    assert!(hear(&mut idle).unwrap().contains("connection: close"));
    // Nobody waits for the hour.
    service.signal("TERM");
    assert_eq!(service.wait(AT_ONCE), Some(0));
    assert!(TcpStream::connect(xmlrpc).is_err());
}

#[test]
fn delay_ends_by_itself() {
    let mut service = start(&["--drain-delay", "50ms"]);
    let mut idle = connect(service.addr("xmlrpc"));
    idle.write_all(list_methods().as_bytes()).unwrap();
    hear(&mut idle).unwrap();
    service.signal("TERM");
    assert_eq!(service.wait(AT_ONCE), Some(0));
    assert_eq!(hear(&mut idle), None);
}

#[test]
fn connection_over_its_age_is_closed_after_an_answer() {
    let service = start(&["--max-connection-age", "50ms"]);
    let mut caller = connect(service.addr("xmlrpc"));
    wait_until("an answer says that it is the last", || {
        caller.write_all(list_methods().as_bytes()).unwrap();
        hear(&mut caller).unwrap().contains("connection: close")
    });
    assert_eq!(hear(&mut caller), None);
}
