//! The built binary by UDP: which datagrams are answered, and which are not.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Instant;

#[path = "../../svc-runtime/tests/support/directory.rs"]
mod directory;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use directory::Directory;
use support::{PATIENCE, Process, checked_metrics, get, run_to_end, value, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const ARGS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--udp-listen", "127.0.0.1:0"];

fn start(args: &[&str]) -> Process {
    Process::start(BINARY, &[&ARGS[..], args].concat(), &[], 3)
}

fn client(service: &Process) -> UdpSocket {
    client_at("127.0.0.1:0", service).unwrap()
}

fn client_at(addr: &str, service: &Process) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(addr)?;
    socket.connect(service.addr("command-udp"))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn hear(socket: &UdpSocket) -> String {
    let mut heard = [0; 2048];
    let length = socket.recv(&mut heard).unwrap();
    String::from_utf8_lossy(&heard[..length]).into_owned()
}

/// The number of datagrams with which that was done.
fn count(service: &Process, result: &str) -> f64 {
    let metrics = get(service.addr("admin"), "/metrics").1;
    value(&metrics, &format!("callbox_datagrams_total{{result=\"{result}\"}}"))
}

#[test]
fn datagram_is_a_command_and_its_reply_is_one() {
    let service = start(&[]);
    let client = client(&service);
    for (said, heard) in [
        ("hello", "How do you do?"),
        ("hello\n", "How do you do?"),
        ("help\r\n", "hello time goodbye help"),
        ("goodbye\r", "It was nice hearing from you."),
        ("hello", "How do you do?"),
    ] {
        client.send(said.as_bytes()).unwrap();
        assert_eq!(hear(&client), heard, "{said:?}");
    }
    assert_eq!(count(&service, "answered"), 5.0);
    let metrics = checked_metrics(service.addr("admin"));
    assert_eq!(value(&metrics, "callbox_commands_total{command=\"hello\"}"), 3.0);
}

#[test]
fn what_is_no_command_is_not_answered() {
    let service = start(&[]);
    let client = client(&service);
    for said in ["hell", "", "How do you do?", "hello\nhello\n", "hello ", "\0", "Invalid command."]
    {
        client.send(said.as_bytes()).unwrap();
    }
    client.send(&[b'x'; 60_000]).unwrap();
    client.send(b"help").unwrap();
    assert_eq!(hear(&client), "hello time goodbye help");
    assert_eq!((count(&service, "unknown"), count(&service, "answered")), (8.0, 1.0));
}

#[test]
fn port_of_a_service_is_not_answered() {
    let service = start(&[]);
    let low = (600..1024).find_map(|port| client_at(&format!("127.0.0.1:{port}"), &service).ok());
    let Some(low) = low else { return eprintln!("skipped: low ports are not to be had") };
    low.send(b"hello").unwrap();
    let client = client(&service);
    client.send(b"hello").unwrap();
    assert_eq!(hear(&client), "How do you do?");
    assert_eq!((count(&service, "source"), count(&service, "answered")), (1.0, 1.0));
}

#[test]
fn address_is_answered_so_often_a_second() {
    let mut args = [&ARGS[..], &["--udp-rate", "3"]].concat();
    args[5] = "127.0.0.1:0,127.0.0.2:0";
    let service = Process::start(BINARY, &args, &[], 4);
    let [client, other] = [0, 1].map(|place| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(service.addrs("command-udp")[place]).unwrap();
        socket
    });
    let since = Instant::now();
    // Of one address, whatever its port, and to whichever of ours.
    for _ in 0..20 {
        client.send(b"hello").unwrap();
        other.send(b"hello").unwrap();
    }
    wait_until("all were judged", || count(&service, "answered") + count(&service, "rate") == 40.0);
    let seconds = since.elapsed().as_secs_f64().ceil();
    let answered = count(&service, "answered");
    assert!((3.0..=3.0 * seconds).contains(&answered), "{answered} in {seconds} s");
}

#[test]
fn rate_can_be_switched_off() {
    let service = start(&["--udp-rate", "off"]);
    let client = client(&service);
    for _ in 0..200 {
        client.send(b"hello").unwrap();
        assert_eq!(hear(&client), "How do you do?");
    }
}

#[test]
fn reply_that_is_long_or_a_command_is_not_sent() {
    let directory = Directory::new("udp");
    let long = "x".repeat(513);
    let file = format!(
        "[command.long]\nreply = '{long}'\n[command.ping]\nreply = 'pong'\n[command.pong]\nreply = 'ping'\n\
         [command.peer]\nreply = '{{peer}}'"
    );
    std::fs::write(directory.path("commands.toml"), file).unwrap();
    let service = start(&["--commands", &directory.text("commands.toml")]);
    let client = client(&service);
    for said in ["long", "ping", "pong", "peer"] {
        client.send(said.as_bytes()).unwrap();
    }
    assert_eq!(hear(&client), client.local_addr().unwrap().to_string());
    assert_eq!(count(&service, "reply"), 3.0);
}

/// Sends a datagram to `to` that claims to come `from`, where that is allowed.
fn forged(from: SocketAddr, to: SocketAddr, text: &str) -> bool {
    let script = "
import socket, struct, sys
source, target, text = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
local = socket.inet_aton('127.0.0.1')
ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(text), 0, 0, 64, 17, 0, local, local)
udp = struct.pack('!HHHH', source, target, 8 + len(text), 0)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(ip + udp + text, ('127.0.0.1', 0))
";
    let ports = [from.port().to_string(), to.port().to_string()];
    let sent = Command::new("python3").args(["-c", script, &ports[0], &ports[1], text]).output();
    sent.is_ok_and(|sent| sent.status.success())
}

#[test]
fn two_services_cannot_talk_to_each_other_for_ever() {
    let (one, other) = (start(&[]), start(&[]));
    let words = ["hello", "help", "goodbye"];
    for word in words {
        if !forged(one.addr("command-udp"), other.addr("command-udp"), word) {
            return eprintln!("skipped: datagrams cannot be forged");
        }
    }
    wait_until("the replies have arrived", || count(&one, "unknown") == 3.0);
    let client = client(&other);
    client.send(b"hello").unwrap();
    assert_eq!(hear(&client), "How do you do?");
    assert_eq!((count(&one, "answered"), count(&other, "answered")), (0.0, 4.0));
    assert_eq!(count(&other, "unknown"), 0.0);
}

#[test]
fn service_ends_at_once_and_frees_its_port() {
    let mut service = start(&[]);
    let addr = service.addr("command-udp");
    let client = client(&service);
    client.send(b"hello").unwrap();
    service.signal("TERM");
    assert_eq!(hear(&client), "How do you do?");
    assert_eq!(service.wait(PATIENCE), Some(0));
    UdpSocket::bind(addr).unwrap();
}

#[test]
fn setting_that_is_bad_ends_the_start() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, code, what) in [
        (["--udp-listen", "unix:/run/x"], 2, "expected IP:PORT or HOST:PORT"),
        (["--udp-rate", "0"], 2, "expected a number from 1 on, or off"),
        (["--udp-listen", &taken], 1, "cannot listen on"),
    ] {
        let ended = run_to_end(BINARY, &[&ARGS[..4], &args].concat(), &[]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(what) && ended.stderr.lines().count() == 1, "{ended:?}");
    }
}
