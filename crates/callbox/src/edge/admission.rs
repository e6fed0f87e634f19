//! Places that calls take, and the bounded wait for one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

/// Longest wait of a call for all its places before it is turned away.
pub(super) const MAX_WAIT: Duration = Duration::from_millis(35);

/// Wait of the oldest beyond which the newest come first: the old ones are turned away soon, and
/// whoever gets a place has not waited for long.
const TARGET: Duration = Duration::from_millis(10);

/// Most that wait at once. Further ones are turned away at once, which costs less than a wait; these
/// are not, so that a few callers who ask again at once cannot keep us busy with refusals.
const MAX_WAITING: usize = 256;

/// So many places, and the queue before them.
pub(super) struct Places(Arc<Inner>);

struct Inner {
    free: AtomicUsize,
    /// Length of the queue, for those who need not lock it.
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Waiter>>,
    joined: Notify,
}

struct Waiter {
    since: Instant,
    grant: oneshot::Sender<Place>,
}

/// A place, given to the next when dropped.
pub(super) struct Place(Arc<Inner>);

/// No place became free in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crowded;

impl Places {
    /// So many places, all of them free.
    pub(super) fn new(places: usize) -> Self {
        Self(Arc::new(Inner {
            free: AtomicUsize::new(places),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
            joined: Notify::new(),
        }))
    }

    /// Takes a place at once, if one is free and nobody waits for it.
    pub(super) fn try_take(&self) -> Option<Place> {
        let taken = self.0.waiting.load(SeqCst) == 0 && self.0.take_free();
        taken.then(|| Place(self.0.clone()))
    }

    /// Waits for a place as long as there is `patience`, which grows less by the wait.
    pub(super) async fn wait(&self, patience: &mut Duration) -> Result<Place, Crowded> {
        let since = Instant::now();
        let granted = self.0.join(since);
        let _leave = Leave(&self.0);
        let place = timeout(*patience, granted).await;
        *patience = patience.saturating_sub(since.elapsed());
        place.map_err(|_| Crowded)?.map_err(|_| Crowded)
    }

    /// Whether as many wait as may.
    pub(super) fn is_queue_full(&self) -> bool {
        self.0.waiting.load(SeqCst) >= MAX_WAITING
    }

    /// Whether calls wait for so long that a further one had better not be received.
    pub(super) fn are_overrun(&self) -> bool {
        self.0.waiting.load(SeqCst) > 0 && is_overdue(&self.0.lock())
    }

    /// Ends once somebody waits for a place.
    pub(super) async fn are_wanted(&self) {
        let joined = self.0.joined.notified();
        if self.0.waiting.load(SeqCst) == 0 {
            joined.await;
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiter>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_free(&self) -> bool {
        self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1)).is_ok()
    }

    fn join(self: &Arc<Self>, since: Instant) -> oneshot::Receiver<Place> {
        let (grant, granted) = oneshot::channel();
        let mut queue = self.lock();
        queue.push_back(Waiter { since, grant });
        self.waiting.store(queue.len(), SeqCst);
        drop(queue);
        self.joined.notify_waiters();
        // A place that was freed before the queue had somebody in it.
        self.hand_over();
        granted
    }

    /// Gives free places to those who wait.
    fn hand_over(self: &Arc<Self>) {
        while self.waiting.load(SeqCst) > 0 && self.take_free() {
            match self.next() {
                // Where that one has just left, its place is dropped, and given on.
                Some(waiter) => drop(waiter.grant.send(Place(self.clone()))),
                None => drop(self.free.fetch_add(1, SeqCst)),
            }
        }
    }

    fn next(&self) -> Option<Waiter> {
        let mut queue = self.lock();
        let next = loop {
            let next = if is_overdue(&queue) { queue.pop_back() } else { queue.pop_front() };
            if !next.as_ref().is_some_and(|waiter| waiter.grant.is_closed()) {
                break next;
            }
        };
        self.waiting.store(queue.len(), SeqCst);
        next
    }

    /// Removes those who have given up: they are the oldest.
    fn prune(&self) {
        let mut queue = self.lock();
        while queue.front().is_some_and(|waiter| waiter.grant.is_closed()) {
            queue.pop_front();
        }
        self.waiting.store(queue.len(), SeqCst);
    }
}

fn is_overdue(queue: &VecDeque<Waiter>) -> bool {
    queue.front().is_some_and(|oldest| oldest.since.elapsed() > TARGET)
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, SeqCst);
        self.0.hand_over();
    }
}

/// Whoever waits no longer is no part of the queue, however the wait ended.
struct Leave<'a>(&'a Inner);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.0.waiting.load(SeqCst) > 0 {
            self.0.prune();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::{JoinHandle, yield_now};
    use tokio::time::advance;

    /// Waits for a place in a task of its own, in which it has begun to.
    async fn waiting(places: &Arc<Places>) -> JoinHandle<Result<Place, Crowded>> {
        let places = places.clone();
        let task = tokio::spawn(async move { places.wait(&mut MAX_WAIT.clone()).await });
        yield_now().await;
        task
    }

    #[tokio::test(start_paused = true)]
    async fn free_places_are_taken_at_once_and_no_more() {
        let places = Places::new(2);
        let (one, two) = (places.try_take(), places.try_take());
        assert!(one.is_some() && two.is_some());
        assert!(places.try_take().is_none());
        drop(one);
        assert!(places.try_take().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn wait_for_a_place_is_bounded() {
        let places = Places::new(1);
        let taken = places.try_take();
        let (start, mut patience) = (Instant::now(), MAX_WAIT);
        assert_eq!(places.wait(&mut patience).await.err(), Some(Crowded));
        assert_eq!((start.elapsed() >= MAX_WAIT, patience), (true, Duration::ZERO));
        drop(taken);
        assert!(places.try_take().is_some(), "nobody waits any more");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_first_is_served_first_while_waits_are_short() {
        let places = Arc::new(Places::new(1));
        let taken = places.try_take();
        let (first, second) = (waiting(&places).await, waiting(&places).await);
        assert!(places.try_take().is_none(), "nobody overtakes");
        drop(taken);
        let place = first.await.unwrap();
        assert!(place.is_ok() && !second.is_finished());
        drop(place);
        assert!(second.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn newest_is_served_first_where_waits_are_long() {
        let places = Arc::new(Places::new(1));
        let taken = places.try_take();
        let first = waiting(&places).await;
        assert!(!places.are_overrun());
        advance(TARGET * 2).await;
        let second = waiting(&places).await;
        assert!(places.are_overrun());
        drop(taken);
        let place = second.await.unwrap();
        assert!(place.is_ok() && !first.is_finished());
        drop(place);
        assert!(first.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn queue_is_bounded() {
        let places = Arc::new(Places::new(1));
        let _taken = places.try_take();
        for _ in 0..MAX_WAITING {
            assert!(!places.is_queue_full());
            waiting(&places).await;
        }
        assert!(places.is_queue_full());
        advance(MAX_WAIT * 2).await;
        yield_now().await;
        assert!(!places.is_queue_full());
    }

    #[tokio::test(start_paused = true)]
    async fn place_granted_to_one_who_has_left_goes_to_the_next() {
        let places = Arc::new(Places::new(1));
        let taken = places.try_take();
        let (first, second) = (waiting(&places).await, waiting(&places).await);
        drop(taken);
        // It has its place by now, and never learns of it.
        first.abort();
        assert!(second.await.unwrap().is_ok());
    }
}
