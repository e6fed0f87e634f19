//! Functions that share a state.

use std::borrow::Cow;
use std::sync::Arc;

use super::function::{StateFunction, SyncFunction};
use super::method::{Method, Overload};

/// Publishes functions that have a state before their parameters; of
/// [`Registry::with`](crate::Registry::with).
pub struct Scope<'a, S> {
    methods: &'a mut Vec<Method>,
    state: Arc<S>,
}

/// A method of a [`Scope`] that has just been published.
pub struct StateMethod<'a, S> {
    method: &'a mut Method,
    state: Arc<S>,
}

impl<'a, S: Send + Sync + 'static> Scope<'a, S> {
    pub(super) fn new(methods: &'a mut Vec<Method>, state: Arc<S>) -> Self {
        Self { methods, state }
    }

    /// Publishes `function` as `name`, with what it does in words.
    ///
    /// Its first parameter is the state: `&S` in a sync function or an `async fn`, `Arc<S>` in
    /// any, async closures too. For the rest see [`Registry::add`](crate::Registry::add).
    pub fn add<Marker>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        function: impl StateFunction<S, Marker>,
    ) -> StateMethod<'_, S> {
        self.push(Method::new(name, help, overload(function, &self.state)))
    }

    /// Publishes a `function` that blocks; see
    /// [`Registry::add_blocking`](crate::Registry::add_blocking).
    pub fn add_blocking<Marker>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        function: impl StateFunction<S, Marker> + SyncFunction<Marker>,
    ) -> StateMethod<'_, S> {
        self.push(Method::new(name, help, blocking(function, &self.state)))
    }

    fn push(&mut self, method: Method) -> StateMethod<'_, S> {
        let place = self.methods.len();
        self.methods.push(method);
        StateMethod { method: &mut self.methods[place], state: self.state.clone() }
    }
}

impl<S: Send + Sync + 'static> StateMethod<'_, S> {
    /// Publishes `function` under the same name, for parameters that fit none of the ones before.
    pub fn or<Marker>(self, function: impl StateFunction<S, Marker>) -> Self {
        self.method.push(overload(function, &self.state));
        self
    }

    /// The same for a function that blocks.
    pub fn or_blocking<Marker>(
        self,
        function: impl StateFunction<S, Marker> + SyncFunction<Marker>,
    ) -> Self {
        self.method.push(blocking(function, &self.state));
        self
    }

    /// Names the parameters, in order, the state and callers aside.
    pub fn names<N: Into<Cow<'static, str>>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.method.names(names);
        self
    }
}

fn overload<S: Send + Sync + 'static, Marker>(
    function: impl StateFunction<S, Marker>,
    state: &Arc<S>,
) -> Overload {
    let state = state.clone();
    Overload::here(function.signature(), move |arguments| function.call(&state, arguments))
}

fn blocking<S: Send + Sync + 'static, Marker>(
    function: impl StateFunction<S, Marker> + SyncFunction<Marker>,
    state: &Arc<S>,
) -> Overload {
    let state = state.clone();
    Overload::aside(function.signature(), move |arguments| function.call(&state, arguments))
}
