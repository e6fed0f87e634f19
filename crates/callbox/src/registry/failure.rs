//! Why a call has no result.

use std::fmt::Display;

use protocol::xmlrpc::Fault;

use super::troubles::log_cause;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The method refused, or could not be called like this.
    Fault(Fault),
    /// Too much is in work; the same call may succeed later.
    Overloaded,
    /// The method's result has no form in XML-RPC, for this reason, which no peer is told.
    Unwritable(String),
}

impl Failure {
    /// The failure as a fault, where a fault is all that can be told: in an entry of a multicall.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Overloaded => Fault::system("too many calls are in work"),
            Self::Unwritable(_) => Fault::internal(),
        }
    }
}

/// The fault of an error that is nobody's business but the operator's: it is logged, and the caller
/// sees -32603, "internal error". For `map_err`. Where a method calls it, and not a thread or task
/// of its own, the line has its name, the peer and the request's id.
pub fn internal(cause: impl Display) -> Fault {
    log_cause(cause.to_string());
    Fault::internal()
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
