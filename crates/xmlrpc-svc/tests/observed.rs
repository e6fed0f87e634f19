//! What the built binary shows of itself: its metrics and its access log.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;
use support::{PATIENCE, Process, checked_metrics, exchange, value};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn start(args: &[&str]) -> Process {
    Process::start(BINARY, &[&PORTS[..], &["--log-format", "json"], args].concat(), &[], 2)
}

/// A call of `method`, the last of its connection where `headers` say so.
fn request(method: &str, headers: &str, params: &[&str]) -> String {
    let params: String =
        params.iter().map(|param| format!("<param><value>{param}</value></param>")).collect();
    let body = format!(
        "<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    );
    let length = body.len();
    format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn ask(service: &Process, method: &str, headers: &str, params: &[&str]) -> String {
    let headers = format!("{headers}Connection: close\r\n");
    exchange(service.addr("xmlrpc"), &request(method, &headers, params))
}

/// The lines of the access log so far.
fn access_lines(service: &Process) -> Vec<Value> {
    let log = service.stderr();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["target"] == "access").collect()
}

fn names(line: &Value) -> BTreeSet<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn metrics_of_all_kinds_pass_prometheus_own_check() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = start(&["--command-addr", &nobody.to_string()]);
    assert!(
        ask(&service, "addition", "", &["<int>2</int>", "<int>3</int>"]).contains("<int>5</int>")
    );
    ask(&service, "nothing", "", &[]);
    ask(&service, "addition", "Content-Type: image/png\r\n", &[]);
    ask(&service, "command.run", "", &["hello"]);
    service.signal("HUP");
    service.wait_for_log("nothing to reload");
    let metrics = checked_metrics(service.addr("admin"));
    for series in [
        "rpc_server_call_duration_seconds_bucket{door=\"xmlrpc\",rpc_method=\"addition\",outcome=\"ok\",le=\"10\"}",
        "rpc_server_call_duration_seconds_count{door=\"xmlrpc\",rpc_method=\"-\",outcome=\"-32601\"}",
        "rpc_server_call_duration_seconds_count{door=\"xmlrpc\",rpc_method=\"command.run\",outcome=\"-32400\"}",
        "callbox_requests_rejected_total{status=\"415\"}",
        "callbox_upstream_requests_total{upstream=\"command\",outcome=\"error\"}",
        "callbox_upstream_duration_seconds_count{upstream=\"command\"}",
        "callbox_connections{listener=\"admin\"}",
    ] {
        assert_eq!(value(&metrics, series), 1.0, "{series}");
    }
    for series in [
        "callbox_calls_in_flight",
        "callbox_connections_refused_total{reason=\"cap\"}",
        "callbox_log_lines_dropped_total",
        "callbox_reloads_total{result=\"ok\"}",
        "callbox_reloads_total{result=\"error\"}",
        "callbox_upstream_connections{upstream=\"command\",state=\"idle\"}",
        "callbox_upstream_connections{upstream=\"command\",state=\"busy\"}",
        "callbox_body_budget_bytes{budget=\"bodies\"}",
    ] {
        assert_eq!(value(&metrics, series), 0.0, "{series}");
    }
    let process = |name: &str| value(&metrics, &format!("process_{name}"));
    assert!((1.0..1e6).contains(&process("open_fds")));
    assert!(process("max_fds") >= process("open_fds"));
    assert!((1e6..1e9).contains(&process("resident_memory_bytes")));
    assert!(process("cpu_seconds_total") < 60.0);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((now - 120.0..now + 2.0).contains(&process("start_time_seconds")));
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("\ncallbox_build_info{{version=\"{version}\",rustc=\"1.");
    assert!(metrics.contains(&build), "{metrics}");
}

#[test]
fn line_of_a_call_has_the_named_fields_and_no_others() {
    let service = start(&["--access-log", "all"]);
    let headers = "X-Request-Id: abc\r\n\
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    ask(&service, "addition", headers, &["<int>2</int>", "<int>3</int>"]);
    ask(&service, "no\u{a0}thing", headers, &[]);
    let entries = "<array><data><value><struct><member><name>methodName</name><value>nothing</value>\
        </member><member><name>params</name><value><array><data></data></array></value></member>\
        </struct></value></data></array>";
    ask(&service, "system.multicall", headers, &[entries]);
    service.wait_for_log("system.multicall");
    let lines = access_lines(&service);
    let [sum, nothing, multicall] = &lines[..] else { panic!("{lines:#?}") };

    let always = [
        "timestamp",
        "level",
        "target",
        "message",
        "peer",
        "door",
        "method",
        "status",
        "request_bytes",
        "response_bytes",
        "millis",
        "request_id",
        "trace_id",
    ];
    let with = |more: &[&'static str]| always.iter().chain(more).copied().collect::<BTreeSet<_>>();
    assert_eq!(names(sum), with(&[]));
    assert_eq!(names(nothing), with(&["fault"]));
    assert_eq!(names(multicall), with(&["entries", "failed"]));
    assert_eq!(sum["level"], "INFO");
    assert!(sum["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!((&sum["door"], &sum["method"]), (&"xmlrpc".into(), &"addition".into()));
    assert_eq!((&sum["status"], &nothing["status"]), (&200.into(), &200.into()));
    assert!(sum["millis"].as_f64().is_some_and(|millis| (0.0..30_000.0).contains(&millis)));
    assert!(sum["request_bytes"].as_u64().is_some_and(|bytes| bytes > 100));
    assert!(sum["response_bytes"].as_u64().is_some_and(|bytes| bytes > 100));
    assert_eq!(sum["request_id"], "abc");
    assert_eq!(sum["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&nothing["method"], &nothing["fault"]), (&"-".into(), &(-32601).into()));
    assert_eq!((&multicall["entries"], &multicall["failed"]), (&1.into(), &1.into()));
}

#[test]
fn line_of_a_call_by_json_tells_its_door() {
    let service = start(&["--access-log", "all"]);
    let post = |path: &str, body: &str| {
        let head = "Host: localhost\r\nConnection: close\r\n";
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n{body}");
        exchange(service.addr("xmlrpc"), &request)
    };
    let call = r#"{"jsonrpc": "2.0", "method": "addition", "params": [2, 3], "id": 1}"#;
    let bad = r#"{"jsonrpc": "2.0", "method": "addition", "id": 1}"#;
    post("/jsonrpc", call);
    post("/jsonrpc", &format!("[{call}, {bad}, 1]"));
    post("/json/addition", "[2, 3]");
    post("/json/addition", "");
    post("/json/%FF", "");
    service.wait_for_log("\"level\":\"WARN\"");
    let told: Vec<_> = access_lines(&service)
        .iter()
        .map(|line| {
            let part = |name| line[name].to_string().replace('"', "");
            let names = ["level", "door", "method", "status", "fault", "entries", "failed"];
            names.map(part).join(" ")
        })
        .collect();
    let expected = [
        "INFO jsonrpc addition 200 null null null",
        "INFO jsonrpc - 200 null 3 2",
        "INFO json addition 200 null null null",
        "INFO json addition 400 -32602 null null",
        "WARN json - 400 null null null",
    ];
    assert_eq!(told, expected);
}

#[test]
fn default_log_tells_what_went_wrong_and_what_took_long() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = start(&["--command-addr", &nobody.to_string()]);
    ask(&service, "addition", "", &["<int>2</int>", "<int>3</int>"]);
    ask(&service, "addition", "", &[]);
    ask(&service, "command.run", "", &["hello"]);
    ask(&service, "addition", "Content-Type: image/png\r\n", &[]);
    exchange(service.addr("xmlrpc"), "GET /script HTTP/1.0\r\nHost: localhost\r\n\r\n");
    service.wait_for_log("404");
    let told: Vec<_> = access_lines(&service)
        .iter()
        .map(|line| {
            let part = |name| line[name].to_string().replace('"', "");
            [part("level"), part("method"), part("status"), part("fault")].join(" ")
        })
        .collect();
    let expected = [
        "INFO addition 200 -32602",
        "WARN command.run 200 -32400",
        "WARN - 415 null",
        "WARN - 404 null",
    ];
    assert_eq!(told, expected);
    assert!(!service.stderr().contains("script"), "{}", service.stderr());

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let late = start(&["--command-addr", &addr, "--method-deadline", "50ms"]);
    ask(&late, "command.run", "", &["hello"]);
    late.wait_for_log("504");
    let line = &access_lines(&late)[0];
    assert_eq!((&line["level"], &line["method"]), (&"WARN".into(), &"command.run".into()));

    let slow = start(&["--slow-call", "1us"]);
    ask(&slow, "addition", "", &["<int>2</int>", "<int>3</int>"]);
    slow.wait_for_log("\"method\":\"addition\"");
    assert_eq!(access_lines(&slow)[0]["level"], "INFO");
    let mut silent = start(&["--access-log", "off", "--slow-call", "1us"]);
    ask(&silent, "nothing", "", &[]);
    silent.signal("TERM");
    assert_eq!(silent.wait(PATIENCE), Some(0));
    assert_eq!(access_lines(&silent), [Value::Null; 0]);
}

#[test]
fn lines_of_a_flood_are_bounded_and_the_rest_is_counted() {
    const CALLS: usize = 2_000;
    let mut service = start(&[]);
    let flood = request("nothing", "", &[]).repeat(CALLS - 1);
    let answers = exchange(
        service.addr("xmlrpc"),
        &(flood + &request("nothing", "Connection: close\r\n", &[])),
    );
    assert_eq!(answers.matches("-32601").count(), CALLS);
    service.wait_for_log("\"suppressed\":");
    service.signal("TERM");
    assert_eq!(service.wait(PATIENCE), Some(0));
    let lines = access_lines(&service);
    let (counts, calls): (Vec<&Value>, Vec<_>) =
        lines.iter().partition(|line| line.get("suppressed").is_some());
    let suppressed: u64 = counts.iter().map(|line| line["suppressed"].as_u64().unwrap()).sum();
    assert_eq!(calls.len() as u64 + suppressed, CALLS as u64);
    // However many seconds the machine took for them.
    assert!(calls.len() <= 100 * (counts.len() + 1), "{} {counts:?}", calls.len());
}
