//! Why a call has no result.

use protocol::xmlrpc::Fault;

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

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
