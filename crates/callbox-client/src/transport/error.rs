//! Why an exchange came to nothing.

use std::fmt;
use std::io;

use super::body::NoRoom;

/// Why an exchange came to nothing. Has nothing of what was sent or answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No connection came about: the name, the network, the server or TLS did not let it.
    Connect(io::Error),
    /// The connection was dead before anything of the reply came. The same may be sent again where
    /// nothing was sent, or where it does no harm twice.
    Dead {
        /// Whether anything of the request had been sent.
        is_sent: bool,
    },
    /// The connection ended within the reply.
    Cut,
    /// The time was over.
    TimedOut,
    /// The server refused by this status, or redirects, which is not followed.
    Status(u16),
    /// The server answered what cannot be read.
    Nonsense(Nonsense),
    /// There was no memory for the answer in the [`Room`](super::Room) for it.
    NoRoom(NoRoom),
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nonsense {
    /// It is not of the protocol that the URL names.
    Framing,
    /// Its head is longer than [`MAX_HEAD_BYTES`](super::MAX_HEAD_BYTES), or has more than
    /// [`MAX_HEADERS`](super::MAX_HEADERS) fields.
    LongHead,
    /// Its body is longer than this many bytes.
    LongBody(usize),
    /// Its body is compressed though nobody asked for that, in another way, or not as it says.
    Coding,
    /// It came before it was asked for.
    Unasked,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Dead { .. } => f.write_str("the server closed the connection without a reply"),
            Self::Cut => f.write_str("the server closed the connection within its reply"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::Status(status @ 300..400) => {
                write!(f, "the server redirects (status {status}), which is not followed")
            }
            Self::Status(status) => write!(f, "the server refused with status {status}"),
            Self::Nonsense(nonsense) => nonsense.fmt(f),
            Self::NoRoom(no_room) => no_room.fmt(f),
        }
    }
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Framing => f.write_str("the server's reply is not of its protocol"),
            Self::LongHead => f.write_str("the head of the server's reply is too long"),
            Self::LongBody(max) => write!(f, "the server's reply is longer than {max} bytes"),
            Self::Coding => f.write_str("the server's reply is compressed in a way not asked for"),
            Self::Unasked => f.write_str("the server spoke before it was asked"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            _ => None,
        }
    }
}

impl std::error::Error for Nonsense {}

impl From<NoRoom> for Error {
    fn from(no_room: NoRoom) -> Self {
        Self::NoRoom(no_room)
    }
}

impl From<Nonsense> for Error {
    fn from(nonsense: Nonsense) -> Self {
        Self::Nonsense(nonsense)
    }
}
