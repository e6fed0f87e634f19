//! What is logged where a connection ends.

use std::time::Instant;

use svc_runtime::access::AccessLog;
use svc_runtime::logging::Paced;
use svc_runtime::stream::Peer;
use tracing::{Level, enabled, info};

/// What was said on one connection.
#[derive(Debug)]
pub(crate) struct Said {
    since: Instant,
    pub(crate) commands: u64,
    /// In bytes.
    pub(crate) received: u64,
    /// In bytes.
    pub(crate) sent: u64,
}

impl Said {
    /// Nothing yet.
    pub(crate) fn nothing() -> Self {
        Self { since: Instant::now(), commands: 0, received: 0, sent: 0 }
    }

    /// Logs that the connection of `peer` ended, where all are logged.
    pub(crate) fn ended(&self, peer: Peer, log: AccessLog) {
        static CONNECTIONS: Paced = Paced::new("connections");
        if log == AccessLog::All && enabled!(target: "access", Level::INFO) && CONNECTIONS.admits()
        {
            info!(
                target: "access",
                %peer,
                door = "command",
                commands = self.commands,
                request_bytes = self.received,
                response_bytes = self.sent,
                millis = self.millis(),
                "connection ended"
            );
        }
    }

    /// How long the connection lasts, in milliseconds, to the microsecond.
    #[allow(clippy::cast_precision_loss)]
    fn millis(&self) -> f64 {
        self.since.elapsed().as_micros() as f64 / 1000.0
    }
}
