//! Where a call ends: it is counted, and the access log has a line of it where one is due.

mod line;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::Body as _;
use svc_runtime::access::AccessLog;
use svc_runtime::metrics::Metrics;
use tracing::debug;

use super::counts::{Counts, InFlight, Login};
use super::rejection::Rejection;
use crate::accounts::Denial;
use crate::registry::{Called, Caller, Identity, Published, X_REQUEST_ID};
use line::Line;

pub(super) use line::Entries;

/// What is logged and counted where a call ends.
pub(crate) struct Watch {
    log: AccessLog,
    slow_call: Duration,
    pub(super) counts: Counts,
}

impl Watch {
    /// A call that takes longer than `slow_call` is logged as an error is.
    pub(crate) fn new(log: AccessLog, slow_call: Duration, metrics: &Metrics) -> Self {
        Self { log, slow_call, counts: Counts::new(metrics) }
    }

    /// A call of what is `published` begins.
    pub(super) fn call<'a>(&'a self, published: &'a Published, caller: Caller) -> Ongoing<'a> {
        let access = Access {
            watch: self,
            published,
            _in_flight: self.counts.begin(),
            started: Instant::now(),
            ended: None,
            method: None,
            fault: None,
            entries: None,
            request_bytes: 0,
            is_told: false,
        };
        Ongoing { caller, access }
    }

    /// The accounts say this of whoever asks.
    pub(super) fn identified(&self, verdict: &Result<Arc<Identity>, Denial>) {
        if let Some(login) = Login::of(verdict) {
            self.counts.login(login);
        }
    }

    /// The health was told by `response`, which is no refusal whatever it says.
    pub(super) fn health(&self, started: Instant, caller: &Caller, response: &mut Response) {
        answered(started.elapsed(), caller, response);
    }

    /// Another request that is no call was answered with `response`.
    pub(super) fn other(&self, started: Instant, caller: &Caller, response: &mut Response) {
        let (status, time) = (response.status(), started.elapsed());
        answered(time, caller, response);
        if status.is_client_error() || status.is_server_error() {
            self.counts.rejected(status);
            self.tell(&Line::of_none(caller, response, time));
        }
    }

    /// What `caller` sent was answered with `status` before it was a request.
    pub(super) fn head(&self, caller: &Caller, status: StatusCode) {
        self.counts.rejected(status);
        self.tell(&Line { status, ..Line::of_none(caller, &Response::default(), Duration::ZERO) });
    }

    /// Logs the line where it is due.
    fn tell(&self, line: &Line<'_>) {
        line.tell(self.log, self.slow_call);
    }
}

/// `caller` is told the request's id.
fn answered(time: Duration, caller: &Caller, response: &mut Response) {
    response.headers_mut().insert(X_REQUEST_ID, caller.request_id_value());
    debug!(status = response.status().as_u16(), ?time, "answered");
}

/// A call, of which is told also where it is dropped before its end: nobody waits for it any more.
pub(super) struct Ongoing<'a> {
    pub(super) caller: Caller,
    pub(super) access: Access<'a>,
}

impl Ongoing<'_> {
    /// The call ends with `response`.
    pub(super) fn end(mut self, response: &mut Response) {
        self.access.end(&self.caller, response);
    }
}

impl Drop for Ongoing<'_> {
    fn drop(&mut self) {
        if !self.access.is_told {
            let mut response = Response::default();
            *response.status_mut() = match std::thread::panicking() {
                true => StatusCode::INTERNAL_SERVER_ERROR,
                false => Rejection::Left.status(),
            };
            self.access.fault = None;
            self.access.end(&self.caller, &mut response);
        }
    }
}

/// What is to be told of a call where it ends.
pub(super) struct Access<'a> {
    watch: &'a Watch,
    published: &'a Published,
    _in_flight: InFlight<'a>,
    pub(super) started: Instant,
    /// When it ended, where somebody has looked and nothing that takes time came after that.
    pub(super) ended: Option<Instant>,
    pub(super) method: Option<Called<'a>>,
    pub(super) fault: Option<i32>,
    pub(super) entries: Option<Entries>,
    /// As they came.
    pub(super) request_bytes: usize,
    is_told: bool,
}

impl Access<'_> {
    /// The accounts say this of the caller.
    pub(super) fn identified(&self, verdict: &Result<Arc<Identity>, Denial>) {
        self.watch.identified(verdict);
    }

    /// Whether there were calls in the call.
    fn is_of_several(&self) -> bool {
        self.is_batch() || self.method.as_ref().is_some_and(|method| method.is_multicall())
    }

    /// Whether it was nothing but the calls in it, of which each was counted.
    fn is_batch(&self) -> bool {
        self.entries.is_some() && self.method.is_none()
    }

    /// The call ends with `response`.
    fn end(&mut self, caller: &Caller, response: &mut Response) {
        self.is_told = true;
        if self.is_of_several() {
            // However it ended: an answer has a share of its own.
            caller.connection().keep_room(None);
        }
        response.headers_mut().insert(X_REQUEST_ID, caller.request_id_value());
        let time = self.ended.unwrap_or_else(Instant::now).saturating_duration_since(self.started);
        debug!(status = response.status().as_u16(), fault = self.fault, ?time, "answered");
        let response_bytes = bytes_of(response);
        self.watch.counts.transferred(self.request_bytes as u64, response_bytes);
        if !response.status().is_success() && self.fault.is_none() {
            self.watch.counts.rejected(response.status());
        } else if !self.is_batch() {
            self.published.observe(self.method.as_ref(), caller.door(), self.fault, time);
        }
        self.watch.tell(&Line {
            caller,
            door: Some(caller.door()),
            method: self.method.as_deref(),
            status: response.status(),
            fault: self.fault,
            entries: self.entries,
            request_bytes: self.request_bytes as u64,
            response_bytes,
            time,
        });
    }
}

/// What a response's body has, as far as that is known.
fn bytes_of(response: &Response) -> u64 {
    response.body().size_hint().exact().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_call_is_counted_where_it_was_refused_and_health_never() {
        let metrics = Metrics::new();
        let watch = Watch::new(AccessLog::Off, Duration::ZERO, &metrics);
        let (caller, now) = (Caller::unknown(), Instant::now());
        for status in [200, 304, 404, 503] {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            watch.health(now, &caller, &mut response);
            assert!(response.headers().contains_key(X_REQUEST_ID));
            watch.other(now, &caller, &mut response);
        }
        let text = metrics.text();
        let counted = text.lines().filter(|line| line.starts_with("callbox_requests_rejected"));
        let counted: Vec<_> = counted.collect();
        assert_eq!(counted.len(), 2, "{text}");
        for status in [404, 503] {
            let series = format!("callbox_requests_rejected_total{{status=\"{status}\"}} 1");
            assert!(counted.contains(&series.as_str()), "{text}");
        }
    }
}
