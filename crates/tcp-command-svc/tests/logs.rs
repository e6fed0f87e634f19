//! What the built binary says of itself: to whom, in which format, and when nobody listens.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::Value;

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use support::{PATIENCE, Process, command, run_to_end};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const ANY_PORT: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
const HELLO: &str = "How do you do?\n";

/// Each is a line at the level debug: more than a pipe and all that is queued can hold.
const MANY: usize = 30_000;

/// The service with a log that nobody reads yet.
fn start_unread(format: &str) -> Process {
    let args = [&ANY_PORT[..], &["--log-format", format]].concat();
    Process::spawn_unread(command(BINARY, &args, &[("RUST_LOG", "debug")]), 2)
}

/// Asks `times` times, and hears each answer.
fn ask_hello(addr: SocketAddr, times: usize) {
    let mut peer = TcpStream::connect(addr).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut heard = vec![0; HELLO.len() * 100];
    for _ in 0..times / 100 {
        peer.write_all("hello\n".repeat(100).as_bytes()).unwrap();
        peer.read_exact(&mut heard).unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), HELLO.repeat(100));
    }
}

fn json_lines(log: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let lines: Vec<Value> = log.lines().map(parse).collect();
    for line in &lines {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "no {field} in {line}");
        }
    }
    lines
}

#[test]
fn log_that_nobody_reads_stops_neither_commands_nor_the_end() {
    for format in ["text", "json"] {
        let mut service = start_unread(format);
        ask_hello(service.addr("command"), MANY);
        ask_hello(service.addr("command"), 100);
        service.signal("TERM");
        assert_eq!(service.wait(PATIENCE), Some(0), "{format}");
        // It was full: what was read late is the beginning only.
        service.read_log();
        service.wait(PATIENCE);
        let answered = service.stderr().matches("answered").count();
        assert!(0 < answered && answered < MANY / 2, "{answered}");
    }
}

#[test]
fn reader_that_comes_back_hears_how_many_lines_it_missed() {
    let mut service = start_unread("json");
    ask_hello(service.addr("command"), MANY);
    service.read_log();
    service.wait_for_log("log lines were dropped");
    ask_hello(service.addr("command"), 100);
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    let lines = json_lines(&service.stderr());
    let dropped: u64 = lines.iter().filter_map(|line| line["dropped"].as_u64()).sum();
    let answered = lines.iter().filter(|line| line["message"] == "answered").count();
    assert!(dropped > 0);
    assert_eq!(answered as u64 + dropped, MANY as u64 + 100);
    assert_eq!(lines.last().unwrap()["message"], "drained");
}

#[test]
fn log_whose_reader_has_gone_stops_nothing() {
    let script = "exec \"$0\" \"$@\" 2>&-";
    let args = [&["-c", script, BINARY], &ANY_PORT[..]].concat();
    let closed = Process::spawn(command("sh", &args, &[("RUST_LOG", "debug")]), 2);
    let mut broken = start_unread("text");
    broken.leave_log();
    for mut service in [closed, broken] {
        ask_hello(service.addr("command"), 1000);
        service.signal("TERM");
        assert_eq!(service.wait(PATIENCE), Some(0));
    }
}

#[test]
fn failed_start_is_a_line_of_json_where_the_log_is() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, env, code, told) in [
        (vec!["--colour"], vec![], 2, "--colour"),
        (vec!["--max-connections", "0"], vec![], 2, "--max-connections"),
        (vec!["serve"], vec![], 2, "serve"),
        (vec![], vec![("TZ", "Mars/Olympus")], 2, "bad setting TZ: "),
        (vec![], vec![("RUST_LOG", "info,=loud=")], 2, "bad setting RUST_LOG: "),
        (vec!["--listen", &taken], vec![], 1, "cannot listen on 127.0.0.1:"),
        (vec!["--listen", &taken], vec![("RUST_LOG", "off")], 1, "cannot listen on 127.0.0.1:"),
    ] {
        let admin = ["--admin-listen", "127.0.0.1:0"];
        let option = [&args[..], &admin, &["--log-format", "json"]].concat();
        let variable = [&env[..], &[("LOG_FORMAT", "json")]].concat();
        let plain = [&args[..], &admin].concat();
        for ended in [run_to_end(BINARY, &option, &env), run_to_end(BINARY, &plain, &variable)] {
            let lines = json_lines(&ended.stderr);
            assert_eq!((ended.code, lines.len()), (Some(code), 1), "{args:?} {ended:?}");
            assert_eq!(lines[0]["level"], "ERROR");
            let message = lines[0]["message"].as_str().unwrap();
            assert!(message.contains(told) && !message.starts_with("error"), "{message}");
        }
        let ended = run_to_end(BINARY, &plain, &env);
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(told), "{ended:?}");
    }
}

#[test]
fn nothing_is_announced_where_that_is_off() {
    for (args, env) in [(&["--announce", "off"][..], &[][..]), (&[], &[("ANNOUNCE", "off")])] {
        let args = [&ANY_PORT[..], args].concat();
        let mut child = command(BINARY, &args, env).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut log = Vec::new();
        while !String::from_utf8_lossy(&log).contains("ready") {
            let mut bytes = [0; 1024];
            let read = stderr.read(&mut bytes).unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&log));
            log.extend_from_slice(&bytes[..read]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut announced = String::new();
        stdout.read_to_string(&mut announced).unwrap();
        assert_eq!(announced, "", "{args:?} {env:?}");
        assert!(String::from_utf8_lossy(&log).contains("listening role=\"command\""));
    }
}

#[test]
fn directives_that_silence_everything_are_warned_of_in_the_format_of_the_log() {
    for (directives, warnings) in [("inof", 1), ("svc_rumtime=info", 1), ("off", 0), ("error", 0)] {
        let env = [("RUST_LOG", directives), ("LOG_FORMAT", "json")];
        let mut service = Process::start(BINARY, &ANY_PORT, &env, 2);
        service.signal("TERM");
        assert_eq!(service.wait(PATIENCE), Some(0));
        let lines = json_lines(&service.stderr());
        assert_eq!(lines.len(), warnings, "{directives}: {lines:?}");
        for line in lines {
            assert_eq!((&line["level"], &line["directives"]), (&"WARN".into(), &directives.into()));
        }
    }
}
