//! What goes wrong while a method runs, logged with the request that it runs for.

use std::cell::RefCell;

use protocol::xmlrpc::Fault;
use svc_runtime::logging::{Panic, catch};
use tracing::error;

use super::caller::Caller;

/// Causes that wait for their request. Further ones are logged without it.
const MAX_CAUSES: usize = 16;

thread_local! {
    /// Causes of internal errors of the method that runs on this thread, where one does. The
    /// request that it runs for is known to who runs it, and a copy for each call would cost.
    static CAUSES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Runs what there is to run now of the method `name`, which `caller` has called. A panic is an
/// internal error.
pub(super) fn run_for<T>(name: &str, caller: &Caller, run: impl FnOnce() -> T) -> Result<T, Fault> {
    let outer = CAUSES.replace(Some(Vec::new()));
    let done = catch(run);
    let causes = CAUSES.replace(outer).unwrap_or_default();
    if !causes.is_empty() {
        log_causes(name, caller, &causes);
    }
    done.map_err(|panic| {
        log_panic(name, caller, &panic);
        Fault::internal()
    })
}

/// Logs the cause of an internal error: with its request where a method runs on this thread.
pub(super) fn log_cause(cause: String) {
    let alone = CAUSES.with_borrow_mut(|causes| match causes {
        Some(causes) if causes.len() < MAX_CAUSES => {
            causes.push(cause);
            None
        }
        _ => Some(cause),
    });
    if let Some(cause) = alone {
        error!(%cause, "a method failed");
    }
}

#[cold]
fn log_causes(method: &str, caller: &Caller, causes: &[String]) {
    let (peer, request_id) = (caller.peer(), caller.request_id());
    for cause in causes {
        error!(%peer, %method, %request_id, %cause, "a method failed");
    }
}

/// Logs a panic: once a minute for each method and place, since any caller may cause it.
#[cold]
fn log_panic(method: &str, caller: &Caller, panic: &Panic) {
    if let Some(times) = panic.due(method) {
        let Panic { location, payload } = panic;
        error!(
            peer = %caller.peer(), %method, request_id = %caller.request_id(),
            location, payload, times, "a method panicked"
        );
    }
}
