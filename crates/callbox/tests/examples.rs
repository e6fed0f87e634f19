//! The examples, as built, each driven as a user would.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{PATIENCE, Process, command, exchange, run_to_end, wait_until};

const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// The example's binary, in the directory beside that of the tests.
fn binary(name: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.parent().unwrap().with_file_name("examples").join(name);
    // `cargo test` builds the examples; with one test chosen it does not.
    assert!(binary.exists(), "first: cargo build --examples -p callbox");
    binary.to_str().unwrap().to_owned()
}

/// Starts an example that has callbox's own settings.
fn start(name: &str, args: &[&str]) -> (Process, String) {
    let service = Process::start(&binary(name), &[&PORTS[..], args].concat(), &[], 2);
    let url = format!("http://{}", service.addr("xmlrpc"));
    (service, url)
}

/// Starts an example that binds what its first argument says, and tells where on stderr.
fn start_on_own_runtime(name: &str, args: &[&str]) -> (Process, SocketAddr) {
    let args = [&["127.0.0.1:0"], args].concat();
    let process = Process::spawn(command(&binary(name), &args, &[]), 0);
    process.wait_for_log("listening on ");
    let told = process.stderr();
    let addr = told.lines().find_map(|line| line.strip_prefix("listening on ")).unwrap();
    (process, addr.parse().unwrap())
}

/// Runs the Python class of that name against `url`; `false` where there is no Python. Where CI says
/// so, there must be.
fn drive(class: &str, url: &str) -> bool {
    let has_python = Command::new("python3").args(["-c", "import xmlrpc.client"]).output();
    if !has_python.is_ok_and(|ran| ran.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "python3 -c 'import xmlrpc.client' fails");
        eprintln!("skipped: python3 -c 'import xmlrpc.client' fails");
        return false;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples.py");
    let ran = Command::new("python3").arg("-B").arg(script).args([class, url]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && !told.contains("Ran 0 tests"), "{told}");
    true
}

fn get(addr: SocketAddr, path: &str) -> String {
    exchange(addr, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

/// The response to a call without parameters, posted to `path`.
fn post(addr: SocketAddr, path: &str, method: &str) -> String {
    let body = format!("<methodCall><methodName>{method}</methodName></methodCall>");
    let length = body.len();
    exchange(
        addr,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )
}

#[track_caller]
fn ends_by_itself(mut process: Process) {
    process.signal("TERM");
    assert_eq!(process.wait(PATIENCE), Some(0), "{}", process.stderr());
}

/// A path in a new directory of the test `test`.
fn database(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory.join("shop.db")
}

#[test]
fn hello_greets() {
    let (service, url) = start("hello", &[]);
    drive("Hello", &url);
    ends_by_itself(service);
}

#[test]
fn shop_keeps_its_shelf_in_the_database_that_it_is_told() {
    let database = database("shop_keeps");
    let args = ["--database", database.to_str().unwrap()];
    let (service, url) = start("shop", &args);
    drive("Shop", &url);
    ends_by_itself(service);
    let (service, url) = start("shop", &args);
    drive("ShopAgain", &url);
    ends_by_itself(service);
}

#[test]
fn shop_that_is_only_asked_opens_no_database() {
    let database = database("shop_is_asked");
    let path = database.to_str().unwrap();
    let binary = binary("shop");
    let ask = |args: &[&str], code: i32, text: &str| {
        let ended = run_to_end(&binary, args, &[("DATABASE", path)]);
        assert_eq!(ended.code, Some(code), "{args:?} {ended:?}");
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(text), "{args:?} {ended:?}");
        assert!(!database.exists(), "{args:?}");
    };
    ask(&["--help"], 0, "--database <FILE>");
    ask(&["--help"], 0, "Sells what is on its shelf, over XML-RPC");
    ask(&["--version"], 0, env!("CARGO_PKG_VERSION"));
    ask(&["--max-calls", "many"], 2, "'many'");
    // Nobody listens there, so it is told.
    ask(&["healthcheck", "--admin-listen", "127.0.0.1:1"], 1, "127.0.0.1:1");
    let (service, _) = start("hello", &[]);
    let admin = service.addr("admin").to_string();
    ask(&["healthcheck", "--admin-listen", &admin], 0, "");
}

#[test]
fn shop_whose_database_cannot_be_opened_does_not_start() {
    let args = [&PORTS[..], &["--database", "/no/such/directory/shop.db"]].concat();
    let ended = run_to_end(&binary("shop"), &args, &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn errors_are_the_faults_that_they_say() {
    let (service, url) = start("errors", &[]);
    if drive("Errors", &url) {
        // What is not shown is logged.
        service.wait_for_log("a method failed cause=the ledger: ");
    }
    ends_by_itself(service);
}

#[test]
fn methods_in_axum_stand_beside_its_other_routes() {
    let (process, addr) = start_on_own_runtime("in_axum", &[]);
    drive("InAxum", &format!("http://{addr}/rpc"));
    assert!(get(addr, "/").ends_with("A shop.\n"));
    for path in ["/rpc", "/rpc/", "/rpc/RPC2"] {
        let answer = post(addr, path, "who");
        assert!(answer.contains("<string>127.0.0.1:"), "{path} {answer}");
    }
    for path in ["/rpc/elsewhere", "/rpc/healthz", "/RPC2", "/healthz"] {
        let answer = post(addr, path, "who");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path} {answer}");
    }
    assert!(get(addr, "/rpc").starts_with("HTTP/1.1 405 "));
    ends_by_itself(process);
}

#[test]
fn own_runtime_is_ready_while_its_database_answers() {
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let database_addr = database.local_addr().unwrap().to_string();
    let (process, addr) = start_on_own_runtime("own_runtime", &[&database_addr]);
    drive("OwnRuntime", &format!("http://{addr}"));
    assert!(get(addr, "/readyz").ends_with(r#"{"database":"up","status":"ready"}"#));
    drop(database);
    wait_until("the database is known to be down", || {
        let answer = get(addr, "/readyz");
        answer.starts_with("HTTP/1.1 503 ")
            && answer.ends_with(r#"{"database":"down","status":"unready"}"#)
    });
    assert!(get(addr, "/healthz").starts_with("HTTP/1.1 200 "));
    ends_by_itself(process);
}
