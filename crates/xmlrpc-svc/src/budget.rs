//! The memory that all bodies in work may take together, and that what is read from them may take.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Bytes of bodies in work, unless a service is told otherwise.
pub const MAX_BODIES_BYTES: usize = 64 * 1024 * 1024;

/// How long a body waits, all in all, for others to be done before it is turned away.
pub const BUDGET_DEADLINE: Duration = Duration::from_secs(2);

/// Memory that one tag of a document takes at the peak: a node of the tree, a value, the result.
const BYTES_A_TAG: usize = 128;

/// About as much memory as reading `document` takes, beside the document itself.
pub fn reading_bytes(document: &[u8]) -> usize {
    BYTES_A_TAG * document.iter().filter(|&&byte| byte == b'<').count()
}

/// Bytes that are shared out among the bodies in work.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    total: usize,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(bytes)), total: bytes }
    }

    /// The share of one body, which is empty and grows with it.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), permits: None, used: 0, patience: BUDGET_DEADLINE }
    }
}

/// What one body takes of a [`Budget`], until it is dropped. It grows by what has arrived and not
/// by what was announced, so that who only announces keeps nobody else out; and by doubling, so
/// that bodies which wait for each other do so a few times and not at every packet.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    permits: Option<OwnedSemaphorePermit>,
    used: usize,
    patience: Duration,
}

/// Other bodies take all of the budget, and went on to do so until the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Share {
    /// Takes `bytes` more, or all that there are, as soon as others have given them back.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.used += bytes;
        let wanted = self.used.next_power_of_two().min(self.budget.total);
        let taken = self.permits.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let lacking = u32::try_from(wanted.saturating_sub(taken)).map_err(|_| Exhausted)?;
        if lacking == 0 {
            return Ok(());
        }
        let more = match self.budget.free.clone().try_acquire_many_owned(lacking) {
            Ok(more) => more,
            Err(_) => self.wait_for(lacking).await?,
        };
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            None => self.permits = Some(more),
        }
        Ok(())
    }

    async fn wait_for(&mut self, permits: u32) -> Result<OwnedSemaphorePermit, Exhausted> {
        let start = Instant::now();
        let waited =
            timeout(self.patience, self.budget.free.clone().acquire_many_owned(permits)).await;
        self.patience = self.patience.saturating_sub(start.elapsed());
        waited.map_err(|_| Exhausted)?.map_err(|_| Exhausted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn share_over_the_budget_is_turned_away_at_the_deadline() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(60).await, Ok(()));
        assert_eq!(first.grow(40).await, Ok(()));
        let start = Instant::now();
        assert_eq!(second.grow(1).await, Err(Exhausted));
        assert_eq!(start.elapsed(), BUDGET_DEADLINE);
        assert_eq!(second.grow(1).await, Err(Exhausted));
        assert_eq!(start.elapsed(), BUDGET_DEADLINE, "the deadline is for all waits together");
        drop(first);
        assert_eq!(second.grow(98).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn share_takes_no_more_than_twice_what_has_arrived() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(33).await, Ok(()));
        assert_eq!(second.grow(32).await, Ok(()));
        assert_eq!(first.grow(31).await, Ok(()), "it has them already");
        assert_eq!(second.grow(1).await, Err(Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_the_whole_budget_takes_all_of_it() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(101).await, Ok(()));
        assert_eq!(second.grow(1).await, Err(Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn share_that_waits_gets_what_another_gives_back() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(100).await, Ok(()));
        let waiting = tokio::spawn(async move { second.grow(100).await });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[test]
    fn reading_takes_memory_by_the_tag() {
        assert_eq!(reading_bytes(b"<value>no tags but these</value>"), 2 * BYTES_A_TAG);
    }
}
