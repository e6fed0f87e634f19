//! Foreign clients against the built binaries: CPython's own, and its own tests of its server.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use support::Process;

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// Whether python3 is there, and in it what `import` imports. Where CI says so, it must be.
fn has_python(import: &str) -> bool {
    let found =
        Command::new("python3").args(["-c", import]).output().is_ok_and(|ran| ran.status.success());
    assert!(found || std::env::var_os("CI").is_none(), "python3 -c {import:?} fails");
    if !found {
        eprintln!("skipped: python3 -c {import:?} fails");
    }
    found
}

/// Runs a script that stands beside this file, against a server at `addr`.
fn run(script: &str, args: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let ran = Command::new("python3").arg(script).args(args).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{stdout}{stderr}");
    assert!(!stderr.contains("Ran 0 tests"), "{stderr}");
}

fn example(name: &str) -> (Process, SocketAddr) {
    let binary = Path::new(BINARY).with_file_name("examples").join(name);
    // `cargo test` builds the examples; with one test chosen it does not.
    assert!(binary.exists(), "first: cargo build --examples -p xmlrpc-svc");
    let service = Process::start(binary.to_str().unwrap(), &PORTS, &[], 2);
    let addr = service.addr("xmlrpc");
    (service, addr)
}

#[test]
fn pythons_own_client_is_served() {
    if !has_python("import xmlrpc.client") {
        return;
    }
    let methods = ["--methods", "arithmetic,command,validator1,interop"];
    let service = Process::start(BINARY, &[&PORTS[..], &methods].concat(), &[], 2);
    run("python_client.py", &[&format!("http://{}", service.addr("xmlrpc"))]);
}

#[test]
fn pythons_own_tests_of_its_server_pass_where_they_apply() {
    if !has_python("import test.test_xmlrpc") {
        return;
    }
    let (_service, addr) = example("cpython_suite");
    run("cpython_suite.py", &[&addr.ip().to_string(), &addr.port().to_string()]);
}
