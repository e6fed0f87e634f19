//! How a command ends where it does not end well, and the exit code of that.

use std::io::Write as _;
use std::process::ExitCode;

use callbox_client::{BadEndpoint, Error, ErrorKind, transport};

use super::output::printable;

/// How a command ends where it does not end well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server answered with a fault: 1.
    Fault(String),
    /// The call or its answer did not arrive, or the answer is none: 2.
    Transport(String),
    /// What was asked for cannot be done: 64, as sysexits.h has it.
    Usage(String),
    /// Nobody reads any more what is written: 0.
    Unread,
}

impl Ending {
    /// Says it on stderr.
    pub(crate) fn told(self) -> ExitCode {
        let (text, code) = match self {
            Self::Fault(text) => (text, 1),
            Self::Transport(text) => (text, 2),
            Self::Usage(text) => (text, 64),
            Self::Unread => return ExitCode::SUCCESS,
        };
        // Where stderr is shut there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "callbox: {}", printable(&text));
        ExitCode::from(code)
    }
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Fault(fault) => Self::Fault(fault.to_string()),
            ErrorKind::Params(_) => Self::Usage(error.kind().to_string()),
            _ => Self::Transport(format!("{}: {}", error.server(), error.kind())),
        }
    }
}

impl From<BadEndpoint> for Ending {
    fn from(error: BadEndpoint) -> Self {
        Self::Usage(error.to_string())
    }
}

impl Ending {
    /// A document did not arrive, or its answer did not.
    pub(crate) fn lost(server: &impl std::fmt::Display, error: &transport::Error) -> Self {
        Self::Transport(format!("{server}: {error}"))
    }
}
