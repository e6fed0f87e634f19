//! The word to stop, which every connection waits for and hardly ever hears.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use tokio::sync::Notify;

/// Tells tasks to stop, once and for all. Its clones tell and hear the same word.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Word>);

#[derive(Debug, Default)]
struct Word {
    is_announced: AtomicBool,
    is_told: AtomicBool,
    waiting: Notify,
}

impl Stop {
    /// A word that nobody has told yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that it will be told soon, and wakes nobody.
    pub fn announce(&self) {
        self.0.is_announced.store(true, Ordering::Release);
    }

    /// Whether it was announced, or told.
    pub fn is_announced(&self) -> bool {
        self.0.is_announced.load(Ordering::Acquire)
    }

    /// Tells all who wait, and all who will.
    pub fn tell(&self) {
        self.announce();
        self.0.is_told.store(true, Ordering::Release);
        self.0.waiting.notify_waiters();
    }

    /// Whether it was told.
    pub fn is_told(&self) -> bool {
        self.0.is_told.load(Ordering::Acquire)
    }

    /// Waits until it is told. Cheap to poll beside something else that wakes the task.
    pub async fn told(&self) {
        // Before the flag is looked at: what is told in between is noticed by one of them.
        let mut told = pin!(self.0.waiting.notified());
        let mut waits: Option<Waker> = None;
        poll_fn(|cx| {
            if self.is_told() {
                return Poll::Ready(());
            }
            // To wait in line takes a lock that all connections share, so once is enough.
            if waits.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            waits = Some(cx.waker().clone());
            told.as_mut().poll(cx)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Wake};
    use std::time::Duration;

    use super::*;

    /// A waker that counts, and how often it was called.
    fn counting() -> (Waker, Arc<Count>) {
        let count = Arc::new(Count::default());
        (Waker::from(count.clone()), count)
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn who_waits_is_woken_and_hears_it() {
        let stop = Stop::new();
        let (waker, woken) = counting();
        let mut told = pin!(stop.told());
        let mut cx = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(told.as_mut().poll(&mut cx).is_pending());
        }
        stop.clone().tell();
        assert_eq!(woken.get(), 1);
        assert!(told.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn who_waits_with_another_waker_is_woken_by_the_last() {
        let stop = Stop::new();
        let mut told = pin!(stop.told());
        let ((first, first_woken), (last, last_woken)) = (counting(), counting());
        assert!(told.as_mut().poll(&mut Context::from_waker(&first)).is_pending());
        assert!(told.as_mut().poll(&mut Context::from_waker(&last)).is_pending());
        stop.tell();
        assert_eq!((first_woken.get(), last_woken.get()), (0, 1));
    }

    #[test]
    fn who_comes_late_hears_it_at_once() {
        let stop = Stop::new();
        assert!(!stop.is_told());
        stop.tell();
        assert!(stop.is_told());
        let told = pin!(stop.told());
        assert!(told.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_misses_a_word_told_meanwhile() {
        for _ in 0..2_000 {
            let stop = Stop::new();
            let waiting = stop.clone();
            let waiting = tokio::spawn(async move { waiting.told().await });
            stop.tell();
            tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap();
        }
    }
}
