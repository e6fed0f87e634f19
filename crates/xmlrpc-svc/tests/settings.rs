//! The settings of the built binary: how they are spelled, and what a bad one spoils.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::net::{SocketAddr, ToSocketAddrs};

use support::{Process, check_that_options_are_known, exchange, run_to_end, with_descriptor_limit};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn start(args: &[&str], env: &[(&str, &str)]) -> Process {
    Process::start(BINARY, &[&PORTS, args].concat(), env, 2)
}

/// A call to `host` of a method, with a body that has so many bytes more than it must.
fn call(addr: SocketAddr, host: &str, method: &str, padding: usize) -> String {
    let body = format!("<methodCall><methodName>{method}</methodName></methodCall>");
    let body = body + &" ".repeat(padding);
    exchange(
        addr,
        &format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

#[test]
fn every_option_stands_in_the_pages_and_in_compose() {
    check_that_options_are_known(BINARY, "xmlrpc-svc");
}

#[test]
fn sizes_take_units() {
    for (size, fits) in [("1024", 900), ("1k", 900), ("1KiB", 900), ("2 kib", 1900), ("0.5k", 0)] {
        if fits == 0 {
            let ended = run_to_end(BINARY, &["--max-body-bytes", size], &[]);
            assert_eq!(ended.code, Some(2), "{size} {ended:?}");
            assert!(ended.stderr.contains("64k or 4MiB"), "{ended:?}");
            continue;
        }
        let service = start(&["--max-body-bytes", size], &[]);
        let addr = service.addr("xmlrpc");
        let answer = call(addr, "localhost", "system.listMethods", fits);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{size} {answer}");
        let answer = call(addr, "localhost", "system.listMethods", fits + 200);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{size} {answer}");
    }
}

#[test]
fn lists_take_blanks_after_their_commas() {
    let env = [
        ("LISTEN_ADDR", "127.0.0.1:0, 127.0.0.1:0"),
        ("ADMIN_ADDR", "127.0.0.1:0"),
        ("METHODS", "arithmetic, validator1"),
        ("ALLOW_HOST", "a.example, b.example"),
        ("TRUST_FORWARDED", "10.0.0.0/8, ::1"),
    ];
    let service = Process::start(BINARY, &[], &env, 3);
    for addr in service.addrs("xmlrpc") {
        for host in ["a.example", "b.example"] {
            let methods = call(addr, host, "system.listMethods", 0);
            assert!(methods.contains("addition") && methods.contains("validator1."), "{methods}");
        }
    }
    for (option, list) in [
        ("--methods", "arithmetic,, command"),
        ("--allow-host", "a b"),
        ("--trust-forwarded", "10.0.0.0/33"),
    ] {
        let ended = run_to_end(BINARY, &[option, list], &[]);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{ended:?}");
        assert!(ended.stderr.contains(option), "{ended:?}");
    }
}

#[test]
fn name_is_listened_on_at_each_of_its_addresses() {
    let is_here = |addr: &SocketAddr| std::net::TcpListener::bind(addr).is_ok();
    let mut addrs: Vec<_> = ("localhost", 0).to_socket_addrs().unwrap().filter(is_here).collect();
    addrs.sort();
    addrs.dedup();
    let args = ["--listen", "localhost:0", "--admin-listen", "127.0.0.1:0"];
    let service = Process::start(BINARY, &args, &[], addrs.len() + 1);
    let listening = service.addrs("xmlrpc");
    let mut bound: Vec<_> = listening.iter().map(SocketAddr::ip).collect();
    bound.sort();
    assert_eq!(bound, addrs.iter().map(SocketAddr::ip).collect::<Vec<_>>());
    for addr in listening {
        assert_ne!(addr.port(), 0);
        let answer = call(addr, "localhost", "system.listMethods", 0);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let args = ["--listen", "no-such-host.invalid:0", "--admin-listen", "127.0.0.1:0"];
    let ended = run_to_end(BINARY, &args, &[("RUST_LOG", "error")]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
    assert!(ended.stderr.contains("cannot listen on no-such-host.invalid:0"), "{ended:?}");
}

#[test]
fn healthcheck_wants_the_admin_address_and_nothing_else() {
    let service = start(&[], &[]);
    let addr = service.addr("admin").to_string();
    let bad = [
        ("ADMIN_ADDR", addr.as_str()),
        ("LISTEN_ADDR", "nowhere"),
        ("MAX_CONNECTIONS", "none"),
        ("LOG_FORMAT", "xml"),
        ("TLS_CLIENT_REQUIRED", "perhaps"),
        ("METHODS", "all"),
    ];
    for args in [&["healthcheck"][..], &["--max-calls", "0", "--listen", "nowhere", "healthcheck"]]
    {
        let ended = run_to_end(BINARY, args, &bad);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{args:?} {ended:?}");
    }
    let ended = run_to_end(BINARY, &["healthcheck", "--admin-listen", &addr], &bad[1..]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Nor is it served with any of them.
    for setting in &bad[1..] {
        let ended = run_to_end(BINARY, &PORTS[2..], &[*setting]);
        assert_eq!(ended.code, Some(2), "{setting:?} {ended:?}");
    }
    for (args, env) in [
        (&["healthcheck"][..], &[("ADMIN_ADDR", "9022")][..]),
        (&["healthcheck", "--no-such-option"], &[]),
        (&["--no-such-option", "healthcheck"], &[]),
    ] {
        let ended = run_to_end(BINARY, args, env);
        assert_eq!(ended.code, Some(2), "{args:?} {env:?} {ended:?}");
    }
}

#[test]
fn too_few_descriptors_end_the_start_with_one_line_and_code_1() {
    for (descriptors, connections, is_enough) in
        [(127, "10000", false), (128, "10000", true), (80, "17", false), (80, "16", true)]
    {
        let args = [&PORTS[..], &["--max-connections", connections]].concat();
        let env = [("RUST_LOG", "error")];
        let mut command = with_descriptor_limit(descriptors, BINARY, &args, &env);
        if is_enough {
            Process::spawn(command, 2);
            continue;
        }
        let ended = command.output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(&format!("limit of {descriptors} file descriptors")), "{stderr}");
    }
}
