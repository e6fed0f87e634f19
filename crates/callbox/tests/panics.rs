//! What is logged of methods that panic, where the log is that of a service.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;
mod log;

use std::sync::LazyLock;

use callbox::{LogFormat, Registry};
use edge::{DEFAULTS, call, exchange, post, start};
use log::LOG;

#[tokio::test]
async fn panic_of_a_method_is_one_line_with_place_words_and_request() {
    LazyLock::force(&LOG);
    svc_runtime::logging::init(LogFormat::Text).unwrap();
    let mut registry = Registry::new();
    registry.add("words", "", || -> i32 { panic!("in the code") });
    registry.add("secret", "", |text: String| -> i32 { panic!("{text}") });
    registry.add_blocking("aside", "", || -> i32 { panic!("on a thread of its own") });
    registry
        .add("thread", "", || std::thread::spawn(|| panic!("in nobody's name")).join().is_err());
    let addr = start(registry, DEFAULTS).await;
    let mut answers = Vec::new();
    for (method, params) in [
        ("words", &[][..]),
        ("words", &[]),
        ("secret", &["hidden"]),
        ("aside", &[]),
        ("thread", &[]),
    ] {
        let headers = format!("X-Request-Id: of-{method}\r\n");
        let answer = exchange(addr, &post("/", &headers, &call(method, params))).await;
        answers.push(answer.result().is_err());
    }
    // What fails from here on is told as ever.
    let _ = std::panic::take_hook();
    assert_eq!(answers, [true, true, true, true, false]);
    let log = LOG.text();
    let told: Vec<_> = log.lines().filter(|line| line.contains("panic")).collect();
    let [words, secret, aside, thread] = &told[..] else { panic!("{log}") };
    for (line, method, payload) in [
        (words, "words", Some("in the code")),
        (secret, "secret", None),
        (aside, "aside", Some("on a thread of its own")),
    ] {
        assert!(line.contains("ERROR") && line.contains("a method panicked"), "{line}");
        assert!(line.contains("peer=127.0.0.1:") && line.contains("times=1"), "{line}");
        assert!(line.contains(&format!("method={method} request_id=\"of-{method}\" ")), "{line}");
        assert!(line.contains("tests/panics.rs:"), "{line}");
        let payload = payload.map(|payload| format!("payload=\"{payload}\""));
        assert_eq!(line.contains("payload="), payload.is_some(), "{line}");
        assert!(line.contains(&payload.unwrap_or_default()), "{line}");
    }
    assert!(thread.contains("tests/panics.rs:") && !thread.contains("request_id"), "{thread}");
    assert!(!log.contains("hidden"), "{log}");
}
