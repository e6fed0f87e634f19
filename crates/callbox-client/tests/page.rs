//! What `docs/client.md` shows of the command, as typed.
#![cfg(feature = "command")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod python;

use std::path::Path;
use std::process::Command;

use callbox::{Registry, Server};
use python::Python;
use tokio::net::TcpListener;
use xmlrpc_svc::methods::arithmetic;

const CALLBOX: &str = env!("CARGO_BIN_EXE_callbox");

/// What is typed on the page, each with what is shown.
fn examples() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/client.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(|block| block.split("$ ").skip(1));
    let example = |typed: &str| {
        let (typed, shown) = typed.split_once('\n').unwrap();
        (typed.to_owned(), shown.to_owned())
    };
    lines.map(example).collect()
}

/// Types the page's examples for the server at `url`.
fn check(url: &str) {
    let path = Path::new(CALLBOX).parent().unwrap().display();
    let path = format!("{path}:{}", std::env::var("PATH").unwrap());
    let examples = examples();
    assert!(examples.len() > 4);
    let mut before = "exec 2>&1\n".to_owned();
    for (typed, shown) in examples {
        let typed = typed.replace("http://localhost:5022", url);
        if typed.starts_with("export ") {
            before = before + &typed + "\n";
            continue;
        }
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", &(before.clone() + &typed)]).env("PATH", &path).output();
        assert_eq!(String::from_utf8_lossy(&output.unwrap().stdout), shown, "{typed}");
    }
}

#[test]
fn page_is_true_of_pythons_server() {
    let Some(python) = Python::start("python_server.py", &[]) else { return };
    check(&format!("http://localhost:{}", python.port));
}

#[test]
fn page_is_true_of_callbox() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut registry = Registry::new();
    arithmetic::add(&mut registry);
    let server = Server::new(registry).listener(listener).run(std::future::pending());
    let served = runtime.spawn(server);
    check(&format!("http://{addr}"));
    assert!(!served.is_finished());
}
