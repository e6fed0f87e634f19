//! Why a question has no answer, and what the caller is told.

use std::{fmt, io};

use callbox::Fault;

use super::framing::Misframed;

/// Why a question has no answer.
#[derive(Debug)]
pub enum Trouble {
    /// As many calls wait for a place as may.
    Crowded,
    /// The upstream failed just now, and it is not time to try again.
    BackingOff,
    /// The deadline passed.
    TimedOut,
    /// There was no memory for the answer.
    NoMemory,
    /// The connection could not be made, or broke.
    Io(io::Error),
    /// What the upstream said is no answer.
    Nonsense {
        /// What is wrong with it.
        what: Misframed,
        /// How much of it there is.
        bytes: usize,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crowded => f.write_str("too many calls wait for it"),
            Self::BackingOff => f.write_str("it failed just now"),
            Self::TimedOut => f.write_str("it did not answer in time"),
            Self::NoMemory => f.write_str("there is no memory for its answer"),
            Self::Io(error) => error.fmt(f),
            Self::Nonsense { what, bytes } => write!(f, "{what} ({bytes} bytes)"),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A caller learns what it can do about it, and nothing of the upstream's address.
impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Crowded => Fault::system("too many calls wait for the upstream service"),
            Trouble::BackingOff | Trouble::Io(_) => {
                Fault::system("the upstream service cannot be reached")
            }
            Trouble::NoMemory => {
                Fault::system("there is no memory for the answer of the upstream service")
            }
            Trouble::TimedOut => Fault::system("the upstream service did not answer in time"),
            Trouble::Nonsense { .. } => nonsense(),
        }
    }
}

/// What the upstream said is no answer.
pub fn nonsense() -> Fault {
    Fault::transport("the answer of the upstream service is not what it should be")
}

/// How far an exchange had come when it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing of the question was sent.
    Unsent,
    /// Something of the question was sent, and nothing of an answer came.
    Unanswered,
    /// Something of an answer came.
    Answering,
}

/// An exchange on one connection that broke.
#[derive(Debug)]
pub struct Broken {
    /// How far it had come.
    pub stage: Stage,
    /// Why.
    pub trouble: Trouble,
}

impl Broken {
    /// It broke so far on.
    pub fn at(stage: Stage, trouble: impl Into<Trouble>) -> Self {
        Self { stage, trouble: trouble.into() }
    }

    /// Whether the connection was of no use already: it broke, and nothing was said to the question.
    pub fn is_dead(&self) -> bool {
        match self.stage {
            Stage::Unsent => true,
            Stage::Unanswered => matches!(self.trouble, Trouble::Io(_)),
            Stage::Answering => false,
        }
    }
}
