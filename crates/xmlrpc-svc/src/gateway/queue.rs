//! The places at one upstream, and who waits for one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::trouble::Trouble;

/// The places at one upstream, and who waits for one. First come, first served; where that comes too
/// late, the newest first: under overload somebody is answered in time then, and else nobody.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    max_waiting: usize,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The newest last.
    waiting: VecDeque<Waiter>,
    next_number: u64,
    /// How long a call has its place, about.
    typical: Duration,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    since: Instant,
    deadline: Instant,
    granted: oneshot::Sender<()>,
}

/// A place at the upstream, given back where it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    queue: &'a Queue,
    since: Instant,
}

/// Somebody waits.
struct Ticket<'a> {
    queue: &'a Queue,
    number: u64,
    granted: oneshot::Receiver<()>,
}

enum Entered<'a> {
    Placed(Place<'a>),
    Waits(Ticket<'a>),
}

impl Queue {
    /// So many places, and callers that may wait for one.
    pub(super) fn new(places: usize, max_waiting: usize) -> Self {
        let waiting = VecDeque::new();
        let state = State { free: places, waiting, next_number: 0, typical: Duration::ZERO };
        Self { state: Mutex::new(state), max_waiting }
    }

    /// Waits for a place until `deadline`, unless too many do.
    pub(super) async fn place(&self, deadline: Instant) -> Result<Place<'_>, Trouble> {
        let mut ticket = match self.enter(deadline)? {
            Entered::Placed(place) => return Ok(place),
            Entered::Waits(ticket) => ticket,
        };
        match timeout_at(deadline, &mut ticket.granted).await {
            Ok(Ok(())) => Ok(self.taken()),
            _ => Err(Trouble::TimedOut),
        }
    }

    /// How long a call has its place, about; nothing where none was answered.
    pub(super) fn typical(&self) -> Duration {
        self.state().typical
    }

    fn enter(&self, deadline: Instant) -> Result<Entered<'_>, Trouble> {
        let mut state = self.state();
        if state.free > 0 {
            state.free -= 1;
            return Ok(Entered::Placed(self.taken()));
        }
        if state.waiting.len() >= self.max_waiting {
            return Err(Trouble::Crowded);
        }
        let (number, since) = (state.next_number, Instant::now());
        let (sender, granted) = oneshot::channel();
        state.next_number += 1;
        state.waiting.push_back(Waiter { number, since, deadline, granted: sender });
        Ok(Entered::Waits(Ticket { queue: self, number, granted }))
    }

    fn taken(&self) -> Place<'_> {
        Place { queue: self, since: Instant::now() }
    }

    /// A place is free: somebody gets it who still wants it.
    fn give_back(&self) {
        loop {
            let mut state = self.state();
            let Some(waiter) = state.next(Instant::now()) else {
                state.free += 1;
                return;
            };
            drop(state);
            if waiter.granted.send(()).is_ok() {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this, and what it guards is whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who is next. Whoever is left no time to be answered in is sent away.
    fn next(&mut self, now: Instant) -> Option<Waiter> {
        while self.waiting.front().is_some_and(|oldest| oldest.is_hopeless(now, self.typical)) {
            self.waiting.pop_front();
        }
        if self.waiting.front()?.is_late(now) {
            self.waiting.pop_back()
        } else {
            self.waiting.pop_front()
        }
    }

    /// This one waits no more. The numbers are in order.
    fn leave(&mut self, number: u64) {
        if let Ok(place) = self.waiting.binary_search_by_key(&number, |waiter| waiter.number) {
            self.waiting.remove(place);
        }
    }

    fn lasted(&mut self, time: Duration) {
        // The first one is all that is known.
        let before = if self.typical.is_zero() { time } else { self.typical };
        self.typical = (before * 7 + time) / 8;
    }
}

impl Waiter {
    /// Half of its time has passed.
    fn is_late(&self, now: Instant) -> bool {
        now - self.since > self.time() / 2
    }

    /// Less time is left than a call takes. Half of all its time is taken for enough.
    fn is_hopeless(&self, now: Instant, typical: Duration) -> bool {
        self.deadline.saturating_duration_since(now) < typical.min(self.time() / 2)
    }

    fn time(&self) -> Duration {
        self.deadline.saturating_duration_since(self.since)
    }
}

impl Place<'_> {
    /// The call was answered, and its time is like that of others.
    pub(super) fn answered(&self) {
        self.queue.state().lasted(self.since.elapsed());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.give_back();
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.queue.state().leave(self.number);
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            // It left just as it got a place.
            self.queue.give_back();
        }
    }
}

#[cfg(test)]
mod tests;
