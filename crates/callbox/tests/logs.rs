//! What is logged of methods that behave badly: rarely, and with their names.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;
mod log;

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use callbox::{Fault, MAX_HOLD, Registry, internal, methods};
use edge::{DEFAULTS, ask, call, entry, exchange, multicall, post, start};
use log::LOG;

/// The lines that name `method` and have `words`.
fn lines_with(words: &str, method: &str) -> Vec<String> {
    lines(method).into_iter().filter(|line| line.contains(words)).collect()
}

/// The lines that name `method`.
fn lines(method: &str) -> Vec<String> {
    let log = LOG.text();
    let named = format!("method={method} ");
    let lines = log.lines();
    lines.filter(|line| line.contains(&named)).map(str::to_owned).collect()
}

struct Slow;

/// Longer than a method may hold a thread, or about as long as one that does nothing.
fn hold(is_long: bool) {
    thread::sleep(if is_long { MAX_HOLD + Duration::from_millis(10) } else { Duration::ZERO });
}

#[methods(prefix = "slow")]
impl Slow {
    fn sync() {
        hold(true);
    }

    async fn later() {
        tokio::task::yield_now().await;
        hold(true);
    }

    #[method(blocking)]
    fn aside() {
        hold(true);
    }

    fn quick() {
        hold(false);
    }

    async fn waits() {
        tokio::time::sleep(MAX_HOLD * 2).await;
    }

    fn panics() {
        hold(true);
        panic!("as it was told")
    }
}

#[tokio::test]
async fn method_that_holds_its_thread_is_warned_of_by_name_once_a_minute() {
    LazyLock::force(&LOG);
    let mut registry = Registry::new();
    registry.add_methods(Slow);
    registry.add("slow.by_hand", "", || hold(true));
    let addr = start(registry, DEFAULTS).await;
    for method in ["sync", "later", "aside", "quick", "waits", "panics", "by_hand"] {
        for _ in 0..2 {
            _ = ask(addr, &format!("slow.{method}"), &[]).await;
        }
    }
    for (method, warnings) in [
        ("slow.sync", 1),
        ("slow.later", 1),
        ("slow.panics", 1),
        ("slow.by_hand", 1),
        ("slow.aside", 0),
        ("slow.quick", 0),
        ("slow.waits", 0),
    ] {
        let lines = lines_with("holds a thread", method);
        assert_eq!(lines.len(), warnings, "{method}: {lines:?}");
        assert!(lines.iter().all(|line| line.contains("WARN")), "{lines:?}");
    }
}

/// Who holds the thread is the entry's method, and not the multicall.
#[tokio::test]
async fn slow_entry_of_a_multicall_is_warned_of_by_its_own_name() {
    LazyLock::force(&LOG);
    let mut registry = Registry::new();
    registry.add("slow.entry", "", || hold(true));
    let addr = start(registry, DEFAULTS).await;
    assert!(multicall(addr, &vec![entry("slow.entry", ""); 2]).await.is_ok());
    assert_eq!(lines("slow.entry").len(), 1);
    assert_eq!(lines("system.multicall"), [""; 0]);
}

struct Unwritable;

#[methods(prefix = "unwritable")]
impl Unwritable {
    fn nan() -> f64 {
        f64::NAN
    }

    fn bell() -> &'static str {
        "\u{7}"
    }

    async fn wide() -> Result<u64, String> {
        Ok(u64::MAX)
    }

    #[method(blocking)]
    fn nested() -> Vec<f64> {
        vec![1.0, f64::INFINITY]
    }

    fn result() -> Option<Result<i32, String>> {
        Some(Err("secret".to_owned()))
    }
}

#[tokio::test]
async fn result_that_cannot_be_written_is_one_line_with_its_method() {
    LazyLock::force(&LOG);
    let mut registry = Registry::new();
    registry.add_methods(Unwritable);
    registry.add("unwritable.by_hand", "", || i128::MAX);
    let addr = start(registry, DEFAULTS).await;
    for method in ["nan", "bell", "wide", "nested", "result", "by_hand"] {
        let method = format!("unwritable.{method}");
        for _ in 0..50 {
            let (code, text) = ask(addr, &method, &[]).await.unwrap_err();
            assert_eq!(code, callbox::code::INTERNAL_ERROR, "{method}");
            assert!(!text.contains("secret"), "{text}");
        }
        assert!(multicall(addr, &vec![entry(&method, ""); 50]).await.is_ok());
        let lines = lines(&method);
        assert_eq!(lines.len(), 1, "{method}: {lines:?}");
        assert!(lines[0].contains("ERROR") && lines[0].contains("cannot be written"), "{lines:?}");
        assert!(lines[0].contains("times=1 ") && !lines[0].contains("secret"), "{lines:?}");
    }
}

struct Failing;

#[methods(prefix = "failing")]
impl Failing {
    fn sync() -> Result<i32, Fault> {
        Err(internal("the disk is full"))
    }

    async fn later() -> Result<i32, Fault> {
        tokio::task::yield_now().await;
        Err(internal("the disk is full"))
    }

    #[method(blocking)]
    fn aside() -> Result<i32, Fault> {
        Err(internal("the disk is full"))
    }

    fn panics() {
        panic!("the disk is full")
    }

    async fn panics_later() {
        tokio::task::yield_now().await;
        panic!("the disk is full")
    }

    #[method(blocking)]
    fn panics_aside() {
        panic!("the disk is full")
    }

    async fn elsewhere() -> Result<i32, Fault> {
        let task = async { internal("not in the method") };
        Err(tokio::spawn(task).await.map_err(internal)?)
    }
}

const FAILING: [&str; 6] = ["sync", "later", "aside", "panics", "panics_later", "panics_aside"];

#[tokio::test]
async fn line_of_an_internal_error_has_the_request_id_that_the_caller_sees() {
    LazyLock::force(&LOG);
    let mut registry = Registry::new();
    registry.add_methods(Failing);
    let addr = start(registry, DEFAULTS).await;
    for name in FAILING {
        let method = format!("failing.{name}");
        let answer = exchange(addr, &post("/", "", &call(&method, &[]))).await;
        assert!(!answer.text().contains("disk"), "{}", answer.text());
        let id = answer.header("x-request-id").unwrap();
        let lines = lines_with("request_id=", &method);
        let [line] = &lines[..] else { panic!("{method}: {lines:?}") };
        assert!(line.contains("ERROR") && line.contains("peer=127.0.0.1:"), "{line}");
        assert!(line.contains(&format!("request_id=\"{id}\"")), "{line} {id}");
        assert_eq!(line.contains("cause=the disk is full"), !name.contains("panics"), "{line}");
    }
}

/// The entry's method is named, and the multicall's request.
#[tokio::test]
async fn line_of_an_internal_error_in_a_multicall_names_the_entrys_method() {
    LazyLock::force(&LOG);
    let mut registry = Registry::new();
    registry.add("entry.sync", "", || Err::<i32, _>(internal("no disk")));
    registry.add("entry.later", "", async || {
        tokio::task::yield_now().await;
        Err::<i32, _>(internal("no disk"))
    });
    registry.add("entry.panics", "", || -> i32 { panic!("no disk") });
    let addr = start(registry, DEFAULTS).await;
    let methods = ["entry.sync", "entry.later", "entry.panics"];
    let entries = methods.map(|method| entry(method, "")).concat();
    let calls = format!("<array><data>{entries}</data></array>");
    let headers = "X-Request-Id: of-the-multicall\r\n";
    let document = call("system.multicall", &[&calls]);
    assert!(exchange(addr, &post("/", headers, &document)).await.result().is_ok());
    for method in methods {
        let lines = lines_with("request_id=\"of-the-multicall\"", method);
        assert_eq!(lines.len(), 1, "{method}: {lines:?}");
    }
}

#[tokio::test]
async fn internal_error_outside_of_a_method_is_logged_all_the_same() {
    LazyLock::force(&LOG);
    let mut registry = Registry::new();
    registry.add_methods(Failing);
    let addr = start(registry, DEFAULTS).await;
    assert!(ask(addr, "failing.elsewhere", &[]).await.is_err());
    let log = LOG.text();
    let told = log.lines();
    assert_eq!(told.filter(|line| line.contains("cause=not in the method")).count(), 1);
}
