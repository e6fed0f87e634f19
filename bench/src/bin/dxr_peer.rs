//! The peer `dxr_server`, with the methods that are measured.

use axum::serve::ListenerExt;
use dxr::{Fault, TryFromParams, TryToValue, Value};
use dxr_server::axum::http::HeaderMap;
use dxr_server::{HandlerFn, HandlerResult, RouteBuilder, Server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("PORT");
    let routes = RouteBuilder::new()
        .add_method("addition", Box::new(addition as HandlerFn))
        .add_method("interopEchoTests.echoValue", Box::new(echo as HandlerFn))
        .build();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("TCP_NODELAY"));
    Server::from_route(routes).serve_listener(listener).await.expect("dxr serves");
}

fn addition(params: &[Value], _headers: HeaderMap) -> HandlerResult {
    let (a, b) = <(i32, i32)>::try_from_params(params)?;
    Ok((a + b).try_to_value()?)
}

fn echo(params: &[Value], _headers: HeaderMap) -> HandlerResult {
    params.first().cloned().ok_or_else(|| Fault::new(-32602, "nothing to echo".to_owned()))
}
