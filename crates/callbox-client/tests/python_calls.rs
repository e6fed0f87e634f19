//! The client at Python's own server, whose answers come by other hands than ours.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
mod python;

use std::collections::BTreeMap;

use authority::{Authority, Validity};
use callbox_client::{Base64, Call, Client, DateTime, Settings, Value, blocking};
use python::Python;
use serde::{Deserialize, Serialize};

const SERVER: &str = "python_server.py";

fn client(python: &Python) -> Client {
    Client::new(&format!("http://localhost:{}", python.port)).unwrap()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    article: String,
    count: i64,
    price: f64,
    urgent: bool,
    note: Option<String>,
    when: DateTime,
    scan: Base64,
    tags: Vec<String>,
    more: BTreeMap<String, i32>,
}

#[tokio::test]
async fn types_of_all_kinds_come_back_as_they_went() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let client = client(&python);
    let order = Order {
        article: "Käse <&>".to_owned(),
        count: -3,
        price: 2.5,
        urgent: true,
        note: None,
        when: DateTime::new(2026, 11, 22, 10, 14, 3).unwrap(),
        scan: vec![0, 255].into(),
        tags: vec!["a".to_owned(), String::new()],
        more: BTreeMap::from([("x".to_owned(), 1)]),
    };
    let echoed: Order = client.call("echo", (&order,)).await.unwrap();
    assert_eq!(echoed, order);
    let value: Value = client.call("echo", vec![Value::from("x")]).await.unwrap();
    assert_eq!(value, "x".into());
    let names: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert!(names.contains(&"addition".to_owned()));
}

#[tokio::test]
async fn large_bodies_are_compressed_both_ways() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let settings = Settings { gzip_from: Some(1_000), ..Settings::default() };
    let client = Client::with(&format!("http://localhost:{}", python.port), &settings).unwrap();
    for text in ["short".to_owned(), "long ".repeat(100_000)] {
        assert_eq!(client.call::<_, String>("echo", (&text,)).await.unwrap(), text);
    }
}

#[tokio::test]
async fn calls_go_together_where_the_server_takes_them_and_one_by_one_where_not() {
    for args in [&["--multicall"][..], &[]] {
        let Some(python) = Python::start(SERVER, args) else { return };
        let client = client(&python);
        for _ in 0..2 {
            let calls =
                [Call::new("addition", (2, 3)), Call::new("nothing", ()), Call::new("echo", (7,))];
            let results = client.multicall::<i64>(calls).await.unwrap();
            assert_eq!(results[0].as_ref().ok(), Some(&5));
            assert_eq!(results[1].as_ref().unwrap_err().as_fault().unwrap().code, 1);
            assert_eq!(results[2].as_ref().ok(), Some(&7));
        }
    }
}

#[tokio::test]
async fn calls_that_ran_are_not_made_again_where_a_result_has_no_form() {
    let Some(python) = Python::start(SERVER, &["--multicall", "--unlisted"]) else { return };
    let client = client(&python);
    for sold in 1..3 {
        let calls = [Call::new("sell", ()), Call::new("formless", ())];
        let error = client.multicall::<Value>(calls).await.unwrap_err();
        assert_eq!(error.as_fault().unwrap().code, 1);
        assert_eq!(client.call::<_, i64>("sold", ()).await.unwrap(), sold);
    }
}

#[tokio::test]
async fn certificates_of_both_sides_are_checked() {
    let authority = Authority::new();
    let (localhost, ca) = (authority.localhost(), authority.certificate());
    let args = ["--tls", &localhost.certificate, &localhost.key, "--clients", &ca];
    let Some(python) = Python::start(SERVER, &args) else { return };
    let robot = authority.issue("robot", "/CN=robot", Validity::Now);
    let settings = Settings {
        ca: Some(ca.into()),
        certificate: Some(robot.certificate.into()),
        key: Some(robot.key.into()),
        ..Settings::default()
    };
    let url = format!("https://localhost:{}", python.port);
    let client = Client::with(&url, &settings).unwrap();
    assert_eq!(client.call::<_, i64>("addition", (2, 3)).await.unwrap(), 5);
    let nobody = Settings { certificate: None, key: None, ..settings };
    let error = Client::with(&url, &nobody).unwrap().call::<_, i64>("addition", (2, 3)).await;
    assert!(error.unwrap_err().to_string().contains("cannot connect"));
}

#[test]
fn program_without_a_runtime_calls_through_a_unix_socket() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("blocking-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let args = ["--unix", path.to_str().unwrap(), "--multicall"];
    let Some(_python) = Python::start(SERVER, &args) else { return };
    let client = blocking::Client::new(&format!("http+unix://{}", path.display())).unwrap();
    assert_eq!(client.call::<_, i64>("addition", (2, 3)).unwrap(), 5);
    let results = client.multicall::<i64>([Call::new("addition", (1, 1))]).unwrap();
    assert_eq!(results[0].as_ref().ok(), Some(&2));
    std::fs::remove_file(&path).unwrap();
}
