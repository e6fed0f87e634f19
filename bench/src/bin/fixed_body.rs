//! What axum can do at best: reads the body and answers with a file, or with as many fixed bytes as
//! it is told.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, body] = &arguments[..] else { panic!("usage: fixed_body PORT BYTES|FILE") };
    let answer = match body.parse() {
        Ok(bytes) => vec![b'x'; bytes],
        Err(_) => std::fs::read(body).expect("the file can be read"),
    };
    let answer = Bytes::from(answer);
    let handler = move |_body: Bytes| async move { ([(CONTENT_TYPE, "text/xml")], answer) };
    let router = Router::new().route("/", post(handler)).layer(DefaultBodyLimit::disable());
    let port: u16 = port.parse().expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("TCP_NODELAY"));
    axum::serve(listener, router).await.expect("axum serves");
}
