//! A call, as far as it has come: read, started, ended, written.

use axum::body::Bytes;
use protocol::xmlrpc::{Fault, TypeName, Value};

use crate::doors::jsonrpc::Batch;
use crate::doors::{Answer, Asked, Call, Form, Manner};
use crate::registry::multicall::MULTICALL;
use crate::registry::{Called, Failure, Running};

/// Most entries of a multicall or batch that is as good as one call.
const MAX_FEW_ENTRIES: usize = 32;

/// A call, as far as it has come.
pub(super) enum Progress<'a> {
    /// It is large, and not read.
    Large(Bytes, Form),
    /// It is of many others, and not started.
    Long(Asked),
    /// It is of a few others, and not started.
    Batch(Batch),
    /// It was started and goes on, to end with what is said.
    Running(Called<'a>, Running, TypeName, Manner),
    /// It has ended.
    Ended(Ended),
}

impl Progress<'_> {
    /// Whether it was read: then its values are there.
    pub(super) fn is_read(&self) -> bool {
        !matches!(self, Self::Large(..))
    }
}

/// The end of a call.
pub(super) struct Ended {
    pub(super) result: Result<Value, Failure>,
    /// What the result was said to be.
    pub(super) returns: TypeName,
    pub(super) manner: Manner,
}

impl Ended {
    /// The end of what is no call, for this reason.
    pub(super) fn refused(fault: Fault, manner: Manner) -> Self {
        Self { result: Err(fault.into()), returns: TypeName::Any, manner }
    }

    /// What answers it; none where there was too much to do.
    pub(super) fn write(self) -> Option<Answer> {
        let result = match self.result {
            Err(Failure::Overloaded) => return None,
            result => result.map_err(Failure::into_fault),
        };
        Some(self.manner.write(result, self.returns))
    }
}

/// Whether it is many calls.
pub(super) fn is_long(asked: &Asked) -> bool {
    let entries = match asked {
        Asked::Call(Call { name, params, .. }) => match params.only() {
            Some(Value::Array(entries)) if name == MULTICALL => entries.len(),
            _ => 0,
        },
        Asked::Batch(batch) => batch.entries.len(),
        Asked::Nothing(..) => 0,
    };
    entries > MAX_FEW_ENTRIES
}
