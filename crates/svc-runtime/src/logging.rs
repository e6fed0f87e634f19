//! Structured logs on stderr.
//!
//! A line is handed to a thread that writes it, so that a reader which stops reading stops nothing:
//! what does not fit is dropped and counted ([`dropped_lines`]). What peers can cause goes by
//! [`Paced`], or by [`seldom`](crate::seldom).

mod directives;
mod format;
mod paced;
mod panic;
mod queue;
mod stderr;

use std::io::Write;

use tracing::{error, warn};
use tracing_subscriber::filter::ParseError;

use self::directives::Directives;
pub use self::format::LogFormat;
pub use self::paced::{MAX_LINES_A_SECOND, Paced};
pub use self::panic::{Panic, catch};
use self::stderr::Stderr;

/// Starts logging: `info` and above where `RUST_LOG` is unset or empty, else what it says, which
/// is warned of where it silences everything. The error is that of a directive which cannot be read.
pub fn init(format: LogFormat) -> Result<(), ParseError> {
    let directives = Directives::from_env();
    let subscriber = format.subscriber(directives.filter()?, || Stderr);
    stderr::set_format(format);
    // Where a program logs in its own way, that stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    panic::install_hook();
    if let Some(directives) = directives.silencing() {
        format.unfiltered(
            || Stderr,
            || {
                warn!(directives, "RUST_LOG lets no line of this service through");
            },
        );
    }
    Ok(())
}

/// Log lines that were dropped so far, since nobody read them in time or they could not be written.
pub fn dropped_lines() -> u64 {
    stderr::dropped()
}

/// Tells why the process did not start, in the log's format and whatever its filter: as
/// `error: REASON` in text.
pub(crate) fn tell_failed_start(format: LogFormat, reason: &str) {
    stderr::set_format(format);
    match format {
        LogFormat::Text => {
            let _ = Stderr.write_all(format!("error: {reason}\n").as_bytes());
        }
        LogFormat::Json => format.unfiltered(|| Stderr, || error!("{reason}")),
    }
}

/// Waits until what was logged is written, at most a second where nobody reads. For the end of the
/// process.
pub(crate) fn flush() {
    paced::tell_owed();
    stderr::flush();
}
