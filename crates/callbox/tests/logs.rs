//! What is logged of methods that behave badly: rarely, and with their names.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use callbox::{MAX_HOLD, Registry, methods};
use edge::{DEFAULTS, ask, entry, multicall, start};
use tracing_subscriber::fmt::MakeWriter;

/// All that was logged since the process began.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    log
});

/// The lines that name `method`.
fn lines(method: &str) -> Vec<String> {
    let log = LOG.0.lock().unwrap();
    let named = format!("method={method} ");
    let lines = std::str::from_utf8(&log).unwrap().lines();
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
        let lines = lines(method);
        assert_eq!(lines.len(), warnings, "{method}: {lines:?}");
        for line in lines {
            assert!(line.contains("WARN") && line.contains("holds a thread"), "{line}");
        }
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
