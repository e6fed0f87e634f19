//! What the built binary shows of itself: its metrics and its access log.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use support::{PATIENCE, Process, checked_metrics, value, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const ARGS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"];

fn start(args: &[&str]) -> Process {
    Process::start(BINARY, &[&ARGS[..], args].concat(), &[], 2)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Says `commands`, and hears all until the service ends the stream.
fn say(addr: SocketAddr, commands: &str) -> String {
    let mut peer = connect(addr);
    peer.write_all(commands.as_bytes()).unwrap();
    let mut heard = String::new();
    peer.read_to_string(&mut heard).unwrap();
    heard
}

fn access_lines(service: &Process) -> Vec<Value> {
    let log = service.stderr();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["target"] == "access").collect()
}

#[test]
fn commands_are_counted_and_unknown_ones_are_one_series() {
    let service = start(&[]);
    let unknown: String = (0..1000).map(|number| format!("command{number}\n")).collect();
    say(service.addr("command"), &format!("hello\nhello\ntime\n{unknown}goodbye\n"));
    wait_until("the connection has ended", || {
        let metrics = support::get(service.addr("admin"), "/metrics").1;
        value(&metrics, "callbox_connections{listener=\"command\"}") == 0.0
    });
    let metrics = checked_metrics(service.addr("admin"));
    for (command, times) in
        [("hello", 2.0), ("time", 1.0), ("help", 0.0), ("goodbye", 1.0), ("-", 1000.0)]
    {
        let series = format!("callbox_commands_total{{command=\"{command}\"}}");
        assert_eq!(value(&metrics, &series), times, "{series}");
    }
    assert_eq!(metrics.matches("callbox_commands_total{").count(), 5);
    assert_eq!(value(&metrics, "callbox_connections_total{listener=\"command\"}"), 1.0);
    assert!(metrics.contains("\ncallbox_build_info{version="), "{metrics}");
    assert_eq!(access_lines(&service), [Value::Null; 0]);
}

#[test]
fn connection_that_ends_is_a_line_where_all_are_wanted() {
    let service = start(&["--access-log", "all"]);
    let heard = say(service.addr("command"), "hello\nopen-sesame\ngoodbye\n");
    service.wait_for_log("connection ended");
    let lines = access_lines(&service);
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((&line["level"], &line["door"]), (&"INFO".into(), &"command".into()));
    assert_eq!((&line["commands"], &line["request_bytes"]), (&3.into(), &26.into()));
    assert_eq!(line["response_bytes"], heard.len());
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(line["millis"].is_number());
    assert!(!service.stderr().contains("sesame"));
}

#[test]
fn peer_over_the_cap_is_counted_and_a_line() {
    let service = start(&["--max-connections", "1"]);
    let mut first = connect(service.addr("command"));
    first.write_all(b"hello\n").unwrap();
    first.read_exact(&mut [0; 15]).unwrap();
    assert_eq!(say(service.addr("command"), ""), "Server busy.");
    service.wait_for_log("refused");
    let line = &access_lines(&service)[0];
    assert_eq!((&line["level"], &line["reason"]), (&"WARN".into(), &"cap".into()));
    assert_eq!(line["listener"], "command");
    let metrics = checked_metrics(service.addr("admin"));
    assert_eq!(value(&metrics, "callbox_connections_refused_total{reason=\"cap\"}"), 1.0);
    assert_eq!(value(&metrics, "callbox_connections{listener=\"command\"}"), 1.0);
}
