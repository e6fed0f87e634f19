//! What is logged and counted of a method, and under which name.

use std::borrow::Cow;
use std::fmt::Display;
use std::task::Poll;
use std::time::{Duration, Instant};

use protocol::xmlrpc::{Fault, Value};
use svc_runtime::seldom::Seldom;
use tracing::{error, warn};

use super::caller::Caller;
use super::catalog::Awaited;
use super::durations::Durations;
use super::failure::Failure;
use super::function::Running;
use super::troubles::run_for;

/// Longest time for which a method may hold a thread that serves others before that is told.
pub const MAX_HOLD: Duration = Duration::from_millis(100);

/// What is logged and counted of a method, and under which name: its own, or the pattern that it
/// was found by.
pub(crate) struct Label {
    name: Cow<'static, str>,
    /// How often it held its thread for too long; `None` for a multicall, of whose calls that is
    /// told.
    held: Option<Seldom>,
    unwritable: Seldom,
    pub(super) durations: Durations,
}

impl Label {
    /// Nothing was called under this name yet.
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        let (held, unwritable) = (Some(Seldom::new()), Seldom::new());
        Self { name, held, unwritable, durations: Durations::default() }
    }

    /// The same for a method whose time is that of others, who are told of it themselves.
    pub(super) fn held_by_others(self) -> Self {
        Self { held: None, ..self }
    }

    /// The name under which it is logged.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name, to be kept.
    pub(super) fn owned_name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    /// Whether the method makes several calls.
    pub(crate) fn is_multicall(&self) -> bool {
        self.held.is_none()
    }

    /// Ends what `caller` has started.
    pub(crate) async fn finish(&self, running: Running, caller: &Caller) -> Result<Value, Failure> {
        let ended = self.end(running, caller).await;
        self.told(ended.unwrap_or_else(|fault| Err(fault.into())), caller)
    }

    /// Takes `running` to its end. What panics is an internal error.
    pub(super) async fn end<T>(
        &self,
        mut running: Awaited<T>,
        caller: &Caller,
    ) -> Result<T, Fault> {
        let polled = std::future::poll_fn(|cx| {
            let (polled, _) = self.watched(caller, Instant::now(), || running.as_mut().poll(cx));
            polled.map_or_else(|fault| Poll::Ready(Err(fault)), |polled| polled.map(Ok))
        });
        polled.await
    }

    /// Runs what may fail, or hold its thread for too long, from `started` on, and says when it
    /// ended.
    pub(super) fn watched<T>(
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
    pub(super) fn told(
        &self,
        result: Result<Value, Failure>,
        caller: &Caller,
    ) -> Result<Value, Failure> {
        match result {
            Err(Failure::Unwritable(cause)) => {
                self.log_unwritable(caller, &cause);
                Err(Fault::internal().into())
            }
            other => other,
        }
    }

    /// Logs that a result had no form on the wire: once a minute, since any caller may cause it.
    pub(crate) fn log_unwritable(&self, caller: &Caller, cause: &dyn Display) {
        if let Some(times) = self.unwritable.due() {
            error!(
                peer = %caller.peer(), method = %self.name, request_id = &*caller.request_id(),
                times, %cause, "a method's result cannot be written"
            );
        }
    }
}

/// Orders names by what is cheap to compare first.
pub(super) fn key(name: &str) -> (usize, &str) {
    (name.len(), name)
}
