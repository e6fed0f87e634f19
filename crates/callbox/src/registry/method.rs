//! A published name: what it does in words, and the functions behind it.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use protocol::xmlrpc::{Fault, Value};
use svc_runtime::metrics::{Family, Histogram};
use svc_runtime::seldom::Seldom;
use tokio::sync::Semaphore;
use tracing::{error, warn};

use super::caller::{Caller, Door};
use super::durations::Durations;
use super::failure::Failure;
use super::function::{Function, Outcome, Running, SyncFunction};
use super::param::Arguments;
use super::signature::{Signature, list};
use super::troubles::run_for;

/// Longest time for which a method may hold a thread that serves others before that is told.
pub const MAX_HOLD: Duration = Duration::from_millis(100);

/// A published name: what it does in words, and the functions behind it.
pub struct Method {
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    names: Vec<Cow<'static, str>>,
    overloads: Vec<Overload>,
    /// How often it held its thread for too long; `None` for a multicall, of whose calls that is told.
    held: Option<Seldom>,
    unwritable: Seldom,
    durations: Durations,
}

pub(super) struct Overload {
    signature: Signature,
    call: Call,
}

/// A call that was begun.
pub(super) enum Begun {
    /// It has ended, with this and then.
    Ended(Result<Value, Failure>, Instant),
    /// It goes on; see [`Method::finish`].
    Running(Running),
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
            name: name.into(),
            help: help.into(),
            names: Vec::new(),
            overloads: vec![first],
            held: Some(Seldom::new()),
            unwritable: Seldom::new(),
            durations: Durations::default(),
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
        Self { held: None, ..self }
    }

    pub(super) fn push(&mut self, overload: Overload) -> &mut Self {
        self.overloads.push(overload);
        self
    }

    /// The method's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it makes several calls.
    pub(crate) fn is_multicall(&self) -> bool {
        self.held.is_none()
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
        params: Vec<Value>,
        caller: &Caller,
        now: Instant,
        places: &Arc<Semaphore>,
    ) -> Result<Begun, Failure> {
        Ok(match &self.fitting(&params)?.call {
            Call::Here(run) => {
                let (ran, ended) =
                    self.watched(caller, now, || run(Arguments::new(params, caller)));
                match ran? {
                    Outcome::Done(result) => Begun::Ended(self.told(result, caller), ended),
                    Outcome::Later(running) => Begun::Running(running),
                }
            }
            Call::Aside(run) => Begun::Running(self.aside(run, params, caller, places)?),
        })
    }

    /// Counts a call that ended with this fault, or none, after `time`.
    pub(super) fn observe(
        &self,
        family: &Family<Histogram>,
        door: Door,
        fault: Option<i32>,
        time: Duration,
    ) {
        self.durations.observe(family, &self.name, door, fault, time);
    }

    /// Ends what `caller` has started.
    pub(crate) async fn finish(
        &self,
        mut running: Running,
        caller: &Caller,
    ) -> Result<Value, Failure> {
        let polled = std::future::poll_fn(|cx| {
            let (polled, _) = self.watched(caller, Instant::now(), || running.as_mut().poll(cx));
            polled.unwrap_or_else(|fault| Poll::Ready(Err(fault.into())))
        });
        self.told(polled.await, caller)
    }

    /// Runs a function on a thread beside those that serve, if one is free. The place is taken until
    /// it ends, also where nobody waits for it any more.
    fn aside(
        &self,
        run: &Arc<Run>,
        params: Vec<Value>,
        caller: &Caller,
        places: &Arc<Semaphore>,
    ) -> Result<Running, Failure> {
        let place = places.clone().try_acquire_owned().map_err(|_| Failure::Overloaded)?;
        let (name, run, caller) = (self.name.clone(), run.clone(), caller.clone());
        let running = tokio::task::spawn_blocking(move || {
            let _place = place;
            match run_for(&name, &caller, || run(Arguments::new(params, &caller)))? {
                Outcome::Done(result) => result,
                // Only sync functions come here.
                Outcome::Later(_) => Err(Fault::internal().into()),
            }
        });
        let ended = async { running.await.unwrap_or_else(|_| Err(Fault::internal().into())) };
        Ok(Box::pin(ended))
    }

    fn fitting(&self, params: &[Value]) -> Result<&Overload, Fault> {
        let mut overloads = self.overloads.iter();
        match (overloads.find(|overload| overload.signature.fits(params)), &self.overloads[..]) {
            (Some(overload), _) => Ok(overload),
            // The only function says best what is wrong with its parameters.
            (None, [only]) if only.signature.fits_number(params.len()) => Ok(only),
            (None, [only]) => Err(wrong_number(&only.signature, params.len())),
            (None, _) => Err(self.mismatch(params)),
        }
    }

    fn mismatch(&self, params: &[Value]) -> Fault {
        let expected: Vec<_> = self.signatures().map(Signature::expected).collect();
        let found = list(params.iter().map(Value::type_name));
        Fault::invalid_params(format!("params: expected {}, found {found}", expected.join(" or ")))
    }

    /// Runs what may fail, or hold its thread for too long, from `started` on, and says when it
    /// ended.
    fn watched<T>(
        &self,
        caller: &Caller,
        started: Instant,
        run: impl FnOnce() -> T,
    ) -> (Result<T, Fault>, Instant) {
        let done = run_for(&self.name, caller, run);
        let now = Instant::now();
        if now > started + MAX_HOLD {
            self.log_hold(now - started);
        }
        (done, now)
    }

    /// Logs that the method held a thread for too long: once a minute, since any caller may cause it.
    fn log_hold(&self, held: Duration) {
        if let Some(times) = self.held.as_ref().and_then(Seldom::due) {
            warn!(
                method = %self.name, times, ?held,
                "a method holds a thread that serves others: slow work is async or blocking"
            );
        }
    }

    /// The result, as the door is told it: one that cannot be written is the author's to know.
    fn told(&self, result: Result<Value, Failure>, caller: &Caller) -> Result<Value, Failure> {
        match result {
            Err(Failure::Unwritable(cause)) => {
                self.log_unwritable(caller, &cause);
                Err(Fault::internal().into())
            }
            other => other,
        }
    }

    /// Logs that a result had no form on the wire: once a minute, since any caller may cause it.
    pub(super) fn log_unwritable(&self, caller: &Caller, cause: &dyn std::fmt::Display) {
        if let Some(times) = self.unwritable.due() {
            error!(
                peer = %caller.peer(), method = %self.name, request_id = &*caller.request_id(),
                times, %cause, "a method's result cannot be written"
            );
        }
    }
}

fn wrong_number(signature: &Signature, found: usize) -> Fault {
    let (least, most) = (signature.required(), signature.params.len());
    let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let plural = if most == 1 { "" } else { "s" };
    Fault::invalid_params(format!("expected {expected} parameter{plural}, found {found}"))
}
