//! The page in a browser: what people do on it, by keys and clicks. `page.py` says what is done.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use axum::Router;
use callbox::{Base64, Caller, DateTime, Fault, Registry, Server, Settings, Struct};
use tokio::runtime::Runtime;
use xmlrpc_svc::commands::Commands;
use xmlrpc_svc::methods::Group;

/// A name, a help and an answer that are to stay text.
const MARKUP: &str = "<img/src=x/onerror=ran=1></script>\"'&amp;";

fn registry() -> Registry {
    let mut registry = Registry::new();
    let commands = Commands::InProcess(svc_runtime::clock::Clock::from_env().unwrap());
    Group::Arithmetic.add(&mut registry, &commands, &[]);
    registry.add("echo.date", "A date as it came.", |date: DateTime| date).names(["date"]);
    registry.add("echo.bytes", "Bytes as they came.", |bytes: Base64| bytes).names(["bytes"]);
    registry.add("echo.struct", "A struct as it came.", |given: Struct| given).names(["given"]);
    registry.add("echo.text", "A text, once or twice.", |text: String, twice: Option<bool>| {
        if twice == Some(true) { text.repeat(2) } else { text }
    });
    registry.add("wait", "Does not end.", async || std::future::pending::<()>().await);
    registry
        .add("who", "Who calls.", |caller: &Caller| caller.account().map(|own| own.name.clone()));
    registry.add("fail", "Fails.", || Err::<(), _>(Fault::new(42, "out of tea")));
    registry.add(MARKUP, MARKUP, |_: String| MARKUP).names([MARKUP]);
    registry
}

fn server() -> Server {
    Server::new(registry()).program("teahouse", "2.1")
}

/// By `htpasswd -nbB -C 4 ana secret`.
const ACCOUNTS: &str = "\
[user.ana]
password = \"$2y$04$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa\"
methods = [\"*\"]
[anyone]
methods = [\"addition\"]
";

fn accounts() -> PathBuf {
    let path = std::env::temp_dir().join(format!("page-{}.toml", std::process::id()));
    std::fs::write(&path, ACCOUNTS).unwrap();
    path
}

fn listener() -> (tokio::net::TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    (tokio::net::TcpListener::from_std(listener).unwrap(), addr)
}

fn serve(server: Server) -> String {
    let (listener, addr) = listener();
    tokio::spawn(async move { server.listener(listener).run(std::future::pending()).await });
    format!("http://{addr}/")
}

fn mount(server: Server) -> String {
    let app = Router::new().nest("/tea", server.router().unwrap());
    let (listener, addr) = listener();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{addr}/tea")
}

/// Whether the browser is there. Where CI says so, it must be.
fn has_browser() -> bool {
    let found = Command::new("chromedriver").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "no chromedriver");
    if !found {
        eprintln!("skipped: no chromedriver");
    }
    found
}

#[test]
fn people_read_search_call_and_sign_in() {
    if !has_browser() {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let file = accounts();
    let mut settings = Settings::default();
    settings.accounts.accounts = Some(file.clone());
    let (open, mounted) = (serve(server()), mount(server()));
    let closed = serve(server().settings(settings));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page.py");
    let mut command = Command::new("python3");
    command.arg(script).env("OPEN", open).env("CLOSED", closed).env("MOUNTED", mounted);
    let ran =
        thread::spawn(move || command.env("MARKUP", MARKUP).output().unwrap()).join().unwrap();
    let _ = std::fs::remove_file(file);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && !said.contains("Ran 0 tests"), "{said}");
    eprintln!("{said}");
}
