//! What is counted of commands, and logged where a connection ends.

use std::time::Instant;

use protocol::command::Command;
use svc_runtime::access::AccessLog;
use svc_runtime::logging::Paced;
use svc_runtime::metrics::{Counter, Family, Metrics};
use svc_runtime::stream::Peer;
use tracing::{Level, enabled, info};

/// The label of all that is no command.
const NO_COMMAND: &str = "-";

/// What is counted of commands, and logged of connections. Clones count together.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// In the order of [`Command::NAMED`], then what is no command.
    commands: [Counter; Command::NAMED.len() + 1],
    log: AccessLog,
}

impl Traffic {
    /// Nothing has been said yet.
    pub fn new(metrics: &Metrics, log: AccessLog) -> Self {
        let commands: Family<Counter> =
            metrics.family("callbox_commands", "Commands that were answered");
        let names = Command::NAMED.map(|(name, _)| name);
        let name = |place| names.get(place).copied().unwrap_or(NO_COMMAND);
        let commands = std::array::from_fn(|place| commands.series([("command", name(place))]));
        Self { commands, log }
    }

    /// Counts a command that is answered.
    pub(crate) fn answered(&self, command: Command) {
        let place = Command::NAMED.iter().position(|(_, named)| *named == command);
        self.commands[place.unwrap_or(Command::NAMED.len())].inc();
    }

    /// Logs a connection that ended, where all are logged.
    pub(crate) fn ended(&self, peer: Peer, said: &Said) {
        static CONNECTIONS: Paced = Paced::new("connections");
        if self.log == AccessLog::All
            && enabled!(target: "access", Level::INFO)
            && CONNECTIONS.admits()
        {
            info!(
                target: "access",
                %peer,
                door = "command",
                commands = said.commands,
                request_bytes = said.received,
                response_bytes = said.sent,
                millis = said.millis(),
                "connection ended"
            );
        }
    }
}

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

    /// How long the connection lasts, in milliseconds, to the microsecond.
    #[allow(clippy::cast_precision_loss)]
    fn millis(&self) -> f64 {
        self.since.elapsed().as_micros() as f64 / 1000.0
    }
}
