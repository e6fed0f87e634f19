//! Several calls in one.

use std::time::{Duration, Instant};

use protocol::xmlrpc::{Array, Fault, MAX_VALUE_DEPTH, Struct, TooDeep, Value, check_writable};

use super::caller::Caller;
use super::failure::Failure;
use super::method::Method;
use super::published::{Published, Started};
use super::results::{Overrun, Results};

/// The method that makes several calls.
pub(crate) const MULTICALL: &str = "system.multicall";

/// Calls that one `system.multicall` may make, unless a service is told otherwise.
pub(crate) const MAX_MULTICALL_ENTRIES: usize = 1_000;

/// How long entries run before other peers get their turn.
const SLICE: Duration = Duration::from_micros(100);

/// Makes `calls` in order. What is wrong with one of them is that one's fault alone.
pub(super) async fn multicall(
    published: &Published,
    calls: Array,
    caller: &Caller,
    max_entries: usize,
) -> Result<Vec<Value>, Fault> {
    if calls.len() > max_entries {
        return Err(Fault::invalid_params(format!("params[0]: more than {max_entries} calls")));
    }
    let mut results = Results::new(published.results(), calls.len());
    let mut overrun = None;
    let mut now = Instant::now();
    let mut turn = now;
    for call in calls.into_vec() {
        if let Some(overrun) = overrun {
            results.push_fault(entry_of(Overrun::fault_of_rest(overrun)));
            continue;
        }
        let mut method = None;
        let result = one_call(published, call, caller, now, &mut method).await;
        let result = result.map_err(Failure::into_fault);
        let (started, fault) = (now, result.as_ref().err().map(|fault| fault.code));
        overrun = results.push(result.unwrap_or_else(entry_of)).err();
        if let Some(overrun) = overrun {
            results.push_fault(entry_of(Overrun::fault_of_result(overrun)));
        }
        now = Instant::now();
        published.observe(method, caller.door(), fault, now - started);
        if now - turn >= SLICE {
            tokio::task::yield_now().await;
            now = Instant::now();
            turn = now;
        }
    }
    let (values, room) = results.into_parts();
    caller.connection().keep_room(room);
    Ok(values)
}

fn entry_of(fault: Fault) -> Value {
    Struct::from(fault).into()
}

/// Makes one call, and tells of which `method` it is.
async fn one_call<'a>(
    published: &'a Published,
    call: Value,
    caller: &Caller,
    now: Instant,
    method: &mut Option<&'a Method>,
) -> Result<Value, Failure> {
    let (name, params) = name_and_params(call)?;
    if name == MULTICALL {
        return Err(Fault::invalid_params("a multicall cannot be nested").into());
    }
    let result = match published.start(&name, params, caller, now) {
        Started::Ended(called, result, _) => {
            *method = called;
            result?
        }
        Started::Running(called, running) => method.insert(called).finish(running, caller).await?,
    };
    if let Err(cause) = check_writable(&result) {
        published.log_unwritable(&name, caller, &cause);
        return Err(Fault::from(cause).into());
    }
    match Array::try_from(vec![result]).map(Value::from) {
        // There will be an array around it.
        Ok(entry) if entry.depth() < MAX_VALUE_DEPTH => Ok(entry),
        _ => {
            published.log_unwritable(&name, caller, &TooDeep);
            Err(Fault::internal().into())
        }
    }
}

fn name_and_params(call: Value) -> Result<(String, Vec<Value>), Fault> {
    let Value::Struct(members) = call else {
        return Err(Fault::invalid_params("expected a struct with methodName and params"));
    };
    let (mut name, mut params) = (None, None);
    for (member, value) in members.into_members() {
        match (member.as_str(), value) {
            ("methodName", Value::String(text)) => name = Some(text),
            ("methodName", _) => return Err(Fault::invalid_params("methodName: expected string")),
            ("params", Value::Array(values)) => params = Some(values.into_vec()),
            ("params", _) => return Err(Fault::invalid_params("params: expected array")),
            _ => {}
        }
    }
    let name = name.ok_or_else(|| Fault::invalid_params("missing member methodName"))?;
    let params = params.ok_or_else(|| Fault::invalid_params("missing member params"))?;
    Ok((name, params))
}
