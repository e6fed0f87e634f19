//! Several calls in one: a multicall, or a batch.

use std::fmt::Display;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::json;
use protocol::xmlrpc::{
    Array, EncodeError, Fault, MAX_VALUE_DEPTH, Struct, TooDeep, TypeName, Value, check_writable,
};

use super::called::Called;
use super::caller::{Caller, Door};
use super::catalog::Lent;
use super::entry::{Callable, Entry, Together, Wanted};
use super::failure::Failure;
use super::params::Params;
use super::published::{Published, Started};
use super::results::{Made, Overrun, Results};

/// The method that makes several calls.
pub(crate) const MULTICALL: &str = "system.multicall";

/// Calls that one `system.multicall` or batch may make, unless a service is told otherwise.
pub(crate) const MAX_MULTICALL_ENTRIES: usize = 1_000;

/// How long entries run before other peers get their turn.
const SLICE: Duration = Duration::from_micros(100);

/// Levels of values around each result of a multicall: its own array, and that of all.
const LEVELS: usize = 2;

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
    let calls = calls.into_iter().map(Entry::read);
    Ok(make(published, calls, caller, LEVELS).await.into_iter().map(entry_of).collect())
}

/// Makes the calls of a batch in order. What is wrong with one of them is that one's fault alone. Of
/// what nobody wants the result, nil stands in its place.
pub(crate) async fn batch(
    published: &Published,
    entries: Vec<Entry>,
    caller: &Caller,
) -> Vec<Made> {
    make(published, entries.into_iter(), caller, 0).await
}

async fn make(
    published: &Published,
    entries: impl ExactSizeIterator<Item = Entry>,
    caller: &Caller,
    levels: usize,
) -> Vec<Made> {
    let results = Results::new(published.results(), entries.len());
    let now = Instant::now();
    let together = Together::default();
    let mut multicall =
        Multicall { published, caller, levels, results, overrun: None, together, now, turn: now };
    for entry in entries {
        multicall.add(entry).await;
        multicall.give_turn().await;
    }
    multicall.make_together().await;
    let (made, room) = multicall.results.into_parts();
    caller.connection().keep_room(room);
    made
}

/// A multicall or batch in work.
struct Multicall<'a> {
    published: &'a Published,
    caller: &'a Caller,
    /// Levels of values that there will be around each result.
    levels: usize,
    results: Results,
    /// Once there is no room for results, no more calls are made.
    overrun: Option<Overrun>,
    /// Entries that were read and not made: others may go with them.
    together: Together,
    now: Instant,
    /// When others had their turn.
    turn: Instant,
}

impl Multicall<'_> {
    /// Makes a call, or puts it to those that are made together.
    async fn add(&mut self, Entry { call, wanted }: Entry) {
        if self.leaves_out() {
            return;
        }
        let entry = Callable::find(call, self.published, self.caller);
        if !self.together.takes(&entry) {
            self.make_together().await;
            if self.leaves_out() {
                return;
            }
        }
        match entry {
            Ok(Callable::Alone(method, name, params)) => {
                self.make(method, &name, params, wanted).await;
            }
            Ok(Callable::Together(method, name, params)) => match method.values(params) {
                Ok((values, returns)) => {
                    self.together.methods.push(method);
                    self.together.calls.push((name, values));
                    self.together.ends.push((returns, wanted));
                    self.now = Instant::now();
                }
                Err(fault) => {
                    self.make_together().await;
                    self.end(Some(&Called::Lent(method)), Err(fault.into()), wanted);
                }
            },
            Err(fault) => self.end(None, Err(fault.into()), wanted),
        }
    }

    /// Leaves a call out where there is no room for results.
    fn leaves_out(&mut self) -> bool {
        let Some(overrun) = self.overrun else { return false };
        self.results.push_fault(overrun.fault_of_rest());
        true
    }

    async fn make(&mut self, method: Called<'_>, name: &str, params: Params, wanted: Wanted) {
        match self.published.start_method(method, name, params, self.caller, self.now) {
            Started::Ended(method, result, _, returns) => {
                self.end(method.as_ref(), result.map(|value| (value, returns)), wanted);
            }
            Started::Running(method, running, returns) => {
                let result = method.finish(running, self.caller).await;
                self.end(Some(&method), result.map(|value| (value, returns)), wanted);
            }
        }
    }

    /// Makes the calls that were put off.
    async fn make_together(&mut self) {
        let Together { methods, mut calls, ends } = mem::take(&mut self.together);
        match (&methods[..], &ends[..]) {
            ([], _) => {}
            ([only], [end]) => {
                if let Some(call) = calls.pop() {
                    self.make_lent(only, call, *end).await;
                }
            }
            ([first, ..], _) => {
                let started = self.now;
                let results = first.call_together(calls, self.caller).await;
                let time = started.elapsed();
                for ((method, result), end) in methods.into_iter().zip(results).zip(ends) {
                    self.end_together(method, result, end, time);
                    self.give_turn().await;
                }
            }
        }
    }

    async fn make_lent(
        &mut self,
        method: &Arc<Lent>,
        (name, values): (String, Vec<Value>),
        (returns, wanted): (TypeName, Wanted),
    ) {
        let started = method.start(&name, values, self.caller, self.now);
        let result = match started {
            Ok(running) => method.label().finish(running, self.caller).await,
            Err(fault) => Err(fault.into()),
        };
        let method = Called::Lent(method.clone());
        self.end(Some(&method), result.map(|value| (value, returns)), wanted);
    }

    fn end_together(
        &mut self,
        method: Arc<Lent>,
        result: Result<Value, Fault>,
        (returns, wanted): (TypeName, Wanted),
        time: Duration,
    ) {
        let method = Called::Lent(method);
        let result = result.map(|value| (value, returns)).map_err(Failure::from);
        let fault = self.keep(Some(&method), result, wanted);
        self.published.observe(Some(&method), self.caller.door(), fault, time);
        self.now = Instant::now();
    }

    /// Ends a call of `method`, or of none that is published, that was made by itself.
    fn end(
        &mut self,
        method: Option<&Called<'_>>,
        result: Result<(Value, TypeName), Failure>,
        wanted: Wanted,
    ) {
        let started = self.now;
        let fault = self.keep(method, result, wanted);
        self.now = Instant::now();
        self.published.observe(method, self.caller.door(), fault, self.now - started);
    }

    /// Keeps what a call ended with, and tells the code of its fault.
    fn keep(
        &mut self,
        method: Option<&Called<'_>>,
        result: Result<(Value, TypeName), Failure>,
        wanted: Wanted,
    ) -> Option<i32> {
        let result = match result.map_err(Failure::into_fault) {
            Ok(_) if wanted == Wanted::Nothing => Ok((Value::Nil, TypeName::Nil)),
            Ok(result) => self.checked(result, method),
            Err(fault) => Err(fault),
        };
        let fault = result.as_ref().err().map(|fault| fault.code);
        self.overrun = self.overrun.or_else(|| self.results.push(result).err());
        if let Some(overrun) = self.overrun {
            self.results.push_fault(overrun.fault_of_result());
        }
        fault
    }

    /// The result of `method`, if it can be written where it belongs.
    fn checked(&self, result: (Value, TypeName), method: Option<&Called<'_>>) -> Made {
        let log = |cause: &dyn Display| {
            method.iter().for_each(|it| it.log_unwritable(self.caller, cause))
        };
        let written = match self.caller.door() {
            Door::XmlRpc => check_writable(&result.0),
            Door::JsonRpc | Door::Json => {
                json::check_writable(&result.0).map_err(EncodeError::from)
            }
        };
        if let Err(cause) = written {
            log(&cause);
            return Err(cause.into());
        }
        if result.0.depth() + self.levels > MAX_VALUE_DEPTH {
            log(&TooDeep);
            return Err(Fault::internal());
        }
        Ok(result)
    }

    /// Gives others their turn, where it is time.
    async fn give_turn(&mut self) {
        if self.now - self.turn >= SLICE {
            tokio::task::yield_now().await;
            self.now = Instant::now();
            self.turn = self.now;
        }
    }
}

/// What became of a call, as an entry of a multicall's results.
fn entry_of(made: Made) -> Value {
    let entry = made.map(|(value, _)| Array::try_from(vec![value]));
    match entry {
        Ok(Ok(entry)) => entry.into(),
        // No result is kept that is as deep.
        Ok(Err(TooDeep)) => Struct::from(Fault::internal()).into(),
        Err(fault) => Struct::from(fault).into(),
    }
}
