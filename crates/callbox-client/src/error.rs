//! Why a call came to nothing.

use std::fmt;

use protocol::xmlrpc::{Fault, TypeError};

use crate::answer::Answer;
use crate::params::BadParams;
use crate::transport;

/// Why a call came to nothing: which one, where, and what of it failed. Has nothing of a login.
#[derive(Debug)]
pub struct Error(Box<Failed>);

#[derive(Debug)]
struct Failed {
    method: String,
    server: String,
    kind: ErrorKind,
}

/// What of a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The method ran, or the server judged the call, and the answer is a fault.
    Fault(Fault),
    /// The call did not arrive, or its answer did not.
    Transport(transport::Error),
    /// What came is no XML-RPC.
    NotXmlRpc(Box<Answer>),
    /// The parameters have no form in XML-RPC. Nothing was sent.
    Params(BadParams),
    /// The result is not of the type that was asked for.
    Result(TypeError),
}

impl Error {
    pub(crate) fn new(method: &str, server: &impl fmt::Display, kind: ErrorKind) -> Self {
        let (method, server) = (method.to_owned(), server.to_string());
        Self(Box::new(Failed { method, server, kind }))
    }

    /// What of the call failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The same, taken out.
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// The name of the method that was called.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// The server's URL, without the login.
    pub fn server(&self) -> &str {
        &self.0.server
    }

    /// The fault, where it is one.
    pub fn as_fault(&self) -> Option<&Fault> {
        match &self.0.kind {
            ErrorKind::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// The status of HTTP by which the server refused, where it did.
    pub fn status(&self) -> Option<u16> {
        match &self.0.kind {
            ErrorKind::Transport(transport::Error::Status(status)) => Some(*status),
            ErrorKind::NotXmlRpc(answer) if answer.status != 200 => Some(answer.status),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.0.method, self.0.server, self.0.kind)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::NotXmlRpc(answer) => answer.fmt(f),
            Self::Params(error) => write!(f, "the call cannot be written: {error}"),
            Self::Result(error) => write!(f, "the result is of another type: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            ErrorKind::Fault(fault) => Some(fault),
            ErrorKind::Transport(error) => Some(error),
            ErrorKind::NotXmlRpc(answer) => Some(&answer.why),
            ErrorKind::Params(error) => Some(error),
            ErrorKind::Result(error) => Some(error),
        }
    }
}

impl From<transport::Error> for ErrorKind {
    fn from(error: transport::Error) -> Self {
        Self::Transport(error)
    }
}

impl From<BadParams> for ErrorKind {
    fn from(error: BadParams) -> Self {
        Self::Params(error)
    }
}
