//! What is counted of the services that this one asks.

use std::time::Duration;

use svc_runtime::metrics::{Counter, Family, Gauge, Histogram, Metrics};

use crate::gateway::trouble::Trouble;

/// How a request to another service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Ok,
    /// It was not answered in time.
    Timeout,
    /// It was refused, or not answered for another reason.
    Error,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Ok, Self::Timeout, Self::Error];

    /// That of a request with this result.
    pub fn of<T>(result: &Result<T, Trouble>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(Trouble::TimedOut) => Self::Timeout,
            Err(_) => Self::Error,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// What is counted of all services that this one asks. Clones count together.
#[derive(Debug, Clone)]
pub struct AllUpstreamMetrics {
    requests: Family<Counter>,
    duration: Family<Histogram>,
    connections: Family<Gauge>,
}

impl AllUpstreamMetrics {
    /// Nothing is asked yet.
    pub fn new(metrics: &Metrics) -> Self {
        let requests = metrics.family("callbox_upstream_requests", "Requests to another service");
        let help = "How long requests to another service took";
        let duration = metrics.family("callbox_upstream_duration_seconds", help);
        let help = "Connections to another service";
        let connections = metrics.family("callbox_upstream_connections", help);
        Self { requests, duration, connections }
    }

    /// What is counted of the service called `upstream`, from here on or still.
    pub fn of(&self, upstream: &str) -> UpstreamMetrics {
        let label = ("upstream", upstream);
        let series = |outcome: Outcome| self.requests.series([label, ("outcome", outcome.name())]);
        UpstreamMetrics {
            requests: Outcome::ALL.map(series),
            duration: self.duration.series([label]),
            idle: self.connections.series([label, ("state", "idle")]),
            busy: self.connections.series([label, ("state", "busy")]),
        }
    }
}

/// What is counted of one service that this one asks.
#[derive(Debug, Clone)]
pub struct UpstreamMetrics {
    requests: [Counter; Outcome::ALL.len()],
    duration: Histogram,
    idle: Gauge,
    busy: Gauge,
}

impl UpstreamMetrics {
    /// A request ended so, after `time`.
    pub fn observe(&self, outcome: Outcome, time: Duration) {
        self.requests[outcome as usize].inc();
        self.duration.observe(time);
    }

    /// So many connections more are kept.
    pub fn kept(&self, more: i64) {
        self.idle.inc_by(more);
    }

    /// One connection more is in use or being made, until this is dropped.
    pub fn busy(&self) -> Busy {
        self.busy.inc();
        Busy(self.busy.clone())
    }
}

/// A connection that is in use or being made.
#[derive(Debug)]
pub struct Busy(Gauge);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.dec();
    }
}
