//! Structured logs on stderr.

mod paced;

pub use self::paced::{MAX_LINES_A_SECOND, Paced};

use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging: `info` and above where `RUST_LOG` is unset or empty, else what it says.
/// The error is that of a directive in `RUST_LOG` which cannot be read.
pub fn init(format: LogFormat) -> Result<(), ParseError> {
    let directives = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = if directives.is_empty() {
        EnvFilter::new("info")
    } else {
        EnvFilter::builder().parse(directives)?
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // It would report a closed stderr on stderr, and panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Log lines that the process has dropped so far, since nobody read them in time.
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// A panic is a log line like any other. Only a message that stands in the code is logged: one made
/// at run time may hold what a peer sent.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let message = panic.payload().downcast_ref::<&'static str>();
    error!(location, message, "panic");
}
