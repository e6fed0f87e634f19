//! The connections to one upstream: who uses them, what is kept of them, and when they are made.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svc_runtime::seldom;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::back_off::{Attempt, BackOff};
use super::queue::Queue;
use super::trouble::{Broken, Stage, Trouble};
use crate::upstream_metrics::{Outcome, UpstreamMetrics};

/// The part of its whole time that one connect may take before the next is tried, and at least a
/// call that only tries whether another connection is better than one that was silent.
const CONNECT_PART: u32 = 4;

/// What a connect is left in any case.
const MIN_CONNECT: Duration = Duration::from_millis(1);

/// How an upstream is connected to and asked.
pub trait Upstream: Send + Sync + 'static {
    /// A connection to it.
    type Connection: Send + 'static;
    /// What it is asked.
    type Question: Sync;
    /// What it says to that.
    type Answer: Send;

    /// Connects, by an address that is looked up anew. Dropped and called again where it takes too
    /// long: this is the `attempt`th time.
    fn connect(&self, attempt: usize) -> impl Future<Output = io::Result<Self::Connection>> + Send;

    /// Does what comes before the first question.
    fn welcome(
        &self,
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), Trouble>> + Send {
        async { Ok(()) }
    }

    /// Whether a kept connection can be used at once.
    fn is_rested(&self, _connection: &Self::Connection) -> bool {
        true
    }

    /// Whether a kept connection has neither ended nor said what nobody asked for.
    fn is_quiet(&self, connection: &mut Self::Connection) -> bool;

    /// Asks. The connection is closed where this fails, or is dropped before it ends.
    fn ask(
        &self,
        connection: &mut Self::Connection,
        question: &Self::Question,
    ) -> impl Future<Output = Result<Answered<Self::Answer>, Broken>> + Send;

    /// Whether it says by this that it does not want to answer.
    fn is_refusal(&self, _answer: &Self::Answer) -> bool {
        false
    }

    /// Whether it does no harm to ask this twice.
    fn is_idempotent(&self, question: &Self::Question) -> bool;
}

/// What an upstream said.
#[derive(Debug)]
pub struct Answered<A> {
    /// What it said.
    pub answer: A,
    /// Whether the connection can be used again.
    pub is_kept: bool,
}

/// What one upstream may take of us, and we of it.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// What it is called in the log.
    pub name: String,
    /// Connections at once, with one question on each.
    pub connections: usize,
    /// Calls that may wait for one of them.
    pub waiting: usize,
    /// The time that a call has as a rule.
    pub timeout: Duration,
    /// The part of it in which a connection may rest before it is used.
    pub pause: Duration,
}

/// The connections to one upstream.
pub struct Pool<U: Upstream> {
    upstream: U,
    settings: PoolSettings,
    queue: Queue,
    back_off: BackOff,
    /// The last one that was used last.
    idle: Mutex<Vec<U::Connection>>,
    failures: seldom::Trouble,
    nonsense: seldom::Seldom,
    metrics: UpstreamMetrics,
}

/// A call that failed, and what that says of the upstream.
struct Failed {
    trouble: Trouble,
    says: Says,
}

/// How long an exchange may last, and how long at least for its silence to say something.
#[derive(Debug, Clone, Copy)]
struct Patience {
    deadline: Instant,
    telling: Duration,
}

/// What a failure says of the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// That it lives.
    Alive,
    /// That it is down.
    Down,
    /// That it is silent, if it says nothing to others either.
    Silent,
    /// That a connection is dead that was kept, if it says nothing to others either.
    KeptIsSilent,
    /// Nothing.
    Nothing,
}

impl<U: Upstream> Pool<U> {
    /// Nothing is connected yet.
    pub fn new(upstream: U, settings: PoolSettings, metrics: UpstreamMetrics) -> Self {
        Self {
            upstream,
            queue: Queue::new(settings.connections, settings.waiting),
            back_off: BackOff::default(),
            idle: Mutex::default(),
            failures: seldom::Trouble::new(),
            nonsense: seldom::Seldom::new(),
            settings,
            metrics,
        }
    }

    /// How the upstream is asked.
    pub fn upstream(&self) -> &U {
        &self.upstream
    }

    /// Asks the upstream, and waits for a place, a connection and the answer until `deadline`.
    pub async fn ask(
        &self,
        question: &U::Question,
        deadline: Instant,
    ) -> Result<U::Answer, Trouble> {
        let started = Instant::now();
        let asked = self.ask_in_turn(question, deadline).await;
        let outcome = match &asked {
            Ok(answer) if self.upstream.is_refusal(answer) => Outcome::Error,
            asked => Outcome::of(asked),
        };
        self.metrics.observe(outcome, started.elapsed());
        asked
    }

    async fn ask_in_turn(
        &self,
        question: &U::Question,
        deadline: Instant,
    ) -> Result<U::Answer, Trouble> {
        self.back_off.check()?;
        let place = self.queue.place(deadline).await?;
        let attempt = self.back_off.attempt()?;
        let _busy = self.metrics.busy();
        let asked = self.converse(question, self.patience(&attempt, deadline)).await;
        match &asked {
            Ok(_) => {
                place.answered();
                self.lives(&attempt);
            }
            Err(failed) => self.learn(&attempt, failed),
        }
        asked.map_err(|failed| failed.trouble)
    }

    /// That of an attempt. One that is hurried has twice the time that calls take, another the whole
    /// timeout; half of that has to be left for the exchange itself, which a slow upstream may need,
    /// or its silence tells nothing.
    fn patience(&self, attempt: &Attempt<'_>, deadline: Instant) -> Patience {
        if !attempt.is_hurried() {
            return Patience { deadline, telling: self.settings.timeout / 2 };
        }
        let time = self.part().max(2 * self.queue.typical()) + self.settings.pause;
        let telling = time.min(self.settings.timeout) / 2;
        Patience { deadline: deadline.min(Instant::now() + time), telling }
    }

    async fn converse(
        &self,
        question: &U::Question,
        patience: Patience,
    ) -> Result<U::Answer, Failed> {
        if let Some(kept) = self.kept() {
            let silence = patience.silence(Says::KeptIsSilent);
            match self.talk(kept, question, patience.deadline).await {
                Err(broken) if broken.is_dead() => self.after_dead(broken, question)?,
                asked => return asked.map_err(|broken| Failed::at(broken, silence)),
            }
        }
        let silence = patience.silence(Says::Silent);
        let connection = timeout_at(patience.deadline, self.connect()).await;
        let connection = connection.map_err(|_| Failed::silent(silence))??;
        let silence = patience.silence(Says::Silent);
        let asked = self.talk(connection, question, patience.deadline).await;
        asked.map_err(|broken| match broken.is_dead() {
            true => Failed { trouble: broken.trouble, says: Says::Down },
            false => Failed::at(broken, silence),
        })
    }

    /// A kept connection was of no use. Where it was dead, so are the others, it seems. Fails where
    /// the question must not be asked again.
    fn after_dead(&self, broken: Broken, question: &U::Question) -> Result<(), Failed> {
        if matches!(broken.trouble, Trouble::Io(_)) {
            self.drop_idle();
        }
        if broken.stage == Stage::Unsent || self.upstream.is_idempotent(question) {
            return Ok(());
        }
        Err(Failed { trouble: broken.trouble, says: Says::Nothing })
    }

    async fn talk(
        &self,
        mut connection: U::Connection,
        question: &U::Question,
        deadline: Instant,
    ) -> Result<U::Answer, Broken> {
        let asked = timeout_at(deadline, self.upstream.ask(&mut connection, question)).await;
        let timed_out = |_| Broken::at(Stage::Answering, Trouble::TimedOut);
        let answered = asked.map_err(timed_out)??;
        if answered.is_kept {
            self.idle().push(connection);
            self.metrics.kept(1);
        }
        Ok(answered.answer)
    }

    async fn connect(&self) -> Result<U::Connection, Failed> {
        let down = |trouble| Failed { trouble, says: Says::Down };
        let mut connection = self.connect_in_parts().await.map_err(|error| down(error.into()))?;
        self.upstream.welcome(&mut connection).await.map_err(down)?;
        Ok(connection)
    }

    /// Connects; what takes too long for one connect is tried again until nobody waits any more.
    async fn connect_in_parts(&self) -> io::Result<U::Connection> {
        let mut attempt = 0;
        loop {
            let limit = Instant::now() + self.part();
            match timeout_at(limit, self.upstream.connect(attempt)).await {
                Ok(connected) => return connected,
                Err(_) => attempt += 1,
            }
        }
    }

    fn part(&self) -> Duration {
        (self.settings.timeout / CONNECT_PART).max(MIN_CONNECT)
    }

    /// The connection that was used last of those that can be used at once, or soonest.
    fn kept(&self) -> Option<U::Connection> {
        let mut idle = self.idle();
        while !idle.is_empty() {
            let rested = idle.iter().rposition(|connection| self.upstream.is_rested(connection));
            let mut connection = idle.remove(rested.unwrap_or(0));
            self.metrics.kept(-1);
            if self.upstream.is_quiet(&mut connection) {
                return Some(connection);
            }
        }
        None
    }

    fn drop_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        self.metrics.kept(-i64::try_from(idle.len()).unwrap_or(0));
    }

    fn learn(&self, attempt: &Attempt<'_>, failed: &Failed) {
        match failed.says {
            Says::Nothing => {}
            Says::Silent | Says::KeptIsSilent if !attempt.is_alone() => {}
            Says::Down | Says::Silent | Says::KeptIsSilent => {
                match failed.says {
                    Says::KeptIsSilent => attempt.leaves_doubt(),
                    _ => attempt.failed(),
                }
                if failed.says != Says::Down {
                    self.drop_idle();
                }
                if let Some(times) = self.failures.occurred() {
                    let (upstream, error) = (&self.settings.name, &failed.trouble);
                    warn!(upstream, %error, times, "an upstream service failed");
                }
            }
            Says::Alive => {
                self.lives(attempt);
                if let Some(times) = self.nonsense.due() {
                    let (upstream, error) = (&self.settings.name, &failed.trouble);
                    warn!(upstream, %error, times, "an upstream service answered nonsense");
                }
            }
        }
    }

    fn lives(&self, attempt: &Attempt<'_>) {
        attempt.answered();
        if self.failures.is_over() {
            info!(upstream = self.settings.name, "an upstream service answers again");
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<U::Connection>> {
        // Whole at any time, whoever panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<U: Upstream> Drop for Pool<U> {
    fn drop(&mut self) {
        self.drop_idle();
    }
}

impl Patience {
    /// What it says, `says` or nothing, if an exchange that begins now hears nothing until the end.
    fn silence(self, says: Says) -> Says {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < self.telling { Says::Nothing } else { says }
    }
}

impl Failed {
    /// The deadline passed before a connection was made.
    fn silent(says: Says) -> Self {
        Self { trouble: Trouble::TimedOut, says }
    }

    /// An exchange broke that had begun; `silence` is what it would say if nothing was heard in time.
    fn at(broken: Broken, silence: Says) -> Self {
        let says = match broken.trouble {
            Trouble::Nonsense { .. } => Says::Alive,
            Trouble::TimedOut => silence,
            _ => Says::Nothing,
        };
        Self { trouble: broken.trouble, says }
    }
}
