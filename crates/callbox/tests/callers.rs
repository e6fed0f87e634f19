//! What a method is told of who calls.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callbox::{Caller, Door, MAX_REQUEST_ID, Peer, Registry, Server, Settings};
use edge::{Client, DEFAULTS, call, entry, exchange, post, start};
use tokio::net::TcpListener;

/// The callers so far.
type Seen = Arc<Mutex<Vec<Caller>>>;

fn registry(seen: &Seen) -> Registry {
    let mut registry = Registry::new();
    let mut scope = registry.with_shared(seen.clone());
    let note = |seen: &Mutex<Vec<Caller>>, caller: Caller| seen.lock().unwrap().push(caller);
    scope.add("note", "", note);
    scope.add_blocking("note.aside", "", note);
    scope.add("note.later", "", async |seen: Arc<Mutex<Vec<Caller>>>, caller: Caller| {
        tokio::task::yield_now().await;
        seen.lock().unwrap().push(caller);
    });
    let kept = seen.clone();
    registry.add("note.borrowed", "", move |caller: &Caller| {
        kept.lock().unwrap().push(caller.clone());
    });
    registry
}

/// Calls `method` with `headers` and gives back whom it saw.
async fn seen_by(seen: &Seen, addr: SocketAddr, method: &str, headers: &str) -> Caller {
    assert!(exchange(addr, &post("/", headers, &call(method, &[]))).await.result().is_ok());
    seen.lock().unwrap().pop().unwrap()
}

const METHODS: [&str; 4] = ["note", "note.aside", "note.later", "note.borrowed"];

#[tokio::test]
async fn every_kind_of_function_sees_the_connection() {
    let seen = Seen::default();
    let deadline = Duration::from_secs(5);
    let addr = start(registry(&seen), |limits| limits.method_deadline = deadline).await;
    for method in METHODS {
        let before = Instant::now();
        let caller = seen_by(&seen, addr, method, "").await;
        let Peer::Inet(peer) = caller.peer() else { panic!("{caller:?}") };
        assert_eq!(peer.ip(), addr.ip());
        assert_ne!(peer.port(), addr.port());
        assert_eq!(caller.peer().to_string(), peer.to_string());
        assert_eq!(caller.listener(), Some("xmlrpc"));
        assert_eq!((caller.door(), caller.door().to_string().as_str()), (Door::XmlRpc, "xmlrpc"));
        assert_eq!(caller.account(), None);
        let ends = caller.deadline().unwrap();
        assert!(before + deadline <= ends && ends <= Instant::now() + deadline, "{method}");
    }
}

#[tokio::test]
async fn peer_is_the_other_end_of_the_connection() {
    let seen = Seen::default();
    let addr = start(registry(&seen), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    let mut peers = Vec::new();
    for _ in 0..2 {
        client.send(&post("/", "", &call("note", &[]))).await;
        assert!(client.receive().await.result().is_ok());
        peers.push(seen.lock().unwrap().pop().unwrap().peer());
    }
    assert_eq!(peers[0], peers[1]);
    assert_ne!(seen_by(&seen, addr, "note", "").await.peer(), peers[0]);
}

#[tokio::test]
async fn request_id_is_the_peers_or_a_new_one() {
    let seen = Seen::default();
    let addr = start(registry(&seen), DEFAULTS).await;
    let longest = "x".repeat(MAX_REQUEST_ID);
    for id in ["a", "A-b_c.9", &longest] {
        let caller = seen_by(&seen, addr, "note", &format!("X-Request-Id: {id}\r\n")).await;
        assert_eq!(caller.request_id(), id);
    }
    let mut made = Vec::new();
    let too_long = format!("X-Request-Id: {longest}x\r\n");
    for headers in
        ["", "X-Request-Id: \r\n", "X-Request-Id: a b\r\n", "X-Request-Id: <\r\n", &too_long]
    {
        let caller = seen_by(&seen, addr, "note", headers).await;
        let id = caller.request_id().into_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!(caller.request_id(), id);
        assert!(!made.contains(&id), "{id}");
        made.push(id);
    }
}

#[tokio::test]
async fn headers_are_told_but_no_credentials() {
    let seen = Seen::default();
    let addr = start(registry(&seen), DEFAULTS).await;
    let headers = "User-Agent: probe\r\nX-Shop: \tnorth \r\nX-Odd: \u{e9}\r\n\
        Authorization: Basic c2VjcmV0\r\nProxy-Authorization: c2VjcmV0\r\nCookie: id=c2VjcmV0\r\n";
    let caller = seen_by(&seen, addr, "note", headers).await;
    for (name, expected) in [
        ("user-agent", Some("probe")),
        ("User-Agent", Some("probe")),
        ("x-shop", Some("north")),
        ("x-odd", None),
        ("x-none", None),
        ("no name", None),
        ("", None),
        ("authorization", None),
        ("AUTHORIZATION", None),
        ("Proxy-Authorization", None),
        ("cookie", None),
    ] {
        assert_eq!(caller.header(name), expected, "{name}");
    }
    let shown = format!("{caller:?} {caller:#?}");
    assert!(!shown.contains("c2VjcmV0"), "a log is no place for it: {shown}");
}

#[tokio::test]
async fn entries_of_a_multicall_have_one_caller() {
    let seen = Seen::default();
    let addr = start(registry(&seen), DEFAULTS).await;
    let entries: String = METHODS.iter().map(|method| entry(method, "")).collect();
    let document = call("system.multicall", &[&format!("<array><data>{entries}</data></array>")]);
    assert!(exchange(addr, &post("/", "X-Shop: north\r\n", &document)).await.result().is_ok());
    let callers = seen.lock().unwrap();
    assert_eq!(callers.len(), METHODS.len());
    let told = |caller: &Caller| {
        let header = caller.header("x-shop").map(str::to_owned);
        (caller.peer(), caller.request_id().into_owned(), header, caller.deadline())
    };
    for caller in &*callers {
        assert_eq!(told(caller), told(&callers[0]));
        assert_eq!(caller.header("x-shop"), Some("north"));
    }
}

/// Mounted in a program that listens itself, only that program can say where a call comes from.
#[tokio::test]
async fn caller_of_a_mounted_router_is_as_its_program_tells() {
    for is_told in [true, false] {
        let seen = Seen::default();
        let methods = Server::new(registry(&seen)).settings(Settings::default()).router().unwrap();
        let app: axum::Router = axum::Router::new().nest("/rpc", methods);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        if is_told {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move { axum::serve(listener, app).await });
        } else {
            tokio::spawn(async move { axum::serve(listener, app).await });
        }
        let mut client = Client::connect(addr).await;
        client.send(&post("/rpc/RPC2", "X-Request-Id: abc\r\n", &call("note", &[]))).await;
        assert!(client.receive().await.result().is_ok());
        let caller = seen.lock().unwrap().pop().unwrap();
        assert_eq!(matches!(caller.peer(), Peer::Inet(_)), is_told);
        assert_eq!(caller.peer() == Peer::Unknown, !is_told);
        assert_eq!((caller.listener(), &*caller.request_id()), (None, "abc"));
        assert!(caller.deadline().is_some());
    }
}

#[test]
fn unknown_caller_is_for_tests_of_methods() {
    let caller = Caller::unknown();
    assert_eq!((caller.peer(), caller.listener(), caller.deadline()), (Peer::Unknown, None, None));
    assert_eq!(caller.request_id().len(), 16);
}
