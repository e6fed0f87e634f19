//! What is counted of requests, beside how long calls take.

use std::sync::OnceLock;

use axum::http::StatusCode;
use svc_runtime::metrics::{Counter, Family, Gauge, Metrics};

/// Statuses that a rejected request can have: 400 to 599.
const STATUSES: usize = 200;

/// What is counted of requests. No lock is taken but at the first rejection of each status.
pub(super) struct Counts {
    in_flight: Gauge,
    request_bytes: Counter,
    response_bytes: Counter,
    rejected: Family<Counter>,
    by_status: [OnceLock<Counter>; STATUSES],
}

impl Counts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let sent = "Bytes of the bodies of calls, as they came";
        let answered = "Bytes of the bodies of answers to calls, as they were sent";
        let rejected = "Requests that were answered with a status of 400 or over";
        Self {
            in_flight: metrics.gauge("callbox_calls_in_flight", "Calls that are not answered yet"),
            request_bytes: metrics.counter("callbox_request_bytes", sent),
            response_bytes: metrics.counter("callbox_response_bytes", answered),
            rejected: metrics.family("callbox_requests_rejected", rejected),
            by_status: [const { OnceLock::new() }; STATUSES],
        }
    }

    /// A call is in flight until what this gives is dropped.
    pub(super) fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    /// A call had so many bytes, and its answer.
    pub(super) fn transferred(&self, request: u64, response: u64) {
        self.request_bytes.inc_by(request);
        self.response_bytes.inc_by(response);
    }

    /// A request was answered with this status, of 400 or over.
    pub(super) fn rejected(&self, status: StatusCode) {
        let place = usize::from(status.as_u16()).checked_sub(400);
        let Some(counter) = place.and_then(|place| self.by_status.get(place)) else { return };
        counter.get_or_init(|| self.rejected.series([("status", status.as_str())])).inc();
    }
}

/// A call in flight.
pub(super) struct InFlight<'a>(&'a Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
