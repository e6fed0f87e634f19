//! TLS of the built binary, tried by openssl.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
#[path = "../../svc-runtime/tests/support/bad_certificates.rs"]
mod bad_certificates;
#[path = "../../svc-runtime/tests/support/openssl.rs"]
mod openssl;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use authority::{Authority, Validity};
use openssl::{Session, talk};
use support::{PATIENCE, Process};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const PORTS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"];

fn start(authority: &Authority, args: &[&str]) -> (Process, SocketAddr) {
    let identity = authority.localhost();
    let service = Process::start(BINARY, &[&PORTS, &identity.args()[..], args].concat(), &[], 3);
    let addr = service.addr("command-tls");
    (service, addr)
}

#[test]
fn commands_are_answered_by_tls() {
    let authority = Authority::new();
    let (_service, addr) = start(&authority, &[]);
    for version in ["-tls1_2", "-tls1_3"] {
        let ca = authority.certificate();
        let said = talk(addr, &ca, &["-quiet", version], "hello\r\nhelp\r\ngoodbye\r\n");
        assert!(said.output.contains("How do you do?\r\n"), "{said:?}");
        assert!(said.output.ends_with("depth=0 CN = localhost\nverify return:1\n"), "{said:?}");
        // A bare word is one command, answered at the end of the grace time.
        let said = talk(addr, &ca, &["-quiet", version], "hello");
        assert!(said.output.starts_with("How do you do?"), "{said:?}");
    }
    let old = talk(addr, &authority.certificate(), &["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], "");
    assert!(!old.is_made && old.output.contains(" alert "), "{old:?}");
}

#[test]
fn clients_show_certificates_where_they_must() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let ca = authority.certificate();
    let (_service, addr) = start(&authority, &["--tls-client-ca", &ca, "--tls-client-required"]);
    let robot = authority.issue("robot", "/CN=robot", Validity::Now);
    let foreign = stranger.issue("foreign", "/CN=robot", Validity::Now);
    let ask = |args: &[&str]| talk(addr, &ca, args, "hello\r\ngoodbye\r\n").output;
    let shown = ask(&["-cert", &robot.certificate, "-key", &robot.key]);
    assert!(shown.contains("How do you do?"), "{shown}");
    for args in [&[][..], &["-cert", &foreign.certificate, "-key", &foreign.key]] {
        let refused = ask(args);
        assert!(!refused.contains("How do you do?") && refused.contains(" alert "), "{refused}");
    }
}

#[test]
fn plain_text_on_a_tls_port_is_closed_at_once() {
    let authority = Authority::new();
    let (_service, addr) = start(&authority, &[]);
    let mut peer = TcpStream::connect(addr).unwrap();
    peer.set_read_timeout(Some(PATIENCE / 4)).unwrap();
    peer.write_all(b"hello\r\n").unwrap();
    let mut told = String::new();
    peer.read_to_string(&mut told).unwrap();
    assert_eq!(told, "");
}

#[test]
fn stop_ends_a_session_as_tls_does() {
    let authority = Authority::new();
    let (mut service, addr) = start(&authority, &[]);
    let mut session = Session::start(addr, &authority.certificate());
    session.says_and_is_told("hello\r\n", "How do you do?\r\n");
    service.signal("TERM");
    let rest = session.rest();
    assert!(!rest.contains("unexpected eof"), "{rest}");
    assert_eq!(service.wait(PATIENCE), Some(0));
}

#[test]
fn hangup_shows_the_new_certificate() {
    let authority = Authority::new();
    let (service, addr) = start(&authority, &[]);
    let shown =
        || talk(addr, &authority.certificate(), &[], "goodbye\r\n").certificate().to_owned();
    let before = shown();
    // It makes the files of the first one anew.
    authority.localhost();
    assert_eq!(shown(), before);
    service.signal("HUP");
    service.wait_for_log("reloaded");
    assert_ne!(shown(), before);
}

#[test]
fn each_mistake_in_a_file_ends_the_start_with_one_line_and_code_2() {
    bad_certificates::each_mistake_ends_the_start(BINARY, &PORTS);
}
