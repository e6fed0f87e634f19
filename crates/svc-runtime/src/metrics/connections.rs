//! What is counted of connections.

use prometheus_client::registry::Registry;

use super::{Counter, Family, Gauge, register};

/// Why a peer's connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many as may be are connected.
    Cap,
    /// Those that are connected take all memory that there is for them.
    Memory,
    /// Its address has as many connections as one may have.
    Share,
    /// Others wanted its place, and it had kept us waiting longest.
    Longest,
    /// It does not make a TLS handshake that is taken.
    Handshake,
    /// Its TLS handshake takes too long.
    SlowHandshake,
}

impl Refusal {
    const ALL: [Self; 6] =
        [Self::Cap, Self::Memory, Self::Share, Self::Longest, Self::Handshake, Self::SlowHandshake];

    /// In a word, for logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Memory => "memory",
            Self::Share => "share",
            Self::Longest => "longest",
            Self::Handshake => "handshake",
            Self::SlowHandshake => "slow_handshake",
        }
    }
}

/// What is counted of connections. Clones count together.
#[derive(Debug, Clone)]
pub struct ConnectionMetrics {
    open: Family<Gauge>,
    accepted: Family<Counter>,
    refused: [Counter; Refusal::ALL.len()],
}

impl ConnectionMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let open = register(registry, "callbox_connections", "Connections that are open");
        let accepted = register(registry, "callbox_connections", "Connections that were served");
        let help = "Peers that were not served";
        let refused: Family<Counter> = register(registry, "callbox_connections_refused", help);
        let refused = Refusal::ALL.map(|refusal| refused.series([("reason", refusal.reason())]));
        Self { open, accepted, refused }
    }

    /// Those of the listeners with this role.
    pub(crate) fn listener(&self, role: &'static str) -> ListenerMetrics {
        let labels = [("listener", role)];
        ListenerMetrics { open: self.open.series(labels), accepted: self.accepted.series(labels) }
    }

    /// Counts a peer that is not served.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused[refusal as usize].inc();
    }
}

/// What is counted of the connections of one role.
#[derive(Debug, Clone)]
pub(crate) struct ListenerMetrics {
    open: Gauge,
    accepted: Counter,
}

impl ListenerMetrics {
    /// Counts a connection, as an open one until this is dropped.
    pub(crate) fn opened(&self) -> OpenConnection {
        self.accepted.inc();
        self.open.inc();
        OpenConnection(self.open.clone())
    }
}

/// A connection that counts as open.
#[derive(Debug)]
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
