//! What answers the calls of methods that come and go.

use std::pin::Pin;

use protocol::xmlrpc::{Fault, Value};

use crate::registry::Caller;
use crate::registry::results::Arrived;

/// What a [`Handler`] will have answered.
pub type Awaited<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers the calls of a [`Catalog`](crate::Catalog)'s methods: of one, or of many that it tells
/// apart by their names.
///
/// What is true of functions is true of it: it runs on a thread that serves others too, a panic is an
/// internal error, and the wait for its future ends at the caller's
/// [`deadline`](Caller::deadline), or when the caller leaves; then the future is dropped.
pub trait Handler: Send + Sync + 'static {
    /// Answers a call of the method `name`. The parameters are as the peer sent them: what the
    /// method's signatures say is not checked.
    fn call(
        &self,
        name: &str,
        params: Vec<Value>,
        caller: &Caller,
    ) -> Awaited<Result<Value, Fault>>;

    /// Whether consecutive entries of one multicall that are for this handler, the same `Arc` of it,
    /// are to be asked together. Asked anew for each entry.
    fn asks_together(&self) -> bool {
        false
    }

    /// Answers two or more such entries, by as many results in the same order; with another number
    /// of results each of the entries is an internal error. Without a body of its own it makes the
    /// futures of all [`call`](Self::call)s and awaits them one by one, as long as their results take
    /// no more memory than those of one multicall may.
    fn call_together(
        &self,
        calls: Vec<(String, Vec<Value>)>,
        caller: &Caller,
    ) -> Awaited<Vec<Result<Value, Fault>>> {
        let calls = calls.into_iter().map(|(name, params)| self.call(&name, params, caller));
        let calls: Vec<_> = calls.collect();
        Box::pin(async move {
            let mut arrived = Arrived::default();
            for call in calls {
                match arrived.has_room() {
                    true => arrived.push(call.await),
                    false => arrived.push_unmade(),
                }
            }
            arrived.into_results()
        })
    }
}
