//! What goes over the wire by HTTP, and what is made of the answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::time::Duration;

use callbox_client::transport::{Endpoint, EndpointSettings, Limits, Request, post};
use server::{
    ANSWER, DOCUMENT, MAX_BYTES, Server, Then, accept, ask, chunked, connect, connected, endpoint,
    gzip_endpoint, http, read_request, until_close, wait_for_end,
};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

#[tokio::test]
async fn request_is_written_as_the_oldest_servers_know_it() {
    let server = Server::start(&[&http("", ANSWER)], Then::Stay).await;
    let mut connection = connect(&server.url()).await;
    ask(&mut connection).await.unwrap();
    let (version, host) = (env!("CARGO_PKG_VERSION"), server.addr);
    let expected = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: {host}\r\nUser-Agent: callbox/{version}\r\n\
         Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n{DOCUMENT}",
        DOCUMENT.len()
    );
    assert_eq!(server.heard(), [expected]);
}

#[tokio::test]
async fn what_belongs_to_a_call_goes_with_it() {
    let server = Server::start(&[&http("", ANSWER), &http("", ANSWER)], Then::Stay).await;
    let url = server.url().replace("http://", "http://ana:s%40cret@");
    let mut connection = connected(&gzip_endpoint(&url)).await;
    let request = Request {
        request_id: Some("ab-12"),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ..Request::new(DOCUMENT)
    };
    connection.post(request, MAX_BYTES).await.unwrap();
    let split = Request { request_id: Some("a\r\nX: y"), ..Request::new(DOCUMENT) };
    connection.post(split, MAX_BYTES).await.unwrap();
    let heard = server.heard();
    for field in [
        "Authorization: Basic YW5hOnNAY3JldA==",
        "Accept-Encoding: gzip",
        "X-Request-Id: ab-12",
        "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert!(heard[0].contains(&format!("\r\n{field}\r\n")), "{field} in {}", heard[0]);
    }
    assert!(!heard[1].contains("X-Request-Id") && !heard[1].contains("X: y"), "{}", heard[1]);
}

#[tokio::test]
async fn token_is_sent_as_a_bearer_has_it() {
    let server = Server::start(&[&http("", ANSWER)], Then::Stay).await;
    let login = Some("abc.def".parse().unwrap());
    let settings = EndpointSettings { login, ..EndpointSettings::default() };
    let endpoint = Endpoint::new(&server.url(), &settings).unwrap();
    post(&endpoint, Request::new(DOCUMENT), &Limits::default()).await.unwrap();
    assert!(server.heard()[0].contains("\r\nAuthorization: Bearer abc.def\r\n"));
}

#[tokio::test]
async fn answers_are_read_however_they_are_framed() {
    let long = b"0123456789abcdef".repeat(40_000);
    for body in [ANSWER, b"", &long] {
        for (answer, is_kept) in [
            (http("", body), true),
            (http("Connection: close\r\n", body), false),
            (chunked("", body, 7), true),
            (until_close("", body), false),
        ] {
            let then = if is_kept { Then::Stay } else { Then::Close };
            let server = Server::start(&[&answer], then).await;
            let mut connection = connect(&server.url()).await;
            assert!(ask(&mut connection).await.unwrap().body == body);
            assert_eq!(connection.is_kept(), is_kept);
            assert_eq!(connection.is_quiet(), is_kept);
        }
    }
}

#[tokio::test]
async fn http_1_0_keeps_a_connection_where_it_says_so() {
    for (field, is_kept) in [("", false), ("Connection: keep-alive\r\n", true)] {
        let answer = format!("HTTP/1.0 200 OK\r\n{field}Content-Length: 1\r\n\r\nx");
        let server = Server::start(&[answer.as_bytes()], Then::Stay).await;
        let mut connection = connect(&server.url()).await;
        assert_eq!(ask(&mut connection).await.unwrap().body, "x");
        assert_eq!(connection.is_kept(), is_kept, "{field}");
    }
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let answer = [b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n", &http("", ANSWER)[..]].concat();
    let server = Server::start(&[&answer], Then::Stay).await;
    assert_eq!(ask(&mut connect(&server.url()).await).await.unwrap().body, ANSWER);
}

#[tokio::test]
async fn one_connection_carries_one_exchange_after_the_other() {
    let answers: Vec<_> = (0..5).map(|n| http("", format!("{n}").as_bytes())).collect();
    let answers: Vec<&[u8]> = answers.iter().map(Vec::as_slice).collect();
    let server = Server::start(&answers, Then::Stay).await;
    let mut connection = connect(&server.url()).await;
    for n in 0..5 {
        assert!(connection.is_quiet());
        assert_eq!(ask(&mut connection).await.unwrap().body, format!("{n}"));
    }
    assert_eq!(server.heard().len(), 5);
}

#[tokio::test]
async fn content_type_is_told_and_not_insisted_on() {
    let check = async |field: &str, expected: Option<&str>| {
        let server = Server::start(&[&http(field, ANSWER)], Then::Stay).await;
        let response = ask(&mut connect(&server.url()).await).await.unwrap();
        assert_eq!(response.content_type.as_deref(), expected);
    };
    check("", None).await;
    check("Content-Type: text/html\r\n", Some("text/html")).await;
    check("content-type: text/xml; charset=koi8-r\r\n", Some("text/xml; charset=koi8-r")).await;
}

#[tokio::test]
async fn compressed_answers_are_read_where_they_were_asked_for() {
    let zipped = server_gzip(ANSWER);
    for answer in [
        http("Content-Encoding: gzip\r\n", &zipped),
        chunked("Content-Encoding: x-gzip\r\n", &zipped, 5),
        until_close("Content-Encoding: GZIP\r\n", &zipped),
    ] {
        let server = Server::start(&[&answer], Then::Close).await;
        let mut connection = connected(&gzip_endpoint(&server.url())).await;
        assert_eq!(ask(&mut connection).await.unwrap().body, ANSWER);
    }
}

fn server_gzip(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn request_of_megabytes_is_sent_while_the_answer_is_read() {
    let document = "x".repeat(8 * 1024 * 1024);
    let server = Server::start(&[&http("", ANSWER)], Then::Stay).await;
    let mut connection = connect(&server.url()).await;
    let response = connection.post(Request::new(document.clone()), MAX_BYTES).await.unwrap();
    assert_eq!(response.body, ANSWER);
    assert!(server.heard()[0].ends_with(&document));
}

#[tokio::test]
async fn unix_socket_is_asked_as_localhost() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("http-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let heard = read_request(&mut stream).await.unwrap();
        stream.write_all(&http("", ANSWER)).await.unwrap();
        (heard, stream)
    });
    let encoded = path.to_str().unwrap().replace('/', "%2F");
    let mut connection = connect(&format!("http+unix://{encoded}/x?y")).await;
    assert_eq!(ask(&mut connection).await.unwrap().body, ANSWER);
    let (heard, stream) = served.await.unwrap();
    assert!(heard.starts_with("POST /x?y HTTP/1.1\r\nHost: localhost\r\n"), "{heard}");
    assert!(connection.is_quiet());
    drop(stream);
    assert!(!connection.is_quiet());
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn name_is_resolved_for_each_connect_and_each_address_is_tried() {
    // `localhost` is ::1 as well on most machines, where nobody listens.
    let server = Server::start(&[&http("", ANSWER)], Then::Stay).await;
    let mut connection = connect(&format!("http://localhost:{}", server.addr.port())).await;
    assert_eq!(ask(&mut connection).await.unwrap().body, ANSWER);
}

#[tokio::test]
async fn post_that_is_dropped_closes_the_connection() {
    let (ended, end) = tokio::sync::oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let addr = accept(move |mut stream| {
        let ended = ended.lock().unwrap().take();
        async move {
            read_request(&mut stream).await.unwrap();
            wait_for_end(&mut stream).await;
            ended.unwrap().send(()).unwrap();
        }
    });
    let mut connection = connect(&format!("http://{}", addr.await)).await;
    let asked = tokio::time::timeout(
        Duration::from_millis(50),
        connection.post(Request::new(DOCUMENT), MAX_BYTES),
    );
    assert!(asked.await.is_err());
    assert!(!connection.is_kept());
    tokio::time::timeout(server::PATIENCE, end).await.unwrap().unwrap();
}

#[test]
fn endpoint_shows_no_login() {
    let endpoint = endpoint("http://ana:secret@localhost:1/x");
    assert_eq!(endpoint.to_string(), "http://localhost:1/x");
    assert_eq!(format!("{endpoint:?}"), "Endpoint(http://localhost:1/x)");
    let login = Some("bob:word".parse().unwrap());
    let settings = EndpointSettings { login, ..EndpointSettings::default() };
    assert!(!format!("{settings:?}").contains("word"));
    let error = Endpoint::new("http://ana:secret@localhost:1/x", &settings).unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
