//! Memory that many share: what arrives takes of it as it grows, and waits where there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

/// How long a large body waits, all in all, for others to be done before it is turned away.
pub const LARGE_PATIENCE: Duration = Duration::from_secs(2);

/// The same for a small one.
pub const SMALL_PATIENCE: Duration = Duration::from_millis(35);

/// Largest share that is taken from the lane of small ones.
pub const MAX_SMALL_SHARE: usize = 64 * 1024;

/// What a budget has for small and for large shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneBytes {
    /// For shares up to [`MAX_SMALL_SHARE`].
    pub small: usize,
    /// For the others.
    pub large: usize,
}

/// Bytes that are shared out among the bodies in work, some for small shares and others for large
/// ones, so that whoever takes all that there is of one keeps nobody out of the other.
/// Clones are the same.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Lanes>);

#[derive(Debug)]
struct Lanes {
    small: Lane,
    large: Lane,
}

#[derive(Debug)]
struct Lane {
    free: Semaphore,
    /// Of all.
    bytes: usize,
    /// Whether somebody who has a part of it waits for more.
    holder_waits: AtomicBool,
}

impl Lanes {
    fn lane(&self, is_large: bool) -> &Lane {
        if is_large { &self.large } else { &self.small }
    }
}

impl Budget {
    /// A budget of so many bytes for small and for large shares.
    pub fn new(bytes: LaneBytes) -> Self {
        let lane = |bytes| Lane {
            free: Semaphore::new(bytes),
            bytes,
            holder_waits: AtomicBool::new(false),
        };
        Self(Arc::new(Lanes { small: lane(bytes.small), large: lane(bytes.large) }))
    }

    /// Whether there can ever be a share of so many bytes.
    pub fn can_hold(&self, bytes: usize) -> bool {
        bytes <= self.0.large.bytes
    }

    /// What tells how many bytes are taken now.
    pub fn taken(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let lanes = self.0.clone();
        move || {
            let taken = |lane: &Lane| lane.bytes.saturating_sub(lane.free.available_permits());
            (taken(&lanes.small) + taken(&lanes.large)) as u64
        }
    }

    /// The share of one body, which is empty and grows with it.
    pub fn share(&self) -> Share {
        let empty = Taken { lanes: self.0.clone(), is_large: false, bytes: 0 };
        Share { taken: empty, used: 0, waited: Duration::ZERO }
    }
}

/// What one body takes of a [`Budget`], until it is dropped. It grows by what has arrived and not
/// by what was announced, so that who only announces keeps nobody else out; and by doubling, so
/// that bodies which wait for each other do so a few times and not at every packet.
#[derive(Debug)]
pub struct Share {
    taken: Taken,
    used: usize,
    waited: Duration,
}

/// Other bodies take all of the budget, and went on to do so until the deadline; or another body that
/// has a part of it waits for more, and gets this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Share {
    /// Takes `bytes` more, or all that there are, as soon as others have given them back.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let is_large = self.used + bytes > MAX_SMALL_SHARE;
        self.grow_within(bytes, if is_large { LARGE_PATIENCE } else { SMALL_PATIENCE }).await
    }

    /// The same for a share that waits for no longer than `patience`, all in all.
    pub async fn grow_within(&mut self, bytes: usize, patience: Duration) -> Result<(), Exhausted> {
        if self.try_grow(bytes) {
            return Ok(());
        }
        // In a box, or every body had room for a wait that few have.
        Box::pin(self.wait(bytes, patience)).await
    }

    /// Takes `bytes` more, or all that there are, if they are there.
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        let (mut moved, wanted) = self.next(bytes);
        let is_taken = moved.as_mut().unwrap_or(&mut self.taken).try_grow_to(wanted);
        if is_taken {
            self.has_grown(bytes, moved);
        }
        is_taken
    }

    async fn wait(&mut self, bytes: usize, patience: Duration) -> Result<(), Exhausted> {
        let (mut moved, wanted) = self.next(bytes);
        let left = patience.saturating_sub(self.waited);
        let start = Instant::now();
        let grown = moved.as_mut().unwrap_or(&mut self.taken).grow_to(wanted, left).await;
        self.waited += start.elapsed();
        grown?;
        self.has_grown(bytes, moved);
        Ok(())
    }

    /// How many bytes it takes with `bytes` more, and what takes them where that is a large share and
    /// this is a small one yet.
    fn next(&self, bytes: usize) -> (Option<Taken>, usize) {
        let used = self.used + bytes;
        let (is_large, lanes) = (used > MAX_SMALL_SHARE, &self.taken.lanes);
        let wanted = used.next_power_of_two().min(lanes.lane(is_large).bytes);
        let moved = Taken { lanes: lanes.clone(), is_large, bytes: 0 };
        ((is_large != self.taken.is_large).then_some(moved), wanted)
    }

    fn has_grown(&mut self, bytes: usize, moved: Option<Taken>) {
        self.used += bytes;
        if let Some(moved) = moved {
            // What was taken from the lane of small shares goes back.
            self.taken = moved;
        }
    }

    /// Gives back all but `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.used = self.used.min(bytes);
        self.taken.shrink_to(bytes);
    }
}

/// Bytes of one lane, given back when dropped.
#[derive(Debug)]
struct Taken {
    lanes: Arc<Lanes>,
    is_large: bool,
    bytes: usize,
}

impl Taken {
    fn lane(&self) -> &Lane {
        self.lanes.lane(self.is_large)
    }

    fn try_grow_to(&mut self, bytes: usize) -> bool {
        let lacking = bytes.saturating_sub(self.bytes);
        let permits = u32::try_from(lacking).ok().and_then(|lacking| {
            self.lane().free.try_acquire_many(lacking).ok().map(SemaphorePermit::forget)
        });
        if permits.is_some() {
            self.bytes += lacking;
        }
        permits.is_some()
    }

    async fn grow_to(&mut self, bytes: usize, patience: Duration) -> Result<(), Exhausted> {
        let lacking = bytes.saturating_sub(self.bytes);
        let permits = u32::try_from(lacking).map_err(|_| Exhausted)?;
        // Nothing may come between these two, or the bytes are lost.
        self.wait(permits, patience).await?.forget();
        self.bytes += lacking;
        Ok(())
    }

    async fn wait(&self, bytes: u32, patience: Duration) -> Result<SemaphorePermit<'_>, Exhausted> {
        let lane = self.lane();
        // Two who have a part and wait for more may wait for each other.
        let _sole = if self.bytes == 0 { None } else { Some(lane.sole_holder()?) };
        let permits = timeout(patience, lane.free.acquire_many(bytes)).await;
        permits.map_err(|_| Exhausted)?.map_err(|_| Exhausted)
    }

    fn shrink_to(&mut self, bytes: usize) {
        let spare = self.bytes.saturating_sub(bytes);
        self.lane().free.add_permits(spare);
        self.bytes -= spare;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

impl Lane {
    /// Fails where another who has a part waits for more.
    fn sole_holder(&self) -> Result<SoleHolder<'_>, Exhausted> {
        let is_taken = self.holder_waits.swap(true, Ordering::Relaxed);
        if is_taken { Err(Exhausted) } else { Ok(SoleHolder(self)) }
    }
}

struct SoleHolder<'a>(&'a Lane);

impl Drop for SoleHolder<'_> {
    fn drop(&mut self) {
        self.0.holder_waits.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(bytes: usize) -> Budget {
        Budget::new(LaneBytes { small: bytes, large: bytes })
    }

    #[tokio::test(start_paused = true)]
    async fn share_over_the_budget_is_turned_away_at_the_deadline() {
        let budget = budget(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(60).await, Ok(()));
        assert_eq!(first.grow(40).await, Ok(()));
        let start = Instant::now();
        assert_eq!(second.grow(1).await, Err(Exhausted));
        assert_eq!(start.elapsed(), SMALL_PATIENCE);
        assert_eq!(second.grow(1).await, Err(Exhausted));
        assert_eq!(start.elapsed(), SMALL_PATIENCE, "the deadline is for all waits together");
        drop(first);
        assert_eq!(second.grow(98).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn share_takes_no_more_than_twice_what_has_arrived() {
        let budget = budget(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(33).await, Ok(()));
        assert_eq!(second.grow(32).await, Ok(()));
        assert_eq!(first.grow(31).await, Ok(()), "it has them already");
        assert_eq!(second.grow(1).await, Err(Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_the_whole_budget_takes_all_of_it() {
        let budget = budget(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(101).await, Ok(()));
        assert_eq!(second.grow(1).await, Err(Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn share_that_waits_gets_what_another_gives_back() {
        let budget = budget(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(100).await, Ok(()));
        let waiting = tokio::spawn(async move { second.grow(100).await });
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn share_dropped_while_it_waits_takes_nothing_and_gives_nothing() {
        let budget = budget(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(60).await, Ok(()));
        assert!(timeout(SMALL_PATIENCE / 2, second.grow(60)).await.is_err());
        drop((first, second));
        let (mut all, mut more) = (budget.share(), budget.share());
        assert_eq!(all.grow(100).await, Ok(()));
        assert_eq!(more.grow(1).await, Err(Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn large_shares_keep_no_small_ones_out() {
        let budget = budget(2 * MAX_SMALL_SHARE);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(MAX_SMALL_SHARE).await, Ok(()));
        assert_eq!(first.grow(1).await, Ok(()));
        assert_eq!(second.grow(MAX_SMALL_SHARE).await, Ok(()), "the first is a large one by now");
        assert_eq!(second.grow(1).await, Err(Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn share_that_shrinks_gives_back_the_rest() {
        let budget = budget(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(100).await, Ok(()));
        first.shrink_to(36);
        assert_eq!(second.grow(64).await, Ok(()));
        assert_eq!(second.grow(1).await, Err(Exhausted));
    }

    #[tokio::test]
    async fn what_is_taken_is_told() {
        let budget = budget(4 * MAX_SMALL_SHARE);
        let (mut small, mut large, taken) = (budget.share(), budget.share(), budget.taken());
        assert_eq!(taken(), 0);
        assert_eq!(small.grow(64).await, Ok(()));
        assert_eq!(large.grow(2 * MAX_SMALL_SHARE).await, Ok(()));
        assert_eq!(taken(), 64 + 2 * MAX_SMALL_SHARE as u64);
        drop((small, large));
        assert_eq!(taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_that_have_a_part_and_want_more_one_goes_on_and_one_is_turned_away() {
        let budget = budget(4 * MAX_SMALL_SHARE);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert_eq!(first.grow(2 * MAX_SMALL_SHARE).await, Ok(()));
        assert_eq!(second.grow(2 * MAX_SMALL_SHARE).await, Ok(()));
        let waiting = tokio::spawn(async move { first.grow(1).await });
        tokio::task::yield_now().await;
        let start = Instant::now();
        assert_eq!(second.grow(1).await, Err(Exhausted));
        assert_eq!(start.elapsed(), Duration::ZERO);
        drop(second);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }
}
