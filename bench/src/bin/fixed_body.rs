//! What axum can do at best: reads the body and answers with as many fixed bytes as it is told.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let (Some(port), Some(bytes)) = (numbers.next(), numbers.next()) else {
        panic!("usage: fixed_body PORT BYTES");
    };
    let answer = Bytes::from(vec![b'x'; bytes]);
    let handler = move |_body: Bytes| async move { ([(CONTENT_TYPE, "text/xml")], answer) };
    let router = Router::new().route("/", post(handler)).layer(DefaultBodyLimit::disable());
    let port = u16::try_from(port).expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("TCP_NODELAY"));
    axum::serve(listener, router).await.expect("axum serves");
}
