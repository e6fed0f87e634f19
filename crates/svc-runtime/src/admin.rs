//! Health and readiness: what an orchestrator asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::check::Check;

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

/// The health of a process, shared by whoever changes it and whoever is asked for it.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

/// Whether a process is ready.
pub struct Readiness<'a> {
    /// Whether it is.
    pub is_ready: bool,
    /// The same in a word: `ready`, `unready`, `starting` or `draining`.
    pub word: &'static str,
    /// What it leans on, and whether that is up.
    pub checks: Vec<(&'a Check, bool)>,
}

struct Inner {
    phase: AtomicU8,
    checks: Vec<Check>,
}

impl Health {
    /// A process that is starting.
    pub fn new() -> Self {
        Self::with_checks(Vec::new())
    }

    /// A process that is starting and leans on what these checks ask for, each with another name.
    pub fn with_checks(checks: Vec<Check>) -> Self {
        Self(Arc::new(Inner { phase: AtomicU8::new(Phase::Starting as u8), checks }))
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

    /// Whether the process is ready now, after its required checks have been asked.
    pub async fn readiness(&self) -> Readiness<'_> {
        let (phase, checks) = (self.phase(), self.checks().await);
        let lacks = checks.iter().any(|(check, is_up)| check.is_required() && !is_up);
        let word = if phase == Phase::Ready && lacks { "unready" } else { phase.name() };
        Readiness { is_ready: phase == Phase::Ready && !lacks, word, checks }
    }

    /// The checks and whether each is up, asked all at once.
    async fn checks(&self) -> Vec<(&Check, bool)> {
        let mut asked = JoinSet::new();
        for index in 0..self.0.checks.len() {
            let inner = self.0.clone();
            asked.spawn(async move { (index, inner.checks[index].is_up().await) });
        }
        let mut states: Vec<_> = self.0.checks.iter().map(|check| (check, false)).collect();
        // One that panicked is down.
        while let Some(ended) = asked.join_next().await {
            if let Ok((index, is_up)) = ended {
                states[index].1 = is_up;
            }
        }
        states
    }

    /// `GET /healthz` (200 while the process lives) and `GET /readyz` (503 while starting and
    /// draining, and while a required check is down), each with a JSON body.
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
    let Readiness { is_ready, word, checks } = health.readiness().await;
    let mut body = Map::new();
    for (check, is_up) in checks {
        body.insert(check.name().to_owned(), check.state(is_up).into());
    }
    body.insert("status".to_owned(), word.into());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body.into()))
}
