//! An entry of a multicall or batch, before it is called.

use std::sync::Arc;

use protocol::xmlrpc::{Fault, TypeName, Value};

use super::called::Called;
use super::caller::Caller;
use super::catalog::Lent;
use super::params::Params;
use super::published::Published;

/// An entry of a multicall or batch, as it came.
pub(crate) struct Entry {
    /// What is called, by a name, and with what; or what is wrong with the entry.
    pub(crate) call: Result<(String, Params), Fault>,
    pub(crate) wanted: Wanted,
}

/// What a caller wants of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What it returns, or why it does not.
    Result,
    /// That it is made.
    Nothing,
}

/// An entry that can be called.
pub(super) enum Callable<'a> {
    /// By itself.
    Alone(Called<'a>, String, Params),
    /// With others that are for the same handler.
    Together(Arc<Lent>, String, Params),
}

/// Consecutive entries that are for the same handler.
#[derive(Default)]
pub(super) struct Together {
    pub(super) methods: Vec<Arc<Lent>>,
    pub(super) calls: Vec<(String, Vec<Value>)>,
    /// What each of them returns, and what is wanted of it.
    pub(super) ends: Vec<(TypeName, Wanted)>,
}

impl Entry {
    /// Reads an entry of a multicall.
    pub(super) fn read(entry: Value) -> Self {
        let call = name_and_params(entry).map(|(name, values)| (name, Params::Typed(values)));
        Self { call, wanted: Wanted::Result }
    }
}

impl<'a> Callable<'a> {
    /// What `caller` calls.
    pub(super) fn find(
        call: Result<(String, Params), Fault>,
        published: &'a Published,
        caller: &Caller,
    ) -> Result<Self, Fault> {
        let (name, params) = call?;
        Ok(match published.method(&name, caller)? {
            method if method.is_multicall() => {
                return Err(Fault::invalid_params("a multicall cannot be nested"));
            }
            Called::Lent(lent) if lent.asks_together() => Self::Together(lent, name, params),
            method => Self::Alone(method, name, params),
        })
    }
}

impl Together {
    /// Whether the entry is for the same handler as those that are there.
    pub(super) fn takes(&self, entry: &Result<Callable<'_>, Fault>) -> bool {
        let Ok(Callable::Together(method, ..)) = entry else { return false };
        self.methods.first().is_none_or(|first| first.shares_handler(method))
    }
}

fn name_and_params(entry: Value) -> Result<(String, Vec<Value>), Fault> {
    let Value::Struct(members) = entry else {
        return Err(Fault::invalid_params("expected a struct with methodName and params"));
    };
    let (mut name, mut params) = (None, None);
    for (member, value) in members.into_members() {
        match (member.as_str(), value) {
            ("methodName", Value::String(text)) => name = Some(text),
            ("methodName", _) => return Err(Fault::invalid_params("methodName: expected string")),
            ("params", Value::Array(values)) => params = Some(values.into_vec()),
            ("params", _) => return Err(Fault::invalid_params("params: expected array")),
            _ => {}
        }
    }
    let name = name.ok_or_else(|| Fault::invalid_params("missing member methodName"))?;
    let params = params.ok_or_else(|| Fault::invalid_params("missing member params"))?;
    Ok((name, params))
}
