//! What is counted of requests, beside how long calls take.

use std::sync::{Arc, OnceLock};

use axum::http::StatusCode;
use svc_runtime::metrics::{Counter, Family, Gauge, Metrics};

use crate::accounts::Denial;
use crate::registry::Identity;

/// Statuses that a rejected request can have: 400 to 599.
const STATUSES: usize = 200;

/// What comes of a caller who proves who they are, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// They did.
    Ok,
    /// They did not, though they must.
    Denied,
    /// They failed too often, and were not asked.
    Paused,
    /// Too many others were being asked.
    Busy,
}

impl Login {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Ok, "ok"),
        (Self::Denied, "denied"),
        (Self::Paused, "paused"),
        (Self::Busy, "busy"),
    ];

    /// That of a caller of whom the accounts say this; none where they may call without a proof.
    pub(super) fn of(verdict: &Result<Arc<Identity>, Denial>) -> Option<Self> {
        match verdict {
            Ok(identity) => identity.account.as_ref().map(|_| Self::Ok),
            Err(Denial::Unproven) => Some(Self::Denied),
            Err(Denial::TooManyFailures(_)) => Some(Self::Paused),
            Err(Denial::Busy) => Some(Self::Busy),
        }
    }
}

/// What is counted of requests. No lock is taken but at the first rejection of each status.
pub(super) struct Counts {
    in_flight: Gauge,
    request_bytes: Counter,
    response_bytes: Counter,
    /// In the order of [`Login::ALL`].
    logins: [Counter; Login::ALL.len()],
    rejected: Family<Counter>,
    by_status: [OnceLock<Counter>; STATUSES],
}

impl Counts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let sent = "Bytes of the bodies of calls, as they came";
        let answered = "Bytes of the bodies of answers to calls, as they were sent";
        let rejected = "Requests that were answered with a status of 400 or over";
        let logins: Family<Counter> =
            metrics.family("callbox_logins", "Callers who were asked who they are");
        Self {
            logins: Login::ALL.map(|(_, result)| logins.series([("result", result)])),
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

    /// A caller was asked who they are.
    pub(super) fn login(&self, login: Login) {
        self.logins[login as usize].inc();
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
