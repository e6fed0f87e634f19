//! Why a server does not start.

use std::fmt;

use svc_runtime::descriptors::TooFewDescriptors;
use svc_runtime::file::FileError;
use svc_runtime::listener::ListenError;
use svc_runtime::process::StartError;

use crate::registry::RegistryError;

/// Why a [`Server`](crate::Server) does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The methods cannot be published.
    Registry(RegistryError),
    /// The file of accounts cannot be used.
    Accounts(FileError),
    /// There cannot be as many connections as there should.
    Descriptors(TooFewDescriptors),
    /// An address cannot be listened on, or the files for TLS not used.
    Listen(ListenError),
}

impl From<RegistryError> for ServerError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl From<FileError> for ServerError {
    fn from(error: FileError) -> Self {
        Self::Accounts(error)
    }
}

impl From<TooFewDescriptors> for ServerError {
    fn from(error: TooFewDescriptors) -> Self {
        Self::Descriptors(error)
    }
}

impl From<ListenError> for ServerError {
    fn from(error: ListenError) -> Self {
        Self::Listen(error)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(error) => error.fmt(f),
            Self::Accounts(error) => error.fmt(f),
            Self::Descriptors(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServerError {}

/// What is wrong with the program is no refusal of the machine's.
pub(super) fn start_error(error: ServerError) -> StartError {
    match error {
        ServerError::Registry(error) => StartError::Setting(error.to_string()),
        ServerError::Accounts(error) => StartError::Setting(error.to_string()),
        ServerError::Descriptors(error) => error.into(),
        ServerError::Listen(error) => StartError::listening(error),
    }
}
