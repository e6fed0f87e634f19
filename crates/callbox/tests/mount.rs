//! Where methods answer inside an axum application.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;

use axum::Router;
use callbox::{Caller, Registry, Server};
use edge::{call, exchange, post};
use tokio::net::TcpListener;

fn server() -> Server {
    let mut registry = Registry::new();
    registry.add("who", "Where a call came from.", |caller: &Caller| caller.peer().to_string());
    Server::new(registry)
}

async fn start(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

async fn check(app: Router, paths: &[(&str, u16)]) {
    let addr = start(app).await;
    for (path, status) in paths {
        let response = exchange(addr, &post(path, "", &call("who", &[]))).await;
        assert_eq!(response.status, *status, "{path}");
        if response.status == 200 {
            // Nobody said who it is.
            assert_eq!(response.result(), Ok("unknown".into()), "{path}");
        }
    }
}

#[tokio::test]
async fn nested_service_answers_with_and_without_a_slash_at_the_end() {
    let app = Router::new().nest_service("/rpc", server().service().unwrap());
    let answered = ["/rpc", "/rpc/", "/rpc/RPC2", "/rpc/RPC2/", "/rpc//RPC2", "/rpc//"];
    let answered = answered.map(|path| (path, 200));
    check(app, &[&answered[..], &[("/rpc/healthz", 404), ("/RPC2", 404), ("/", 404)]].concat())
        .await;
}

#[tokio::test]
async fn nested_router_answers_without_a_slash_at_the_end() {
    let app = Router::new().nest("/rpc", server().router().unwrap());
    check(app, &[("/rpc", 200), ("/rpc/RPC2", 200), ("/rpc/RPC2/", 200), ("/rpc/healthz", 404)])
        .await;
    // What axum's `nest` never passes on.
    let app = Router::new().nest("/rpc", server().router().unwrap());
    check(app, &[("/rpc/", 404)]).await;
}

#[tokio::test]
async fn methods_are_what_an_application_falls_back_to() {
    let app = Router::new().fallback_service(server().service().unwrap());
    check(app, &[("/", 200), ("/RPC2", 200), ("//", 200), ("/elsewhere", 404)]).await;
}
