//! The built binary, driven from outside: its listeners, its settings, its logs, and its end.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpSocket;

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use support::{
    PATIENCE, Process, check_that_options_are_known, run_to_end, wait_until, with_descriptor_limit,
};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const ANY_PORT: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
const BUSY: &[u8] = b"Server busy.";

/// The service with `args`, on one port that is free.
fn start(args: &[&str]) -> Process {
    start_with(args, &[])
}

fn start_with(args: &[&str], env: &[(&str, &str)]) -> Process {
    Process::start(BINARY, &[&ANY_PORT, args].concat(), env, 2)
}

/// A client with a socket and nothing else.
struct Peer(TcpStream);

impl Peer {
    fn connect(service: &Process) -> Self {
        Self::connect_to(service.addr("command"))
    }

    fn connect_to(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn say(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).unwrap();
    }

    #[track_caller]
    fn hear(&mut self, expected: &str) {
        let mut heard = vec![0; expected.len()];
        self.0.read_exact(&mut heard).unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), expected);
    }

    /// All that is still said, until the service closes; a reset is no such close.
    #[track_caller]
    fn hear_the_rest(&mut self) -> String {
        let mut heard = Vec::new();
        self.0.read_to_end(&mut heard).unwrap();
        String::from_utf8(heard).unwrap()
    }

    /// One question of a line session and its answer.
    #[track_caller]
    fn ask_hello(&mut self) {
        self.say("hello\n");
        self.hear("How do you do?\n");
    }

    /// Says without end and reads nothing, until the service takes no more.
    fn stuff(&mut self) {
        self.0.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let lines = [b'\n'; 64 * 1024];
        loop {
            match self.0.write(&lines) {
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The whole answer of the admin port to a `GET`.
fn admin_answer(service: &Process, path: &str) -> String {
    let mut peer = Peer::connect_to(service.addr("admin"));
    peer.say(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
    peer.hear_the_rest()
}

/// Ends the service as an orchestrator does and gives back its whole log.
fn stop(mut service: Process) -> String {
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0), "{}", service.stderr());
    service.stderr()
}

#[test]
fn bare_word_of_a_notebook_is_answered_in_one_read_and_closed() {
    let service = start(&[]);
    for (word, reply) in [
        ("hello", "How do you do?"),
        ("goodbye", "It was nice hearing from you."),
        ("help", "hello time goodbye help"),
        ("How are you?", "Invalid command."),
    ] {
        let mut peer = Peer::connect(&service);
        peer.say(word);
        let mut heard = [0; 1024];
        let length = peer.0.read(&mut heard).unwrap();
        assert_eq!(String::from_utf8_lossy(&heard[..length]), reply);
        assert_eq!(peer.hear_the_rest(), "");
    }
}

#[test]
fn what_netcat_sends_is_answered() {
    if Command::new("nc").arg("-h").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "nc is not installed");
        return eprintln!("skipped: nc is not installed");
    }
    let service = start(&[]);
    let addr = service.addr("command");
    for (said, options, heard) in [
        ("hello", "", "How do you do?"),
        ("hello\\nhelp\\n", "-N", "How do you do?\nhello time goodbye help\n"),
    ] {
        let script = format!("printf '{said}' | nc {options} {} {}", addr.ip(), addr.port());
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), heard);
    }
}

#[test]
fn lines_are_answered_byte_for_byte() {
    let service = start(&[]);
    for (said, heard) in [
        ("hello\n", "How do you do?\n"),
        ("hello\r\nHELLO\nhelp\n", "How do you do?\r\nInvalid command.\nhello time goodbye help\n"),
        ("\n\r\n", "Invalid command.\nInvalid command.\r\n"),
        ("hello\ngoodbye\r\nhello\n", "How do you do?\nIt was nice hearing from you.\r\n"),
        ("hello\rHELLO\r\0help\r", "How do you do?\rInvalid command.\rhello time goodbye help\r"),
        ("help\nhello", "hello time goodbye help\nHow do you do?"),
        ("h\0llo\n", "Invalid command.\n"),
    ] {
        let mut peer = Peer::connect(&service);
        peer.say(said);
        peer.0.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(peer.hear_the_rest(), heard, "{said:?}");
    }
}

#[test]
fn line_session_goes_on_after_its_replies() {
    let service = start(&[]);
    let mut peer = Peer::connect(&service);
    for _ in 0..1000 {
        peer.ask_hello();
    }
    peer.say("goodbye\n");
    assert_eq!(peer.hear_the_rest(), "It was nice hearing from you.\n");
}

#[test]
fn every_listener_is_served_however_it_was_given() {
    let admin = ["--admin-listen", "127.0.0.1:0"];
    let (two, one) = ("127.0.0.1:0,127.0.0.1:0", "127.0.0.1:0");
    for (args, env, number) in [
        (vec!["--listen", one, "--listen", one], vec![], 2),
        (vec!["--listen", two], vec![], 2),
        (vec!["--listen", two, "--listen", one], vec![], 3),
        (vec![], vec![("LISTEN_ADDR", two)], 2),
        (vec!["--listen", one], vec![("LISTEN_ADDR", two)], 1),
    ] {
        let service = Process::start(BINARY, &[&admin, &args[..]].concat(), &env, number + 1);
        let addrs = service.addrs("command");
        assert_eq!(addrs.len(), number, "{args:?} {env:?}");
        for addr in addrs {
            Peer::connect_to(addr).ask_hello();
        }
    }
}

#[test]
fn empty_environment_value_counts_as_unset() {
    let names = [
        "LISTEN_ADDR",
        "ADMIN_ADDR",
        "LOG_FORMAT",
        "ANNOUNCE",
        "MAX_CONNECTIONS",
        "DRAIN_DEADLINE",
        "MAX_COMMAND_BYTES",
        "GRACE_TIME",
        "IDLE_DEADLINE",
        "WRITE_DEADLINE",
        "RUST_LOG",
        "TZ",
    ];
    let service = start_with(&[], &names.map(|name| (name, "")));
    Peer::connect(&service).ask_hello();
    assert!(stop(service).contains("INFO"), "RUST_LOG unset means info");
}

#[test]
fn settings_are_read_from_the_environment() {
    let service = start_with(&[], &[("MAX_COMMAND_BYTES", "7"), ("MAX_CONNECTIONS", "1")]);
    let mut first = Peer::connect(&service);
    first.ask_hello();
    assert_eq!(Peer::connect(&service).hear_the_rest().as_bytes(), BUSY);
    first.say("12345678\n");
    assert_eq!(first.hear_the_rest(), "Invalid command.");
}

#[test]
fn time_is_that_of_the_zone_in_the_environment() {
    for (zone, seconds_east) in
        [("Asia/Tokyo", 9 * 3600), ("XYZ-5:30", 5 * 3600 + 1800), ("UTC", 0)]
    {
        let service = start_with(&[], &[("TZ", zone)]);
        let there = Offset::from_seconds(seconds_east).unwrap();
        let earliest = there.to_datetime(Timestamp::now()) - SignedDuration::from_secs(1);
        let mut peer = Peer::connect(&service);
        peer.say("time\n");
        let mut reply = [0; 25];
        peer.0.read_exact(&mut reply).unwrap();
        let latest = there.to_datetime(Timestamp::now());
        let reply = std::str::from_utf8(&reply).unwrap().strip_suffix('\n').unwrap();
        let time = DateTime::strptime("%a %b %e %H:%M:%S %Y", reply).unwrap();
        assert!(earliest < time && time <= latest, "{zone}: {reply}");
    }
}

#[test]
fn bad_setting_ends_the_start_with_code_2_and_one_line() {
    for (args, env, named) in [
        (vec![], vec![("TZ", "Mars/Olympus")], "TZ"),
        (vec![], vec![("RUST_LOG", "info,=loud=")], "RUST_LOG"),
        (vec!["--listen", "localhost:http"], vec![], "--listen"),
        (vec![], vec![("LISTEN_ADDR", "127.0.0.1:0,nowhere")], "--listen"),
        (vec![], vec![("ADMIN_ADDR", "9004")], "--admin-listen"),
        (vec!["--max-connections", "0"], vec![], "--max-connections"),
        (vec!["--max-command-bytes", "6"], vec![], "--max-command-bytes"),
        (vec!["--grace-time", "300"], vec![], "--grace-time"),
        (vec!["--idle-deadline", "0s"], vec![], "--idle-deadline"),
        (vec!["--write-deadline=-1s"], vec![], "--write-deadline"),
        (vec![], vec![("DRAIN_DEADLINE", "soon")], "--drain-deadline"),
        (vec!["--log-format", "xml"], vec![], "--log-format"),
        (vec!["--colour"], vec![], "--colour"),
        (vec!["serve"], vec![], "serve"),
    ] {
        let ended = run_to_end(BINARY, &args, &env);
        assert_eq!(ended.code, Some(2), "{args:?} {env:?} {ended:?}");
        assert_eq!(ended.stdout, "", "{args:?} {env:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{args:?} {env:?} {ended:?}");
        assert!(ended.stderr.contains(named), "{args:?} {env:?} {ended:?}");
    }
}

#[test]
fn port_in_use_ends_the_start_with_code_1_and_one_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    for (listen, admin) in [(taken.as_str(), "127.0.0.1:0"), ("127.0.0.1:0", taken.as_str())] {
        let args = ["--listen", listen, "--admin-listen", admin];
        let ended = run_to_end(BINARY, &args, &[("RUST_LOG", "error")]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.contains(&format!("cannot listen on {taken}")), "{ended:?}");
    }
}

#[test]
fn help_and_version_end_with_code_0() {
    for (arg, expected) in [("--help", "--grace-time"), ("--version", "tcp-command-svc")] {
        let ended = run_to_end(BINARY, &[arg], &[]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arg}");
        assert!(ended.stdout.contains(expected), "{ended:?}");
    }
}

#[test]
fn peer_over_the_cap_is_told_so_and_its_place_can_be_taken_later() {
    let service = start(&["--max-connections", "2"]);
    let mut peers = [Peer::connect(&service), Peer::connect(&service)];
    peers.iter_mut().for_each(Peer::ask_hello);
    for _ in 0..50 {
        let mut refused = Peer::connect(&service);
        refused.say("hello\n");
        assert_eq!(refused.hear_the_rest().as_bytes(), BUSY);
    }
    let [mut stays, leaves] = peers;
    drop(leaves);
    wait_until("a place is free", || {
        let mut peer = Peer::connect(&service);
        peer.say("goodbye\n");
        peer.hear_the_rest() == "It was nice hearing from you.\n"
    });
    stays.ask_hello();
}

#[test]
fn healthcheck_asks_the_running_service() {
    let service = start(&[]);
    let admin = service.addr("admin");
    let unspecified = SocketAddr::from((Ipv4Addr::UNSPECIFIED, admin.port())).to_string();
    let admin = admin.to_string();
    for (args, env) in [
        (vec!["healthcheck", "--admin-listen", &admin], vec![]),
        (vec!["--admin-listen", &admin, "healthcheck"], vec![]),
        (vec!["healthcheck"], vec![("ADMIN_ADDR", admin.as_str())]),
        (vec!["healthcheck"], vec![("ADMIN_ADDR", unspecified.as_str())]),
    ] {
        let ended = run_to_end(BINARY, &args, &env);
        assert_eq!(ended.code, Some(0), "{args:?} {env:?} {ended:?}");
        assert_eq!(ended.stdout + &ended.stderr, "", "{args:?} {env:?}");
    }
}

#[test]
fn healthcheck_fails_with_one_line_where_nobody_listens_or_answers() {
    // Bound, so that no other test gets the port, and not listening.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for admin in [closed.local_addr().unwrap(), silent.local_addr().unwrap()] {
        let args = ["healthcheck", "--admin-listen", &admin.to_string()];
        let ended = run_to_end(BINARY, &args, &[]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.starts_with(&format!("error: {admin}: ")), "{ended:?}");
    }
}

#[test]
fn healthcheck_is_not_content_with_another_answer() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = other.local_addr().unwrap().to_string();
    for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 2", ""] {
        let checked = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = other.accept().unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            });
            run_to_end(BINARY, &["healthcheck", "--admin-listen", &admin], &[])
        });
        assert_eq!(checked.code, Some(1), "{answer:?} {checked:?}");
    }
}

#[test]
fn service_becomes_ready() {
    let service = start(&[]);
    wait_until("the service is ready", || {
        let answer = admin_answer(&service, "/readyz");
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\"status\":\"ready\"}")
    });
}

#[test]
fn signal_ends_the_service_with_code_0_and_closes_idle_sessions_at_once() {
    for signal in ["TERM", "INT"] {
        let mut service = start(&["--drain-deadline", "1h"]);
        let mut fresh = Peer::connect(&service);
        let mut session = Peer::connect(&service);
        session.ask_hello();
        service.signal(signal);
        assert_eq!(session.hear_the_rest(), "", "{signal}");
        assert_eq!(fresh.hear_the_rest(), "", "{signal}");
        drop((fresh, session));
        assert_eq!(service.wait(PATIENCE), Some(0), "{signal}");
        service.wait_for_log(&format!("SIG{signal}"));
        service.wait_for_log("drained");
    }
}

#[test]
fn signal_before_any_peer_came_ends_the_service() {
    let log = stop(start(&[]));
    assert!(log.contains("drained"), "{log}");
}

#[test]
#[cfg(target_os = "linux")]
fn service_can_be_started_again_on_its_port_at_once() {
    // An address that no other test listens on, so that nobody takes the port in between.
    let mut listen = "127.0.50.4:0".to_owned();
    for _ in 0..3 {
        let args = ["--listen", &listen, "--admin-listen", "127.0.0.1:0"];
        let service = Process::start(BINARY, &args, &[], 2);
        listen = service.addr("command").to_string();
        // Closed by the service first, which leaves the port in its time-wait state.
        let mut peer = Peer::connect(&service);
        peer.say("goodbye\n");
        peer.hear_the_rest();
        drop(peer);
        stop(service);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn logs_that_cannot_be_written_do_not_end_the_service() {
    let script = "exec \"$0\" \"$@\" 2> /dev/full";
    let args = [&["-c", script, BINARY], &ANY_PORT[..]].concat();
    let mut service = Process::start("sh", &args, &[("RUST_LOG", "debug")], 2);
    for _ in 0..10 {
        Peer::connect(&service).ask_hello();
    }
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
}

#[test]
fn lines_received_before_the_signal_are_answered() {
    let mut service = start(&[]);
    let mut peer = Peer::connect(&service);
    peer.ask_hello();
    peer.say("hello\n".repeat(2000));
    service.signal("TERM");
    assert_eq!(peer.hear_the_rest(), "How do you do?\n".repeat(2000));
    drop(peer);
    assert_eq!(service.wait(PATIENCE), Some(0));
}

#[test]
fn readiness_is_refused_and_health_is_not_while_the_service_drains() {
    let mut service = start(&["--drain-deadline", "1h", "--write-deadline", "1h"]);
    let mut holder = Peer::connect(&service);
    holder.stuff();
    service.signal("TERM");
    service.wait_for_log("draining");
    wait_until("readiness is refused", || {
        let answer = admin_answer(&service, "/readyz");
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("{\"status\":\"draining\"}")
    });
    assert!(admin_answer(&service, "/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    let addr = service.addr("command");
    wait_until("the port is closed", || TcpStream::connect(addr).is_err());
    // It reads what it is owed after all, and so ends the drain.
    assert!(holder.hear_the_rest().ends_with("Invalid command.\n"));
    drop(holder);
    assert_eq!(service.wait(PATIENCE), Some(0));
    service.wait_for_log("drained");
}

#[test]
fn drain_deadline_cuts_peers_that_do_not_read_and_logs_their_number() {
    let mut service = start(&["--drain-deadline", "300ms", "--write-deadline", "1h"]);
    let mut holders = [Peer::connect(&service), Peer::connect(&service)];
    std::thread::scope(|scope| {
        for holder in &mut holders {
            scope.spawn(|| holder.stuff());
        }
    });
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    service.wait_for_log("drain deadline passed, connections cut cut=2");
}

#[test]
fn json_logs_are_one_object_a_line() {
    let service = start_with(&["--log-format", "json"], &[("RUST_LOG", "debug")]);
    Peer::connect(&service).ask_hello();
    let log = stop(service);
    let events: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for message in ["listening", "ready", "answered", "draining", "drained"] {
        let event = events.iter().find(|event| event["message"] == message).expect(message);
        assert!(event["level"].is_string() && event["timestamp"].is_string(), "{event}");
    }
    let listening = events.iter().find(|event| event["role"] == "command").unwrap();
    assert!(listening["addr"].is_string(), "{listening}");
}

#[test]
fn life_cycle_is_one_line_an_event_and_requests_are_not_logged_at_info() {
    let service = start(&[]);
    let mut peer = Peer::connect(&service);
    peer.say("hello\nnonsense\ngoodbye\n");
    peer.hear_the_rest();
    drop(peer);
    let log = stop(service);
    let events = ["listening role=\"admin\"", "listening role=\"command\"", "ready", "draining"];
    for event in events.iter().chain(&["drained"]) {
        let lines = log.lines().filter(|line| line.contains(event));
        assert_eq!(lines.count(), 1, "{event} in\n{log}");
    }
    assert_eq!(log.lines().count(), events.len() + 1, "{log}");
}

#[test]
fn nothing_that_a_peer_sends_is_logged() {
    let secret = "correct-horse";
    let service = start_with(&[], &[("RUST_LOG", "trace")]);
    for said in [
        format!("{secret}\n"),
        secret.to_owned(),
        format!("hello\n{secret}\r\ntime {secret}\n"),
        format!("{secret}\n").repeat(50) + "goodbye\n",
        secret.repeat(20),
    ] {
        let mut peer = Peer::connect(&service);
        peer.say(said);
        peer.0.shutdown(std::net::Shutdown::Write).unwrap();
        peer.hear_the_rest();
    }
    let mut admin = Peer::connect_to(service.addr("admin"));
    admin.say(format!("GET /{secret} HTTP/1.1\r\nx: {secret}\r\nconnection: close\r\n\r\n"));
    admin.hear_the_rest();
    let log = stop(service);
    assert!(log.contains("answered"), "{log}");
    assert!(!log.contains(secret), "{log}");
}

#[test]
fn cap_is_lowered_to_what_the_descriptor_limit_allows() {
    let command = with_descriptor_limit(132, BINARY, &ANY_PORT, &[]);
    let service = Process::spawn(command, 2);
    let mut peers: Vec<Peer> = (0..68).map(|_| Peer::connect(&service)).collect();
    peers.iter_mut().for_each(Peer::ask_hello);
    for _ in 0..200 {
        assert_eq!(Peer::connect(&service).hear_the_rest().as_bytes(), BUSY);
    }
    peers.iter_mut().for_each(Peer::ask_hello);
    drop(peers);
    let log = stop(service);
    assert_eq!(log.matches("connection cap lowered").count(), 1, "{log}");
    assert!(log.contains("wanted=10000 cap=68 descriptors=132"), "{log}");
}

#[test]
fn soft_descriptor_limit_is_raised_to_the_hard_one() {
    let script = "ulimit -S -n 80; exec \"$0\" \"$@\"";
    let args = [&["-c", script, BINARY][..], &ANY_PORT, &["--max-connections", "100"]].concat();
    let service = Process::start("sh", &args, &[], 2);
    let mut peers: Vec<Peer> = (0..100).map(|_| Peer::connect(&service)).collect();
    peers.iter_mut().for_each(Peer::ask_hello);
    drop(peers);
    assert!(!stop(service).contains("lowered"));
}

#[test]
#[cfg(target_os = "linux")]
fn service_that_ran_out_of_descriptors_serves_again_when_there_are_some() {
    use rlimit::{Resource, prlimit};

    let service = start_with(&[], &[("RUST_LOG", "debug")]);
    let id = i32::try_from(service.id()).unwrap();
    let mut earlier = Peer::connect(&service);
    earlier.ask_hello();
    let mut before = (0, 0);
    prlimit(id, Resource::NOFILE, None, Some((&mut before.0, &mut before.1))).unwrap();
    let open = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    prlimit(id, Resource::NOFILE, Some((open as u64, before.1)), None).unwrap();

    let begun = Instant::now();
    let mut waiting = Peer::connect(&service);
    waiting.say("hello\n");
    service.wait_for_log("pause=160ms");
    let pauses = begun.elapsed();
    assert!(pauses >= Duration::from_millis(5 + 10 + 20 + 40 + 80), "after only {pauses:?}");
    earlier.ask_hello();

    prlimit(id, Resource::NOFILE, Some(before), None).unwrap();
    waiting.hear("How do you do?\n");
    Peer::connect(&service).ask_hello();
    service.wait_for_log("accepting again");
    assert_eq!(service.stderr().matches("WARN").count(), 1, "{}", service.stderr());
}

#[test]
fn reset_by_a_peer_harms_nobody_else() {
    let service = start(&[]);
    let mut other = Peer::connect(&service);
    for _ in 0..100 {
        let mut peer = Peer::connect(&service);
        peer.say("hello\n");
        // A reply that is there and not read makes the close a reset.
        peer.0.peek(&mut [0]).unwrap();
        drop(peer);
        other.ask_hello();
    }
}

#[test]
fn garbage_harms_nobody_else() {
    let service = start(&[]);
    let mut other = Peer::connect(&service);
    let garbage: Vec<u8> = (0..1_000_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
    let mut peer = Peer::connect(&service);
    // It may be closed before all of it is sent.
    let _ = peer.0.write_all(&garbage);
    drop(peer);
    let mut peer = Peer::connect(&service);
    let _ = peer.0.write_all(&vec![b'x'; 1_000_000]);
    drop(peer);
    other.ask_hello();
    Peer::connect(&service).ask_hello();
}

#[test]
fn overlong_command_is_answered_before_the_close() {
    let service = start(&[]);
    let mut peer = Peer::connect(&service);
    // More than is read at once and less than is discarded.
    peer.say("x".repeat(50_000));
    assert_eq!(peer.hear_the_rest(), "Invalid command.");
}

#[test]
fn two_thousand_idle_peers_leave_the_service_answering() {
    let wanted = 2000;
    let limit = rlimit::increase_nofile_limit(wanted + 1000).unwrap();
    let number = wanted.min(limit.saturating_sub(1000));
    let service = start(&[]);
    let idle: Vec<Peer> = (0..number).map(|_| Peer::connect(&service)).collect();
    let mut peer = Peer::connect(&service);
    peer.ask_hello();
    service.signal("TERM");
    for mut peer in idle {
        assert_eq!(peer.hear_the_rest(), "");
    }
    stop(service);
}

#[test]
fn every_option_stands_in_the_pages_and_in_compose() {
    check_that_options_are_known(BINARY, "tcp-command-svc");
}

#[test]
fn pipelined_commands_that_have_arrived_at_the_stop_are_answered() {
    const COMMANDS: usize = 20_000;
    let mut service = start(&[]);
    let mut peer = Peer::connect(&service);
    let mut reader = peer.0.try_clone().unwrap();
    peer.say("hello\n".repeat(COMMANDS));
    service.signal("TERM");
    // Until then nobody has read a reply, so that much is still to be answered.
    service.wait_for_log("draining");
    let mut heard = String::new();
    reader.read_to_string(&mut heard).unwrap();
    assert_eq!(heard.matches("How do you do?\n").count(), COMMANDS);
    assert_eq!(service.wait(PATIENCE), Some(0));
    assert!(service.stderr().contains("drained"), "{}", service.stderr());
}

#[test]
fn stop_that_is_announced_accepts_until_a_second_signal() {
    let mut service = start(&["--drain-delay", "1h"]);
    service.signal("TERM");
    wait_until("it is not ready", || admin_answer(&service, "/readyz").contains(" 503 "));
    Peer::connect(&service).ask_hello();
    service.signal("INT");
    assert_eq!(service.wait(PATIENCE), Some(0));
}
