//! The methods that can be called: no more are added.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::xmlrpc::{Fault, Value};
use tokio::sync::Semaphore;

use super::caller::Caller;
use super::failure::Failure;
use super::method::Method;

/// Methods by name.
pub(crate) struct Published {
    methods: HashMap<String, Method>,
    /// For functions on threads of their own.
    places: Arc<Semaphore>,
}

impl Published {
    /// The methods, of which each has another name; `blocking` of their functions may have a thread
    /// of their own at once.
    pub(super) fn new(methods: Vec<Method>, blocking: usize) -> Self {
        let named = methods.into_iter().map(|method| (method.name().to_owned(), method));
        Self { methods: named.collect(), places: Arc::new(Semaphore::new(blocking)) }
    }

    /// The method called `name`; the fault is that of calling another.
    pub(crate) fn method(&self, name: &str) -> Result<&Method, Fault> {
        self.methods.get(name).ok_or_else(|| Fault::method_not_found(name))
    }

    /// The names of all methods, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.methods.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Calls the method `name`.
    pub(crate) async fn call(
        &self,
        name: &str,
        params: Vec<Value>,
        caller: &Caller,
    ) -> Result<Value, Failure> {
        self.method(name)?.call(params, caller, &self.places).await
    }
}
