//! The memory that the answers of all upstreams may take together.

use std::sync::Arc;
use std::time::Duration;

use callbox_client::transport::{NoRoom, Room, Taking};
use svc_runtime::budget::{Budget, LARGE_PATIENCE, LaneBytes, Share};
use svc_runtime::memory::Memory;
use svc_runtime::metrics::{Metrics, ReadSeries};
use svc_runtime::seldom::Seldom;
use tokio::time::Instant;
use tracing::warn;

use super::trouble::Trouble;

/// The part of the memory for peers that the answers of upstreams have, where there are any.
const PART_FOR_ANSWERS: usize = 3;

/// Parts that all of it is made of, and how many are for what: for small and for large answers, as
/// they come and while they are read.
const PARTS: usize = 8;
const ARRIVING: (usize, usize) = (1, 2);
const READING: (usize, usize) = (1, 4);

/// Most that one share can be, whatever there is.
const MAX_SHARE: usize = u32::MAX as usize;

/// Longest reply of a line service that takes nothing of it, in bytes: there are no more of these
/// than connections.
pub(super) const MAX_UNCOUNTED: usize = 64 * 1024;

/// The part of a call's time that its answer may wait for memory, as it comes and to be read.
const PATIENCE_PART: u32 = 4;

/// The memory that the answers of all upstreams may take together. Clones share it.
#[derive(Debug, Clone)]
pub struct AnswerMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: usize,
    arriving: Budget,
    reading: Budget,
    refusals: Seldom,
}

impl AnswerMemory {
    /// A part of what a process may take, `most` bytes or what there is, told by `metrics`.
    pub fn of_process(most: Option<usize>, metrics: &Metrics) -> Self {
        let memory = Self::new(Memory::of_process(most).for_peers() / PART_FOR_ANSWERS);
        let budgets = [("arriving", &memory.0.arriving), ("reading", &memory.0.reading)];
        let series =
            budgets.map(|(name, budget)| ReadSeries::new([("budget", name)], budget.taken()));
        let help = "Memory that answers of other services have taken of their budgets";
        metrics.read_gauges("callbox_upstream_answers_bytes", help, series.into());
        memory
    }

    /// Shares out so many bytes.
    pub fn new(bytes: usize) -> Self {
        let part = |parts: usize| (bytes / PARTS).saturating_mul(parts).min(MAX_SHARE);
        let budget =
            |(small, large)| Budget::new(LaneBytes { small: part(small), large: part(large) });
        let (arriving, reading) = (budget(ARRIVING), budget(READING));
        Self(Arc::new(Inner { bytes, arriving, reading, refusals: Seldom::new() }))
    }

    /// All of it.
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// What an answer takes as it comes, to a call that may last for `timeout`.
    pub(super) fn arriving(&self, timeout: Duration) -> Arriving {
        let (budget, share) = (self.0.arriving.clone(), self.0.arriving.share());
        Arriving { budget, share, bytes: 0, patience: patience(timeout) }
    }

    /// What reading an answer takes, so many bytes, to a call that may last for `timeout`, and no
    /// longer than until `deadline`.
    pub(super) async fn reading(
        &self,
        bytes: usize,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Share, NoRoom> {
        if !self.0.reading.can_hold(bytes) {
            return Err(NoRoom);
        }
        let mut share = self.0.reading.share();
        let left = deadline.saturating_duration_since(Instant::now());
        share.grow_within(bytes, patience(timeout).min(left)).await.map_err(|_| NoRoom)?;
        Ok(share)
    }

    /// Tells that there was none for an answer of `upstream`.
    pub(super) fn lacked(&self, upstream: &str) -> Trouble {
        if let Some(times) = self.0.refusals.due() {
            warn!(upstream, times, "no memory for the answers of upstream services");
        }
        Trouble::NoMemory
    }
}

fn patience(timeout: Duration) -> Duration {
    (timeout / PATIENCE_PART).min(LARGE_PATIENCE)
}

/// What one answer takes as it comes, until it is dropped.
#[derive(Debug)]
pub(super) struct Arriving {
    budget: Budget,
    share: Share,
    bytes: usize,
    patience: Duration,
}

impl Arriving {
    /// Takes what `bytes`, all in all, are more than it has.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if !self.budget.can_hold(bytes) {
            return Err(NoRoom);
        }
        let more = bytes.saturating_sub(self.bytes);
        self.share.grow_within(more, self.patience).await.map_err(|_| NoRoom)?;
        self.bytes += more;
        Ok(())
    }
}

impl Room for Arriving {
    fn take(&mut self, bytes: usize) -> Taking<'_> {
        Box::pin(self.grow_to(self.bytes + bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);
    const KIB: usize = 1024;

    #[tokio::test(start_paused = true)]
    async fn answer_waits_for_memory_a_part_of_its_time() {
        let memory = AnswerMemory::new(PARTS * 128 * KIB);
        let (mut first, mut second) = (memory.arriving(TIMEOUT), memory.arriving(TIMEOUT));
        assert_eq!(first.grow_to(256 * KIB).await, Ok(()));
        let start = Instant::now();
        assert_eq!(second.grow_to(100 * KIB).await, Err(NoRoom));
        assert_eq!(start.elapsed(), TIMEOUT / PATIENCE_PART);
        assert_eq!(second.grow_to(10 * KIB).await, Ok(()), "small ones have memory of their own");
        drop(first);
        assert_eq!(second.grow_to(100 * KIB).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn answer_that_can_never_be_held_is_refused_at_once() {
        let memory = AnswerMemory::new(PARTS * 128 * KIB);
        let start = Instant::now();
        assert_eq!(memory.arriving(TIMEOUT).grow_to(256 * KIB + 1).await, Err(NoRoom));
        assert!(memory.reading(512 * KIB + 1, TIMEOUT, start + TIMEOUT).await.is_err());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(memory.reading(512 * KIB, TIMEOUT, start).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_for_reading_is_waited_for_until_the_calls_deadline_at_most() {
        let memory = AnswerMemory::new(PARTS * 128 * KIB);
        let start = Instant::now();
        let _all = memory.reading(512 * KIB, TIMEOUT, start + TIMEOUT).await.unwrap();
        for (left, expected) in [
            (TIMEOUT, TIMEOUT / PATIENCE_PART),
            (TIMEOUT / 10, TIMEOUT / 10),
            (Duration::ZERO, Duration::ZERO),
        ] {
            let start = Instant::now();
            assert!(memory.reading(512 * KIB, TIMEOUT, start + left).await.is_err());
            assert_eq!(start.elapsed(), expected);
        }
    }

    #[test]
    fn any_memory_can_be_shared_out() {
        for bytes in [0, 7, usize::MAX] {
            assert_eq!(AnswerMemory::new(bytes).bytes(), bytes);
        }
    }
}
