//! How long an upstream is left alone after it failed, and who tries it then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::trouble::Trouble;

/// First and longest time for which nobody asks after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Whether an upstream is asked. After a failure it is not for a while; then one call tries it, and
/// the others fail at once until that has been answered.
#[derive(Debug, Default)]
pub(super) struct BackOff(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// While it fails.
    failing: Option<Failing>,
    answered: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since: Instant,
    time: Duration,
    is_tried: bool,
}

/// An attempt to ask the upstream.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    back_off: &'a BackOff,
    began: Instant,
    is_trial: bool,
    is_hurried: bool,
}

impl BackOff {
    /// Fails where an attempt would.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        match self.state().failing {
            Some(failing) if failing.refuses(Instant::now()) => Err(Trouble::BackingOff),
            _ => Ok(()),
        }
    }

    /// Allows to ask the upstream, if it is to be asked now.
    pub(super) fn attempt(&self) -> Result<Attempt<'_>, Trouble> {
        let now = Instant::now();
        let mut state = self.state();
        let (is_trial, is_hurried) = match &mut state.failing {
            None => (false, false),
            Some(failing) if failing.refuses(now) => return Err(Trouble::BackingOff),
            Some(failing) => {
                failing.is_tried = true;
                (true, failing.time.is_zero())
            }
        };
        Ok(Attempt { back_off: self, began: now, is_trial, is_hurried })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds this, and what it guards is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failing {
    fn refuses(&self, now: Instant) -> bool {
        self.is_tried || now < self.since + self.time
    }
}

impl Attempt<'_> {
    /// The upstream lives.
    pub(super) fn answered(&self) {
        let mut state = self.back_off.state();
        state.failing = None;
        state.answered = Some(Instant::now());
    }

    /// Whether the upstream answered somebody since this began.
    pub(super) fn is_alone(&self) -> bool {
        self.back_off.state().answered.is_none_or(|answered| answered < self.began)
    }

    /// Whether this is to show soon that the upstream lives: it is doubtful, and others fail
    /// meanwhile.
    pub(super) fn is_hurried(&self) -> bool {
        self.is_hurried
    }

    /// The upstream failed, or a connection to it did that was kept: the next call tells, at once.
    pub(super) fn leaves_doubt(&self) {
        let mut state = self.back_off.state();
        let doubtful = Failing { since: Instant::now(), time: Duration::ZERO, is_tried: false };
        state.failing.get_or_insert(doubtful);
    }

    /// The upstream failed. What began before it was known that it fails says nothing new.
    pub(super) fn failed(&self) {
        let mut state = self.back_off.state();
        let last = match state.failing {
            Some(failing) if !self.is_trial && self.began <= failing.since => return,
            Some(failing) => failing.time * 2,
            None => Duration::ZERO,
        };
        let time = last.clamp(BACK_OFF.0, BACK_OFF.1);
        state.failing = Some(Failing { since: Instant::now(), time, is_tried: false });
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_trial {
            return;
        }
        // A trial whose caller left leaves it to the next one.
        if let Some(failing) = &mut self.back_off.state().failing {
            failing.is_tried = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn back_off_grows_with_each_failure_up_to_its_longest() {
        let back_off = BackOff::default();
        for milliseconds in [20, 40, 80, 160, 320, 500, 500] {
            let (attempt, other) = (back_off.attempt().unwrap(), back_off.attempt());
            attempt.failed();
            // A second attempt that fails at the same time makes it no longer.
            if let Ok(other) = other {
                other.failed();
            }
            drop(attempt);
            tokio::time::advance(Duration::from_millis(milliseconds - 1)).await;
            assert!(back_off.check().is_err(), "{milliseconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(back_off.check().is_ok(), "{milliseconds}");
        }
        back_off.attempt().unwrap().answered();
        back_off.attempt().unwrap().failed();
        tokio::time::advance(Duration::from_millis(20)).await;
        assert!(back_off.check().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_tries_and_the_others_fail_at_once() {
        let back_off = BackOff::default();
        back_off.attempt().unwrap().failed();
        tokio::time::advance(Duration::from_millis(20)).await;
        let trial = back_off.attempt().unwrap();
        assert!(back_off.attempt().is_err() && back_off.check().is_err());
        // It leaves: the next one tries.
        drop(trial);
        let trial = back_off.attempt().unwrap();
        trial.answered();
        assert!(back_off.attempt().is_ok());
        drop(trial);
        assert!(back_off.attempt().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn doubt_is_settled_by_the_next_call() {
        let back_off = BackOff::default();
        let (one, other) = (back_off.attempt().unwrap(), back_off.attempt().unwrap());
        assert!(!one.is_hurried());
        one.leaves_doubt();
        let trial = back_off.attempt().unwrap();
        assert!(trial.is_hurried());
        // What began before says nothing new.
        other.leaves_doubt();
        other.failed();
        assert!(back_off.attempt().is_err());
        trial.failed();
        drop(trial);
        tokio::time::advance(BACK_OFF.0).await;
        assert!(!back_off.attempt().unwrap().is_hurried());
    }

    #[tokio::test(start_paused = true)]
    async fn attempt_that_fails_while_others_are_answered_is_told_apart() {
        let back_off = BackOff::default();
        let attempt = back_off.attempt().unwrap();
        assert!(attempt.is_alone());
        tokio::time::advance(Duration::from_millis(1)).await;
        back_off.attempt().unwrap().answered();
        assert!(!attempt.is_alone());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(back_off.attempt().unwrap().is_alone());
    }
}
