//! Peers that mean harm. After each of them the same process answers `addition(1, 2)` within a
//! second, and has at no time taken more than 200 MB.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::{PATIENCE, Process};

const MAX_MEMORY: usize = 200 << 20;

/// One attack at a time: the second in which a call is answered is not for them to share.
static ALONE: Mutex<()> = Mutex::new(());

struct Target {
    service: Process,
    addr: SocketAddr,
    _alone: MutexGuard<'static, ()>,
}

impl Target {
    fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let ports = [
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--methods",
            "arithmetic,interop",
        ];
        let service = Process::start(env!("CARGO_BIN_EXE_xmlrpc-svc"), &ports, &[], 2);
        let addr = service.addr("xmlrpc");
        Self { service, addr, _alone: alone }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `body` and gives back the response's status and body.
    fn post(&self, headers: &str, body: &[u8]) -> (u16, String) {
        let mut stream = self.connect();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        receive(stream)
    }

    /// Sends the document of a call of `echoValue` and checks for a fault of this code.
    #[track_caller]
    fn check_fault(&self, document: &str, code: i32) {
        let (status, body) = self.post("", document.as_bytes());
        assert_eq!(status, 200, "{body}");
        assert!(body.contains(&format!("<int>{code}</int>")), "{body}");
        self.check_alive();
    }

    #[track_caller]
    fn check_alive(&self) {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let body = "<methodCall><methodName>addition</methodName><params><param><value><int>1</int></value></param>\
                    <param><value><int>2</int></value></param></params></methodCall>";
        stream
            .write_all(
                format!(
                    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .as_bytes(),
            )
            .unwrap();
        let (status, answer) = receive(stream);
        assert!(status == 200 && answer.contains("<int>3</int>"), "{answer}");
        let memory = self.service.peak_memory();
        assert!(memory < MAX_MEMORY, "{memory} bytes at the peak");
    }
}

fn receive(stream: TcpStream) -> (u16, String) {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "no whole head: {head:?}");
    }
    for line in head.lines() {
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), String::from_utf8(body).unwrap())
}

fn document(value: &str) -> String {
    format!(
        "<methodCall><methodName>interopEchoTests.echoValue</methodName><params><param>{value}</param></params></methodCall>"
    )
}

#[test]
fn nesting_is_a_fault() {
    let target = Target::start();
    let (open, close) = ("<value><array><data>", "</data></array></value>");
    target.check_fault(&document(&(open.repeat(100_000) + &close.repeat(78_000))), -32600);
    target.check_fault(&document(&open.repeat(100_000)), -32600);
    target.check_fault(&document(&"<a>".repeat(100_000)), -32600);
    let (open, close) = ("<value><struct><member><name>a</name>", "</member></struct></value>");
    target.check_fault(&document(&(open.repeat(50_000) + &close.repeat(50_000))), -32600);
}

#[test]
fn million_elements_are_a_fault() {
    let target = Target::start();
    let many = format!("<value><array><data>{}</data></array></value>", "<a/>".repeat(1_000_000));
    target.check_fault(&document(&many), -32600);
}

#[test]
fn most_elements_that_are_read_are_read_side_by_side() {
    let target = Target::start();
    let most = "<value/>".repeat(490_000);
    let request = document(&format!("<value><array><data>{most}</data></array></value>"));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let (status, answer) = target.post("", request.as_bytes());
                assert!(status == 503 || (status == 200 && answer.contains("<array>")), "{status}");
            });
        }
    });
    target.check_alive();
}

#[test]
fn attributes_are_a_fault() {
    let target = Target::start();
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
    target.check_fault(&document(&format!("<value{attributes}/>")), -32600);
}

#[test]
fn nested_namespace_declarations_are_a_fault() {
    let target = Target::start();
    let nested: String = (0..5_000).map(|n| format!("<a xmlns:n{n}='u{n}'>")).collect();
    target.check_fault(&document(&nested), -32600);
    let flat: String = (0..5_000).map(|n| format!("<a xmlns:n{n}='u{n}'/>")).collect();
    target.check_fault(&document(&flat), -32600);
}

#[test]
fn entities_are_a_fault_and_none_is_read() {
    let target = Target::start();
    let laughs: String = (1..20)
        .map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10)))
        .collect();
    for declarations in [
        format!("<!ENTITY l0 'ha'>{laughs}"),
        "<!ENTITY l19 SYSTEM 'file:///etc/passwd'>".to_owned(),
        "<!ENTITY % l19 SYSTEM 'http://127.0.0.1:1/'>%l19;".to_owned(),
    ] {
        let call = document("<value>&l19;</value>");
        target.check_fault(&format!("<!DOCTYPE methodCall [{declarations}]>{call}"), -32600);
    }
    target.check_fault(&document("<value>&l19;</value>"), -32700);
}

#[test]
fn references_to_what_is_no_character_are_a_fault() {
    let target = Target::start();
    for reference in [
        "&#xD800;",
        "&#xDFFF;",
        "&#0;",
        "&#x1F;",
        "&#xFFFE;",
        "&#x110000;",
        "&#99999999999;",
        "&#;",
        "&#-1;",
    ] {
        target.check_fault(&document(&format!("<value>{reference}</value>")), -32700);
    }
}

#[test]
fn gzip_bomb_is_too_large() {
    let target = Target::start();
    let mut megabyte = GzEncoder::new(Vec::new(), Compression::best());
    megabyte.write_all(&vec![b' '; 1_000_000]).unwrap();
    let bomb = megabyte.finish().unwrap().repeat(400);
    assert!(bomb.len() < 500_000);
    // Where others keep all cores busy it is turned away before it is inflated.
    let judged = || loop {
        match target.post("Content-Encoding: gzip\r\n", &bomb).0 {
            503 => {}
            status => break status,
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(judged(), 413));
        }
    });
    target.check_alive();
}

#[test]
fn compressed_bodies_of_nothing_stall_nobody() {
    let target = Target::start();
    let empty_member = GzEncoder::new(Vec::new(), Compression::fast()).finish().unwrap();
    let members = empty_member.repeat(4 * 1024 * 1024 / empty_member.len());
    // Blocks of deflate (RFC 1951, 3.2.6) that hold nothing but their end.
    let blocks = [&[0x02, 0x08, 0x20, 0x80, 0x00].repeat(838_860)[..], &[0x03, 0x00]].concat();
    for (coding, body) in [("gzip", members), ("deflate", blocks)] {
        let headers = format!("Content-Encoding: {coding}\r\n");
        std::thread::scope(|scope| {
            let posted: Vec<_> =
                (0..4).map(|_| scope.spawn(|| target.post(&headers, &body))).collect();
            while !posted.iter().all(|posted| posted.is_finished()) {
                target.check_alive();
            }
        });
    }
}

#[test]
fn peers_that_read_nothing_of_large_responses_take_no_more_than_the_budget() {
    let target = Target::start();
    // A double of a few bytes that is written with over 300 digits.
    let doubles = "<value><double>5e-324</double></value>".repeat(100_000);
    let call = format!(
        "<methodCall><methodName>interopEchoTests.echoFloatArray</methodName><params><param>\
         <value><array><data>{doubles}</data></array></value></param></params></methodCall>"
    );
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    zipped.write_all(call.as_bytes()).unwrap();
    let zipped = zipped.finish().unwrap();
    let mut peers: Vec<_> = (0..12).map(|_| target.connect()).collect();
    for peer in &mut peers {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            zipped.len()
        );
        peer.write_all(head.as_bytes()).unwrap();
        peer.write_all(&zipped).unwrap();
    }
    // Each has begun to be answered: some with what they asked for, some with 503.
    for peer in &mut peers {
        let mut status = [0; 12];
        peer.read_exact(&mut status).unwrap();
        assert!(status.ends_with(b"200") || status.ends_with(b"503"), "{status:?}");
    }
    target.check_alive();
}

#[test]
fn peers_that_stop_in_their_bodies_keep_nobody_waiting() {
    let target = Target::start();
    let mut stopped: Vec<_> = (0..1_100).map(|_| target.connect()).collect();
    for peer in &mut stopped {
        peer.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
            .unwrap();
    }
    target.check_alive();
    let half = vec![b' '; 2 * 1024 * 1024 + 1];
    let mut large: Vec<_> = (0..20).map(|_| target.connect()).collect();
    for peer in &mut large {
        peer.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n")
            .unwrap();
        peer.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        // Those for which there is no room are not read to their end.
        let _ = peer.write_all(&half);
    }
    target.check_alive();
}

#[test]
fn peers_that_send_a_byte_at_a_time_keep_nobody_waiting() {
    let target = Target::start();
    let mut slow: Vec<_> = (0..300).map(|_| target.connect()).collect();
    for byte in b"POST / HTTP/1.1\r\nX-Slow: " {
        for peer in &mut slow {
            peer.write_all(&[*byte]).unwrap();
        }
    }
    target.check_alive();
}

#[test]
fn idle_peers_keep_nobody_waiting() {
    let target = Target::start();
    let _idle: Vec<_> = (0..2_000).map(|_| target.connect()).collect();
    target.check_alive();
}

#[test]
fn peers_that_announce_large_bodies_keep_nobody_waiting() {
    let target = Target::start();
    let mut announcing: Vec<_> = (0..300).map(|_| target.connect()).collect();
    for peer in &mut announcing {
        peer.write_all(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194304\r\n\r\n<methodCall>",
        )
        .unwrap();
    }
    target.check_alive();
}

#[test]
fn lengths_that_conflict_are_refused() {
    let target = Target::start();
    let mut peer = target.connect();
    peer.write_all(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    )
    .unwrap();
    assert_eq!(receive(peer).0, 400);
    target.check_alive();
}

#[test]
fn never_ending_chunks_are_too_large() {
    let target = Target::start();
    let mut peer = target.connect();
    peer.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    // The service stops reading some time after it refused: so a write fails, or its limit is past.
    let sent = (0..2_000).take_while(|_| peer.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(sent < 2_000, "{sent} chunks were taken");
    target.check_alive();
}

#[test]
fn chunks_of_a_byte_are_read_within_the_limits() {
    let target = Target::start();
    let mut peer = target.connect();
    peer.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let chunks = "1\r\nx\r\n".repeat(100_000) + "0\r\n\r\n";
    peer.write_all(chunks.as_bytes()).unwrap();
    assert_eq!(receive(peer).0, 200);
    target.check_alive();
}
