//! A call, as far as it has come: read, started, ended, written.

use axum::body::Bytes;
use protocol::xmlrpc::{DecodeError, Dialect, Fault, MethodCall, Value};

use crate::doors::xmlrpc;
use crate::registry::multicall::MULTICALL;
use crate::registry::{Failure, Method, Running};

/// Most entries of a multicall that is as good as one call.
const MAX_FEW_ENTRIES: usize = 32;

/// A call, as far as it has come.
pub(super) enum Progress<'a> {
    /// It is large, and not read.
    Large(Bytes, Option<String>),
    /// It is a long multicall, and not started.
    Long(MethodCall),
    /// It was started and goes on.
    Running(&'a Method, Running, String, Dialect),
    /// It has ended.
    Ended(Ended),
}

/// The end of the call of the method `name`.
pub(super) struct Ended {
    pub(super) result: Result<Value, Failure>,
    pub(super) name: String,
    pub(super) dialect: Dialect,
}

impl Ended {
    /// The end of a document that is no call.
    pub(super) fn unread(error: DecodeError) -> Self {
        let result = Err(Fault::from(error).into());
        Self { result, name: String::new(), dialect: Dialect::default() }
    }

    /// What answers it; none where there was too much to do.
    pub(super) fn write(self) -> Option<Written> {
        let result = match self.result {
            Err(Failure::Overloaded) => return None,
            result => result.map_err(Failure::into_fault),
        };
        Some(Written { answer: xmlrpc::write(result, self.dialect), name: self.name })
    }
}

/// What answers a call of the method `name`.
pub(super) struct Written {
    pub(super) answer: xmlrpc::Answer,
    pub(super) name: String,
}

/// Whether the call is one of many others.
pub(super) fn is_long(call: &MethodCall) -> bool {
    let entries = match &call.params[..] {
        [Value::Array(entries)] => entries.len(),
        _ => 0,
    };
    entries > MAX_FEW_ENTRIES && call.name == MULTICALL
}
