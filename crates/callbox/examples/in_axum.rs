//! Methods inside an axum application, at a path of their own beside its other routes.
//!
//! `cargo run -p callbox --example in_axum`, then in Python:
//! `xmlrpc.client.ServerProxy("http://localhost:8080/rpc").who()`

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use callbox::{Caller, Registry, Server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut registry = Registry::new();
    registry.add("who", "Where a call came from.", |caller: &Caller| caller.peer().to_string());
    let methods = Server::new(registry).service()?;

    let app = Router::new().route("/", get(async || "A shop.\n")).nest_service("/rpc", methods);
    // Else nobody tells the methods who calls.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();

    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(addr).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(callbox::stop_signal()?).await?;
    Ok(())
}
