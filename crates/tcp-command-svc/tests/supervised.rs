//! The built binary under a supervisor: sockets passed on, NOTIFY_SOCKET, SIGHUP.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
#[path = "../../svc-runtime/tests/support/units.rs"]
mod units;

use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Command;

use support::{PATIENCE, Process, command, run_to_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const TMP: &str = env!("CARGO_TARGET_TMPDIR");

/// A path for a socket of this test.
fn socket(name: &str) -> String {
    let path = format!("{TMP}/{name}-{}", std::process::id());
    let _ = std::fs::remove_file(&path);
    path
}

/// What is said to `hello` over the socket `path`.
fn hello(path: &str) -> String {
    let mut peer = None;
    wait_until("somebody listens", || {
        peer = UnixStream::connect(path).ok();
        peer.is_some()
    });
    let mut peer = peer.unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer.write_all(b"hello\r\ngoodbye\r\n").unwrap();
    let mut told = String::new();
    peer.read_to_string(&mut told).unwrap();
    told.lines().next().unwrap().to_owned()
}

#[test]
fn commands_are_answered_over_a_unix_socket() {
    let (commands, admin) = (socket("commands"), socket("admin"));
    let (listen, admin_listen) = (format!("unix:{commands}"), format!("unix:{admin}"));
    let args = ["--listen", &listen, "--admin-listen", &admin_listen];
    let mut service = Process::start(BINARY, &args, &[], 2);
    assert_eq!(hello(&commands), "How do you do?");
    let health = run_to_end(BINARY, &["healthcheck", "--admin-listen", &admin_listen], &[]);
    assert_eq!(health.code, Some(0), "{health:?}");
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    assert!(!Path::new(&commands).exists() && !Path::new(&admin).exists());
}

#[test]
fn socket_that_systemd_passes_on_is_served() {
    let tool = "systemd-socket-activate";
    if Command::new(tool).arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "no {tool}");
        eprintln!("skipped: no {tool}");
        return;
    }
    let path = socket("activated");
    let args = ["-l", &path, "--fdname=commands", BINARY, "--listen", "inherit:commands"];
    let args = [&args[..], &["--admin-listen", "127.0.0.1:0"]].concat();
    let _service = Process::spawn(command(tool, &args, &[]), 0);
    assert_eq!(hello(&path), "How do you do?");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn supervisor_is_told_and_a_hangup_does_no_harm() {
    let path = socket("notify");
    let notified = UnixDatagram::bind(&path).unwrap();
    notified.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || {
        let mut message = [0; 256];
        let length = notified.recv(&mut message).unwrap();
        let message = String::from_utf8_lossy(&message[..length]).into_owned();
        message.lines().next().unwrap().to_owned()
    };
    let args = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut service = Process::start(BINARY, &args, &[("NOTIFY_SOCKET", &path)], 2);
    assert_eq!(next(), "READY=1");
    service.signal("HUP");
    assert_eq!((next().as_str(), next().as_str()), ("RELOADING=1", "READY=1"));
    service.signal("TERM");
    assert_eq!(next(), "STOPPING=1");
    assert_eq!(service.wait(PATIENCE), Some(0));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn units_are_what_systemd_takes_and_shut_the_service_in() {
    units::check("tcp-command-svc", BINARY);
}
