//! Health and readiness as an orchestrator asks for them: HTTP on a socket, JSON back.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use svc_runtime::admin::{Health, Phase};
use svc_runtime::check::{CHECK_AGE, CHECK_DEADLINE, Check};
use svc_runtime::http::{self, HttpDeadlines};
use svc_runtime::stop::Stop;
use svc_runtime::stream::Origin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// The whole answer to one request.
async fn answer(health: &Health, method: &str, path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, addr) = listener.accept().await.unwrap();
    let deadlines = HttpDeadlines::default();
    let stop = Stop::new();
    let service = tokio::spawn(http::run(
        stream.into(),
        Origin::new(addr.into(), "test"),
        std::sync::Arc::default(),
        http::routed(health.routes()),
        |_| (),
        deadlines,
        stop,
    ));
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    peer.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    drop(peer);
    service.await.unwrap();
    answer
}

/// The status and the JSON body of a `GET`.
async fn ask(health: &Health, path: &str) -> (u16, Value) {
    let answer = answer(health, "GET", path).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn readiness_follows_the_life_of_the_process() {
    let health = Health::new();
    assert_eq!(health.phase(), Phase::Starting);
    assert_eq!(ask(&health, "/readyz").await, (503, json!({ "status": "starting" })));
    health.enter(Phase::Ready);
    assert_eq!(ask(&health, "/readyz").await, (200, json!({ "status": "ready" })));
    health.enter(Phase::Draining);
    assert_eq!(ask(&health, "/readyz").await, (503, json!({ "status": "draining" })));
}

#[tokio::test]
async fn process_is_alive_in_every_phase() {
    let health = Health::new();
    for phase in [Phase::Starting, Phase::Ready, Phase::Draining] {
        health.enter(phase);
        assert_eq!(health.phase(), phase);
        assert_eq!(ask(&health, "/healthz").await, (200, json!({ "status": "alive" })));
    }
}

/// A check that is up where `state` says so.
fn asked(state: &'static str) -> Result<(), &'static str> {
    if state == "up" { Ok(()) } else { Err("as it was told") }
}

#[tokio::test]
async fn optional_check_is_a_field_of_readiness_and_never_its_status() {
    for state in ["up", "down"] {
        let check = Check::optional("text", move || async move { asked(state) });
        let health = Health::with_checks(vec![check]);
        let body = |status: &str| json!({ "status": status, "text": state });
        assert_eq!(ask(&health, "/readyz").await, (503, body("starting")));
        health.enter(Phase::Ready);
        assert_eq!(ask(&health, "/readyz").await, (200, body("ready")));
        health.enter(Phase::Draining);
        assert_eq!(ask(&health, "/readyz").await, (503, body("draining")));
        assert_eq!(ask(&health, "/healthz").await, (200, json!({ "status": "alive" })));
    }
}

#[tokio::test]
async fn required_check_that_is_down_makes_the_service_unready() {
    for (state, status, name) in [("up", 200, "ready"), ("down", 503, "unready")] {
        let health = Health::with_checks(vec![
            Check::optional("text", async || Ok::<_, String>(())).up_as("in-process"),
            Check::required("store", move || async move { asked(state) }),
        ]);
        health.enter(Phase::Ready);
        let body = json!({ "status": name, "text": "in-process", "store": state });
        assert_eq!(ask(&health, "/readyz").await, (status, body));
    }
}

#[tokio::test]
async fn check_that_panics_is_down() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    async fn panic_after(counter: Arc<AtomicUsize>) -> Result<(), String> {
        counter.fetch_add(1, Ordering::Relaxed);
        panic!("as it was told")
    }
    let panics = move || panic_after(counter.clone());
    let health = Health::with_checks(vec![Check::required("store", panics)]);
    health.enter(Phase::Ready);
    let body = json!({ "status": "unready", "store": "down" });
    for _ in 0..3 {
        assert_eq!(ask(&health, "/readyz").await, (503, body.clone()));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1, "its state grows old as any other's");
}

#[tokio::test(start_paused = true)]
async fn check_that_does_not_answer_is_down_at_its_deadline() {
    let start = tokio::time::Instant::now();
    let hangs = || std::future::pending::<Result<(), String>>();
    assert!(!Check::required("store", hangs).is_up().await);
    assert_eq!(start.elapsed(), CHECK_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn check_is_asked_no_more_often_than_its_state_grows_old() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let check = Check::optional("text", move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, String>(()) }
    });
    let health = Health::with_checks(vec![check]);
    let ask = async || {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        health.routes().oneshot(request).await.unwrap();
        asked.load(Ordering::Relaxed)
    };
    for _ in 0..10 {
        assert_eq!(ask().await, 1);
    }
    tokio::time::advance(CHECK_AGE).await;
    assert_eq!(ask().await, 2);
}

#[tokio::test]
async fn other_paths_and_methods_are_not_answered_with_200() {
    let health = Health::new();
    health.enter(Phase::Ready);
    for (method, path, status) in [
        ("GET", "/", "404"),
        ("GET", "/healthz/", "404"),
        ("GET", "/metrics", "404"),
        ("POST", "/healthz", "405"),
        ("DELETE", "/readyz", "405"),
    ] {
        let answer = answer(&health, method, path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
    }
}
