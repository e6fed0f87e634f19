//! The access log under a flood. In a file of its own, since its subscriber is the process's.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use svc_runtime::logging::{MAX_LINES_A_SECOND, Paced};
use tracing::info;

#[allow(unused)]
mod support;
use support::wait_until;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = self.0.lock().unwrap();
        text.split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// The sum of what was told as suppressed, and in how many lines.
    fn suppressed(&self, kind: &str) -> (u64, u64) {
        let of_kind = self.lines().into_iter().filter(|line| line["kind"] == kind);
        of_kind.fold((0, 0), |(sum, lines), line| {
            (sum + line["suppressed"].as_u64().unwrap(), lines + 1)
        })
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn flood_is_counted_and_its_last_count_is_told_though_nothing_comes_after_it() {
    static FLOOD: Paced = Paced::new("flood");
    static OTHER: Paced = Paced::new("other");
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
    subscriber.with_writer(move || writer.clone()).init();
    // Twice, so that who tells has gone to rest in between.
    for flood in 1..=2 {
        let told_before = log.suppressed("flood").0;
        let mut admitted = 0;
        for _ in 0..20_000 {
            if FLOOD.admits() {
                admitted += 1;
                info!(target: "access", "line");
            }
        }
        assert!(OTHER.admits());
        assert!((MAX_LINES_A_SECOND..10_000).contains(&admitted), "{admitted}");
        let owed = 20_000 - admitted;
        wait_until("all is told", || log.suppressed("flood").0 - told_before == owed);
        let (_, lines) = log.suppressed("flood");
        assert!(lines <= 20, "{lines} lines in flood {flood}");
    }
    assert_eq!(log.suppressed("other"), (0, 0));
    for line in log.lines() {
        assert_eq!(line["target"], "access");
    }
}
