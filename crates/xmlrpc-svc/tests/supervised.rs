//! The built binary under a supervisor: sockets passed on, NOTIFY_SOCKET, SIGHUP at any moment.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
#[path = "../../svc-runtime/tests/support/directory.rs"]
mod directory;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
#[path = "../../svc-runtime/tests/support/units.rs"]
mod units;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use authority::Authority;
use directory::Directory;
use support::{PATIENCE, Process, command, run_to_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// What curl gets from `url`, with more options.
fn curl(args: &[&str]) -> String {
    let ran = Command::new("curl").args(["-sS", "--max-time", "30"]).args(args).output().unwrap();
    assert!(ran.status.success(), "{args:?} {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

const CALL: &str = "<methodCall><methodName>system.listMethods</methodName></methodCall>";

#[test]
fn curl_calls_over_a_unix_socket_and_health_is_asked_over_one() {
    let directory = Directory::new("unix");
    let (calls, admin) = (directory.text("calls"), directory.text("admin"));
    let (listen, admin_listen) = (format!("unix:{calls}"), format!("unix:{admin}"));
    let args = ["--listen", &listen, "--admin-listen", &admin_listen, "--unix-mode", "600"];
    let mut service = Process::start(BINARY, &args, &[], 2);
    assert_eq!(service.listeners()[1], ("xmlrpc".to_owned(), listen.clone()));
    let post = ["-H", "Content-Type: text/xml", "--data", CALL, "http://localhost/"];
    assert!(curl(&[&["--unix-socket", &calls][..], &post].concat()).contains("addition"));
    let check = || run_to_end(BINARY, &["healthcheck", "--admin-listen", &admin_listen], &[]).code;
    assert_eq!(check(), Some(0));
    let taken = run_to_end(BINARY, &args, &[]);
    assert!(taken.code == Some(1) && taken.stderr.contains("in use"), "{taken:?}");
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    assert!(!Path::new(&calls).exists() && !Path::new(&admin).exists());
    assert_eq!(check(), Some(1));
}

#[test]
fn socket_left_by_one_that_was_killed_is_taken_over() {
    let directory = Directory::new("killed");
    let listen = format!("unix:{}", directory.text("calls"));
    let args = ["--listen", &listen, "--admin-listen", "127.0.0.1:0"];
    drop(Process::start(BINARY, &args, &[], 2));
    assert!(Path::new(&directory.text("calls")).exists());
    Process::start(BINARY, &args, &[], 2);
}

/// A service that systemd's own tool starts at the first connection, with sockets of these names.
fn activated(names: &str, sockets: &[&str], args: &[&str]) -> Option<Process> {
    let tool = "systemd-socket-activate";
    if Command::new(tool).arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "no {tool}");
        eprintln!("skipped: no {tool}");
        return None;
    }
    let mut all: Vec<_> = sockets.iter().flat_map(|socket| ["-l", *socket]).collect();
    let names = format!("--fdname={names}");
    all.extend([&names, BINARY]);
    all.extend(args);
    Some(Process::spawn(command(tool, &all, &[]), 0))
}

fn connect_until(socket: &str) -> UnixStream {
    let mut connected = None;
    wait_until("somebody listens", || {
        connected = UnixStream::connect(socket).ok();
        connected.is_some()
    });
    connected.unwrap()
}

#[test]
fn sockets_that_systemd_passes_on_are_served() {
    let directory = Directory::new("activated");
    let (calls, admin) = (directory.text("calls"), directory.text("admin"));
    let args = ["--listen", "inherit:calls", "--admin-listen", "inherit:admin"];
    let Some(service) = activated("calls:admin", &[&calls, &admin], &args) else { return };
    // What was connected before the service ran is served.
    let mut early = connect_until(&calls);
    let request = format!(
        "POST / HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{CALL}",
        CALL.len()
    );
    early.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("addition"), "{answer}");
    assert_eq!(
        curl(&["--unix-socket", &admin, "http://localhost/healthz"]),
        r#"{"status":"alive"}"#
    );
    service.signal("TERM");
    service.wait_for_log("drained");
    // They are systemd's.
    assert!(Path::new(&calls).exists());
}

#[test]
fn all_sockets_that_are_passed_on_are_served_and_an_unknown_name_is_a_bad_setting() {
    let args = ["--listen", "inherit", "--admin-listen", "127.0.0.1:0"];
    let directory = Directory::new("all");
    let sockets = [directory.text("one"), directory.text("two")];
    let both: Vec<&str> = sockets.iter().map(String::as_str).collect();
    let Some(_service) = activated("web:web", &both, &args) else { return };
    for socket in &sockets {
        drop(connect_until(socket));
        let told = curl(&["--unix-socket", socket, "http://localhost/healthz"]);
        assert_eq!(told, r#"{"status":"alive"}"#);
    }
    let args = ["--listen", "inherit:nobody", "--admin-listen", "127.0.0.1:0"];
    let socket = directory.text("three");
    let Some(mut service) = activated("web", &[&socket], &args) else { return };
    drop(connect_until(&socket));
    assert_eq!(service.wait(PATIENCE), Some(2));
    let told = "error: cannot listen on inherit:nobody: no such socket was passed on (LISTEN_FDS)";
    assert!(service.stderr().contains(told), "{}", service.stderr());
}

#[test]
fn nothing_passed_on_ends_the_start_with_code_2() {
    for listen in ["inherit", "inherit:web"] {
        let ended = run_to_end(BINARY, &["--listen", listen, "--admin-listen", "127.0.0.1:0"], &[]);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{ended:?}");
    }
}

/// The next message to NOTIFY_SOCKET.
#[track_caller]
fn next(notified: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = notified.recv(&mut message).unwrap();
    String::from_utf8_lossy(&message[..length]).into_owned()
}

#[test]
fn supervisor_is_told_of_readiness_reloads_and_the_stop() {
    let directory = Directory::new("notified");
    let path = directory.text("notify");
    let notified = UnixDatagram::bind(&path).unwrap();
    notified.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut service = Process::start(BINARY, &PORTS, &[("NOTIFY_SOCKET", &path)], 2);
    assert_eq!(next(&notified), "READY=1\n");
    service.signal("HUP");
    let reloading = next(&notified);
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(since.trim_end().parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(next(&notified), "READY=1\n");
    service.signal("TERM");
    assert_eq!(next(&notified), "STOPPING=1\n");
    assert_eq!(service.wait(PATIENCE), Some(0));
    // A supervisor that has gone harms nothing.
    drop(notified);
    let mut service = Process::start(BINARY, &PORTS, &[("NOTIFY_SOCKET", &path)], 2);
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
}

#[test]
fn hangup_where_nothing_can_be_reloaded_does_no_harm() {
    let mut service = Process::start(BINARY, &PORTS, &[], 2);
    service.signal("HUP");
    service.wait_for_log("nothing to reload");
    let url = format!("http://{}/healthz", service.addr("admin"));
    assert_eq!(curl(&[&url]), r#"{"status":"alive"}"#);
    // While it drains, too: a call whose body is on its way holds it.
    let mut caller = TcpStream::connect(service.addr("xmlrpc")).unwrap();
    let length = CALL.len();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    caller.write_all(head.as_bytes()).unwrap();
    caller.read_exact(&mut [0; 25]).unwrap();
    service.signal("TERM");
    service.wait_for_log("draining");
    for _ in 0..3 {
        service.signal("HUP");
    }
    caller.write_all(CALL.as_bytes()).unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("addition"), "{answer}");
    assert_eq!(service.wait(PATIENCE), Some(0));
}

/// Whether the process handles SIGHUP.
fn handles_hangups(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 1 == 1
}

#[test]
fn hangup_before_readiness_is_made_good_after_it() {
    let authority = Authority::new();
    let identity = authority.localhost();
    // The start waits for whoever passes the certificate on.
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let args =
        ["--tls-listen", "127.0.0.1:0", "--tls-cert", "/dev/stdin", "--tls-key", &identity.key];
    let mut command = command(BINARY, &[&PORTS[..], &args].concat(), &[]);
    command.stdin(cat.stdout.take().unwrap());
    let service = Process::spawn(command, 0);
    wait_until("hangups are handled", || handles_hangups(service.id()));
    service.signal("HUP");
    let certificate = fs::read(&identity.certificate).unwrap();
    cat.stdin.take().unwrap().write_all(&certificate).unwrap();
    assert!(cat.wait().unwrap().success());
    service.wait_for_log("ready");
    // It has been read to its end before.
    service.wait_for_log("not reloaded, nothing is changed");
    let log = service.stderr();
    assert!(log.find(": ready") < log.find("not reloaded"), "{log}");
}

#[test]
fn socket_of_a_program_is_not_removed_by_who_could_not_listen_on_it() {
    let directory = Directory::new("others");
    let path = directory.text("socket");
    let _theirs = UnixListener::bind(&path).unwrap();
    let listen = format!("unix:{path}");
    let ended = run_to_end(BINARY, &["--listen", &listen, "--admin-listen", "127.0.0.1:0"], &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    UnixStream::connect(&path).unwrap();
}

#[test]
fn units_are_what_systemd_takes_and_shut_the_service_in() {
    units::check("xmlrpc-svc", BINARY);
}
