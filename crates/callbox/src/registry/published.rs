//! The methods that can be called: those that stay, and those of catalogs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::xmlrpc::{Fault, TypeName, Value};
use svc_runtime::metrics::{Family, Histogram, Metrics};
use tokio::sync::Semaphore;

use super::PublishLimits;
use super::called::Called;
use super::caller::{Caller, Door};
use super::catalog::{Catalog, Counted, Lent};
use super::durations::{Durations, NO_METHOD};
use super::failure::Failure;
use super::function::Running;
use super::label::key;
use super::method::{Begun, Method};
use super::params::Params;
use super::permissions::Pattern;

/// The name of the method by which JSON-RPC tells what there is.
pub(super) const DISCOVER: &str = "rpc.discover";

/// Methods by name.
pub(crate) struct Published {
    /// In the order of [`key`]. What a peer sends is only looked up here, never put in, and a
    /// search by halves takes fewer instructions than a hash that peers cannot attack.
    methods: Vec<Method>,
    /// Found by the doors of JSON alone, where nothing else has its name.
    discover: Method,
    /// Asked for what is not found there.
    catalogs: Vec<Catalog>,
    /// For functions on threads of their own.
    places: Arc<Semaphore>,
    /// Bytes for the results of multicalls.
    results: Arc<Semaphore>,
    durations: Family<Histogram>,
    /// Of the catalogs.
    counted: Counted,
    /// Of calls of what is not published.
    unpublished: Durations,
}

impl Published {
    /// The methods, of which each has another name, and those of catalogs.
    pub(super) fn new(
        mut methods: Vec<Method>,
        discover: Method,
        catalogs: Vec<Catalog>,
        limits: PublishLimits,
        metrics: &Metrics,
    ) -> Self {
        methods.sort_unstable_by(|one, other| key(one.name()).cmp(&key(other.name())));
        Self {
            methods,
            discover,
            catalogs,
            places: Arc::new(Semaphore::new(limits.blocking_calls)),
            results: Arc::new(Semaphore::new(limits.result_bytes)),
            durations: metrics.family(
                "rpc_server_call_duration_seconds",
                "How long calls took, and how they ended",
            ),
            counted: Counted::default(),
            unpublished: Durations::default(),
        }
    }

    /// The bytes that the results of multicalls may still take.
    pub(super) fn results(&self) -> &Arc<Semaphore> {
        &self.results
    }

    /// The method called `name`; the fault is that of calling another. One that the caller may not
    /// call is as good as none.
    pub(super) fn method(&self, name: &str, caller: &Caller) -> Result<Called<'_>, Fault> {
        let own = self.find(name).filter(|_| caller.may_call(name));
        if let Some(own) = own {
            return Ok(Called::Own(own));
        }
        if name == DISCOVER && caller.door() != Door::XmlRpc {
            return Ok(Called::Own(&self.discover));
        }
        let lent = if caller.may_call(name) { self.lent(name) } else { None };
        lent.map(Called::Lent).ok_or_else(|| Fault::method_not_found(name))
    }

    fn find(&self, name: &str) -> Option<&Method> {
        let place = self.methods.binary_search_by(|method| key(method.name()).cmp(&key(name)));
        place.ok().map(|place| &self.methods[place])
    }

    /// The method of a catalog: a name goes before all patterns.
    fn lent(&self, name: &str) -> Option<Arc<Lent>> {
        let named = self.catalogs.iter().find_map(|catalog| catalog.method(name));
        named.or_else(|| self.catalogs.iter().find_map(|catalog| catalog.method_by_pattern(name)))
    }

    /// Whether there is a method that `allowed` fits, or could be.
    pub(crate) fn may_have(&self, allowed: &Pattern) -> bool {
        self.methods.iter().any(|method| allowed.fits(method.name()))
            || self.catalogs.iter().any(|catalog| catalog.may_have(allowed))
    }

    /// The names of all methods that the caller may call, sorted.
    pub(super) fn names(&self, caller: &Caller) -> Vec<String> {
        let own = self.methods.iter().map(Method::name).filter(|name| caller.may_call(name));
        let mut names: Vec<_> = own.map(str::to_owned).collect();
        for catalog in &self.catalogs {
            catalog.add_names(&mut names, |name| caller.may_call(name));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Starts the method `name`. It is `now`, or was a moment ago.
    pub(crate) fn start(
        &self,
        name: &str,
        params: Params,
        caller: &Caller,
        now: Instant,
    ) -> Started<'_> {
        match self.method(name, caller) {
            Ok(method) => self.start_method(method, name, params, caller, now),
            Err(fault) => Started::refused(None, fault),
        }
    }

    /// Starts a `method` that was found by this `name`.
    pub(super) fn start_method<'a>(
        &self,
        method: Called<'a>,
        name: &str,
        params: Params,
        caller: &Caller,
        now: Instant,
    ) -> Started<'a> {
        let begun = match &method {
            Called::Own(own) => own.start(params, caller, now, &self.places),
            Called::Lent(lent) => {
                lent.values(params).map_err(Failure::from).and_then(|(values, returns)| {
                    Ok(Begun::Running(lent.start(name, values, caller, now)?, returns))
                })
            }
        };
        match begun {
            Ok(Begun::Ended(result, then, returns)) => {
                Started::Ended(Some(method), result, Some(then), returns)
            }
            Ok(Begun::Running(running, returns)) => Started::Running(method, running, returns),
            Err(failure) => Started::refused(Some(method), failure),
        }
    }

    /// Counts a call of `method`, or of none that is published, that ended with this fault, or none,
    /// after `time`.
    pub(crate) fn observe(
        &self,
        method: Option<&Called<'_>>,
        door: Door,
        fault: Option<i32>,
        time: Duration,
    ) {
        let family = &self.durations;
        match method {
            Some(Called::Own(own)) => {
                let label = own.label();
                label.durations.observe(family, || label.name(), door, fault, time);
            }
            Some(Called::Lent(lent)) => {
                let label = lent.label();
                let counted = || self.counted.label(label.name());
                label.durations.observe(family, counted, door, fault, time);
            }
            None => self.unpublished.observe(family, || NO_METHOD, door, fault, time),
        }
    }
}

/// A call that was started, of a function that returns what it says. What awaits one has room for its
/// end alone, which is why this is no future: a function that is not async has ended already.
pub(crate) enum Started<'a> {
    /// It has ended, at that time where somebody looked.
    Ended(Option<Called<'a>>, Result<Value, Failure>, Option<Instant>, TypeName),
    /// It goes on; see [`Label::finish`](super::label::Label::finish).
    Running(Called<'a>, Running, TypeName),
}

impl<'a> Started<'a> {
    fn refused(method: Option<Called<'a>>, failure: impl Into<Failure>) -> Self {
        Self::Ended(method, Err(failure.into()), None, TypeName::Any)
    }
}
