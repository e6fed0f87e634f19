//! What is counted of the services that this one asks.

use std::io;
use std::time::Duration;

use svc_runtime::metrics::{Counter, Family, Histogram, Metrics, ReadSeries};

/// How a request to another service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Ok,
    /// It was not answered in time.
    Timeout,
    /// It was not answered for another reason.
    Error,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Ok, Self::Timeout, Self::Error];

    /// That of a request with this result.
    pub fn of<T>(result: &io::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Self::Timeout,
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

/// What is counted of one service that this one asks.
#[derive(Debug, Clone)]
pub struct UpstreamMetrics {
    requests: [Counter; Outcome::ALL.len()],
    duration: Histogram,
}

impl UpstreamMetrics {
    /// Those of the service called `upstream`. `idle` and `busy` tell how many connections to it
    /// are kept, and how many are in use or being made.
    pub fn new(
        metrics: &Metrics,
        upstream: &'static str,
        idle: impl Fn() -> u64 + Send + Sync + 'static,
        busy: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let label = ("upstream", upstream);
        let help = "Requests to another service";
        let requests: Family<Counter> = metrics.family("callbox_upstream_requests", help);
        let requests =
            Outcome::ALL.map(|outcome| requests.series([label, ("outcome", outcome.name())]));
        let help = "How long requests to another service took";
        let duration = metrics.family("callbox_upstream_duration_seconds", help).series([label]);
        let connections = vec![
            ReadSeries::new([label, ("state", "idle")], idle),
            ReadSeries::new([label, ("state", "busy")], busy),
        ];
        let help = "Connections to another service";
        metrics.read_gauges("callbox_upstream_connections", help, connections);
        Self { requests, duration }
    }

    /// A request ended so, after `time`.
    pub fn observe(&self, outcome: Outcome, time: Duration) {
        self.requests[outcome as usize].inc();
        self.duration.observe(time);
    }
}
