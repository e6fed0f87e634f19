//! What requests may be for, and for whom a proxy calls, by raw bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;

use callbox::{Caller, Registry, Server, Settings};
use edge::{Client, Response, exchange};
use tokio::net::{TcpListener, UnixListener};

const CALL: &str = "<methodCall><methodName>who</methodName></methodCall>";

/// A method that says who calls.
fn who() -> Registry {
    let mut registry = Registry::new();
    registry.add("who", "Where the call came from.", |caller: &Caller| caller.peer().to_string());
    registry
}

/// Serves [`who`] on `listen` as well as on loopback, and gives back the latter's address.
async fn start(listen: Option<&str>, set: impl FnOnce(&mut Settings)) -> SocketAddr {
    let mut settings = Settings::default();
    set(&mut settings);
    let local = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = local.local_addr().unwrap();
    let mut server = Server::new(who()).settings(settings).listener(local);
    if let Some(listen) = listen {
        server = server.listener(TcpListener::bind(listen).await.unwrap());
    }
    tokio::spawn(server.run(std::future::pending()));
    addr
}

/// A request to `host`, with these lines more.
fn request(line: &str, host: &str, lines: &str) -> Vec<u8> {
    let length = if line.starts_with("POST") { CALL.len() } else { 0 };
    let body = &CALL[..length];
    format!("{line} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
        .into()
}

async fn post(addr: SocketAddr, host: &str) -> Response {
    exchange(addr, &request("POST /", host, "")).await
}

#[tokio::test]
async fn only_names_of_this_machine_are_answered_where_nobody_else_can_connect() {
    let addr = start(None, |_| ()).await;
    for host in
        ["localhost", "LOCALHOST:80", "a.localhost.", "127.0.0.1", "127.9.9.9:1", "[::1]:80"]
    {
        assert_eq!(post(addr, host).await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "192.168.0.1", "0.0.0.0", "[::]"] {
        let response = post(addr, host).await;
        assert_eq!(response.status, 403, "{host}");
        assert!(response.text().contains("--allow-host"), "{response:?}");
        assert_eq!(response.header("connection"), Some("close"));
    }
}

#[tokio::test]
async fn all_but_health_asks_for_the_name_and_the_targets_comes_first() {
    let addr = start(None, |_| ()).await;
    for (line, host, status) in [
        ("POST /RPC2", "evil.example", 403),
        ("GET /", "evil.example", 403),
        ("GET /other", "evil.example", 403),
        ("GET /", "localhost", 405),
        ("GET /healthz", "evil.example", 200),
        ("GET /readyz", "evil.example", 200),
        ("POST http://localhost/", "evil.example", 200),
        ("POST http://evil.example/", "localhost", 403),
    ] {
        let response = exchange(addr, &request(line, host, "")).await;
        assert_eq!(response.status, status, "{line} {host}");
    }
    let old = format!("POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n{CALL}", CALL.len());
    assert_eq!(exchange(addr, old.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn any_name_is_answered_where_others_can_connect() {
    let addr = start(Some("0.0.0.0:0"), |_| ()).await;
    assert_eq!(post(addr, "anything.example").await.status, 200);
}

#[tokio::test]
async fn listed_names_alone_are_answered() {
    for listen in [None, Some("0.0.0.0:0")] {
        let hosts = ["rpc.example", "192.0.2.1"].map(|host| host.parse().unwrap());
        let addr = start(listen, |settings| settings.allow_host = hosts.into()).await;
        for (host, status) in
            [("rpc.example:80", 200), ("192.0.2.1", 200), ("localhost", 403), ("evil.example", 403)]
        {
            assert_eq!(post(addr, host).await.status, status, "{listen:?} {host}");
        }
    }
    let any = |settings: &mut Settings| settings.allow_host = vec!["*".parse().unwrap()];
    assert_eq!(post(start(None, any).await, "evil.example").await.status, 200);
}

#[tokio::test]
async fn unix_socket_asks_for_no_name() {
    let path = std::env::temp_dir().join(format!("callbox-hosts-{}", std::process::id()));
    let server = Server::new(who()).unix_listener(UnixListener::bind(&path).unwrap());
    tokio::spawn(server.run(std::future::pending()));
    let socket = path.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.write_all(&request("POST /", "evil.example", "Connection: close\r\n")).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("unix"), "{answer}");
}

#[tokio::test]
async fn trusted_proxy_tells_who_calls() {
    let trusted = |networks: &'static [&str]| {
        move |settings: &mut Settings| {
            settings.trust_forwarded =
                networks.iter().map(|network| network.parse().unwrap()).collect();
        }
    };
    for (networks, lines, expected) in [
        (&["127.0.0.0/8"][..], "X-Forwarded-For: 192.0.2.1\r\n", Some("192.0.2.1")),
        (
            &["127.0.0.0/8"],
            "x-forwarded-for: 192.0.2.9\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.2\r\n",
            Some("192.0.2.1"),
        ),
        (
            &["10.0.0.0/8", "127.0.0.1"],
            "X-Forwarded-For: 2001:db8::1, 10.1.1.1\r\n",
            Some("2001:db8::1"),
        ),
        (&["127.0.0.0/8"], "X-Forwarded-For: unknown\r\n", None),
        (&["127.0.0.0/8"], "", None),
        (&["10.0.0.0/8"], "X-Forwarded-For: 192.0.2.1\r\n", None),
        (&[], "X-Forwarded-For: 192.0.2.1\r\n", None),
    ] {
        let addr = start(None, trusted(networks)).await;
        let mut client = Client::connect(addr).await;
        let own = client.local_addr().to_string();
        client.send(&request("POST /", "localhost", lines)).await;
        let result = client.receive().await.result();
        let expected = expected.map_or(own, str::to_owned);
        assert_eq!(result, Ok(expected.as_str().into()), "{networks:?} {lines}");
    }
}
