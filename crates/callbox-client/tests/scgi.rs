//! What goes over the wire by SCGI, and what is made of the answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use callbox_client::transport::{Error, Nonsense, Request};
use server::{ANSWER, DOCUMENT, Server, Then, accept, ask, connect, endpoint, read_request, scgi};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

#[tokio::test]
async fn request_is_a_netstring_and_the_document() {
    let server = Server::start(&[&scgi("", ANSWER)], Then::Stay).await;
    let mut connection = connect(&server.scgi_url().replace("scgi://", "scgi://ana:secret@")).await;
    let request = Request { request_id: Some("ab-12"), ..Request::new(DOCUMENT) };
    let response = connection.post(request, 1_000).await.unwrap();
    assert_eq!(response.body, ANSWER);
    assert_eq!(response.content_type.as_deref(), Some("text/xml"));
    let version = env!("CARGO_PKG_VERSION");
    let head = [
        "CONTENT_LENGTH",
        &DOCUMENT.len().to_string(),
        "SCGI",
        "1",
        "REQUEST_METHOD",
        "POST",
        "REQUEST_URI",
        "/RPC2",
        "HTTP_USER_AGENT",
        &format!("callbox/{version}"),
        "CONTENT_TYPE",
        "text/xml",
        "HTTP_AUTHORIZATION",
        "Basic YW5hOnNlY3JldA==",
        "HTTP_X_REQUEST_ID",
        "ab-12",
        "",
    ]
    .join("\0");
    assert_eq!(server.heard(), [format!("{}:{head},{DOCUMENT}", head.len())]);
}

#[tokio::test]
async fn answers_are_read_however_they_are_framed() {
    let long = b"0123456789abcdef".repeat(40_000);
    for body in [ANSWER, b"", &long] {
        for (answer, then) in [
            (scgi("", body), Then::Stay),
            ([b"Content-Type: text/xml\r\n\r\n", body].concat(), Then::Close),
            ([b"Status: 200 OK\nX: y\n\n", body].concat(), Then::Close),
        ] {
            let server = Server::start(&[&answer], then).await;
            let mut connection = connect(&server.scgi_url()).await;
            assert!(ask(&mut connection).await.unwrap().body == body);
            assert!(!connection.is_kept());
        }
    }
}

#[tokio::test]
async fn what_comes_behind_the_length_is_no_part_of_the_answer() {
    let answer = [&scgi("", ANSWER)[..], b"<methodResponse>another"].concat();
    let server = Server::start(&[&answer], Then::Stay).await;
    assert_eq!(ask(&mut connect(&server.scgi_url()).await).await.unwrap().body, ANSWER);
}

#[tokio::test]
async fn answer_counts_though_the_request_was_not_read() {
    let addr = accept(|mut stream| async move {
        stream.readable().await.unwrap();
        stream.write_all(b"Status: 413 Too Large\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        // Whoever closes with bytes unread resets the connection.
        server::wait_for_end(&mut stream).await;
    });
    let mut connection = connect(&format!("scgi://{}", addr.await)).await;
    let request = Request::new("x".repeat(8 * 1024 * 1024));
    match connection.post(request, 1_000).await {
        Err(Error::Status(413)) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn unix_socket_is_asked() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("scgi-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(&scgi("", ANSWER)).await.unwrap();
    });
    let mut connection = connect(&format!("scgi+unix://{}", path.display())).await;
    assert_eq!(ask(&mut connection).await.unwrap().body, ANSWER);
    std::fs::remove_file(&path).unwrap();
    let gone = endpoint(&format!("scgi+unix://{}", path.display()));
    assert_eq!(
        gone.connect(server::PATIENCE).await.unwrap_err().kind(),
        std::io::ErrorKind::NotFound
    );
}

#[tokio::test]
async fn status_other_than_200_is_told() {
    for (answer, expected) in [
        ("Status: 500 Internal\r\n\r\n", 500),
        ("Status: 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", 302),
    ] {
        let server = Server::start(&[answer.as_bytes()], Then::Close).await;
        match ask(&mut connect(&server.scgi_url()).await).await {
            Err(Error::Status(status)) => assert_eq!(status, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn http_is_no_answer_of_scgi() {
    let server = Server::start(&[b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"], Then::Close).await;
    match ask(&mut connect(&server.scgi_url()).await).await {
        Err(Error::Nonsense(Nonsense::Framing)) => {}
        other => panic!("{other:?}"),
    }
}
