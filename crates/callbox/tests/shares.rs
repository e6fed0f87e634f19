//! No address and no account takes all places for calls.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use callbox::{CallService, Registry, Server, Settings};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// A service with four places, of which half may be one's; its method `wait` ends when it is told.
struct Crowd {
    service: CallService,
    begun: Arc<Notify>,
    end: Arc<Notify>,
}

impl Crowd {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut registry = Registry::new();
        let (begins, ends) = (begun.clone(), end.clone());
        registry.add("wait", "Waits.", move || {
            let (begins, ends) = (begins.clone(), ends.clone());
            async move {
                let ended = ends.notified();
                begins.notify_one();
                ended.await;
                true
            }
        });
        let mut settings = Settings::default();
        settings.limits.max_calls = 4;
        change(&mut settings);
        let service = Server::new(registry).settings(settings).service().unwrap();
        Self { service, begun, end }
    }

    fn call(&self, from: &str, headers: &[(&'static str, &str)]) -> JoinHandle<StatusCode> {
        let from: SocketAddr = from.parse().unwrap();
        let mut request = Request::post("/").header("content-type", "text/xml");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = "<methodCall><methodName>wait</methodName></methodCall>";
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(from));
        let service = self.service.clone();
        tokio::spawn(async move { service.oneshot(request).await.unwrap().status() })
    }

    /// A call that is in work by now.
    async fn begun(&self, from: &str, headers: &[(&'static str, &str)]) -> JoinHandle<StatusCode> {
        let call = self.call(from, headers);
        self.begun.notified().await;
        call
    }

    async fn end(&self, calls: Vec<JoinHandle<StatusCode>>) {
        self.end.notify_waiters();
        for call in calls {
            assert_eq!(call.await.unwrap(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn address_has_half_of_the_places_and_others_have_the_rest() {
    let crowd = Crowd::new(|_| ());
    let mut calls = Vec::new();
    for port in ["192.0.2.1:1", "192.0.2.1:2"] {
        calls.push(crowd.begun(port, &[]).await);
    }
    let third = crowd.call("192.0.2.1:3", &[]).await.unwrap();
    assert_eq!(third, StatusCode::SERVICE_UNAVAILABLE);
    calls.push(crowd.begun("192.0.2.2:1", &[]).await);
    crowd.end(calls).await;
    let again = crowd.begun("192.0.2.1:4", &[]).await;
    crowd.end(vec![again]).await;
}

#[tokio::test]
async fn this_machine_has_all_places() {
    let crowd = Crowd::new(|_| ());
    let mut calls = Vec::new();
    for port in 1..=4 {
        calls.push(crowd.begun(&format!("127.0.0.1:{port}"), &[]).await);
    }
    crowd.end(calls).await;
}

#[tokio::test]
async fn share_can_be_everything() {
    let crowd = Crowd::new(|settings| settings.process.max_share = "100%".parse().unwrap());
    let mut calls = Vec::new();
    for port in 1..=4 {
        calls.push(crowd.begun(&format!("192.0.2.1:{port}"), &[]).await);
    }
    crowd.end(calls).await;
}

#[tokio::test]
async fn account_has_half_of_the_places_wherever_it_calls_from() {
    let accounts = std::env::temp_dir().join(format!("shares-{}.toml", std::process::id()));
    // The SHA-256 of `one` and of `two`.
    let text = "[token.one]\nsha256 = \"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\"\nmethods = [\"*\"]\n\
        [token.two]\nsha256 = \"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3\"\nmethods = [\"*\"]\n";
    std::fs::write(&accounts, text).unwrap();
    let crowd = Crowd::new(|settings| settings.accounts.accounts = Some(accounts.clone()));
    std::fs::remove_file(accounts).unwrap();
    let (one, two) = ([("authorization", "Bearer one")], [("authorization", "Bearer two")]);
    let mut calls = Vec::new();
    for from in ["192.0.2.1:1", "127.0.0.1:1"] {
        calls.push(crowd.begun(from, &one).await);
    }
    let third = crowd.call("192.0.2.3:1", &one).await.unwrap();
    assert_eq!(third, StatusCode::SERVICE_UNAVAILABLE);
    for from in ["192.0.2.1:1", "192.0.2.1:2"] {
        calls.push(crowd.begun(from, &two).await);
    }
    crowd.end(calls).await;
}
