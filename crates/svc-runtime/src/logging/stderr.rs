//! The process's stderr, which nobody waits for.

use std::io::{self, Write};
use std::sync::{LazyLock, OnceLock};
use std::thread;

use tracing::warn;

use super::format::LogFormat;
use super::queue::Queue;

static QUEUE: Queue = Queue::new();

/// How the lines on stderr are written, since the first one.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Whether the queue has a thread that writes it, which is started by the first line.
static HAS_THREAD: LazyLock<bool> = LazyLock::new(|| {
    let writer = thread::Builder::new().name("log-writer".to_owned());
    writer
        .spawn(|| {
            QUEUE.write_to(io::stderr(), tell_dropped);
        })
        .is_ok()
});

/// Where log lines go. It takes each at once, or drops and counts it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if *HAS_THREAD {
            QUEUE.push(line);
        } else {
            let _ = io::stderr().write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says how what the queue has to tell of itself is written; the first word counts.
pub(super) fn set_format(format: LogFormat) {
    let _ = FORMAT.set(format);
}

/// Lines that were dropped so far.
pub(super) fn dropped() -> u64 {
    QUEUE.dropped()
}

/// Waits until all is written, or until nobody has read for too long.
pub(super) fn flush() {
    QUEUE.flush();
}

/// Past the queue, which may be full again.
fn tell_dropped(dropped: u64) {
    let format = FORMAT.get().copied().unwrap_or(LogFormat::Text);
    format.unfiltered(io::stderr, || {
        warn!(dropped, "log lines were dropped: nobody read them in time");
    });
}
