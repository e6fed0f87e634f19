//! A published method of a catalog, which whoever calls it keeps until that has ended.

use std::sync::Arc;
use std::time::Instant;

use protocol::xmlrpc::{Fault, TypeName, Value};

use super::method::CatalogMethod;
use crate::registry::description::parameter_name;
use crate::registry::function::Running;
use crate::registry::label::Label;
use crate::registry::params::{Params, Placed, missing, numbered, read_text};
use crate::registry::troubles::run_for;
use crate::registry::{Caller, internal};

/// A published method of a catalog, or all those of a pattern.
pub(crate) struct Lent {
    method: CatalogMethod,
    label: Label,
}

impl Lent {
    pub(super) fn new(method: CatalogMethod) -> Arc<Self> {
        let label = Label::new(method.name().to_owned().into());
        Arc::new(Self { method, label })
    }

    /// What callers are told of it.
    pub(in crate::registry) fn method(&self) -> &CatalogMethod {
        &self.method
    }

    /// What is logged and counted of it.
    pub(in crate::registry) fn label(&self) -> &Label {
        &self.label
    }

    /// What its handler is given for `params`, and what that returns as far as this is known.
    pub(in crate::registry) fn values(
        &self,
        params: Params,
    ) -> Result<(Vec<Value>, TypeName), Fault> {
        let values = match params {
            Params::Typed(values) => return Ok((values, TypeName::Any)),
            Params::Positional(values) => values,
            Params::Named(members) => self.placed(members)?,
        };
        let signatures = self.method.signatures().iter();
        let mut fitting = signatures.filter(|types| types.len() == values.len() + 1);
        let (Some([returns, types @ ..]), None) =
            (fitting.next().map(Vec::as_slice), fitting.next())
        else {
            return Ok((values, TypeName::Any));
        };
        let read = |(value, name): (Value, &String)| read_text(value, unspoken(name));
        Ok((values.into_iter().zip(types).map(read).collect(), unspoken(returns)))
    }

    fn placed(&self, members: Vec<(String, Value)>) -> Result<Vec<Value>, Fault> {
        let names: Vec<_> = self.method.parameter_names().collect();
        let numbers = self.method.signatures().iter().map(|types| types.len().saturating_sub(1));
        let (least, most) = (numbers.clone().min(), numbers.max());
        // Where none is known: what is beyond has nothing before it.
        let most = most.unwrap_or(members.len()).max(names.len());
        let place = |name: &str| {
            let number = || numbered(name).filter(|index| (names.len()..most).contains(index));
            names.iter().position(|own| *own == name).or_else(number)
        };
        let placed = Placed::by_name(members, place)?;
        let wanted = placed.values.len().max(least.unwrap_or(0));
        match (0..wanted).find(|index| !placed.has(*index)) {
            Some(index) => Err(missing(&parameter_name(&names, index))),
            None => Ok(placed.values),
        }
    }

    /// Calls it by `name`. It is `now`.
    pub(in crate::registry) fn start(
        &self,
        name: &str,
        params: Vec<Value>,
        caller: &Caller,
        now: Instant,
    ) -> Result<Running, Fault> {
        let call = || self.method.handler.call(name, params, caller);
        let running = self.label.watched(caller, now, call).0?;
        Ok(Box::pin(async move { Ok(running.await?) }))
    }

    /// Whether this and `other` have one handler.
    pub(in crate::registry) fn shares_handler(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.method.handler, &other.method.handler)
    }

    /// Whether consecutive entries of a multicall that share the handler go to it together.
    pub(in crate::registry) fn asks_together(&self) -> bool {
        self.method.handler.asks_together()
    }

    /// Makes calls that share the handler, and gives back a result of each.
    pub(in crate::registry) async fn call_together(
        &self,
        calls: Vec<(String, Vec<Value>)>,
        caller: &Caller,
    ) -> Vec<Result<Value, Fault>> {
        let number = calls.len();
        let call = || self.method.handler.call_together(calls, caller);
        let ended = match self.label.watched(caller, Instant::now(), call).0 {
            Ok(running) => self.label.end(running, caller).await,
            Err(fault) => Err(fault),
        };
        match ended {
            Ok(results) if results.len() == number => results,
            Ok(results) => vec![Err(self.miscounted(caller, number, results.len())); number],
            Err(fault) => vec![Err(fault); number],
        }
    }

    fn miscounted(&self, caller: &Caller, asked: usize, given: usize) -> Fault {
        let cause =
            || internal(format!("asked for {asked} calls together, it gave {given} results"));
        run_for(self.label.name(), caller, cause).unwrap_or_else(|fault| fault)
    }
}

/// The type of that name, where JSON has none for it.
fn unspoken(name: &str) -> TypeName {
    let types = [TypeName::DateTime, TypeName::Base64];
    types.into_iter().find(|own| own.as_str() == name).unwrap_or(TypeName::Any)
}
