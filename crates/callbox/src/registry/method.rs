//! A published name: what it does in words, and the functions behind it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use protocol::xmlrpc::{Fault, TypeName, Value};
use tokio::sync::Semaphore;

use super::caller::Caller;
use super::failure::Failure;
use super::function::{Function, Outcome, Running, SyncFunction};
use super::label::Label;
use super::param::Arguments;
use super::params::Params;
use super::signature::Signature;
use super::troubles::run_for;

/// A published name: what it does in words, and the functions behind it.
pub struct Method {
    label: Label,
    help: Cow<'static, str>,
    names: Vec<Cow<'static, str>>,
    pub(super) overloads: Vec<Overload>,
}

pub(super) struct Overload {
    pub(super) signature: Signature,
    call: Call,
}

/// A call that was begun, of a function that returns what it says.
pub(super) enum Begun {
    /// It has ended, with this and then.
    Ended(Result<Value, Failure>, Instant, TypeName),
    /// It goes on; see [`Label::finish`].
    Running(Running, TypeName),
}

type Run = dyn Fn(Arguments<'_>) -> Outcome + Send + Sync;

enum Call {
    /// On the thread that serves the caller, and others.
    Here(Box<Run>),
    /// On a thread beside those that serve.
    Aside(Arc<Run>),
}

impl Overload {
    pub(super) fn here(
        signature: Signature,
        run: impl Fn(Arguments<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self { signature, call: Call::Here(Box::new(run)) }
    }

    pub(super) fn aside(
        signature: Signature,
        run: impl Fn(Arguments<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self { signature, call: Call::Aside(Arc::new(run)) }
    }

    pub(super) fn of<Marker>(function: impl Function<Marker>) -> Self {
        Self::here(function.signature(), move |arguments| function.call(arguments))
    }

    pub(super) fn blocking<Marker>(function: impl Function<Marker>) -> Self {
        Self::aside(function.signature(), move |arguments| function.call(arguments))
    }
}

impl Method {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        first: Overload,
    ) -> Self {
        Self {
            label: Label::new(name.into()),
            help: help.into(),
            names: Vec::new(),
            overloads: vec![first],
        }
    }

    /// Publishes `function` under the same name, for parameters that fit none of the ones before.
    pub fn or<Marker>(&mut self, function: impl Function<Marker>) -> &mut Self {
        self.push(Overload::of(function))
    }

    /// The same for a function that blocks; see
    /// [`Registry::add_blocking`](crate::Registry::add_blocking).
    pub fn or_blocking<Marker>(
        &mut self,
        function: impl Function<Marker> + SyncFunction<Marker>,
    ) -> &mut Self {
        self.push(Overload::blocking(function))
    }

    /// Names the parameters, in order; of functions with fewer parameters the first ones.
    pub fn names<N: Into<Cow<'static, str>>>(
        &mut self,
        names: impl IntoIterator<Item = N>,
    ) -> &mut Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The same for a method whose time is that of others, who are told of it themselves.
    pub(super) fn held_by_others(self) -> Self {
        Self { label: self.label.held_by_others(), ..self }
    }

    pub(super) fn push(&mut self, overload: Overload) -> &mut Self {
        self.overloads.push(overload);
        self
    }

    /// The method's name.
    pub fn name(&self) -> &str {
        self.label.name()
    }

    /// What is logged and counted of it.
    pub(super) fn label(&self) -> &Label {
        &self.label
    }

    /// What the method does, in words.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// The parameters' names, in order, as far as they were given.
    pub fn parameter_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The functions' signatures.
    pub fn signatures(&self) -> impl ExactSizeIterator<Item = &Signature> {
        self.overloads.iter().map(|overload| &overload.signature)
    }

    /// The signatures as type names, the result's first: one or more a function.
    pub fn spelled_signatures(&self) -> impl Iterator<Item = Vec<&'static str>> {
        self.signatures().flat_map(Signature::spelled)
    }

    /// Calls the function that `params` fit. One that panics is an internal error and nothing
    /// worse. It is `now`; `places` are those of functions on threads of their own.
    pub(super) fn start(
        &self,
        params: Params,
        caller: &Caller,
        now: Instant,
        places: &Arc<Semaphore>,
    ) -> Result<Begun, Failure> {
        let (Overload { signature, call }, params) = self.fitting(params)?;
        Ok(match call {
            Call::Here(run) => {
                let (ran, ended) =
                    self.label.watched(caller, now, || run(Arguments::new(params, caller)));
                match ran? {
                    Outcome::Done(result) => {
                        Begun::Ended(self.label.told(result, caller), ended, signature.returns)
                    }
                    Outcome::Later(running) => Begun::Running(running, signature.returns),
                }
            }
            Call::Aside(run) => {
                Begun::Running(self.aside(run, params, caller, places)?, signature.returns)
            }
        })
    }

    /// Runs a function on a thread beside those that serve, if one is free. It begins where it is
    /// first waited for, since a call may still be refused before that. The place is taken until it
    /// ends, also where nobody waits for it any more.
    fn aside(
        &self,
        run: &Arc<Run>,
        params: Vec<Value>,
        caller: &Caller,
        places: &Arc<Semaphore>,
    ) -> Result<Running, Failure> {
        let place = places.clone().try_acquire_owned().map_err(|_| Failure::Overloaded)?;
        let (name, run, caller) = (self.label.owned_name(), run.clone(), caller.clone());
        let work = move || {
            let _place = place;
            match run_for(&name, &caller, || run(Arguments::new(params, &caller)))? {
                Outcome::Done(result) => result,
                // Only sync functions come here.
                Outcome::Later(_) => Err(Fault::internal().into()),
            }
        };
        Ok(Box::pin(async {
            let ended = tokio::task::spawn_blocking(work).await;
            ended.unwrap_or_else(|_| Err(Fault::internal().into()))
        }))
    }
}
