//! XML-RPC servers behind the gateway that do as they are told: what reaches them, and what their
//! answers become.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gateway::{Answer, Gateway, GatewayFile, Upstream, array, ok, structure, texts};
use protocol::xmlrpc::{MethodCall, Value, encode_response};
use support::{run_to_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const ALLOW: &str = "allow = [\"echo\", \"d.*\"]";

/// A server that lists these, takes multicalls where that is among them, and echoes.
fn listing(names: &'static [&'static str]) -> impl Fn(&MethodCall) -> Answer + Send + Sync {
    move |call| match call.name.as_str() {
        "system.listMethods" => texts(names).into(),
        "system.multicall" => {
            together(call, |name, params| Ok(array([vec![name.into()], params.to_vec()].concat())))
        }
        "system.methodHelp" => Value::from("Help.").into(),
        "system.methodSignature" => array(vec![texts(&["array", "string"])]).into(),
        name => array([vec![name.into()], call.params.clone()].concat()).into(),
    }
}

/// The answer to a multicall.
fn together(call: &MethodCall, each: impl Fn(&str, &[Value]) -> Result<Value, i32>) -> Answer {
    let entries = call.params[0].as_array().unwrap().iter().map(|entry| {
        let entry = entry.as_struct().unwrap();
        let params = entry.get("params").unwrap().as_array().unwrap();
        match each(entry.get("methodName").unwrap().as_str().unwrap(), params.as_slice()) {
            Ok(value) => array(vec![value]),
            Err(code) => structure(&[("faultCode", code.into()), ("faultString", "no".into())]),
        }
    });
    array(entries.collect()).into()
}

#[test]
fn what_is_denied_or_does_not_match_never_reaches_the_server() {
    let upstream = Upstream::start(listing(&["echo", "d.a", "d.secret", "system.multicall"]));
    let publish = format!(
        "{ALLOW}\ndeny = [\"d.secret*\"]\n[publish.up.params]\n\"d.*\" = [\"\", \"main|started\", \"d\\\\.(name|ratio)=\"]"
    );
    let gateway = Gateway::start(&upstream.file("", &publish));
    gateway.wait_for_name("up.d.a");
    assert_eq!(
        gateway.names(),
        ["addition", "command.list", "command.run", "subtraction", "up.d.a", "up.echo"]
            .map(str::to_owned)
    );
    let text = Value::from;
    let bytes = |bytes: &[u8]| Value::Base64(bytes.to_vec());
    let evil = "EVIL";
    let refused: [&[Value]; 9] = [
        &[text(evil)],
        &[text(""), text("main\n"), text(evil)],
        &[text(""), text("mainstarted"), text(evil)],
        &[text(""), text("main"), text("d.name="), text("d.name=EVIL")],
        &[text(""), text("main"), bytes(evil.as_bytes())],
        &[text(""), text("main"), bytes(b"d.name=\xff")],
        &[text(""), text("main"), array(vec![text(evil)])],
        &[text(""), structure(&[("a", text(evil))])],
        &[array(vec![]), text(evil)],
    ];
    for params in refused {
        assert_eq!(gateway.fault("up.d.a", params), -32602, "{params:?}");
        let results = gateway.multicall(&[("up.d.a", params), ("up.d.b", params)]);
        assert_eq!(results, [Err(-32602), Err(-32602)], "{params:?}");
    }
    for name in ["up.d.secret", "up.d.secret.x", "up.other", "up.system.listMethods"] {
        assert_eq!(gateway.fault(name, &[text(evil)]), -32601, "{name}");
        let results = gateway.multicall(&[(name, &[text(evil)]), (name, &[text(evil)])]);
        assert_eq!(results, [Err(-32601), Err(-32601)], "{name}");
    }
    assert_eq!(upstream.names_heard(), Vec::<String>::new());
    assert!(!upstream.everything().contains(evil));
    let good = [text(""), bytes(b"main"), text("d.ratio="), 7.into(), Value::Nil, true.into()];
    let mut expected = vec![text("d.a")];
    expected.extend(good.clone());
    assert_eq!(gateway.call("up.d.a", &good), Ok(array(expected)));
    assert_eq!(upstream.names_heard(), ["d.a"]);
}

#[test]
fn calls_are_written_anew_with_the_callers_trail() {
    let upstream = Upstream::start(listing(&["echo"]));
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers =
        format!("X-Request-Id: abc-1\r\ntraceparent: {trace}\r\nX-Other: z\r\nCookie: c\r\n");
    let params =
        [Value::from("]]>&<\u{e9}\r\n"), i64::MAX.into(), (-0.5).into(), vec![1_u8].into()];
    let mut expected = vec!["echo".into()];
    expected.extend(params.clone());
    assert_eq!(gateway.call_with(&headers, "up.echo", &params), Ok(array(expected)));
    let heard = upstream.heard().remove(0);
    assert!(heard.head.starts_with("post /rpc2 http/1.1\r\n"), "{}", heard.head);
    assert!(heard.head.contains("x-request-id: abc-1\r\n"), "{}", heard.head);
    assert!(heard.head.contains(&format!("traceparent: {trace}\r\n")), "{}", heard.head);
    assert!(!heard.head.contains("x-other") && !heard.head.contains("cookie"), "{}", heard.head);
    assert!(heard.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{}", heard.body);
    assert_eq!(heard.call, MethodCall::new("echo", params.to_vec()));
}

#[test]
fn consecutive_entries_go_as_one_multicall() {
    let upstream = Upstream::start(listing(&["d.a", "system.multicall"]));
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    gateway.wait_for_name("up.d.a");
    let (one, two) = (&[Value::from(1)][..], &[Value::from(2)][..]);
    let results = gateway.multicall(&[
        ("up.d.a", one),
        ("up.d.b", two),
        ("addition", &[1.into(), 2.into()]),
        ("up.echo", one),
    ]);
    let echo = |name: &str, number: i32| Ok(array(vec![name.into(), number.into()]));
    assert_eq!(results, [echo("d.a", 1), echo("d.b", 2), Ok(3.into()), echo("echo", 1)]);
    assert_eq!(upstream.names_heard(), ["system.multicall", "echo"]);
}

#[test]
fn server_without_multicall_is_asked_one_by_one() {
    let upstream = Upstream::start(listing(&["d.a"]));
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    gateway.wait_for_name("up.d.a");
    let results = gateway.multicall(&[("up.d.a", &[]), ("up.d.b", &[])]);
    assert_eq!(results, [Ok(texts(&["d.a"])), Ok(texts(&["d.b"]))]);
    assert_eq!(upstream.names_heard(), ["d.a", "d.b"]);
}

#[test]
fn server_whose_multicall_does_not_wrap_results_is_asked_one_by_one() {
    let names = ["d.a", "system.multicall"];
    let upstream = Upstream::start(move |call| match call.name.as_str() {
        "system.listMethods" => texts(&names).into(),
        "system.multicall" => array(vec![texts(&names)]).into(),
        "d.a" => texts(&["only"]).into(),
        _ => Value::from("").into(),
    });
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    gateway.wait_for_name("up.d.a");
    let results = gateway.multicall(&[("up.d.a", &[]), ("up.d.b", &[])]);
    assert_eq!(results, [Ok(texts(&["only"])), Ok("".into())]);
    assert_eq!(upstream.names_heard(), ["d.a", "d.b"]);
}

#[test]
fn multicall_that_fails_as_a_whole_is_a_fault_of_each_entry_and_not_sent_again() {
    for (answer, expected) in [
        (Answer::Fault(7, "no"), 7),
        (array(vec![array(vec![1.into()])]).into(), -32300),
        (Value::from(1).into(), -32300),
        (Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".to_vec()), -32300),
        (Answer::Raw(Vec::new()), -32400),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let usual = listing(&["d.a", "system.multicall"]);
        let upstream = Upstream::start(move |call| {
            let asked = format!("{call:?}");
            let is_about_methods =
                asked.contains("system.method") || asked.contains("system.listMethods");
            let is_ours = call.name == "system.multicall" && !is_about_methods;
            match is_ours.then(|| answer.lock().unwrap().take()).flatten() {
                Some(answer) => answer,
                None => usual(call),
            }
        });
        let gateway = Gateway::start(&upstream.file("", ALLOW));
        gateway.wait_for_name("up.d.a");
        let calls: [(&str, &[Value]); 3] = [("up.d.a", &[]), ("up.d.b", &[]), ("up.d.c", &[])];
        let results = gateway.multicall(&calls);
        assert_eq!(results, [Err(expected), Err(expected), Err(expected)]);
        assert_eq!(upstream.names_heard(), ["system.multicall"], "{expected}");
    }
}

#[test]
fn each_entry_of_a_multicall_has_its_own_fault() {
    let usual = listing(&["d.a", "system.multicall"]);
    let upstream = Upstream::start(move |call| match call.name.as_str() {
        "system.multicall" => together(call, |name, _| match name {
            "d.bad" => Err(5),
            "system.listMethods" => Ok(texts(&["d.a", "system.multicall"])),
            name => Ok(name.into()),
        }),
        _ => usual(call),
    });
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    gateway.wait_for_name("up.d.a");
    let results =
        gateway.multicall(&[("up.d.a", &[]), ("up.d.bad", &[]), ("up.no", &[]), ("up.d.c", &[])]);
    assert_eq!(results, [Ok("d.a".into()), Err(5), Err(-32601), Ok(texts(&["d.c"]))]);
}

#[test]
fn nonsense_and_silence_are_faults_in_time() {
    let long = encode_response(&"x".repeat(2_000).into()).unwrap();
    let deep = "<value><array><data>".repeat(200) + &"</data></array></value>".repeat(200);
    let deep = format!("<methodResponse><params><param>{deep}</param></params></methodResponse>");
    let chunk = "x".repeat(2_000);
    let endless =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n{chunk}");
    let cases: Vec<(Vec<u8>, i32)> = vec![
        (ok("text/html", b"<html>secret</html>"), -32300),
        (ok("text/xml", b"<methodResponse>"), -32300),
        (ok("text/xml", b""), -32300),
        (ok("text/xml", b"\xff\xfe\xfd"), -32300),
        (ok("text/xml; charset=klingon", &encode_response(&1.into()).unwrap()), -32300),
        (ok("text/xml", deep.as_bytes()), -32300),
        (ok("text/xml", &long), -32300),
        (endless.into_bytes(), -32300),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n".to_vec(), -32300),
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), -32300),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
                .to_vec(),
            -32300,
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
                .to_vec(),
            -32300,
        ),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".to_vec(), -32300),
        (b"HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\nsecret".to_vec(), -32300),
        (b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n".to_vec(), -32400),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<meth".to_vec(), -32400),
        (b"HTTP/1.1 200".to_vec(), -32400),
        (Vec::new(), -32400),
    ];
    let number = cases.len();
    let expected: Vec<_> = cases.iter().map(|(_, code)| *code).collect();
    let upstream = Upstream::start(move |call| {
        match call.params.first().and_then(Value::as_int).and_then(|n| usize::try_from(n).ok()) {
            Some(case) if case < cases.len() => Answer::Raw(cases[case].0.clone()),
            Some(_) => Answer::Silence,
            None => Answer::Fault(1, "no"),
        }
    });
    let keys = "timeout = \"1s\"\nmax_response_bytes = 1000";
    let gateway = Gateway::start(&upstream.file(keys, ALLOW));
    for (case, expected) in (0_i64..).zip(&expected) {
        // A failure has the others leave the server alone for a moment.
        wait_until("the server is asked", || {
            let before = upstream.heard().len();
            let fault = gateway.call("up.echo", &[case.into()]).unwrap_err();
            assert!(!fault.message.contains("secret"), "{fault:?}");
            let was_asked = upstream.heard().len() > before;
            assert!(!was_asked || fault.code == *expected, "{case} {fault:?}");
            was_asked
        });
    }
    let silent = i64::try_from(number).unwrap();
    let started = Instant::now();
    wait_until("the silent server is asked", || {
        let before = upstream.heard().len();
        assert_eq!(gateway.fault("up.echo", &[silent.into()]), -32400);
        upstream.heard().len() > before
    });
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(!gateway.process.stderr().contains("secret"), "{}", gateway.process.stderr());
    assert_eq!(gateway.call("addition", &[1.into(), 2.into()]), Ok(3.into()));
}

#[test]
fn frozen_server_costs_a_multicall_about_one_deadline_and_others_nothing() {
    let is_frozen = Arc::new(AtomicBool::new(false));
    let (frozen, usual) = (is_frozen.clone(), listing(&["d.a"]));
    let upstream = Upstream::start(move |call| match frozen.load(Ordering::Relaxed) {
        true => Answer::Silence,
        false => usual(call),
    });
    let gateway = Gateway::start(&upstream.file("timeout = \"500ms\"", ALLOW));
    gateway.wait_for_name("up.d.a");
    is_frozen.store(true, Ordering::Relaxed);
    let mut calls: Vec<(&str, &[Value])> = vec![("up.d.a", &[]); 20];
    let addition = [Value::from(1), 2.into()];
    calls.push(("addition", &addition));
    let started = Instant::now();
    let mut results = gateway.multicall(&calls);
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    assert_eq!(results.pop(), Some(Ok(3.into())));
    assert!(results.iter().all(|result| *result == Err(-32400)), "{results:?}");
}

#[test]
fn names_are_kept_while_the_server_is_down() {
    let upstream = Upstream::start(listing(&["d.a"]));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // Down from the start: what is allowed can be called, and what is allowed by name is listed.
    let text = upstream.file("", ALLOW).replace(&upstream.addr.to_string(), &free.to_string());
    let gateway = Gateway::start(&text);
    assert!(gateway.names().contains(&"up.echo".to_owned()));
    for name in ["up.echo", "up.d.a"] {
        assert_eq!(gateway.fault(name, &[]), -32400, "{name}");
    }
    // It comes up, and is asked again in the background.
    let late = Upstream::start_at(free, listing(&["d.a", "d.late"]));
    gateway.wait_for_name("up.d.late");
    assert_eq!(gateway.call("up.d.late", &[]), Ok(texts(&["d.late"])));
    assert_eq!(late.names_heard(), ["d.late"]);
}

#[test]
fn names_are_kept_where_the_file_is_read_again_while_the_server_is_down() {
    let is_down = Arc::new(AtomicBool::new(false));
    let (down, usual) = (is_down.clone(), listing(&["d.a", "d.b"]));
    let upstream = Upstream::start(move |call| match down.load(Ordering::Relaxed) {
        true => Answer::Raw(Vec::new()),
        false => usual(call),
    });
    let gateway = Gateway::start(&upstream.file("", ALLOW));
    let help = || gateway.call("system.methodHelp", &["up.d.a".into()]);
    wait_until("help is there", || help() == Ok("Help.".into()));
    is_down.store(true, Ordering::Relaxed);
    gateway.file.write(&upstream.file("", &format!("{ALLOW}\ndeny = [\"d.b\"]")));
    gateway.hang_up();
    wait_until("the new file holds", || gateway.fault("up.d.b", &[]) == -32601);
    assert_eq!(help(), Ok("Help.".into()));
    assert!(!gateway.names().contains(&"up.d.b".to_owned()));
}

#[test]
fn what_a_server_says_of_itself_is_bounded_and_local_names_win() {
    let upstream = Upstream::start(|call| match call.name.as_str() {
        "system.listMethods" => {
            let mut names = vec![
                Value::from("dition"),
                "d.a b".into(),
                "d.\u{e9}".into(),
                7.into(),
                format!("d.{}", "x".repeat(200)).into(),
                "d.same".into(),
                "d.same".into(),
                "system.multicall".into(),
            ];
            names.extend((0..20_000).map(|number| format!("d.{number:05}").into()));
            array(names).into()
        }
        "system.multicall" => together(call, |name, _| match name {
            "system.methodHelp" => Ok("\u{e9}".repeat(3_000).into()),
            _ => Ok(array(vec![texts(&["int", "string"]), texts(&["<b>"])])),
        }),
        _ => Answer::Fault(1, "no"),
    });
    let publish = "allow = [\"d*\"]";
    let text = upstream.file("", publish).replace("prefix = \"up.\"", "prefix = \"ad\"");
    let gateway = Gateway::start(&text);
    gateway.wait_for_name("add.same");
    let names = gateway.names();
    let theirs: Vec<_> = names.iter().filter(|name| name.starts_with("add.")).collect();
    // Ten thousand names, of which eight are others.
    assert_eq!(theirs.len(), 10_000 - 8 + 1);
    assert_eq!(theirs.iter().filter(|name| **name == "add.same").count(), 1);
    assert_eq!(gateway.call("addition", &[1.into(), 2.into()]), Ok(3.into()));
    let help = || gateway.call("system.methodHelp", &["add.09000".into()]).unwrap();
    wait_until("help is there", || help() != Value::from(""));
    assert_eq!(help(), "\u{e9}".repeat(2_048).into());
    let signature = gateway.call("system.methodSignature", &["add.09000".into()]);
    assert_eq!(signature, Ok(array(vec![texts(&["int", "string"])])));
}

#[test]
fn file_is_read_again_and_a_bad_one_changes_nothing() {
    let (one, two) = (Upstream::start(listing(&["d.a"])), Upstream::start(listing(&["d.b"])));
    let gateway = Gateway::start(&one.file("", ALLOW));
    gateway.wait_for_name("up.d.a");
    gateway.file.write("\n[upstream.up]\nkind = \"lines\"\n");
    gateway.hang_up();
    let path = gateway.file.0.display().to_string();
    gateway.process.wait_for_log(&format!("{path}:3: kind: expected"));
    assert_eq!(gateway.call("up.d.a", &[]), Ok(texts(&["d.a"])));
    gateway.file.write(&two.file("", "allow = [\"d.b\"]"));
    gateway.hang_up();
    // Listed and not called: what is called may still be on its way to the first one.
    wait_until("the new file holds", || gateway.names().contains(&"up.d.b".to_owned()));
    assert_eq!(gateway.fault("up.d.a", &[]), -32601);
    assert_eq!(gateway.call("up.d.b", &[]), Ok(texts(&["d.b"])));
    assert!(!gateway.names().contains(&"up.d.a".to_owned()));
    assert_eq!(
        (one.names_heard(), two.names_heard()),
        (vec!["d.a".to_owned()], vec!["d.b".to_owned()])
    );
}

#[test]
fn call_in_flight_ends_on_what_it_began_on() {
    let (release, entered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (released, inside, usual) = (release.clone(), entered.clone(), listing(&["d.a"]));
    let one = Upstream::start(move |call| {
        if call.name == "d.slow" {
            inside.fetch_add(1, Ordering::Relaxed);
            wait_until("it may end", || released.load(Ordering::Relaxed));
        }
        usual(call)
    });
    let gateway = Gateway::start(&one.file("", ALLOW));
    thread::scope(|scope| {
        let slow = scope.spawn(|| gateway.call("up.d.slow", &[]));
        wait_until("the call is there", || entered.load(Ordering::Relaxed) == 1);
        gateway.file.write("");
        gateway.hang_up();
        wait_until("it is gone", || gateway.call("up.d.a", &[]).is_err_and(|it| it.code == -32601));
        release.store(true, Ordering::Relaxed);
        assert_eq!(slow.join().unwrap(), Ok(texts(&["d.slow"])));
    });
}

#[test]
fn bad_file_ends_the_start_with_a_line() {
    let file = GatewayFile::new("[upstream.up]\nkind = \"xmlrpc\"\nurl = \"ftp://x\"\n");
    let path = file.0.to_str().unwrap();
    let check = |args: &[&str], env: &[(&str, &str)]| {
        let ended = run_to_end(BINARY, args, env);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let line = ended.stderr.lines().next().unwrap();
        assert!(line.contains(&format!("{path}:3: url: expected ")), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    };
    check(&["--gateway", path], &[]);
    check(&[], &[("GATEWAY_FILE", path)]);
    file.write("[method.addition]\nupstream = \"up\"\nsend = \"x\"");
    let ended = run_to_end(BINARY, &["--gateway", path], &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let taken = format!("{path}:1: addition: taken by another method, expected another name");
    assert!(ended.stderr.contains(&taken), "{ended:?}");
}

#[test]
fn crowd_at_a_slow_server_is_refused_beyond_those_that_may_wait() {
    let upstream = Upstream::start(|call| match call.name.as_str() {
        "d.slow" => Answer::Silence,
        _ => Answer::Fault(1, "no"),
    });
    let keys = "connections = 2\nwaiting = 3\ntimeout = \"3s\"";
    let gateway = Gateway::start(&upstream.file(keys, ALLOW));
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..5).map(|_| scope.spawn(|| gateway.call("up.d.slow", &[]))).collect();
        wait_until("both places are taken", || upstream.heard().len() == 2);
        // The others wait as soon as they have come.
        wait_until("a call is refused at once", || {
            let started = Instant::now();
            let refused = scope.spawn(|| gateway.fault("up.d.slow", &[])).join().unwrap();
            refused == -32400 && started.elapsed() < Duration::from_millis(500)
        });
        assert_eq!(gateway.call("addition", &[1.into(), 2.into()]), Ok(3.into()));
        for call in calls {
            assert_eq!(call.join().unwrap().unwrap_err().code, -32400);
        }
    });
}
