//! The access log: a line where a call, a connection or a refusal ends.

use clap::ValueEnum;
use tracing::{Level, enabled, info, warn};

use crate::logging::Paced;
use crate::metrics::Refusal;
use crate::stream::Peer;

/// What the access log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AccessLog {
    /// What went wrong, and what took long.
    #[default]
    Errors,
    /// Everything.
    All,
    /// Nothing.
    Off,
}

impl AccessLog {
    /// Tells of a peer of the listener called `listener` that is not served.
    pub(crate) fn refused(self, peer: Peer, listener: &str, refusal: Refusal) {
        static FULL: Paced = Paced::new("refused connections");
        static HANDSHAKES: Paced = Paced::new("failed handshakes");
        if self == Self::Off {
            return;
        }
        let reason = refusal.reason();
        if refusal == Refusal::Cap {
            if enabled!(target: "access", Level::WARN) && FULL.admits() {
                warn!(target: "access", %peer, listener, reason, "refused");
            }
        } else if enabled!(target: "access", Level::INFO) && HANDSHAKES.admits() {
            // Any scanner's.
            info!(target: "access", %peer, listener, reason, "refused");
        }
    }
}
