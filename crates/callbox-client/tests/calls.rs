//! Calls by the client: what is sent, what becomes of the answers, and when a call is made again.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox_client::transport::Error as TransportError;
use callbox_client::{Client, ErrorKind, Fault, Limits, Settings, Value, blocking};
use protocol::xmlrpc::{encode_fault, encode_response};
use server::{Server, Then, accept, http, read_request, scgi, until_close, wait_for_end};
use tokio::io::AsyncWriteExt;

fn answer(value: impl Into<Value>) -> Vec<u8> {
    http("Content-Type: text/xml\r\n", &encode_response(&value.into()).unwrap())
}

fn page(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Calls a server that gives this one answer.
async fn called(answer: &[u8]) -> Result<i64, ErrorKind> {
    let server = Server::start(&[answer], Then::Close).await;
    let client = Client::new(&server.url()).unwrap();
    client.call("answer", ()).await.map_err(callbox_client::Error::into_kind)
}

#[tokio::test]
async fn call_is_typed_both_ways() {
    let server = Server::start(&[&answer(5)], Then::Stay).await;
    let client = Client::new(&server.url()).unwrap();
    let sum = client.call::<(i32, i32), i64>("addition", (2, 3)).await.unwrap();
    assert_eq!(sum, 5);
    let heard = server.heard().concat();
    assert!(heard.contains("\r\nAccept-Encoding: gzip\r\n"), "{heard}");
    assert!(heard.ends_with(
        "<methodCall><methodName>addition</methodName><params><param><value><int>2</int></value>\
         </param><param><value><int>3</int></value></param></params></methodCall>"
    ));
}

#[tokio::test]
async fn what_failed_is_told_apart_with_its_method_and_server() {
    let fault = http("", &encode_fault(&Fault::new(4, "too many")));
    let server = Server::start(&[&fault, &answer("text")], Then::Stay).await;
    let client = Client::new(&server.url().replace("://", "://ana:secret@")).unwrap();

    let error = client.call::<_, i64>("shop.sell", (11,)).await.unwrap_err();
    assert_eq!(error.as_fault(), Some(&Fault::new(4, "too many")));
    assert_eq!(error.to_string(), format!("shop.sell at {}: fault 4: too many", server.url()));
    assert!(!format!("{error:?} {client:?}").contains("secret"));

    let error = client.call::<_, i64>("shop.sell", (1,)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Result(_)), "{error}");
    assert!(error.to_string().ends_with("another type: expected int, found string"), "{error}");

    let error = client.call::<_, i64>("shop.sell", (f64::NAN,)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Params(_)), "{error}");
    let error = client.call::<_, i64>("shop.sell", (u64::MAX,)).await.unwrap_err();
    assert!(error.to_string().contains("params[0]: an integer is beyond 64 bits"), "{error}");
    assert_eq!(server.heard().len(), 2);

    let nobody = Client::new("http://127.0.0.1:1").unwrap();
    let error = nobody.call::<_, i64>("a", ()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Connect(_))), "{error}");
}

#[tokio::test]
async fn answers_of_broken_servers_are_read() {
    let document = String::from_utf8(encode_response(&7.into()).unwrap()).unwrap();
    let fault = String::from_utf8(encode_fault(&Fault::new(1, "no"))).unwrap();
    let bare = "<methodResponse><params><param><value><i4> 7\n</i4></value></param></params></methodResponse>";
    for good in [
        http("", document.as_bytes()),
        http("Content-Type: text/html\r\n", document.as_bytes()),
        http("Content-Type: \r\n", document.as_bytes()),
        http("", format!("\r\n\n  {document}\0\n").as_bytes()),
        http("", format!("\u{feff}{document}").as_bytes()),
        http("", bare.as_bytes()),
        until_close("Content-Type: text/plain\r\n", document.as_bytes()),
        page("500 Internal Server Error", &document),
        [b"HTTP/1.0 200 OK\r\n\r\n", document.as_bytes()].concat(),
    ] {
        let shown = String::from_utf8_lossy(&good).into_owned();
        assert_eq!(called(&good).await.map_err(|kind| kind.to_string()), Ok(7), "{shown}");
    }
    match called(&page("500 Internal Server Error", &fault)).await {
        Err(ErrorKind::Fault(fault)) => assert_eq!(fault, Fault::new(1, "no")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bytes_of_another_charset_than_is_named_are_read() {
    let document = |encoding: &str, text: &[u8]| {
        let before = format!(
            "<?xml version=\"1.0\"{encoding}?><methodResponse><params><param><value><string>"
        );
        let after = b"</string></value></param></params></methodResponse>";
        http("", &[before.as_bytes(), text, after].concat())
    };
    for answer in [
        document("", "größer".as_bytes()),
        document(" encoding=\"us-ascii\"", "größer".as_bytes()),
        document("", b"gr\xf6\xdfer"),
        document(" encoding=\"us-ascii\"", b"gr\xf6\xdfer"),
    ] {
        let server = Server::start(&[&answer], Then::Close).await;
        let client = Client::new(&server.url()).unwrap();
        assert_eq!(client.call::<_, String>("a", ()).await.unwrap(), "größer");
    }
}

#[tokio::test]
async fn pages_are_told_by_their_status_and_first_words() {
    let check = async |answer: &[u8], expected: &str| match called(answer).await {
        Err(ErrorKind::NotXmlRpc(answer)) => {
            assert_eq!(answer.to_string(), expected);
            assert!(!format!("{answer:?}").contains("secret"), "{answer:?}");
        }
        other => panic!("{other:?}"),
    };
    check(
        &page("502 Bad Gateway", "<html><h1>502 Bad Gateway</h1><hr>nginx</html>"),
        "the answer is no XML-RPC: status 502, text/html: \"502 Bad Gateway nginx\"",
    )
    .await;
    check(&page("404 Not Found", ""), "the answer is no XML-RPC: status 404, text/html").await;
    check(
        b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere/RPC2?token=secret\r\nContent-Length: 0\r\n\r\n",
        "the answer is no XML-RPC: status 302, no content type, sent on to https://elsewhere/RPC2",
    )
    .await;
    check(
        b"HTTP/1.1 302 Found\r\nLocation: /in#token=secret\r\nContent-Length: 0\r\n\r\n",
        "the answer is no XML-RPC: status 302, no content type, sent on to /in",
    )
    .await;
    check(
        &http("", b"it works\n"),
        "the answer is no XML-RPC: no content type: \"it works\" (not well formed: not XML (line 1, column 1))",
    )
    .await;
    check(
        &page("200 OK", "<html>Log in</html>"),
        "the answer is no XML-RPC: text/html: \"Log in\" (not XML-RPC: the root is not a methodResponse: <html> (line 1, column 1))",
    )
    .await;
}

#[tokio::test]
async fn status_is_told_whether_its_page_comes_or_not() {
    let refused = page("401 Unauthorized", "Who are you?");
    for (url, answer, status) in [
        (Server::url as fn(&Server) -> String, refused.as_slice(), 401),
        (Server::url, b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\ncut", 503),
        (Server::url, b"HTTP/1.1 204 Nothing\r\n\r\n", 204),
        (Server::scgi_url, b"Status: 404 Not Found\r\n\r\n", 404),
    ] {
        let server = Server::start(&[answer], Then::Close).await;
        let client = Client::new(&url(&server)).unwrap();
        let error = client.call::<_, Value>("a", ()).await.unwrap_err();
        assert_eq!(error.status(), Some(status), "{error}");
    }
}

#[tokio::test]
async fn scgi_is_called_on_a_connection_for_each_call() {
    let answer = scgi("", &encode_response(&7.into()).unwrap());
    let server = Server::start(&[&answer], Then::Close).await;
    let client = Client::new(&server.scgi_url()).unwrap();
    for _ in 0..3 {
        assert_eq!(client.call::<_, i64>("a", ()).await.unwrap(), 7);
    }
    assert_eq!(server.heard().len(), 3);
}

/// A server that answers the first `answered` requests of each connection, and does with the next one
/// what `then` says. Counts the connections.
async fn counting(answered: usize, then: Then) -> (Client, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let addr = accept(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            for n in 1..=answered {
                if read_request(&mut stream).await.is_none() {
                    return;
                }
                stream.write_all(&answer(i32::try_from(n).unwrap())).await.unwrap();
            }
            match then {
                Then::Close => drop(stream),
                Then::Stay => drop(read_request(&mut stream).await),
            }
        }
    });
    (Client::new(&format!("http://{}", addr.await)).unwrap(), connections)
}

#[tokio::test]
async fn connection_is_kept_from_call_to_call() {
    let (client, connections) = counting(100, Then::Close).await;
    for n in 1..=10 {
        assert_eq!(client.clone().call::<_, i64>("a", ()).await.unwrap(), n);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn kept_connection_that_the_server_closes_costs_no_repeatable_call() {
    let (client, _) = counting(1, Then::Close).await;
    for _ in 0..20 {
        // Whether the close has come by the next call, or comes within it.
        match client.repeatable().call::<_, i64>("a", ()).await {
            Ok(1) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn call_is_made_again_only_where_the_caller_says_so() {
    let (client, connections) = counting(1, Then::Stay).await;
    assert_eq!(client.call::<_, i64>("a", ()).await.unwrap(), 1);
    let error = client.call::<_, i64>("a", ()).await.unwrap_err();
    let ErrorKind::Transport(TransportError::Dead { is_sent: true }) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(client.call::<_, i64>("a", ()).await.unwrap(), 1);
    assert_eq!(client.repeatable().call::<_, i64>("a", ()).await.unwrap(), 1);
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn new_connection_that_dies_is_an_error_for_repeatable_calls_too() {
    let (client, connections) = counting(0, Then::Stay).await;
    let error = client.repeatable().call::<_, i64>("a", ()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Dead { .. })), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn limits_of_time_and_size_hold() {
    let silent = accept(async |mut stream| wait_for_end(&mut stream).await).await;
    let limits = |total, response_bytes| {
        let limits = Limits { total, response_bytes, ..Limits::default() };
        Settings { limits, ..Settings::default() }
    };
    let hasty = limits(Duration::from_millis(50), 100);
    let client = Client::with(&format!("http://{silent}"), &hasty).unwrap();
    let error = client.call::<_, i64>("a", ()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::TimedOut)), "{error}");

    let server = Server::start(&[&answer("x".repeat(1_000))], Then::Stay).await;
    let client = Client::with(&server.url(), &limits(Duration::MAX, 100)).unwrap();
    let error = client.call::<_, String>("a", ()).await.unwrap_err();
    assert!(error.to_string().ends_with("the server's reply is longer than 100 bytes"), "{error}");
}

#[tokio::test]
async fn answers_of_megabytes_are_read() {
    let members: BTreeMap<String, Vec<i32>> =
        (0..200).map(|n| (format!("member{n}"), (0..2_000).collect())).collect();
    let answer = answer(callbox_client::to_value(&members).unwrap());
    let server = Server::start(&[&answer], Then::Stay).await;
    let client = Client::new(&server.url()).unwrap();
    let read: BTreeMap<String, Vec<i32>> = client.call("a", ()).await.unwrap();
    assert_eq!(read, members);
}

#[tokio::test]
async fn document_is_carried_as_it_is() {
    let server = Server::start(&[&answer(7)], Then::Stay).await;
    let client = Client::new(&server.url()).unwrap();
    let response = client.post("<methodCall/>").await.unwrap();
    assert!(server.heard()[0].ends_with("\r\n\r\n<methodCall/>"));
    assert_eq!(client.read("a", response).await.unwrap(), Value::Int(7));
}

#[test]
fn program_without_a_runtime_calls_too() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let addr = accept(async |mut stream| {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(&answer(5)).await.unwrap();
                }
            });
            sender.send(addr.await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let client = blocking::Client::new(&format!("http://{}", receiver.recv().unwrap())).unwrap();
    let call = |client: &blocking::Client| client.call::<_, i64>("addition", (2, 3)).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| (0..20).map(|_| call(&client)).sum::<i64>())).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 100));
    });
    assert_eq!(call(&client.repeatable()), 5);
    assert!(!server.is_finished());
}

#[test]
fn client_that_outlives_a_runtime_connects_anew() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let serving = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (client, connections) = serving.block_on(counting(100, Then::Close));
    for _ in 0..2 {
        assert_eq!(runtime().block_on(client.call::<_, i64>("a", ())).unwrap(), 1);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
