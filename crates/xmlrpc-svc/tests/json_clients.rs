//! The doors of JSON by foreign parts: clients of JSON-RPC, readers of OpenRPC, and curl.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use support::Process;

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn start() -> (Process, String) {
    let methods = ["--methods", "arithmetic,command,validator1,interop"];
    let service = Process::start(BINARY, &[&PORTS[..], &methods].concat(), &[], 2);
    let addr = service.addr("xmlrpc").to_string();
    (service, addr)
}

#[test]
fn foreign_clients_are_served() {
    let python = std::env::var("JSON_PYTHON").unwrap_or_else(|_| "python3".into());
    let import = "import jsonrpcclient, jsonrpclib, jsonschema, openrpc";
    let found = Command::new(&python).args(["-c", import]).output();
    if !found.is_ok_and(|ran| ran.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "{python} -c {import:?} fails");
        eprintln!("skipped: {python} -c {import:?} fails");
        return;
    }
    let (_service, addr) = start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/json_clients.py");
    let url = format!("http://{addr}");
    let ran = Command::new(python).arg("-B").arg(script).arg(url).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && !told.contains("Ran 0 tests"), "{told}");
}

/// The line of the page, and what it prints.
#[test]
fn curl_calls_by_a_url_and_named_arguments() {
    let (_service, addr) = start();
    let curl = |args: &[&str]| {
        let ran = Command::new("curl").args(["-s", "-S"]).args(args).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(curl(&["-d", r#"{"a": 2, "b": 3}"#, &format!("{addr}/json/addition")]), "5");
    let batch = r#"[{"jsonrpc": "2.0", "method": "addition", "params": [2, 3], "id": 1}]"#;
    let answered = curl(&["--json", batch, &format!("{addr}/jsonrpc")]);
    assert_eq!(answered, r#"[{"jsonrpc":"2.0","result":5,"id":1}]"#);
    let refused = curl(&["-X", "POST", "-w", " %{http_code}", &format!("{addr}/json/nothing")]);
    let problem = r#"{"title":"Not Found","status":404,"detail":"no such method: nothing","code":-32601} 404"#;
    assert_eq!(refused, problem);
}
