//! What the gateway publishes, called by JSON.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use gateway::{Gateway, Upstream, array, texts};
use protocol::xmlrpc::{MethodCall, Value};
use support::exchange;

/// A line service that says what it was told.
fn parrot() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut answers = stream.try_clone().unwrap();
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = writeln!(answers, "told {line}");
                }
            });
        }
    });
    addr
}

/// The status and the body that a call by JSON is answered with.
fn post(gateway: &Gateway, path: &str, body: &str) -> (u16, String) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(gateway.addr, &request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn methods_of_line_services_are_called_by_the_names_of_their_parameters() {
    let gateway = Gateway::start(&format!(
        r#"
        [upstream.radio]
        kind = "line"
        address = "{}"

        [method."radio.tune"]
        upstream = "radio"
        params = [
            {{ name = "band", type = "string", one_of = ["AM", "FM"] }},
            {{ name = "frequency", type = "int", min = 1, max = 500 }},
        ]
        send = "TUNE {{band}} {{frequency}}"
        "#,
        parrot()
    ));
    let tune = |body: &str| post(&gateway, "/json/radio.tune", body);
    let told = (200, r#""told TUNE FM 98""#.to_owned());
    assert_eq!(tune(r#"{"frequency": 98, "band": "FM"}"#), told);
    assert_eq!(tune(r#"["FM", 98]"#), told);
    for (body, detail) in [
        (r#"{"frequency": 98}"#, "missing parameter band"),
        (r#"{"frequency": 98, "band": "FM", "p3": 1}"#, "no parameter p3"),
        (r#"{"frequency": 98, "band": "UKW"}"#, "band"),
    ] {
        let (status, problem) = tune(body);
        assert!(status == 400 && problem.contains(detail), "{problem}");
    }
    let (_, discovered) = post(&gateway, "/json/rpc.discover", "");
    let described = r#"{"name":"frequency","required":true,"schema":{"type":"integer"}}"#;
    assert!(discovered.contains(described), "{discovered}");
}

#[test]
fn batch_reaches_an_xml_rpc_server_as_one_multicall() {
    let upstream = Upstream::start(|call: &MethodCall| match call.name.as_str() {
        "system.listMethods" => texts(&["echo", "system.multicall"]).into(),
        "system.multicall" => {
            let entries = call.params[0].as_array().unwrap().iter();
            let echo = |entry: &Value| {
                let params = entry.as_struct().unwrap().get("params").unwrap().clone();
                array(vec![params])
            };
            array(entries.map(echo).collect()).into()
        }
        _ => array(call.params.clone()).into(),
    });
    // By a pattern: its names are there only once the server has told what it has, multicalls too.
    let gateway = Gateway::start(&upstream.file("", "allow = [\"ech*\"]"));
    gateway.wait_for_name("up.echo");
    let call = |id: i32| {
        format!(r#"{{"jsonrpc": "2.0", "method": "up.echo", "params": [{id}], "id": {id}}}"#)
    };
    let (status, answered) = post(&gateway, "/jsonrpc", &format!("[{}, {}]", call(1), call(2)));
    let told = |id: i32| format!(r#"{{"jsonrpc":"2.0","result":[{id}],"id":{id}}}"#);
    assert_eq!((status, answered), (200, format!("[{},{}]", told(1), told(2))));
    assert_eq!(upstream.names_heard(), ["system.multicall"]);
}
