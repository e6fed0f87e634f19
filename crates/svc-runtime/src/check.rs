//! What a service leans on, and whether that is there.

use std::borrow::Cow;
use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::seldom::Trouble;

/// How old the state of a check may be: whoever asks for it often makes it ask no more often.
pub const CHECK_AGE: Duration = Duration::from_secs(1);

/// Longest wait for a check, which is down after that.
pub const CHECK_DEADLINE: Duration = Duration::from_secs(2);

type Asked = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Something that a service leans on: a field of the body of `/readyz`.
pub struct Check {
    name: Cow<'static, str>,
    up: Cow<'static, str>,
    is_required: bool,
    ask: Box<dyn Fn() -> Asked + Send + Sync>,
    last: Mutex<Option<(Instant, bool)>>,
    trouble: Trouble,
}

impl Check {
    /// Without this the service is not ready: `/readyz` is 503 while `ask` ends with an error.
    pub fn required<F, Fut, E>(name: impl Into<Cow<'static, str>>, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        Self { is_required: true, ..Self::optional(name, ask) }
    }

    /// Without this the service is ready all the same: what does not need it must not go out of
    /// rotation with it.
    pub fn optional<F, Fut, E>(name: impl Into<Cow<'static, str>>, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let ask = move || -> Asked {
            let asked = ask();
            Box::pin(async move { asked.await.map_err(|error| error.to_string()) })
        };
        Self {
            name: name.into(),
            up: "up".into(),
            is_required: false,
            ask: Box::new(ask),
            last: Mutex::default(),
            trouble: Trouble::new(),
        }
    }

    /// The same check, which calls it `up` and not "up" when it is.
    pub fn up_as(self, up: impl Into<Cow<'static, str>>) -> Self {
        Self { up: up.into(), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the service is not ready without it.
    pub fn is_required(&self) -> bool {
        self.is_required
    }

    /// What the state is called.
    pub fn state(&self, is_up: bool) -> &str {
        if is_up { &self.up } else { "down" }
    }

    /// Whether it is up, now or [`CHECK_AGE`] ago.
    pub async fn is_up(&self) -> bool {
        // Held while it is asked, so that who comes meanwhile shares the answer.
        let mut last = self.last.lock().await;
        match *last {
            Some((asked, is_up)) if asked.elapsed() < CHECK_AGE => return is_up,
            _ => {}
        }
        // A task of its own, so that one that panics has an answer that grows old too.
        let mut asking = JoinSet::new();
        asking.spawn((self.ask)());
        let asked = match timeout(CHECK_DEADLINE, asking.join_next()).await {
            Ok(Some(Ok(asked))) => asked,
            Ok(_) => Err("it panicked".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        self.log(&asked);
        *last = Some((Instant::now(), asked.is_ok()));
        asked.is_ok()
    }

    fn log(&self, asked: &Result<(), String>) {
        match asked {
            Ok(()) if self.trouble.is_over() => info!(check = %self.name, "up again"),
            Ok(()) => {}
            Err(error) => {
                if let Some(times) = self.trouble.occurred() {
                    warn!(check = %self.name, times, error, "down");
                }
            }
        }
    }
}
