//! TLS to Python's own server: whom we believe, and who we are.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
mod python;
mod server;

use std::io;
use std::process::Command;

use authority::{Authority, Identity, Validity};
use callbox_client::transport::{
    BadEndpoint, Connection, Endpoint, EndpointSettings, Error, Request, Setting,
};
use python::{Python, call};
use server::{MAX_BYTES, PATIENCE};
use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

fn start(identity: &Identity, more: &[&str]) -> Option<Python> {
    let tls = ["--tls", &identity.certificate, &identity.key];
    Python::start("python_server.py", &[&tls[..], more].concat())
}

fn believing(authority: &Authority) -> EndpointSettings {
    EndpointSettings { ca: Some(authority.certificate().into()), ..EndpointSettings::default() }
}

fn showing(authority: &Authority, identity: &Identity) -> EndpointSettings {
    EndpointSettings {
        certificate: Some((&identity.certificate).into()),
        key: Some((&identity.key).into()),
        ..believing(authority)
    }
}

async fn connect(url: &str, settings: &EndpointSettings) -> io::Result<Connection> {
    Endpoint::new(url, settings).unwrap().connect(PATIENCE).await
}

async fn sum(connection: &mut Connection) -> Result<bool, Error> {
    let response = connection.post(Request::new(call("addition", &[2, 3])), MAX_BYTES).await?;
    Ok(response.body.windows(12).any(|text| text == b"<int>5</int>"))
}

#[tokio::test]
async fn server_of_the_own_authority_is_asked_again_and_again() {
    let authority = Authority::new();
    let Some(mut python) = start(&authority.localhost(), &[]) else { return };
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", python.port);
        let mut connection = connect(&url, &believing(&authority)).await.unwrap();
        for _ in 0..10 {
            assert!(connection.is_quiet());
            assert!(sum(&mut connection).await.unwrap());
        }
        assert!(connection.is_quiet());
    }
    let url = format!("https://localhost:{}", python.port);
    let mut connection = connect(&url, &believing(&authority)).await.unwrap();
    assert!(sum(&mut connection).await.unwrap());
    python.stop();
    assert!(!connection.is_quiet());
    assert!(matches!(sum(&mut connection).await, Err(Error::Dead { is_sent: false })));
}

#[track_caller]
fn assert_refused(connected: io::Result<Connection>, why: &str) {
    let error = connected.unwrap_err().to_string();
    assert!(error.contains("certificate") && error.contains(why), "{error}");
}

#[tokio::test]
async fn certificate_of_another_name_is_refused() {
    let authority = Authority::new();
    let Some(python) = start(&authority.localhost(), &[]) else { return };
    let url = format!("https://127.0.0.2:{}", python.port);
    assert_refused(connect(&url, &believing(&authority)).await, "not valid for name");
}

#[tokio::test]
async fn certificate_of_another_authority_is_refused() {
    let authority = Authority::new();
    let Some(python) = start(&Authority::new().localhost(), &[]) else { return };
    let url = format!("https://localhost:{}", python.port);
    assert_refused(connect(&url, &believing(&authority)).await, "");
}

#[tokio::test]
async fn certificate_is_refused_out_of_its_time() {
    let authority = Authority::new();
    for (validity, why) in [(Validity::Past, "expired"), (Validity::Future, "not valid yet")] {
        let identity = authority.issue("untimely", "/CN=localhost", validity);
        let Some(python) = start(&identity, &[]) else { return };
        let url = format!("https://localhost:{}", python.port);
        assert_refused(connect(&url, &believing(&authority)).await, why);
    }
}

#[tokio::test]
async fn own_certificate_is_shown_where_the_server_asks_for_it() {
    let authority = Authority::new();
    let ca = authority.certificate();
    let Some(python) = start(&authority.localhost(), &["--clients", &ca]) else { return };
    let url = format!("https://localhost:{}", python.port);
    let robot = authority.issue("robot", "/CN=robot", Validity::Now);
    let mut connection = connect(&url, &showing(&authority, &robot)).await.unwrap();
    assert!(sum(&mut connection).await.unwrap());
    // By TLS 1.3 a client is refused after its handshake: here while it asks,
    let mut nobody = connect(&url, &believing(&authority)).await.unwrap();
    assert_alert(sum(&mut nobody).await);
    // and here before it does.
    let (port, ended) = relay(python.port).await;
    let url = format!("https://localhost:{port}");
    let mut nobody = connect(&url, &believing(&authority)).await.unwrap();
    ended.await.unwrap();
    assert_alert(sum(&mut nobody).await);
}

#[track_caller]
fn assert_alert(asked: Result<bool, Error>) {
    match asked {
        Err(Error::Connect(error)) => assert!(error.to_string().contains("alert"), "{error}"),
        other => panic!("{other:?}"),
    }
}

/// A port by which one connection reaches `port`, and the word that all has come that was said from
/// there.
async fn relay(port: u16) -> (u16, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own_port = listener.local_addr().unwrap().port();
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut from_client, mut to_client) = listener.accept().await.unwrap().0.into_split();
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
        let _ = copy(&mut from_server, &mut to_client).await;
        let _ = tell.send(());
    });
    (own_port, told)
}

/// Says in a process of its own what the system's authorities are.
const URL: &str = "CALLBOX_TEST_URL";

#[tokio::test]
async fn systems_authorities_are_believed_where_no_file_is_named() {
    if let Ok(url) = std::env::var(URL) {
        let mut connection = connect(&url, &EndpointSettings::default()).await.unwrap();
        assert!(sum(&mut connection).await.unwrap());
        return;
    }
    let authority = Authority::new();
    let Some(python) = start(&authority.localhost(), &[]) else { return };
    let again = |ca: &str| {
        let test = "systems_authorities_are_believed_where_no_file_is_named";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env("SSL_CERT_FILE", ca);
        command.env(URL, format!("https://localhost:{}", python.port));
        command.output().unwrap().status.success()
    };
    assert!(again(&authority.certificate()));
    assert!(!again(&Authority::new().certificate()));
    assert!(!again("/dev/null"));
}

#[test]
fn files_that_cannot_be_used_are_told_by_their_setting() {
    let authority = Authority::new();
    let elsewhere = Authority::new();
    let (one, other) = (authority.localhost(), elsewhere.localhost());
    let junk = authority.write("junk.pem", "-----BEGIN CERTIFICATE-----\nsecret\n");
    let empty = authority.write("empty.pem", "");
    let check = |settings: EndpointSettings, setting, why: &str| {
        let error = Endpoint::new("https://localhost", &settings).unwrap_err();
        assert!(error.setting() == setting && error.to_string().contains(why), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    };
    let ca = |path: &str| EndpointSettings { ca: Some(path.into()), ..Default::default() };
    check(ca("/nowhere.pem"), Setting::Ca, "/nowhere.pem: ");
    check(ca(&junk), Setting::Ca, "junk.pem: expected certificates in PEM");
    check(ca(&empty), Setting::Ca, "empty.pem: expected certificates in PEM");
    let own = |certificate: &str, key: &str| {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        showing(&authority, &Identity { certificate, key })
    };
    check(own(&junk, &one.key), Setting::Certificate, "junk.pem");
    check(own(&one.certificate, &junk), Setting::Key, "junk.pem: expected a private key");
    check(own(&one.certificate, "/nowhere"), Setting::Key, "/nowhere: ");
    check(own(&one.certificate, &other.key), Setting::Key, "expected the key of the certificate");
    let half = EndpointSettings { key: None, ..own(&one.certificate, &one.key) };
    check(half, Setting::Key, "both or none");
    let half = EndpointSettings { certificate: None, ..own(&one.certificate, &one.key) };
    check(half, Setting::Certificate, "both or none");
}

#[test]
fn files_for_tls_need_a_url_of_tls() {
    let authority = Authority::new();
    for url in ["http://localhost", "scgi://localhost:1", "http+unix:///run/x.sock"] {
        let error: BadEndpoint = Endpoint::new(url, &believing(&authority)).unwrap_err();
        assert_eq!(error.setting(), Setting::Ca);
    }
}
