//! A registry as a task on a runtime of one's own, and as a part of an axum application.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::process::{Command, ExitCode};

use axum::Router;
use axum::routing::get;
use callbox::{Caller, Check, Registry, Server, ServerError, Settings, Value};
use edge::{Client, DEFAULTS, Response, arithmetic, ask, call, exchange, post, post_bytes, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

const FIVE: &str = "<value><int>5</int></value>";

fn addition() -> String {
    call("addition", &["<int>2</int>", "<int>3</int>"])
}

fn registry() -> Registry {
    let mut registry = arithmetic();
    registry.add("peer", "Who calls.", |caller: &Caller| caller.peer().to_string());
    registry.add("listener", "Where.", |caller: &Caller| caller.listener().map(str::to_owned));
    registry.add("echo", "Returns its argument.", |value: Value| value);
    registry
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// An application with methods at `/rpc`, nested as a router and as a service, and a page.
async fn application(server: impl Fn() -> Server) -> SocketAddr {
    let (listener, addr) = listener().await;
    let app = Router::new()
        .route("/page", get(|| async { "a page" }))
        .nest("/rpc", server().router().unwrap())
        .nest_service("/service", server().service().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

async fn send(addr: SocketAddr, path: &str, headers: &str, body: &str) -> Response {
    exchange(addr, &post(path, headers, body)).await
}

#[tokio::test]
async fn calls_are_answered_where_the_methods_are_mounted() {
    let addr = application(|| Server::new(registry())).await;
    for path in
        ["/rpc", "/rpc?x", "/rpc/RPC2", "/rpc/RPC2/", "/service", "/service/", "/service/RPC2"]
    {
        let response = send(addr, path, "", &addition()).await;
        assert_eq!(response.status, 200, "{path} {response:?}");
        assert!(response.text().contains(FIVE), "{path}");
        assert!(response.header("content-length").is_some());
    }
    for path in ["/", "/RPC2", "/rpc/other", "/rpc/healthz", "/rpc/readyz", "/service/healthz"] {
        assert_eq!(send(addr, path, "", &addition()).await.status, 404, "{path}");
    }
    let page = exchange(addr, b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((page.status, page.text()), (200, "a page"));
    let wrong = exchange(addr, b"GET /rpc HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn mounted_methods_have_all_limits() {
    let addr = application(|| {
        let mut settings = Settings::default();
        settings.limits.max_body_bytes = 4_000;
        settings.limits.max_depth = 3;
        settings.limits.method_deadline = std::time::Duration::from_millis(50);
        let mut registry = registry();
        registry.add("never", "Never ends.", std::future::pending::<i32>);
        Server::new(registry).settings(settings)
    })
    .await;
    let large = call("echo", &[&"x".repeat(4_000)]);
    let response = send(addr, "/rpc", "", &large).await;
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));
    let json = send(addr, "/rpc", "Content-Type: application/json\r\n", "{}").await;
    assert_eq!(json.status, 415);
    let browser = send(addr, "/rpc", "Origin: null\r\nContent-Type: text/plain\r\n", "").await;
    assert_eq!(browser.status, 415);
    let deep =
        format!("{}1{}", "<array><data><value>".repeat(3), "</value></data></array>".repeat(3));
    let fault = send(addr, "/rpc", "", &call("echo", &[&deep])).await.result().unwrap_err();
    assert_eq!(fault.0, -32600, "{fault:?}");
    assert_eq!(send(addr, "/rpc", "", &call("never", &[])).await.status, 504);
    let text = call("echo", &[&"x".repeat(2_000)]);
    let zipped = send(addr, "/rpc", "Accept-Encoding: gzip\r\n", &text).await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let latin = [
        b"<?xml version='1.0' encoding='iso-8859-1'?><methodCall><methodName>echo</methodName><params><param><value>".as_slice(),
        b"\xe9</value></param></params></methodCall>",
    ];
    let response = exchange(addr, &post_bytes("/rpc", "", &latin.concat())).await;
    assert_eq!(response.result(), Ok("é".into()));
}

#[tokio::test]
async fn mounted_methods_have_the_hosts_and_proxies_of_the_settings() {
    let addr = application(|| {
        let mut settings = Settings::default();
        settings.allow_host = vec!["rpc.example".parse().unwrap()];
        settings.trust_forwarded = vec!["127.0.0.0/8".parse().unwrap()];
        Server::new(registry()).settings(settings)
    })
    .await;
    let from = |host: &str| {
        let call = call("peer", &[]);
        let head = format!("POST /rpc HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 192.0.2.7\r\n");
        format!("{head}Content-Length: {}\r\n\r\n{call}", call.len()).into_bytes()
    };
    assert_eq!(exchange(addr, &from("elsewhere.example")).await.status, 403);
    assert_eq!(exchange(addr, &from("rpc.example")).await.result(), Ok("192.0.2.7".into()));
}

#[tokio::test]
async fn callers_are_known_by_the_connection() {
    let mounted = application(|| Server::new(registry())).await;
    let mut client = Client::connect(mounted).await;
    client.send(&post("/rpc", "", &call("peer", &[]))).await;
    let peer = client.receive().await.result().unwrap();
    assert_eq!(peer, client.local_addr().to_string().into());
    let listener = send(mounted, "/rpc", "", &call("listener", &[])).await.result();
    assert_eq!(listener, Ok(Value::Nil));

    let served = start(registry(), DEFAULTS).await;
    assert_eq!(ask(served, "listener", &[]).await, Ok("xmlrpc".into()));
}

#[tokio::test]
async fn peer_is_unknown_where_the_program_does_not_tell() {
    let (listener, addr) = listener().await;
    let app = Router::new().nest("/rpc", Server::new(registry()).router().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let peer = send(addr, "/rpc", "", &call("peer", &[])).await.result();
    assert_eq!(peer, Ok("unknown".into()));
}

#[tokio::test]
async fn server_runs_on_ones_own_runtime_until_it_is_told_to_stop() {
    let (first, addr) = listener().await;
    let (second, other) = listener().await;
    let (admin, admin_addr) = listener().await;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let mut registry = registry();
    registry.add("slow", "Begins, and ends a little later.", move || {
        let begun = begun.clone();
        async move {
            begun.send(()).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            "done"
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new(registry)
        .listener(first)
        .listener(second)
        .admin_listener(admin)
        .check(Check::required("store", async || Err::<(), _>("as it was told")));
    let running = tokio::spawn(server.run(async { stopped.await.unwrap() }));

    for addr in [addr, other] {
        assert_eq!(send(addr, "/", "", &addition()).await.status, 200);
    }
    let ready = exchange(admin_addr, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((ready.status, ready.text()), (503, r#"{"status":"unready","store":"down"}"#));

    let slow = tokio::spawn(async move { ask(addr, "slow", &[]).await });
    begins.recv().await.unwrap();
    stop.send(()).unwrap();
    assert_eq!(slow.await.unwrap(), Ok("done".into()));
    assert!(running.await.unwrap().is_ok());
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn server_that_is_dropped_or_whose_stop_panics_accepts_nobody() {
    for panics in [false, true] {
        let (listener, addr) = listener().await;
        let stop = async move {
            if !panics {
                std::future::pending::<()>().await;
            }
            panic!("as it was told")
        };
        let running = tokio::spawn(Server::new(registry()).listener(listener).run(stop));
        if !panics {
            assert_eq!(send(addr, "/", "", &addition()).await.status, 200);
            running.abort();
        }
        assert!(running.await.is_err());
        let closed = async { while TcpStream::connect(addr).await.is_ok() {} };
        tokio::time::timeout(std::time::Duration::from_secs(10), closed).await.unwrap();
    }
}

#[tokio::test]
async fn settings_beyond_what_the_command_line_takes_count_as_the_most() {
    let addr = start(registry(), |limits| {
        limits.method_deadline = std::time::Duration::MAX;
        limits.body_deadline = std::time::Duration::MAX;
        limits.header_deadline = std::time::Duration::MAX;
        limits.write_deadline = std::time::Duration::MAX;
        limits.max_bodies_bytes = usize::MAX;
        limits.max_body_bytes = usize::MAX;
        limits.max_depth = usize::MAX;
        limits.max_calls = u32::MAX;
        limits.max_blocking_calls = u32::MAX;
        limits.max_multicall_entries = usize::MAX;
    })
    .await;
    assert_eq!(send(addr, "/", "", &addition()).await.status, 200);
}

#[tokio::test]
async fn paths_that_some_clients_post_to_are_answered() {
    let addr = start(registry(), DEFAULTS).await;
    for path in ["/", "/RPC2", "//", "//RPC2", "/RPC2/", "//?x", "/RPC2/?x"] {
        let response = send(addr, path, "", &addition()).await;
        assert_eq!(response.status, 200, "{path}");
        let request =
            format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let wrong = exchange(addr, request.as_bytes()).await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")), "{path}");
    }
    for path in ["///", "/rpc2", "/RPC2//", "/RPC2/x", "/other"] {
        assert_eq!(send(addr, path, "", &addition()).await.status, 404, "{path}");
    }
}

/// Registries that cannot be published, and the one line that says so.
fn mistaken() -> (Registry, &'static str) {
    let mut registry = Registry::new();
    registry.add("twice", "", || 1);
    registry.add("twice", "", || 2);
    (registry, "method \"twice\" is published twice")
}

#[tokio::test]
async fn mistaken_registry_is_an_error_before_anything_is_listened_on() {
    let (registry, line) = mistaken();
    assert_eq!(Server::new(registry).router::<()>().unwrap_err().to_string(), line);
    let mut settings = Settings::default();
    // Nobody may listen here; that is not what is told.
    settings.listen = vec!["192.0.2.1:1".parse().unwrap()];
    let ran = Server::new(mistaken().0).settings(settings).run(std::future::pending()).await;
    assert!(matches!(&ran, Err(ServerError::Registry(_))), "{ran:?}");
}

#[tokio::test]
async fn address_that_is_taken_is_an_error_that_names_it() {
    let (_taken, addr) = listener().await;
    let mut settings = Settings::default();
    settings.listen = vec![addr.into()];
    let ran = Server::new(registry()).settings(settings).run(std::future::pending()).await;
    let text = ran.unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot listen on {addr}: ")), "{text}");
}

/// Runs in a process of its own, by the test below.
#[test]
fn process_with_a_mistaken_registry() {
    if std::env::var_os("MISTAKEN").is_none() {
        return;
    }
    let code = callbox::serve_with(&Settings::default(), || Ok(mistaken().0));
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(2)));
}

#[test]
fn mistaken_registry_ends_the_start_with_code_2_and_one_line() {
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "process_with_a_mistaken_registry"])
        .env("MISTAKEN", "yes")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(stderr, format!("error: {}\n", mistaken().1));
}

#[tokio::test]
async fn unix_socket_that_was_brought_along_is_served() {
    let name = format!("callbox-serving-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(Server::new(registry()).unix_listener(listener).run(std::future::pending()));
    let mut peer = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request = post("/", "Connection: close\r\n", &call("peer", &[]));
    peer.write_all(&request).await.unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(answer.contains("<string>unix</string>"), "{answer}");
}
