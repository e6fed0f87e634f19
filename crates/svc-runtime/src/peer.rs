//! Whoever is at the other end of a connection.

use std::fmt;
use std::net::SocketAddr;

/// Where a connection came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An address and port.
    Inet(SocketAddr),
    /// The other end of a Unix socket, which has no address.
    Unix,
}

impl From<SocketAddr> for Peer {
    fn from(addr: SocketAddr) -> Self {
        Self::Inet(addr)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}
