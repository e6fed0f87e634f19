//! `rpc.discover`: what is told of methods by the doors of JSON.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;

use callbox::{Base64, DateTime, Registry, Server, Value};
use edge::{DEFAULTS, array, exchange, post, start};
use serde_json::json;

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry
        .add("sum", "Adds.", |a: i64, b: Option<f64>| a as f64 + b.unwrap_or(0.0))
        .or(|a: String| a)
        .names(["first", "second"]);
    registry.add("mixed", "", |_: Option<bool>, _: DateTime, _: Option<Base64>| ());
    registry.add("any", "Takes \"all\" <b>.", |value: Value| vec![value]);
    registry.add("none", "", || "nothing");
    registry
}

async fn discovered(addr: SocketAddr) -> serde_json::Value {
    let response = exchange(addr, &post("/json/rpc.discover", "", "")).await;
    assert_eq!(response.status, 200);
    serde_json::from_slice(&response.body).unwrap()
}

#[tokio::test]
async fn program_is_told_by_its_name() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::new(registry()).program("shop", "1.2.3").listener(listener);
    tokio::spawn(server.run(std::future::pending()));
    assert_eq!(discovered(addr).await["info"], json!({"title": "shop", "version": "1.2.3"}));
}

#[tokio::test]
async fn methods_are_described_with_schemas() {
    let addr = start(registry(), DEFAULTS).await;
    let document = discovered(addr).await;
    assert_eq!(document["openrpc"], "1.3.2");
    assert_eq!(document["info"], json!({"title": "callbox", "version": env!("CARGO_PKG_VERSION")}));
    let methods = document["methods"].as_array().unwrap();
    let method = |name: &str| methods.iter().find(|method| method["name"] == name).unwrap();
    let content = |name: &str, required: bool, schema: serde_json::Value| json!({"name": name, "required": required, "schema": schema});
    let one_of = |names: &[&str]| json!({"anyOf": names.iter().map(|name| json!({"type": name})).collect::<Vec<_>>()});
    let date = json!({"type": "string", "description": "date and time, ISO 8601"});
    let bytes = json!({"type": "string", "contentEncoding": "base64"});
    let nil = json!({"type": "null"});
    assert_eq!(
        *method("sum"),
        json!({
            "name": "sum",
            "description": "Adds.",
            "params": [
                content("first", true, one_of(&["integer", "string"])),
                content("second", false, one_of(&["number", "null"])),
            ],
            "result": content("result", true, one_of(&["number", "string"])),
        })
    );
    let expected = [
        content("p1", true, one_of(&["boolean", "null"])),
        content("p2", true, date),
        content("p3", false, json!({"anyOf": [bytes, nil]})),
    ];
    assert_eq!(method("mixed")["params"], json!(expected));
    assert_eq!(method("any")["params"], json!([content("p1", true, json!({}))]));
    assert_eq!(method("any")["description"], "Takes \"all\" <b>.");
    assert_eq!(method("none")["params"], json!([]));
    let names: Vec<_> = methods.iter().map(|method| method["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"system.multicall"), "{names:?}");
    assert!(!names.contains(&"rpc.discover"));
}

#[tokio::test]
async fn it_is_a_call_like_others_but_not_listed_and_not_of_xml_rpc() {
    let addr = start(registry(), DEFAULTS).await;
    let call = r#"{"jsonrpc": "2.0", "method": "rpc.discover", "params": {}, "id": 1}"#;
    for document in [call.to_owned(), format!("[{call}]")] {
        let response = exchange(addr, &post("/jsonrpc", "", &document)).await;
        assert!(response.text().contains(r#""result":{"openrpc":"1.3.2""#), "{response:?}");
    }
    let with_params = exchange(addr, &post("/json/rpc.discover", "", "[1]")).await;
    assert_eq!(with_params.status, 400);
    assert!(edge::ask(addr, "rpc.discover", &[]).await.is_err());
    let listed = exchange(addr, &post("/json/system.listMethods", "", "")).await;
    assert!(!listed.text().contains("rpc.discover"), "{listed:?}");
}

#[tokio::test]
async fn a_method_of_that_name_is_the_programs_own() {
    let mut registry = Registry::new();
    registry.add("rpc.discover", "", || vec![1]);
    let addr = start(registry, DEFAULTS).await;
    let response = exchange(addr, &post("/json/rpc.discover", "", "")).await;
    assert_eq!(response.text(), "[1]");
    assert_eq!(edge::ask(addr, "rpc.discover", &[]).await, Ok(array([1])));
}
