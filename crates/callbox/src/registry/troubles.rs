//! What goes wrong while a method runs, logged with the request that it runs for.

use std::cell::{Cell, RefCell};

use protocol::xmlrpc::Fault;
use svc_runtime::logging::{Panic, catch};
use tracing::error;

use super::caller::Caller;

/// Causes that wait for their request. Further ones are logged without it.
const MAX_CAUSES: usize = 16;

thread_local! {
    /// Whether a method runs on this thread.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    /// Causes of internal errors of the method that runs, and of those that wait for it: the request
    /// is known to who runs it, and a copy for each call would cost.
    static CAUSES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// How many there are: nearly always none.
    static WAITING: Cell<usize> = const { Cell::new(0) };
}

/// Runs what there is to run now of the method `name`, which `caller` has called. A panic is an
/// internal error.
pub(super) fn run_for<T>(name: &str, caller: &Caller, run: impl FnOnce() -> T) -> Result<T, Fault> {
    let (outer, before) = (IS_RUNNING.replace(true), WAITING.get());
    let done = catch(run);
    IS_RUNNING.set(outer);
    if WAITING.get() > before {
        log_causes(name, caller, before);
    }
    done.map_err(|panic| {
        log_panic(name, caller, &panic);
        Fault::internal()
    })
}

/// Logs the cause of an internal error: with its request where a method runs on this thread.
pub(super) fn log_cause(cause: String) {
    if IS_RUNNING.get() && WAITING.get() < MAX_CAUSES {
        CAUSES.with_borrow_mut(|causes| causes.push(cause));
        WAITING.set(WAITING.get() + 1);
    } else {
        error!(%cause, "a method failed");
    }
}

/// Logs the causes after the first so many, which are those of a method that has called this one.
#[cold]
fn log_causes(method: &str, caller: &Caller, before: usize) {
    let causes = CAUSES.with_borrow_mut(|causes| causes.split_off(before));
    WAITING.set(before);
    let (peer, request_id) = (caller.peer(), &*caller.request_id());
    for cause in causes {
        error!(%cause, %peer, %method, request_id, "a method failed");
    }
}

/// Logs a panic: once a minute for each method and place, since any caller may cause it.
#[cold]
fn log_panic(method: &str, caller: &Caller, panic: &Panic) {
    if let Some(times) = panic.due(method) {
        let Panic { location, payload } = panic;
        error!(
            peer = %caller.peer(), %method, request_id = &*caller.request_id(),
            location, payload, times, "a method panicked"
        );
    }
}
