//! How log lines are written.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Writes to `writer` what `filter` lets through.
    pub(super) fn subscriber<W>(
        self,
        filter: EnvFilter,
        writer: W,
    ) -> Box<dyn Subscriber + Send + Sync>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(writer)
            .with_ansi(io::stderr().is_terminal())
            // It would report a failed write on stderr, and panic.
            .log_internal_errors(false);
        match self {
            Self::Text => Box::new(builder.finish()),
            Self::Json => Box::new(builder.json().flatten_event(true).finish()),
        }
    }

    /// Writes to `writer` the warnings and errors that `tell` logs, whatever the log's filter is.
    pub(super) fn unfiltered<W>(self, writer: W, tell: impl FnOnce())
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        // No lower level, which each disabled line of the process would pay for from now on.
        let subscriber = self.subscriber(EnvFilter::new("warn"), writer);
        tracing::subscriber::with_default(subscriber, tell);
    }
}
