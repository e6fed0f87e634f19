//! What upstreams refuse, and what is refused of a gateway file.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use gateway::{Answer, Gateway, GatewayFile, Upstream, array, texts};
use protocol::xmlrpc::{Fault, MethodCall, Value, encode_fault};
use support::{Process, get, run_to_end, value};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
const ALLOW: &str = "allow = [\"d.*\"]";

#[test]
fn refusal_by_a_status_is_counted_as_no_answer() {
    for status in ["302 Elsewhere", "401 Who", "403 No", "404 What", "500 Oh", "503 Later"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes();
        let upstream = Upstream::start(move |_| Answer::Raw(answer.clone()));
        let gateway = Gateway::start(&upstream.file("", ALLOW));
        assert!([-32300, -32400].contains(&gateway.fault("up.d.a", &[])), "{status}");
        let metrics = get(gateway.process.addr("admin"), "/metrics").1;
        let count = |outcome: &str| {
            let labels = format!("{{upstream=\"up\",outcome=\"{outcome}\"}}");
            value(&metrics, &format!("callbox_upstream_requests_total{labels}"))
        };
        assert_eq!(count("ok"), 0.0, "{status}\n{metrics}");
        assert!(count("error") >= 1.0, "{status}\n{metrics}");
    }
}

/// Takes several calls as one, and refuses to make them in as many words as there can be.
fn refuse(call: &MethodCall) -> Answer {
    let names = texts(&["d.a", "system.listMethods", "system.multicall"]);
    match (&*call.name, call.params.first().and_then(Value::as_array)) {
        ("system.listMethods", _) => names.into(),
        ("system.multicall", Some(calls)) if calls.len() == 1 => {
            array(vec![array(vec![names])]).into()
        }
        ("system.multicall", _) => {
            let fault = encode_fault(&Fault::new(7, "no ".repeat(2 << 20)));
            Answer::Raw(gateway::ok("text/xml", &fault))
        }
        _ => Answer::Fault(1, "no"),
    }
}

#[test]
fn long_refusal_of_a_whole_multicall_is_not_kept_for_each_of_its_entries() {
    let upstream = Upstream::start(refuse);
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    gateway.wait_for_name("up.d.a");
    let calls: Vec<(&str, &[Value])> = vec![("up.d.a", &[]); 1_000];
    support::wait_until("they are asked together", || {
        gateway.multicall(&calls[..2]) == [Err(7), Err(7)]
    });
    assert_eq!(gateway.multicall(&calls), vec![Err(7); 1_000]);
    let peak = gateway.process.peak_memory();
    assert!(peak < 100 << 20, "{peak} bytes at the peak");
}

#[test]
fn name_of_the_text_service_is_no_upstreams_where_there_is_one() {
    let text = "[upstream.command]\nkind = \"line\"\naddress = \"127.0.0.1:9\"\n";
    let file = GatewayFile::new(text);
    let path = file.0.to_str().unwrap();
    let args = [&PORTS[..], &["--gateway", path]].concat();
    let ended = run_to_end(BINARY, &[&args[..], &["--command-addr", "127.0.0.1:9"]].concat(), &[]);
    let what = "command: the service asks another one by this name, expected another";
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stderr, format!("error: {path}:1: {what}\n"));
    Process::start(BINARY, &args, &[], 2);
}
