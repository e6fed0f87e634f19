//! The access log: a line where a call, a connection or a refusal ends.

use clap::ValueEnum;
use tracing::{Level, enabled, warn};

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
        static REFUSED: Paced = Paced::new("refused connections");
        if self != Self::Off && enabled!(target: "access", Level::WARN) && REFUSED.admits() {
            warn!(target: "access", %peer, listener, reason = refusal.reason(), "refused");
        }
    }
}
