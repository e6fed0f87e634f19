//! The group `socket`, held to Python's own module, and its connections to where they are allowed.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../callbox/tests/edge/mod.rs"]
mod edge;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use callbox::{Registry, Value, code};
use edge::{DEFAULTS, ask, start};
use support::{Process, run_to_end};
use xmlrpc_svc::methods::socket;

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const ARGS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--methods", "socket"];

async fn serve(allowed: &str) -> SocketAddr {
    let allowed: Vec<_> = allowed.split_terminator(',').map(|one| one.parse().unwrap()).collect();
    let mut registry = Registry::new();
    socket::add(&mut registry, &allowed);
    start(registry, DEFAULTS).await
}

/// A port at which somebody listens.
fn listening() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn connect(addr: SocketAddr, host: &str, port: u16) -> Result<Value, (i32, String)> {
    ask(addr, "socket.create_connection", &[host, &format!("<int>{port}</int>")]).await
}

fn failure<T>(text: &str) -> Result<T, (i32, String)> {
    Err((code::APPLICATION_ERROR, text.to_owned()))
}

#[test]
fn everything_is_told_as_pythons_module_tells_it() {
    let service = Process::start(BINARY, &ARGS, &[], 2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/socket_client.py");
    let url = format!("http://{}", service.addr("xmlrpc"));
    let ran = Command::new("python3").arg(script).arg(url).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test]
async fn connection_to_where_it_is_allowed_is_made_and_measured() {
    let (_listener, port) = listening();
    let addr = serve("10.0.0.0/8:80,127.0.0.0/8:1-65535").await;
    for host in ["127.0.0.1", "::ffff:127.0.0.1", "localhost"] {
        let Ok(Value::Struct(made)) = connect(addr, host, port).await else { panic!("{host}") };
        assert_eq!(made.get("address"), Some(&Value::from(format!("127.0.0.1:{port}"))));
        let local = made.get("local_address").and_then(Value::as_str).unwrap();
        assert!(local.starts_with("127.0.0.1:"), "{local}");
        assert!(made.get("milliseconds").and_then(Value::as_double).unwrap() >= 0.0);
    }
}

#[tokio::test]
async fn connection_to_elsewhere_is_not_made() {
    let (listener, port) = listening();
    let addr =
        serve(&format!("10.0.0.0/8:1-65535,127.0.0.0/8:{}", if port == 1 { 2 } else { 1 })).await;
    for host in ["127.0.0.1", "::ffff:127.0.0.1", "::1", "localhost", "0.0.0.0"] {
        assert_eq!(connect(addr, host, port).await, failure("not a destination that is allowed"));
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody has connected");
}

#[tokio::test]
async fn connection_that_fails_says_why() {
    let (listener, port) = listening();
    drop(listener);
    let addr = serve("127.0.0.1:1-65535").await;
    assert_eq!(connect(addr, "127.0.0.1", port).await, failure("connection refused"));
    let name = "x".repeat(255);
    for host in ["", "a\tb", &name] {
        assert_eq!(connect(addr, host, port).await, failure("not a name of a host"), "{host}");
    }
    for (params, text) in [
        (["localhost", "<int>0</int>", "<int>1</int>"], "params[1]: expected a port"),
        (["localhost", "<int>65536</int>", "<int>1</int>"], "params[1]: expected a port"),
        (["localhost", "<int>1</int>", "<int>0</int>"], "params[2]: expected a number over 0"),
    ] {
        let refused = ask(addr, "socket.create_connection", &params).await;
        assert_eq!(refused, Err((code::INVALID_PARAMS, text.to_owned())));
    }
}

#[tokio::test]
async fn nothing_connects_unless_somewhere_is_allowed() {
    let addr = serve("").await;
    let text = "no such method: socket.create_connection".to_owned();
    assert_eq!(connect(addr, "localhost", 80).await, Err((code::METHOD_NOT_FOUND, text)));
}

#[test]
fn destination_that_is_none_ends_the_start() {
    let ended = run_to_end(BINARY, &[&ARGS[..], &["--connect-allow", "10.0.0.0/8"]].concat(), &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("expected a network and ports"), "{}", ended.stderr);
}
