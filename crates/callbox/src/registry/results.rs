//! The memory that the results of multicalls and batches take, from when they are made until they are
//! sent.

use std::sync::Arc;

use protocol::xmlrpc::{Fault, TypeName, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory that the results of one multicall may take.
pub(crate) const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;

/// Results of one multicall that are not counted among those of the others, and the step by which
/// the rest is.
const STEP: usize = 64 * 1024;

/// What became of a call: a result, of which is known what it was said to be, or a fault.
pub(crate) type Made = Result<(Value, TypeName), Fault>;

/// The results of one multicall.
pub(super) struct Results {
    room: Arc<Semaphore>,
    made: Vec<Made>,
    bytes: usize,
    taken: Option<OwnedSemaphorePermit>,
}

/// The results of what was called take more memory than they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overrun {
    /// Those of this multicall.
    Own,
    /// Those of all multicalls.
    All,
}

impl Results {
    /// Results of so many calls, which take memory of `room`.
    pub(super) fn new(room: &Arc<Semaphore>, calls: usize) -> Self {
        Self { room: room.clone(), made: Vec::with_capacity(calls), bytes: 0, taken: None }
    }

    /// Adds a result, if there is room for it.
    pub(super) fn push(&mut self, result: Made) -> Result<(), Overrun> {
        let bytes = self.bytes + weight_of(&result);
        if bytes > MAX_RESULT_BYTES {
            return Err(Overrun::Own);
        }
        self.take(bytes)?;
        self.bytes = bytes;
        self.made.push(result);
        Ok(())
    }

    /// Adds a fault that stands in a result's place. It is small, and needs no room.
    pub(super) fn push_fault(&mut self, fault: Fault) {
        self.made.push(Err(fault));
    }

    /// The results, and what is to be kept until they are sent.
    pub(super) fn into_parts(self) -> (Vec<Made>, Option<OwnedSemaphorePermit>) {
        (self.made, self.taken)
    }

    fn take(&mut self, bytes: usize) -> Result<(), Overrun> {
        let taken = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if bytes <= taken + STEP {
            return Ok(());
        }
        let lacking = u32::try_from((bytes - taken).next_multiple_of(STEP)).unwrap_or(u32::MAX);
        let more = self.room.clone().try_acquire_many_owned(lacking).map_err(|_| Overrun::All)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

/// Results as they come of calls that are made together: no more than one multicall may keep.
#[derive(Default)]
pub(super) struct Arrived {
    results: Vec<Result<Value, Fault>>,
    bytes: usize,
}

impl Arrived {
    /// Whether there is room for another one.
    pub(super) fn has_room(&self) -> bool {
        self.bytes <= MAX_RESULT_BYTES
    }

    /// Adds the result of a call, or that it is left out.
    pub(super) fn push(&mut self, result: Result<Value, Fault>) {
        self.bytes += match &result {
            Ok(value) => weight(value),
            Err(fault) => fault.message.len(),
        };
        self.results.push(match self.has_room() {
            true => result,
            false => Err(Overrun::Own.fault_of_result()),
        });
    }

    /// Adds that a call was not made.
    pub(super) fn push_unmade(&mut self) {
        self.results.push(Err(Overrun::Own.fault_of_rest()));
    }

    /// As many as were added.
    pub(super) fn into_results(self) -> Vec<Result<Value, Fault>> {
        self.results
    }
}

impl Overrun {
    /// The fault of the call whose result found no room.
    pub(super) fn fault_of_result(self) -> Fault {
        Fault::system(format!("the call was made, but its result is left out: {}", self.reason()))
    }

    /// The fault of each call after that.
    pub(super) fn fault_of_rest(self) -> Fault {
        Fault::system(format!("the call was not made: {}", self.reason()))
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Own => "the results of this multicall take more than 16 MiB of memory",
            Self::All => "the results of all multicalls in work take too much memory",
        }
    }
}

/// What a result takes, or a fault as a struct.
fn weight_of(made: &Made) -> usize {
    match made {
        Ok((value, _)) => size_of::<Made>() + weight(value),
        Err(fault) => 4 * size_of::<Made>() + fault.message.len(),
    }
}

/// Memory that a value takes, about; its document takes about as much.
fn weight(value: &Value) -> usize {
    let parts = match value {
        Value::String(text) => text.len(),
        Value::Base64(bytes) => bytes.len(),
        Value::Array(values) => values.into_iter().map(weight).sum(),
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| size_of::<String>() + name.len() + weight(value))
            .sum(),
        _ => 0,
    };
    size_of::<Value>() + parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> Made {
        Ok(("x".repeat(bytes).into(), TypeName::String))
    }

    #[test]
    fn results_of_one_multicall_are_bounded() {
        let room = Arc::new(Semaphore::new(4 * MAX_RESULT_BYTES));
        let mut results = Results::new(&room, 2);
        assert_eq!(results.push(text(MAX_RESULT_BYTES / 2)), Ok(()));
        assert_eq!(results.push(text(MAX_RESULT_BYTES / 2)), Err(Overrun::Own));
        assert_eq!(results.push(text(STEP)), Ok(()), "there is room for less");
    }

    #[test]
    fn results_of_all_multicalls_are_bounded_until_they_are_sent() {
        let room = Arc::new(Semaphore::new(10 * STEP));
        let mut first = Results::new(&room, 1);
        assert_eq!(first.push(text(8 * STEP)), Ok(()));
        let (_made, sent) = first.into_parts();
        let mut second = Results::new(&room, 2);
        assert_eq!(second.push(text(8 * STEP)), Err(Overrun::All));
        drop(sent);
        assert_eq!(second.push(text(8 * STEP)), Ok(()));
        drop(second);
        assert_eq!(room.available_permits(), 10 * STEP);
    }

    #[test]
    fn small_results_take_nothing_of_the_room_of_all() {
        let mut results = Results::new(&Arc::new(Semaphore::new(0)), 1);
        assert_eq!(results.push(text(STEP / 2)), Ok(()));
    }
}
