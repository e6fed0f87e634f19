//! Where passwords are hashed: few at a time, on threads beside those that serve, and with few who
//! wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svc_runtime::source::Source;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::memory::Seal;
use super::{Denial, Verdict};

/// Hashes at once.
pub(super) const MAX_HASHES: usize = 2;

/// Most that wait for their turn, of each source one.
pub(super) const MAX_WAITING: usize = 16;

/// Longest wait for one's turn.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(2);

/// Where passwords are hashed.
pub(super) struct Desk {
    places: Arc<Semaphore>,
    waiting: Mutex<Vec<Option<Source>>>,
    asked: Arc<Asked>,
}

/// What is being asked, so that who asks the same at the same time need not ask it: all calls of a
/// client that makes several at once, when its password is remembered no more.
type Asked = Mutex<HashMap<Question, watch::Receiver<Option<Verdict>>>>;

/// Whether a name and a password are good, asked by a source.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) source: Option<Source>,
    pub(super) seal: Seal,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_HASHES)),
            waiting: Mutex::default(),
            asked: Arc::default(),
        }
    }
}

impl Desk {
    /// The answer to `question`, which `judge` finds. It runs to its end once it has begun.
    pub(super) async fn ask(
        &self,
        question: Question,
        judge: impl FnOnce() -> Verdict + Send + 'static,
    ) -> Verdict {
        let answer = loop {
            match self.first_or_other(question) {
                Ok(first) => break first,
                Err(mut other) => {
                    if let Ok(verdict) = other.wait_for(Option::is_some).await {
                        return verdict.clone().unwrap_or(Err(Denial::Busy));
                    }
                    // Who asked first has left before it was answered.
                }
            }
        };
        let Some(place) = self.turn(question.source).await else {
            answer.tell(Err(Denial::Busy));
            return Err(Denial::Busy);
        };
        let judged = tokio::task::spawn_blocking(move || {
            let _place = place;
            let verdict = judge();
            answer.tell(verdict.clone());
            verdict
        });
        judged.await.unwrap_or(Err(Denial::Busy))
    }

    /// What tells the others, or what tells the answer of another.
    fn first_or_other(
        &self,
        question: Question,
    ) -> Result<Answer, watch::Receiver<Option<Verdict>>> {
        let mut asked = locked(&self.asked);
        if let Some(other) = asked.get(&question) {
            return Err(other.clone());
        }
        let (sender, receiver) = watch::channel(None);
        asked.insert(question, receiver);
        Ok(Answer { question, sender, asked: Arc::clone(&self.asked) })
    }

    /// A place to hash at, unless too many wait for one, or one waits for too long.
    async fn turn(&self, source: Option<Source>) -> Option<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.places);
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Some(place);
        }
        let _waiting = self.wait(source)?;
        timeout(MAX_WAIT, places.acquire_owned()).await.ok()?.ok()
    }

    fn wait(&self, source: Option<Source>) -> Option<Waiting<'_>> {
        let mut waiting = locked(&self.waiting);
        let is_there = source.is_some() && waiting.contains(&source);
        if is_there || waiting.len() >= MAX_WAITING {
            return None;
        }
        waiting.push(source);
        Some(Waiting { desk: self, source })
    }
}

/// Tells the answer to all who asked the same, or by its end that there is none.
struct Answer {
    question: Question,
    sender: watch::Sender<Option<Verdict>>,
    asked: Arc<Asked>,
}

impl Answer {
    fn tell(self, verdict: Verdict) {
        self.sender.send_replace(Some(verdict));
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        locked(&self.asked).remove(&self.question);
    }
}

/// One of those who wait.
struct Waiting<'a> {
    desk: &'a Desk,
    source: Option<Source>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = locked(&self.desk.waiting);
        if let Some(place) = waiting.iter().position(|source| *source == self.source) {
            waiting.swap_remove(place);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::mpsc;

    use tokio::task::{JoinHandle, yield_now};

    use super::super::digest::Digest;
    use super::*;
    use crate::registry::Identity;

    fn question(source: u32, login: &str) -> Question {
        let source = Some(IpAddr::from(Ipv4Addr::from_bits(source)).into());
        Question { source, seal: Digest::of(login.as_bytes()) }
    }

    fn good() -> Verdict {
        Ok(Arc::new(Identity {
            account: None,
            permissions: Default::default(),
            share: Default::default(),
        }))
    }

    async fn all_places(desk: &Desk) -> OwnedSemaphorePermit {
        let places = u32::try_from(MAX_HASHES).unwrap();
        desk.places.clone().acquire_many_owned(places).await.unwrap()
    }

    fn asking(desk: &Arc<Desk>, question: Question) -> JoinHandle<Verdict> {
        let desk = desk.clone();
        tokio::spawn(async move { desk.ask(question, good).await })
    }

    /// Lets the others run until so many wait.
    async fn until_waiting(desk: &Desk, number: usize) {
        while locked(&desk.waiting).len() != number {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn two_hash_at_a_time() {
        let desk = Arc::new(Desk::default());
        let (started, starts) = mpsc::channel();
        let mut gates = Vec::new();
        let mut asking = Vec::new();
        for source in 0..3 {
            let (gate, opened) = mpsc::channel::<()>();
            let (desk, started) = (desk.clone(), started.clone());
            gates.push(gate);
            asking.push(tokio::spawn(async move {
                let judge = move || {
                    started.send(source).unwrap();
                    let _ = opened.recv();
                    good()
                };
                desk.ask(question(source, "a"), judge).await
            }));
        }
        until_waiting(&desk, 1).await;
        let mut first = [starts.recv().unwrap(), starts.recv().unwrap()];
        first.sort_unstable();
        assert_eq!(first, [0, 1]);
        // Who leaves gives its place on when its hash has ended, and not before.
        asking[0].abort();
        yield_now().await;
        assert!(starts.try_recv().is_err());
        assert_eq!(locked(&desk.waiting).len(), 1);
        gates[0].send(()).unwrap();
        until_waiting(&desk, 0).await;
        drop(gates);
        assert!(asking.remove(2).await.unwrap().is_ok());
        assert_eq!(starts.recv(), Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn sixteen_wait_and_no_more() {
        let desk = Arc::new(Desk::default());
        let places = all_places(&desk).await;
        let most = u32::try_from(MAX_WAITING).unwrap();
        let waiting: Vec<_> =
            (0..most).map(|source| asking(&desk, question(source, "a"))).collect();
        until_waiting(&desk, MAX_WAITING).await;
        assert_eq!(desk.ask(question(most, "a"), good).await.err(), Some(Denial::Busy));
        drop(places);
        for asked in waiting {
            assert!(asked.await.unwrap().is_ok());
        }
        assert!(desk.ask(question(most, "a"), good).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_a_source_waits() {
        let desk = Arc::new(Desk::default());
        let places = all_places(&desk).await;
        let first = asking(&desk, question(1, "a"));
        until_waiting(&desk, 1).await;
        assert_eq!(desk.ask(question(1, "b"), good).await.err(), Some(Denial::Busy));
        let other = asking(&desk, question(2, "b"));
        until_waiting(&desk, 2).await;
        drop(places);
        assert!(first.await.unwrap().is_ok());
        assert!(other.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_two_seconds() {
        let desk = Desk::default();
        let _places = all_places(&desk).await;
        let started = tokio::time::Instant::now();
        assert_eq!(desk.ask(question(1, "a"), good).await.err(), Some(Denial::Busy));
        assert_eq!(started.elapsed(), MAX_WAIT);
        assert!(locked(&desk.waiting).is_empty());
        assert!(locked(&desk.asked).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_the_same_waits_for_one_answer() {
        let desk = Arc::new(Desk::default());
        let places = all_places(&desk).await;
        let mut asked: Vec<_> = (0..100).map(|_| asking(&desk, question(1, "a"))).collect();
        until_waiting(&desk, 1).await;
        // The first one leaves; another takes its place.
        let first = asked.remove(0);
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        until_waiting(&desk, 1).await;
        drop(places);
        for asked in asked {
            assert!(asked.await.unwrap().is_ok());
        }
        assert!(locked(&desk.asked).is_empty());
    }
}
