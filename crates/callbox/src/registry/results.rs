//! The memory that the results of multicalls take, from when they are made until they are sent.

use std::sync::Arc;

use protocol::xmlrpc::{Fault, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory that the results of one multicall may take.
pub(crate) const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;

/// Results of one multicall that are not counted among those of the others, and the step by which
/// the rest is.
const STEP: usize = 64 * 1024;

/// The results of one multicall.
pub(super) struct Results {
    room: Arc<Semaphore>,
    values: Vec<Value>,
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
        Self { room: room.clone(), values: Vec::with_capacity(calls), bytes: 0, taken: None }
    }

    /// Adds a result, if there is room for it.
    pub(super) fn push(&mut self, result: Value) -> Result<(), Overrun> {
        let bytes = self.bytes + weight(&result);
        if bytes > MAX_RESULT_BYTES {
            return Err(Overrun::Own);
        }
        self.take(bytes)?;
        self.bytes = bytes;
        self.values.push(result);
        Ok(())
    }

    /// Adds a fault that stands in a result's place. It is small, and needs no room.
    pub(super) fn push_fault(&mut self, fault: Value) {
        self.values.push(fault);
    }

    /// The results, and what is to be kept until they are sent.
    pub(super) fn into_parts(self) -> (Vec<Value>, Option<OwnedSemaphorePermit>) {
        (self.values, self.taken)
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

    #[test]
    fn results_of_one_multicall_are_bounded() {
        let room = Arc::new(Semaphore::new(4 * MAX_RESULT_BYTES));
        let mut results = Results::new(&room, 2);
        assert_eq!(results.push("x".repeat(MAX_RESULT_BYTES / 2).into()), Ok(()));
        assert_eq!(results.push("x".repeat(MAX_RESULT_BYTES / 2).into()), Err(Overrun::Own));
        assert_eq!(results.push("x".repeat(STEP).into()), Ok(()), "there is room for less");
    }

    #[test]
    fn results_of_all_multicalls_are_bounded_until_they_are_sent() {
        let room = Arc::new(Semaphore::new(10 * STEP));
        let mut first = Results::new(&room, 1);
        assert_eq!(first.push("x".repeat(8 * STEP).into()), Ok(()));
        let (_values, sent) = first.into_parts();
        let mut second = Results::new(&room, 2);
        assert_eq!(second.push("x".repeat(8 * STEP).into()), Err(Overrun::All));
        drop(sent);
        assert_eq!(second.push("x".repeat(8 * STEP).into()), Ok(()));
        drop(second);
        assert_eq!(room.available_permits(), 10 * STEP);
    }

    #[test]
    fn small_results_take_nothing_of_the_room_of_all() {
        let mut results = Results::new(&Arc::new(Semaphore::new(0)), 1);
        assert_eq!(results.push("x".repeat(STEP / 2).into()), Ok(()));
    }
}
