//! Health and readiness: what an orchestrator asks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Connections served at once on the admin port.
pub const MAX_ADMIN_CONNECTIONS: usize = 64;

/// Where a process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Not all listeners are bound yet.
    Starting,
    /// Serving.
    Ready,
    /// A signal arrived; what is in flight is being answered.
    Draining,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

type Ask = dyn Fn() -> Pin<Box<dyn Future<Output = &'static str> + Send>> + Send + Sync;

/// How old the state of a dependency may be: whoever asks for it often makes it ask no more often.
pub const DEPENDENCY_AGE: Duration = Duration::from_secs(1);

struct Dependency {
    name: &'static str,
    ask: Box<Ask>,
    last: Mutex<Option<(Instant, &'static str)>>,
}

impl Dependency {
    async fn state(&self) -> &'static str {
        // Held while it is asked, so that who comes meanwhile shares the answer.
        let mut last = self.last.lock().await;
        if let Some((asked, state)) = *last {
            if asked.elapsed() < DEPENDENCY_AGE {
                return state;
            }
        }
        let state = (self.ask)().await;
        *last = Some((Instant::now(), state));
        state
    }
}

/// The health of a process, shared by whoever changes it and whoever is asked for it.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    phase: AtomicU8,
    dependency: Option<Dependency>,
}

impl Health {
    /// A process that is starting.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A process that is starting and leans on another service, whose state `ask` gives.
    /// The state is a field `name` of the readiness body and never a reason for a 503: what
    /// does not need that service must not go out of rotation with it.
    pub fn with_dependency<F, Fut>(name: &'static str, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = &'static str> + Send + 'static,
    {
        Self::with(Some(Dependency {
            name,
            ask: Box::new(move || Box::pin(ask())),
            last: Mutex::default(),
        }))
    }

    fn with(dependency: Option<Dependency>) -> Self {
        Self(Arc::new(Inner { phase: AtomicU8::new(Phase::Starting as u8), dependency }))
    }

    /// Enters `phase`.
    pub fn enter(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Where the process is now.
    pub fn phase(&self) -> Phase {
        match self.0.phase.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// `GET /healthz` (200 while the process lives) and `GET /readyz` (503 while starting and
    /// draining), each with a JSON body.
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

async fn alive() -> Json<Value> {
    Json(serde_json::json!({ "status": "alive" }))
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let phase = health.phase();
    let mut body = Map::from_iter([("status".to_owned(), phase.name().into())]);
    if let Some(dependency) = &health.0.dependency {
        body.insert(dependency.name.to_owned(), dependency.state().await.into());
    }
    let status =
        if phase == Phase::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body.into()))
}
