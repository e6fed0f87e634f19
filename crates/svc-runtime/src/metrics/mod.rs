//! What a process counts, told in Prometheus's text format at `GET /metrics` on the admin port.
//!
//! Series are made once, by their owner, and counted on without a lock. The crate that writes them
//! is named in this module alone.

mod connections;
mod histogram;
mod process;
mod read;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::{EncodeMetric, prometheus_text};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;

pub(crate) use self::connections::ListenerMetrics;
pub use self::connections::{ConnectionMetrics, Refusal};
pub use self::histogram::Histogram;

use self::process::Process;
use self::read::{Read, ReadCounter, ReadGauges};
use crate::logging;

/// What a process counts. Clones are the same counts.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Mutex<Registry>,
    connections: ConnectionMetrics,
    reloads: Family<Counter>,
}

type Labels = Vec<(&'static str, String)>;

/// The series of one metric, told apart by their labels.
#[derive(Debug, Clone)]
pub struct Family<M>(family::Family<Labels, M>);

impl<M: Clone + Default> Family<M> {
    /// The series with `labels`, in that order, made where there is none yet. To be kept: this
    /// takes a lock.
    pub fn series<const N: usize>(&self, labels: [(&'static str, &str); N]) -> M {
        let labels = labels.map(|(name, value)| (name, value.to_owned())).to_vec();
        self.0.get_or_create_owned(&labels)
    }
}

/// What a series can be: a counter, a gauge or a histogram.
pub trait Kind:
    EncodeMetric + TypedMetric + Clone + Default + Debug + Send + Sync + 'static
{
}

impl<M: EncodeMetric + TypedMetric + Clone + Default + Debug + Send + Sync + 'static> Kind for M {}

impl Metrics {
    /// The counts of a process: of its connections and reloads, its log and itself. The others are
    /// added by whoever counts them.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let build = [("version", env!("CARGO_PKG_VERSION")), ("rustc", env!("RUSTC_VERSION"))];
        registry.register("callbox_build", "What runs here", Info::new(build));
        registry.register_collector(Box::new(Process));
        let connections = ConnectionMetrics::register(&mut registry);
        let reloads = register(&mut registry, "callbox_reloads", "Files read again at a SIGHUP");
        for result in ["ok", "error"] {
            reloads.series([("result", result)]);
        }
        let lines = "Log lines that nobody read in time";
        registry.register("callbox_log_lines_dropped", lines, ReadCounter(logging::dropped_lines));
        Self(Arc::new(Inner { registry: Mutex::new(registry), connections, reloads }))
    }

    /// Adds a metric: `name` without the `_total` of counters, of which each is added once, and what
    /// it means, without a full stop. It is told once it has a series.
    pub fn family<M: Kind>(&self, name: &str, help: &str) -> Family<M> {
        register(&mut self.registry(), name, help)
    }

    /// Adds a counter without labels; see [`Metrics::family`].
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.family(name, help).series([])
    }

    /// Adds a gauge without labels; see [`Metrics::family`].
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.family(name, help).series([])
    }

    /// Adds a gauge whose series are read where they are told; see [`Metrics::family`].
    pub fn read_gauges<const L: usize>(&self, name: &str, help: &str, series: Vec<ReadSeries<L>>) {
        let series = series.into_iter().map(|ReadSeries { labels, read }| {
            let labels = labels.map(|(name, value)| (name, value.to_owned())).to_vec();
            (labels, read)
        });
        self.registry().register(name, help, ReadGauges(series.collect()));
    }

    /// What is counted of connections.
    pub fn connections(&self) -> &ConnectionMetrics {
        &self.0.connections
    }

    /// Counts something that was read again, or was not: `ok` or `error`.
    pub(crate) fn reloaded(&self, result: &str) {
        self.0.reloads.series([("result", result)]).inc();
    }

    /// All of it in Prometheus's text format, version 0.0.4.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A string takes everything.
        let _ = prometheus_text::encode(&mut text, &self.registry());
        text
    }

    /// `GET /metrics`.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route("/metrics", get(tell)).with_state(self.clone())
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        // Whole at any time, whoever panicked.
        self.0.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A series that is read where it is told.
pub struct ReadSeries<const L: usize> {
    labels: [(&'static str, &'static str); L],
    read: Read,
}

impl<const L: usize> ReadSeries<L> {
    /// The series with `labels`, whose value is what `read` says.
    pub fn new(
        labels: [(&'static str, &'static str); L],
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { labels, read: Box::new(read) }
    }
}

fn register<M: Kind>(registry: &mut Registry, name: &str, help: &str) -> Family<M> {
    let family = family::Family::default();
    registry.register(name, help, family.clone());
    Family(family)
}

async fn tell(State(metrics): State<Metrics>) -> Response {
    // Beside the threads that serve: it counts the process's descriptors.
    match tokio::task::spawn_blocking(move || metrics.text()).await {
        Ok(text) => ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_made_once_and_told_with_their_labels_in_order() {
        let metrics = Metrics::new();
        let family: Family<Counter> = metrics.family("test_calls", "Calls");
        for _ in 0..2 {
            family.series([("z", "1"), ("a", "x\"y\n")]).inc();
        }
        let text = metrics.text();
        let expected = "# HELP test_calls_total Calls.\n# TYPE test_calls_total counter\n\
            test_calls_total{z=\"1\",a=\"x\\\"y\\n\"} 2\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn what_is_read_has_its_value_of_now() {
        let metrics = Metrics::new();
        let gauge = |label, value| ReadSeries::new([("of", label)], move || value);
        metrics.read_gauges("test_bytes", "Bytes", vec![gauge("one", 1), gauge("other", 2)]);
        let text = metrics.text();
        assert!(text.contains("# TYPE test_bytes gauge\n"), "{text}");
        assert!(text.contains("test_bytes{of=\"one\"} 1\ntest_bytes{of=\"other\"} 2\n"), "{text}");
        assert!(text.contains("callbox_log_lines_dropped_total 0\n"), "{text}");
    }
}
