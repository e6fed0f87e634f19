//! Compressed bodies, charsets and framing by raw bytes, and the memory that bodies may take.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::io::{Read, Write};
use std::time::Duration;

use callbox::Registry;
use edge::{Client, DEFAULTS, Response, arithmetic, ask, call, exchange, post, post_bytes, start};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use protocol::xmlrpc::Value;

/// Larger bodies are read and compressed beside the threads that serve.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// Larger bodies of responses are compressed.
const MAX_PLAIN_BYTES: usize = 1_400;

fn registry() -> Registry {
    let mut registry = arithmetic();
    registry.add("echo", "Returns its argument.", |value: Value| value);
    registry.add("text", "A text so long.", |length: usize| "x".repeat(length));
    registry
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}

fn addition() -> String {
    call("addition", &["<int>2</int>", "<int>3</int>"])
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let addr = start(registry(), DEFAULTS).await;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(addition().as_bytes()).unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(addition().as_bytes()).unwrap();
    for (coding, body) in [
        ("gzip", gzip(addition().as_bytes())),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("identity", addition().into_bytes()),
    ] {
        let response =
            exchange(addr, &post_bytes("/", &format!("Content-Encoding: {coding}\r\n"), &body))
                .await;
        assert_eq!(response.result(), Ok(Value::Int(5)), "{coding}");
    }
}

#[tokio::test]
async fn corrupt_and_unknown_codings_are_refused() {
    let addr = start(registry(), DEFAULTS).await;
    let zipped = gzip(addition().as_bytes());
    let status = async |coding: &str, body: &[u8]| {
        exchange(addr, &post_bytes("/", &format!("Content-Encoding: {coding}\r\n"), body))
            .await
            .status
    };
    assert_eq!(status("gzip", &zipped[..zipped.len() - 1]).await, 400);
    assert_eq!(status("gzip", addition().as_bytes()).await, 400);
    assert_eq!(status("deflate", &zipped).await, 400);
    assert_eq!(status("br", &zipped).await, 415);
    assert_eq!(status("gzip, gzip", &zipped).await, 415);
}

#[tokio::test]
async fn limit_holds_for_what_a_body_inflates_to() {
    let addr = start(registry(), |limits| limits.max_body_bytes = 100_000).await;
    let padded =
        |length: usize| gzip((addition() + &" ".repeat(length - addition().len())).as_bytes());
    let send = async |body: Vec<u8>| {
        exchange(addr, &post_bytes("/", "Content-Encoding: gzip\r\n", &body)).await
    };
    assert_eq!(send(padded(100_000)).await.result(), Ok(Value::Int(5)));
    assert_eq!(send(padded(100_001)).await.status, 413);
    assert_eq!(send(padded(50_000_000)).await.status, 413);
}

async fn echo(addr: std::net::SocketAddr, length: usize, headers: &str) -> Response {
    let call = call("text", &[&format!("<int>{length}</int>")]);
    exchange(addr, &post("/", headers, &call)).await
}

#[tokio::test]
async fn long_response_is_compressed_where_the_peer_takes_it() {
    let addr = start(registry(), DEFAULTS).await;
    for length in [2_000, MAX_INLINE_BYTES * 3] {
        let plain = echo(addr, length, "").await;
        assert_eq!(
            (plain.header("content-encoding"), plain.header("vary")),
            (None, Some("accept-encoding"))
        );
        let zipped = echo(addr, length, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(
            (zipped.header("content-encoding"), zipped.header("vary")),
            (Some("gzip"), Some("accept-encoding"))
        );
        assert_eq!(zipped.header("content-type"), Some("text/xml; charset=utf-8"));
        assert!(zipped.body.len() < plain.body.len());
        assert_eq!(gunzip(&zipped.body), plain.body);
        let refused = echo(addr, length, "Accept-Encoding: gzip;q=0\r\n").await;
        assert_eq!((refused.header("content-encoding"), &refused.body), (None, &plain.body));
    }
}

#[tokio::test]
async fn response_that_fits_a_packet_is_never_compressed() {
    let addr = start(registry(), DEFAULTS).await;
    let around = echo(addr, 0, "").await.body.len();
    let headers = "Accept-Encoding: gzip\r\n";
    let at_limit = echo(addr, MAX_PLAIN_BYTES - around, headers).await;
    assert_eq!((at_limit.body.len(), at_limit.header("content-encoding")), (MAX_PLAIN_BYTES, None));
    let over_limit = echo(addr, MAX_PLAIN_BYTES - around + 1, headers).await;
    assert_eq!(over_limit.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn charset_of_the_header_is_that_of_the_document() {
    let addr = start(registry(), DEFAULTS).await;
    let document = call("echo", &["<string>\u{e9}</string>"]);
    let latin1: Vec<u8> = document.chars().map(|c| c as u8).collect();
    let utf16: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let send = async |charset: &str, body: &[u8]| {
        exchange(
            addr,
            &post_bytes("/", &format!("Content-Type: text/xml; charset={charset}\r\n"), body),
        )
        .await
        .result()
    };
    assert_eq!(send("ISO-8859-1", &latin1).await, Ok("\u{e9}".into()));
    assert_eq!(send("\"utf-16le\"", &utf16).await, Ok("\u{e9}".into()));
    assert_eq!(send("utf-8", &latin1).await.unwrap_err().0, -32702);
    assert_eq!(send("klingon", document.as_bytes()).await.unwrap_err().0, -32701);
}

#[tokio::test]
async fn body_beyond_what_is_read_inline_is_read_all_the_same() {
    let addr = start(registry(), DEFAULTS).await;
    let text = "x".repeat(MAX_INLINE_BYTES * 2);
    assert_eq!(
        ask(addr, "echo", &[&format!("<string>{text}</string>")]).await,
        Ok(text.as_str().into())
    );
}

#[tokio::test]
async fn length_said_twice_is_one_length() {
    let addr = start(registry(), DEFAULTS).await;
    let twice = format!("Content-Length: {}\r\n", addition().len());
    assert_eq!(exchange(addr, &post("/", &twice, &addition())).await.result(), Ok(Value::Int(5)));
}

#[tokio::test]
async fn chunked_beside_a_length_is_read_as_chunked_and_closed() {
    let addr = start(registry(), DEFAULTS).await;
    let mut client = Client::connect(addr).await;
    let body = addition();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes()).await;
    assert_eq!(client.receive().await.result(), Ok(Value::Int(5)));
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn body_over_the_budget_of_all_waits_and_is_turned_away() {
    let addr = start(registry(), |limits| limits.max_bodies_bytes = 1_000).await;
    let mut holder = Client::connect(addr).await;
    let held = format!("{:<900}", addition());
    let request = post("/", "", &held);
    let (but_one, last) = request.split_at(request.len() - 1);
    holder.send(but_one).await;
    // The head of the holder's request may be read before its body is: a call that fits beside
    // nothing but an empty budget is turned away as soon as the body is counted.
    let padded = post("/", "", &format!("{:<600}", addition()));
    let turned_away = async { while exchange(addr, &padded).await.status != 503 {} };
    tokio::time::timeout(Duration::from_secs(30), turned_away).await.unwrap();
    holder.send(last).await;
    assert_eq!(holder.receive().await.result(), Ok(Value::Int(5)));
    assert_eq!(exchange(addr, &padded).await.result(), Ok(Value::Int(5)));
}
