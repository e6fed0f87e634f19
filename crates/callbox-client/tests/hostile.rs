//! Servers that break their word: each exchange with one ends in time, as what it is.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
mod server;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callbox_client::transport::{
    Connection, Endpoint, EndpointSettings, Error, Limits, MAX_HEAD_BYTES, MAX_HEADERS, Nonsense,
    Request, post,
};
use server::{
    ANSWER, DOCUMENT, MAX_BYTES, PATIENCE, Server, Then, accept, ask, chunked, connect, connected,
    endpoint, gzip_endpoint, http, read_request, scgi, until_close, wait_for_end,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::timeout;

/// What an exchange ends as.
fn kind(error: &Error) -> String {
    format!("{error:?}")
}

/// Asks a server that gives `answer` and closes.
async fn ends_as(url: impl Fn(&Server) -> String, answer: &[u8], expected: &Error) {
    let server = Server::start(&[answer], Then::Close).await;
    let mut connection = connected(&gzip_endpoint(&url(&server))).await;
    let error = ask(&mut connection).await.unwrap_err();
    let shown = String::from_utf8_lossy(&answer[..answer.len().min(100)]).into_owned();
    assert_eq!(kind(&error), kind(expected), "{shown:?}");
    assert!(!connection.is_kept());
}

async fn http_ends_as(answer: &[u8], expected: Error) {
    ends_as(Server::url, answer, &expected).await;
}

async fn scgi_ends_as(answer: &[u8], expected: Error) {
    ends_as(Server::scgi_url, answer, &expected).await;
}

async fn until_unquiet(connection: &Connection) {
    let unquiet = async {
        while connection.is_quiet() {
            yield_now().await;
        }
    };
    timeout(PATIENCE, unquiet).await.unwrap();
}

#[tokio::test]
async fn close_before_anything_of_the_reply_may_be_asked_again() {
    http_ends_as(b"", Error::Dead { is_sent: true }).await;
    scgi_ends_as(b"", Error::Dead { is_sent: true }).await;
}

#[tokio::test]
async fn close_within_the_reply_is_told_at_each_place() {
    let answers = [
        http("", ANSWER),
        chunked("", ANSWER, 6),
        http("Content-Encoding: gzip\r\n", &gzip(ANSWER)),
    ];
    for answer in answers {
        for cut in 1..answer.len() {
            http_ends_as(&answer[..cut], Error::Cut).await;
        }
    }
    let answer = scgi("", ANSWER);
    for cut in 1..answer.len() {
        scgi_ends_as(&answer[..cut], Error::Cut).await;
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn nonsense_is_told() {
    for answer in [
        "<methodResponse/>\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 2OO OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
    ] {
        http_ends_as(answer.as_bytes(), Nonsense::Framing.into()).await;
    }
}

#[tokio::test]
async fn statuses_and_redirects_are_told_and_not_followed() {
    for (status, rest) in [
        (302, "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"),
        (307, "Location: /elsewhere\r\nContent-Length: 0\r\n"),
        (101, "Upgrade: x\r\nConnection: upgrade\r\n"),
        (204, ""),
        (401, "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n"),
        (500, "Content-Length: 4000000000\r\n"),
        (999, ""),
    ] {
        let answer = format!("HTTP/1.1 {status} X\r\n{rest}\r\n");
        http_ends_as(answer.as_bytes(), Error::Status(status)).await;
    }
    assert!(Error::Status(302).to_string().contains("not followed"));
}

#[tokio::test]
async fn long_heads_are_refused() {
    let field = |length: usize| format!("A: {}\r\n", "x".repeat(length));
    let fields = |count: usize| "A: b\r\n".repeat(count);
    let check = async |headers: &str, is_read: bool| {
        for (url, answer) in [
            (Server::url as fn(&Server) -> String, http(headers, ANSWER)),
            (Server::scgi_url, scgi(headers, ANSWER)),
        ] {
            let server = Server::start(&[&answer], Then::Stay).await;
            match ask(&mut connect(&url(&server)).await).await {
                Ok(_) => assert!(is_read),
                Err(Error::Nonsense(Nonsense::LongHead)) => assert!(!is_read),
                other => panic!("{other:?}"),
            }
        }
    };
    check(&field(MAX_HEAD_BYTES - 200), true).await;
    check(&field(MAX_HEAD_BYTES), false).await;
    check(&fields(MAX_HEADERS - 3), true).await;
    check(&fields(MAX_HEADERS + 1), false).await;
}

#[tokio::test]
async fn endless_heads_and_bodies_end_at_their_limits() {
    let endless = async |begin: &'static [u8], more: &'static [u8], scheme: &str| {
        let addr = accept(move |mut stream| async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(begin).await;
            let more = more.repeat(1_000);
            while stream.write_all(&more).await.is_ok() {}
        });
        let url = format!("{scheme}://{}", addr.await);
        ask(&mut connected(&gzip_endpoint(&url)).await).await.unwrap_err()
    };
    let check = async |begin, more, scheme, expected: Nonsense| {
        let error = endless(begin, more, scheme).await;
        assert_eq!(kind(&error), kind(&expected.into()), "{begin:?}");
    };
    let long_body = Nonsense::LongBody(MAX_BYTES);
    check(b"HTTP/1.1 200 OK\r\n", b"Aa: b\r\n", "http", Nonsense::LongHead).await;
    check(b"HTTP/1.1 200 OK\r\nA: ", b"xxxxxxxxxx", "http", Nonsense::LongHead).await;
    check(b"", b"A: b\r\n", "scgi", Nonsense::LongHead).await;
    check(b"", b"x", "scgi", Nonsense::LongHead).await;
    check(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 1_000], "http", long_body).await;
    check(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10\r\nxxxxxxxxxxxxxxxx\r\n",
        "http",
        long_body,
    )
    .await;
    check(b"A: b\r\n\r\n", &[b'x'; 1_000], "scgi", long_body).await;
}

#[tokio::test]
async fn length_of_4_gb_is_refused_before_a_byte_of_it_comes() {
    for (url, answer) in [
        (
            Server::url as fn(&Server) -> String,
            "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n",
        ),
        (Server::scgi_url, "Status: 200 OK\r\nContent-Length: 4294967296\r\n\r\n"),
    ] {
        let server = Server::start(&[answer.as_bytes()], Then::Stay).await;
        match ask(&mut connect(&url(&server)).await).await {
            Err(Error::Nonsense(Nonsense::LongBody(MAX_BYTES))) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn answers_up_to_the_limit_are_read_and_longer_ones_are_not() {
    for (body, max, is_read) in [(10, 10, true), (11, 10, false)] {
        let body = vec![b'x'; body];
        for answer in [http("", &body), chunked("", &body, 4), until_close("", &body)] {
            let server = Server::start(&[&answer], Then::Close).await;
            let mut connection = connect(&server.url()).await;
            let posted = connection.post(Request::new(DOCUMENT), max).await;
            assert_eq!(posted.is_ok(), is_read, "{posted:?}");
        }
    }
}

#[tokio::test]
async fn gzip_bomb_ends_at_the_limit() {
    let bomb = gzip(&vec![0; 32 * MAX_BYTES]);
    assert!(bomb.len() < MAX_BYTES);
    let field = "Content-Encoding: gzip\r\n";
    http_ends_as(&http(field, &bomb), Nonsense::LongBody(MAX_BYTES).into()).await;
    scgi_ends_as(&scgi(field, &bomb), Nonsense::LongBody(MAX_BYTES).into()).await;
}

#[tokio::test]
async fn compression_that_was_not_asked_for_is_refused() {
    let zipped = gzip(ANSWER);
    http_ends_as(&http("Content-Encoding: br\r\n", &zipped), Nonsense::Coding.into()).await;
    let twice = "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n";
    http_ends_as(&http(twice, &zipped), Nonsense::Coding.into()).await;
    http_ends_as(&http("Content-Encoding: gzip\r\n", ANSWER), Nonsense::Coding.into()).await;
    let answer = http("Content-Encoding: gzip\r\n", &zipped);
    let server = Server::start(&[&answer], Then::Stay).await;
    match ask(&mut connect(&server.url()).await).await {
        Err(Error::Nonsense(Nonsense::Coding)) => {}
        other => panic!("{other:?}"),
    }
}

/// A connection on which one exchange went well, and what has the server say `more` and close.
async fn used(more: &'static [u8]) -> (Connection, Arc<Notify>) {
    let word = Arc::new(Notify::new());
    let given = word.clone();
    let addr = accept(move |mut stream| {
        let word = given.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(&http("", ANSWER)).await.unwrap();
            word.notified().await;
            stream.write_all(more).await.unwrap();
        }
    });
    let mut connection = connect(&format!("http://{}", addr.await)).await;
    assert_eq!(ask(&mut connection).await.unwrap().body, ANSWER);
    assert!(connection.is_quiet());
    (connection, word)
}

#[tokio::test]
async fn two_answers_at_once_end_the_connection() {
    let twice = [http("", b"<first/>"), http("", b"<second/>")].concat();
    let server = Server::start(&[&twice], Then::Stay).await;
    let mut connection = connect(&server.url()).await;
    assert_eq!(ask(&mut connection).await.unwrap().body, "<first/>");
    assert!(!connection.is_kept());
    let error = ask(&mut connection).await.unwrap_err();
    assert_eq!(kind(&error), kind(&Error::Dead { is_sent: false }));
}

#[tokio::test]
async fn answer_before_the_end_of_the_request_ends_the_connection() {
    let addr = accept(|mut stream| async move {
        stream.readable().await.unwrap();
        stream.write_all(&http("", ANSWER)).await.unwrap();
        // Nothing more is read of what would be the rest of the request.
        std::future::pending::<()>().await;
    });
    let mut connection = connect(&format!("http://{}", addr.await)).await;
    let request = Request::new("x".repeat(32 * MAX_BYTES));
    let posted = timeout(PATIENCE, connection.post(request, MAX_BYTES)).await.unwrap();
    assert_eq!(posted.unwrap().body, ANSWER);
    assert!(!connection.is_kept());
}

#[tokio::test]
async fn what_nobody_asked_for_is_never_the_next_answer() {
    for more in [&b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate"[..], b"x", b""] {
        let (mut connection, word) = used(more).await;
        word.notify_one();
        until_unquiet(&connection).await;
        let error = ask(&mut connection).await.unwrap_err();
        assert_eq!(kind(&error), kind(&Error::Dead { is_sent: false }));
    }
}

#[tokio::test]
async fn answer_before_the_question_is_none() {
    for scheme in ["http", "scgi"] {
        let addr = accept(|mut stream| async move {
            let _ = stream.write_all(&http("", ANSWER)).await;
            wait_for_end(&mut stream).await;
        });
        let mut connection = connect(&format!("{scheme}://{}", addr.await)).await;
        until_unquiet(&connection).await;
        let error = ask(&mut connection).await.unwrap_err();
        assert_eq!(kind(&error), kind(&Nonsense::Unasked.into()));
    }
}

#[tokio::test]
async fn close_before_the_request_sends_nothing() {
    let addr = accept(|stream| async move { drop(stream) }).await;
    let mut connection = connect(&format!("http://{addr}")).await;
    until_unquiet(&connection).await;
    let error = ask(&mut connection).await.unwrap_err();
    assert_eq!(kind(&error), kind(&Error::Dead { is_sent: false }));
}

/// Posts to a server that says `words`, each after a while, and then nothing for ever.
async fn slow(scheme: &str, words: &'static [&'static [u8]]) -> Error {
    let addr = accept(move |mut stream| async move {
        for word in words {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let _ = stream.write_all(word).await;
        }
        wait_for_end(&mut stream).await;
    });
    let limits = Limits { total: Duration::from_millis(200), ..Limits::default() };
    let endpoint = endpoint(&format!("{scheme}://{}", addr.await));
    let begun = Instant::now();
    let posted = timeout(PATIENCE, post(&endpoint, Request::new(DOCUMENT), &limits)).await;
    assert!(begun.elapsed() >= limits.total);
    posted.unwrap().unwrap_err()
}

#[tokio::test]
async fn silence_at_each_stage_ends_at_the_deadline() {
    let stages: [&'static [&'static [u8]]; 4] = [
        &[],
        &[b"HTTP/1.1 2"],
        &[b"HTTP/1.1 200 OK\r\n", b"Content-Length: 9\r\n"],
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"x", b"x"],
    ];
    for words in stages {
        assert!(matches!(slow("http", words).await, Error::TimedOut), "{words:?}");
    }
    let stages: [&'static [&'static [u8]]; 3] =
        [&[], &[b"Status: 2"], &[b"Status: 200 OK\r\nContent-Length: 9\r\n\r\n", b"x", b"x"]];
    for words in stages {
        assert!(matches!(slow("scgi", words).await, Error::TimedOut), "{words:?}");
    }
}

#[tokio::test]
async fn server_that_is_not_there_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    for url in [format!("http://{addr}"), format!("scgi://{addr}"), "http://nobody.invalid".into()]
    {
        let posted = post(&endpoint(&url), Request::new(DOCUMENT), &Limits::default()).await;
        assert!(matches!(posted, Err(Error::Connect(_))), "{url}: {posted:?}");
    }
}

#[tokio::test]
async fn handshake_that_is_not_answered_ends_at_the_limit_of_a_connect() {
    let addr = accept(|mut stream| async move { wait_for_end(&mut stream).await }).await;
    let authority = authority::Authority::new();
    let settings = EndpointSettings {
        ca: Some(authority.certificate().into()),
        ..EndpointSettings::default()
    };
    let endpoint = Endpoint::new(&format!("https://{addr}"), &settings).unwrap();
    let connected = endpoint.connect(Duration::from_millis(50)).await;
    assert_eq!(connected.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
}
