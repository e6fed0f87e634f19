//! The methods that can be called: no more are added.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::xmlrpc::{Fault, Value};
use svc_runtime::metrics::{Family, Histogram, Metrics};
use tokio::sync::Semaphore;

use super::PublishLimits;
use super::caller::{Caller, Door};
use super::durations::{Durations, NO_METHOD};
use super::failure::Failure;
use super::function::Running;
use super::method::{Begun, Method};

/// Methods by name.
pub(crate) struct Published {
    /// In the order of [`key`]. What a peer sends is only looked up here, never put in, and a
    /// search by halves takes fewer instructions than a hash that peers cannot attack.
    methods: Vec<Method>,
    /// For functions on threads of their own.
    places: Arc<Semaphore>,
    /// Bytes for the results of multicalls.
    results: Arc<Semaphore>,
    durations: Family<Histogram>,
    /// Of calls of what is not published.
    unpublished: Durations,
}

impl Published {
    /// The methods, of which each has another name.
    pub(super) fn new(mut methods: Vec<Method>, limits: PublishLimits, metrics: &Metrics) -> Self {
        methods.sort_unstable_by(|one, other| key(one.name()).cmp(&key(other.name())));
        let durations = metrics
            .family("rpc_server_call_duration_seconds", "How long calls took, and how they ended");
        let places = Arc::new(Semaphore::new(limits.blocking_calls));
        let results = Arc::new(Semaphore::new(limits.result_bytes));
        Self { methods, places, results, durations, unpublished: Durations::default() }
    }

    /// The bytes that the results of multicalls may still take.
    pub(super) fn results(&self) -> &Arc<Semaphore> {
        &self.results
    }

    /// The method called `name`; the fault is that of calling another. One that the caller may not
    /// call is as good as none.
    pub(super) fn method(&self, name: &str, caller: &Caller) -> Result<&Method, Fault> {
        let method = self.find(name).filter(|_| caller.may_call(name));
        method.ok_or_else(|| Fault::method_not_found(name))
    }

    fn find(&self, name: &str) -> Option<&Method> {
        let place = self.methods.binary_search_by(|method| key(method.name()).cmp(&key(name)));
        place.ok().map(|place| &self.methods[place])
    }

    /// Logs that the method's result cannot be written.
    pub(crate) fn log_unwritable(&self, name: &str, caller: &Caller, cause: &dyn Display) {
        if let Some(method) = self.find(name) {
            method.log_unwritable(caller, cause);
        }
    }

    /// The names of all methods.
    pub(crate) fn all_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.methods.iter().map(Method::name)
    }

    /// The names of all methods that the caller may call, sorted.
    pub(super) fn names(&self, caller: &Caller) -> Vec<String> {
        let names = self.all_names().filter(|name| caller.may_call(name));
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    /// Starts the method `name`. It is `now`, or was a moment ago.
    pub(crate) fn start(
        &self,
        name: &str,
        params: Vec<Value>,
        caller: &Caller,
        now: Instant,
    ) -> Started<'_> {
        let method = match self.method(name, caller) {
            Ok(method) => method,
            Err(fault) => return Started::Ended(None, Err(fault.into()), None),
        };
        match method.start(params, caller, now, &self.places) {
            Ok(Begun::Ended(result, then)) => Started::Ended(Some(method), result, Some(then)),
            Ok(Begun::Running(running)) => Started::Running(method, running),
            Err(failure) => Started::Ended(Some(method), Err(failure), None),
        }
    }

    /// Counts a call of `method`, or of none that is published, that ended with this fault, or none,
    /// after `time`.
    pub(crate) fn observe(
        &self,
        method: Option<&Method>,
        door: Door,
        fault: Option<i32>,
        time: Duration,
    ) {
        match method {
            Some(method) => method.observe(&self.durations, door, fault, time),
            None => self.unpublished.observe(&self.durations, NO_METHOD, door, fault, time),
        }
    }
}

/// Orders names by what is cheap to compare first.
fn key(name: &str) -> (usize, &str) {
    (name.len(), name)
}

/// A call that was started. What awaits one has room for its end alone, which is why this is no
/// future: a function that is not async has ended already.
pub(crate) enum Started<'a> {
    /// It has ended, at that time where somebody looked.
    Ended(Option<&'a Method>, Result<Value, Failure>, Option<Instant>),
    /// It goes on; see [`Method::finish`].
    Running(&'a Method, Running),
}
