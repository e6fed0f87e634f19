//! Servers behind a proxy, which is asked for a server by name, or for a way to it.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
mod python;
mod server;

use std::process::Command;

use authority::Authority;
use callbox_client::{Client, Proxy, Settings, Way};
use protocol::xmlrpc::encode_response;
use python::Python;
use server::{Server, Then, accept, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

fn by(proxy: &str) -> Settings {
    let proxy: Proxy = proxy.parse().unwrap();
    Settings { way: Way::Proxy(proxy), ..Settings::default() }
}

fn answer() -> Vec<u8> {
    http("", &encode_response(&5.into()).unwrap())
}

#[tokio::test]
async fn proxy_is_told_the_whole_url_and_its_own_login() {
    let proxy = Server::start(&[&answer(), &answer()], Then::Stay).await;
    let settings = by(&format!("http://bob:word@{}", proxy.addr));
    let client = Client::with("http://ana:secret@server.invalid:8080/x?y", &settings).unwrap();
    for _ in 0..2 {
        assert_eq!(client.call::<_, i64>("a", ()).await.unwrap(), 5);
    }
    for heard in proxy.heard() {
        let head = "POST http://server.invalid:8080/x?y HTTP/1.1\r\nHost: server.invalid:8080\r\n";
        assert!(heard.starts_with(head), "{heard}");
        assert!(heard.contains("\r\nAuthorization: Basic YW5hOnNlY3JldA==\r\n"), "{heard}");
        assert!(heard.contains("\r\nProxy-Authorization: Basic Ym9iOndvcmQ=\r\n"), "{heard}");
    }
}

#[tokio::test]
async fn server_of_tls_is_spoken_to_through_the_proxy() {
    let authority = Authority::new();
    let localhost = authority.localhost();
    let tls = ["--tls", &localhost.certificate, &localhost.key];
    let Some(python) = Python::start("python_server.py", &tls) else { return };
    let port = python.port;
    let proxy = accept(move |mut stream| async move {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0);
        }
        let request = String::from_utf8(request).unwrap();
        assert!(
            request.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(!request.contains("\r\nAuthorization"), "{request}");
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    });
    let proxy = format!("http://{}", proxy.await);
    let settings = Settings { ca: Some(authority.certificate().into()), ..by(&proxy) };
    let client = Client::with(&format!("https://ana:secret@localhost:{port}"), &settings).unwrap();
    for _ in 0..3 {
        assert_eq!(client.call::<_, i64>("addition", (2, 3)).await.unwrap(), 5);
    }
}

#[tokio::test]
async fn refusal_of_the_proxy_is_told_as_such() {
    let refusal = b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n";
    let proxy = accept(move |mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(refusal).await;
    });
    let authority = Authority::new();
    let proxy = format!("http://{}", proxy.await);
    let settings = Settings { ca: Some(authority.certificate().into()), ..by(&proxy) };
    let client = Client::with("https://server.invalid", &settings).unwrap();
    let error = client.call::<_, i64>("a", ()).await.unwrap_err().to_string();
    assert!(error.ends_with("cannot connect: the proxy refused with status 407"), "{error}");
    let client = Client::with("http://server.invalid", &by(&proxy)).unwrap();
    assert_eq!(client.call::<_, i64>("a", ()).await.unwrap_err().status(), Some(407));
}

/// Set where this process is to call a server that only a proxy knows.
const INSIDE: &str = "CALLBOX_TEST_PROXIED";

#[tokio::test]
async fn environment_names_the_proxy() {
    let test = "environment_names_the_proxy";
    if std::env::var_os(INSIDE).is_some() {
        let client = Client::new("http://server.invalid").unwrap();
        assert_eq!(client.call::<_, i64>("a", ()).await.unwrap(), 5);
        return;
    }
    let proxy = Server::start(&[&answer()], Then::Stay).await;
    let again = async |variables: Vec<(&'static str, String)>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env(INSIDE, "").envs(variables);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
        ran.unwrap().status.success()
    };
    let named = ("HTTP_PROXY", format!("http://{}", proxy.addr));
    assert!(again(vec![named.clone()]).await);
    assert!(!again(vec![named, ("NO_PROXY", ".invalid".to_owned())]).await);
    assert_eq!(proxy.heard().len(), 1);
}

#[test]
fn proxy_needs_a_url_of_http() {
    for url in ["scgi://localhost:1", "http+unix:///run/x.sock", "scgi+unix:///run/x.sock"] {
        let error = Client::with(url, &by("proxy:3128")).unwrap_err();
        assert!(error.to_string().contains("for a proxy"), "{error}");
        Client::new(url).unwrap();
    }
}
