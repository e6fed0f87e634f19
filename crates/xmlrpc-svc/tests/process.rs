//! The built binary, as its users run it.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use support::{PATIENCE, Process, run_to_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn start(args: &[&str], env: &[(&str, &str)]) -> Process {
    Process::start(BINARY, &[&PORTS, args].concat(), env, 2)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends `request` and gives back status and body of the response, whose end is the stream's.
fn exchange(addr: SocketAddr, request: &str) -> (u16, String) {
    let response = support::exchange(addr, request);
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    exchange(addr, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

fn request(method: &str, params: &[&str], headers: &str) -> String {
    let params: String =
        params.iter().map(|param| format!("<param><value>{param}</value></param>")).collect();
    let body = format!(
        "<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    );
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The body of the answer to a call.
fn call(addr: SocketAddr, method: &str, params: &[&str]) -> String {
    let (status, body) = exchange(addr, &request(method, params, "Connection: close\r\n"));
    assert_eq!(status, 200, "{body}");
    body
}

/// A text service on a port of its own that takes connections and says nothing.
fn silent_text_service() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (listener, addr)
}

#[test]
fn binary_alone_is_a_whole_service() {
    let service = start(&[], &[]);
    let addr = service.addr("xmlrpc");
    assert!(call(addr, "addition", &["<int>2</int>", "<int>3</int>"]).contains("<int>5</int>"));
    assert!(call(addr, "command.run", &["hello"]).contains("<string>How do you do?</string>"));
    for addr in [addr, service.addr("admin")] {
        assert_eq!(get(addr, "/healthz"), (200, r#"{"status":"alive"}"#.to_owned()));
        let ready = r#"{"command_service":"in-process","status":"ready"}"#;
        assert_eq!(get(addr, "/readyz"), (200, ready.to_owned()));
    }
}

#[test]
fn text_service_that_is_down_takes_nothing_else_out_of_rotation() {
    let (listener, addr) = silent_text_service();
    drop(listener);
    let service = start(&["--command-addr", &addr], &[]);
    let addr = service.addr("xmlrpc");
    assert!(call(addr, "command.run", &["hello"]).contains("<int>-32400</int>"));
    assert!(call(addr, "addition", &["<int>2</int>", "<int>3</int>"]).contains("<int>5</int>"));
    let ready = r#"{"command_service":"down","status":"ready"}"#;
    assert_eq!(get(addr, "/readyz"), (200, ready.to_owned()));
}

#[test]
fn addresses_come_from_the_environment_and_empty_ones_count_as_unset() {
    let ports = [
        ("LISTEN_ADDR", "127.0.0.1:0,[::1]:0"),
        ("ADMIN_ADDR", "127.0.0.1:0"),
        ("COMMAND_ADDR", ""),
    ];
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let service = Process::start(BINARY, &[], &ports, 3);
    for addr in service.addrs("xmlrpc") {
        assert!(call(addr, "command.run", &["hello"]).contains("How do you do?"));
    }
}

#[test]
fn bad_setting_ends_the_start_with_one_line_and_code_2() {
    for (args, env) in [
        (&["--listen", "nowhere"][..], &[][..]),
        (&["--max-depth", "257"], &[]),
        (&["--max-depth", "0"], &[]),
        (&["--max-body-bytes", "0"], &[]),
        (&["--method-deadline", "0s"], &[]),
        (&["--max-calls", "0"], &[]),
        (&["--no-such-option"], &[]),
        (&["--command-addr", "host"], &[]),
        (&["--command-addr", "::1"], &[]),
        (&["--command-addr", "http://host:1"], &[]),
        (&[], &[("COMMAND_ADDR", "host:port")]),
        (&[], &[("LOG_FORMAT", "xml")]),
        (&[], &[("TZ", "Nowhere/Land")]),
        (&[], &[("RUST_LOG", "=[")]),
    ] {
        let ended = run_to_end(BINARY, args, env);
        assert_eq!(
            (ended.code, ended.stderr.lines().count()),
            (Some(2), 1),
            "{args:?} {env:?} {ended:?}"
        );
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
    }
}

#[test]
fn port_in_use_ends_the_start_with_one_line_and_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let ended = run_to_end(
        BINARY,
        &["--listen", &addr, "--admin-listen", "127.0.0.1:0"],
        &[("RUST_LOG", "warn")],
    );
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("error: cannot listen on {addr}: ")), "{ended:?}");
}

#[test]
fn health_check_tells_a_living_service_from_none() {
    let service = start(&[], &[]);
    let admin = service.addr("admin");
    let check =
        |admin: &str| run_to_end(BINARY, &["healthcheck", "--admin-listen", admin], &[]).code;
    assert_eq!(check(&admin.to_string()), Some(0));
    assert_eq!(check(&format!("0.0.0.0:{}", admin.port())), Some(0));
    let (free, addr) = silent_text_service();
    drop(free);
    assert_eq!(check(&addr), Some(1));
}

#[test]
fn stop_closes_idle_connections_and_ends_with_code_0() {
    for signal in ["TERM", "INT"] {
        let mut service = start(&[], &[]);
        let addr = service.addr("xmlrpc");
        let (mut fresh, mut kept) = (connect(addr), BufReader::new(connect(addr)));
        kept.get_mut().write_all(request("system.listMethods", &[], "").as_bytes()).unwrap();
        assert_eq!(read_response(&mut kept), 200);
        service.signal(signal);
        assert_eq!(fresh.read(&mut [0]).unwrap(), 0);
        assert_eq!(kept.read(&mut [0]).unwrap(), 0);
        assert_eq!(service.wait(PATIENCE), Some(0));
        assert!(service.stderr().contains("drained"), "{}", service.stderr());
    }
}

/// Reads one response and gives back its status.
fn read_response(stream: &mut BufReader<TcpStream>) -> u16 {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head:?}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    stream.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn call_in_work_at_the_stop_is_answered() {
    let (listener, addr) = silent_text_service();
    let mut service = start(&["--command-addr", &addr], &[]);
    let (xmlrpc, admin) = (service.addr("xmlrpc"), service.addr("admin"));
    let mut caller = connect(xmlrpc);
    caller.write_all(request("command.run", &["hello"], "").as_bytes()).unwrap();
    let (mut text, _) = listener.accept().unwrap();

    service.signal("TERM");
    wait_until("the listener is closed", || TcpStream::connect(xmlrpc).is_err());
    assert_eq!(get(admin, "/healthz").0, 200, "the admin port goes last");
    text.write_all(b"How do you do?\n").unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("How do you do?"), "{answer}");
    assert_eq!(service.wait(PATIENCE), Some(0));
}

#[test]
fn what_outlasts_the_drain_deadline_is_cut_and_counted() {
    let mut service = start(&["--drain-deadline", "50ms"], &[]);
    let mut caller = connect(service.addr("xmlrpc"));
    caller
        .write_all(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
        )
        .unwrap();
    let mut goes_on = [0; 25];
    caller.read_exact(&mut goes_on).unwrap();
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    assert!(service.stderr().contains("cut=1"), "{}", service.stderr());
}

#[test]
fn draining_service_is_not_ready_and_still_answers_what_it_began_to_read() {
    let mut service = start(&[], &[]);
    let (xmlrpc, admin) = (service.addr("xmlrpc"), service.addr("admin"));
    let mut caller = connect(xmlrpc);
    let request =
        request("addition", &["<int>2</int>", "<int>3</int>"], "Expect: 100-continue\r\n");
    let (head, body) = request.split_at(request.find("<methodCall>").unwrap());
    caller.write_all(head.as_bytes()).unwrap();
    caller.read_exact(&mut [0; 25]).unwrap();

    service.signal("TERM");
    wait_until("the listener is closed", || TcpStream::connect(xmlrpc).is_err());
    let draining = r#"{"command_service":"in-process","status":"draining"}"#;
    assert_eq!(get(admin, "/readyz"), (503, draining.to_owned()));
    caller.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("<int>5</int>"), "{answer}");
    assert_eq!(service.wait(PATIENCE), Some(0));
}

#[test]
fn head_that_is_slow_is_closed_without_an_answer() {
    let service = start(&["--header-deadline", "50ms"], &[]);
    let mut slow = connect(service.addr("xmlrpc"));
    slow.write_all(b"POST / HTTP/1.1\r\nHost:").unwrap();
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer);
    assert_eq!(answer, b"");
}

#[test]
fn peer_over_the_connection_cap_is_told_so() {
    let service = start(&["--max-connections", "1"], &[]);
    let addr = service.addr("xmlrpc");
    let mut first = BufReader::new(connect(addr));
    first.get_mut().write_all(request("system.listMethods", &[], "").as_bytes()).unwrap();
    assert_eq!(read_response(&mut first), 200);
    let refused = exchange(addr, &request("system.listMethods", &[], ""));
    assert_eq!(refused, (503, String::new()));
    assert_eq!(get(service.addr("admin"), "/healthz").0, 200);
}

#[test]
fn logs_tell_of_calls_and_never_what_is_in_them() {
    let mut service = start(&["--log-format", "json"], &[("RUST_LOG", "debug")]);
    let secret = "open-sesame";
    let addr = service.addr("xmlrpc");
    call(addr, secret, &[secret]);
    call(addr, "command.run", &[secret]);
    exchange(
        addr,
        &format!(
            "POST /{secret} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: {secret}\r\nContent-Length: 0\r\n\r\n"
        ),
    );
    get(addr, "/healthz");
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    let log = service.stderr();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string(), "{line}");
    }
    for told in ["\"fault\":-32601", "\"status\":404", "\"signal\":\"SIGTERM\""] {
        assert!(log.contains(told), "{told} in {log}");
    }
    assert_eq!(log.matches("\"answered\"").count(), 4, "{log}");
    assert!(!log.contains(secret), "{log}");
}

#[test]
fn log_that_nobody_reads_stops_neither_calls_nor_the_end() {
    let env = [("RUST_LOG", "debug")];
    let mut service = Process::spawn_unread(support::command(BINARY, &PORTS, &env), 2);
    let mut peer = BufReader::new(connect(service.addr("xmlrpc")));
    let request = request("addition", &["<int>2</int>", "<int>3</int>"], "");
    for _ in 0..15_000 {
        peer.get_mut().write_all(request.as_bytes()).unwrap();
        assert_eq!(read_response(&mut peer), 200);
    }
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    // It was full: what was read late is the beginning only.
    service.read_log();
    service.wait(PATIENCE);
    let answered = service.stderr().matches("answered").count();
    assert!(0 < answered && answered < 10_000, "{answered}");
}

#[test]
fn text_service_that_is_away_is_told_once_and_so_is_its_return() {
    let (listener, addr) = silent_text_service();
    drop(listener);
    let service = start(&["--command-addr", &addr], &[]);
    let xmlrpc = service.addr("xmlrpc");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let answer = call(xmlrpc, "command.run", &["hello"]);
                    assert!(answer.contains("<int>-32400</int>"), "{answer}");
                    // Longer than the first pause after a connect that failed.
                    std::thread::sleep(std::time::Duration::from_millis(30));
                }
            });
        }
    });
    let listener = TcpListener::bind(&addr).unwrap();
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.read_exact(&mut [0; 6]).unwrap();
        peer.write_all(b"How do you do?\n").unwrap();
        let _ = peer.read_to_end(&mut Vec::new());
    });
    wait_until("the text service is found again", || {
        call(xmlrpc, "command.run", &["hello"]).contains("How do you do?")
    });
    service.wait_for_log("an upstream service answers again");
    let log = service.stderr();
    assert_eq!(log.matches("an upstream service failed").count(), 1, "{log}");
    let warnings = log.lines().filter(|line| line.contains("WARN") && !line.contains("access: "));
    assert_eq!(warnings.count(), 1, "{log}");
}
