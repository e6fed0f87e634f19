//! A function's parameters: what comes from the peer, and who calls.

use std::vec;

use protocol::xmlrpc::{Fault, Value, from_value};
use serde::de::DeserializeOwned;

use super::caller::Caller;
use super::signature::Parameter;

/// What a method can have as a parameter: every type that serde reads without borrowing from the
/// document, and [`Caller`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameter of a method",
    label = "neither read by serde nor a `Caller`",
    note = "derive `serde::Deserialize` for `{Self}`, or for your own type in it; a parameter is taken by value: `String` instead of `&str`"
)]
pub trait Param: Sized {
    /// What it is read from; `None` if nothing of it comes from the peer.
    fn parameter() -> Option<Parameter>;

    /// Takes the next of the arguments.
    fn take(arguments: &mut Arguments<'_>) -> Result<Self, Fault>;
}

/// What a function is called with. An optional parameter at the end may be missing.
pub struct Arguments<'a> {
    values: vec::IntoIter<Value>,
    taken: usize,
    caller: &'a Caller,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(params: Vec<Value>, caller: &'a Caller) -> Self {
        Self { values: params.into_iter(), taken: 0, caller }
    }

    /// Who calls.
    pub(super) fn caller(&self) -> &'a Caller {
        self.caller
    }

    fn next<T: DeserializeOwned + 'static>(&mut self) -> Result<T, Fault> {
        let index = self.taken;
        self.taken += 1;
        let value = self.values.next().unwrap_or(Value::Nil);
        from_value(value).map_err(|error| Fault::invalid_params(error.in_param(index).to_string()))
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + 'static> Param for T {
    fn parameter() -> Option<Parameter> {
        Some(Parameter::of::<T>())
    }

    fn take(arguments: &mut Arguments<'_>) -> Result<Self, Fault> {
        arguments.next()
    }
}

impl Param for Caller {
    fn parameter() -> Option<Parameter> {
        None
    }

    fn take(arguments: &mut Arguments<'_>) -> Result<Self, Fault> {
        Ok(arguments.caller.clone())
    }
}

/// A parameter, as it is: its type is checked where it stands in the code.
pub fn param<T: Param>(value: T) -> T {
    value
}
