//! Where a call ends: it is counted, and the access log has a line of it where one is due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::Body as _;
use protocol::xmlrpc::{Value, code};
use svc_runtime::access::AccessLog;
use svc_runtime::logging::Paced;
use svc_runtime::metrics::Metrics;
use tracing::{Level, debug, enabled, info, warn};

use super::counts::{Counts, InFlight, Login};
use super::rejection::Rejection;
use crate::accounts::Denial;
use crate::registry::{
    Called, Caller, Door, Identity, Label, Made, NO_METHOD, Published, X_REQUEST_ID,
};

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
        let kind = Kind::of(line, self.slow_call);
        let is_due = match self.log {
            AccessLog::Off => false,
            AccessLog::Errors => kind != Kind::Call,
            AccessLog::All => true,
        };
        if is_due {
            kind.write(line);
        }
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

/// What became of the calls in a multicall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entries {
    all: u64,
    failed: u64,
    /// The fault of one that failed: of one that somebody should look after, if there is any.
    fault: Option<i32>,
}

impl Entries {
    /// Those of the multicall that ended with this: an array with an array for each that succeeded,
    /// and a struct for each that failed.
    pub(super) fn of(result: &Value) -> Option<Self> {
        let Value::Array(results) = result else { return None };
        let mut entries = Self { all: results.len() as u64, failed: 0, fault: None };
        for result in results.iter() {
            let Value::Struct(fault) = result else { continue };
            let code = fault.get("faultCode").and_then(Value::as_int);
            entries.add(code.and_then(|code| i32::try_from(code).ok()));
        }
        Some(entries)
    }

    /// Those of the batch that became of this.
    pub(super) fn of_batch(made: &[Made]) -> Self {
        let mut entries = Self { all: made.len() as u64, failed: 0, fault: None };
        let faults = made.iter().filter_map(|made| made.as_ref().err());
        faults.for_each(|fault| entries.add(Some(fault.code)));
        entries
    }

    /// One of them failed.
    fn add(&mut self, code: Option<i32>) {
        self.failed += 1;
        if self.fault.is_none() || code.is_some_and(is_error) {
            self.fault = code;
        }
    }
}

/// Faults that somebody should look after, whoever called.
fn is_error(fault: i32) -> bool {
    matches!(fault, code::INTERNAL_ERROR | code::SYSTEM_ERROR | code::TRANSPORT_ERROR)
}

/// A line of the access log.
struct Line<'a> {
    caller: &'a Caller,
    door: Option<Door>,
    method: Option<&'a Label>,
    status: StatusCode,
    fault: Option<i32>,
    entries: Option<Entries>,
    request_bytes: u64,
    response_bytes: u64,
    time: Duration,
}

impl<'a> Line<'a> {
    /// Of a request that is no call.
    fn of_none(caller: &'a Caller, response: &Response, time: Duration) -> Self {
        Self {
            caller,
            door: None,
            method: None,
            status: response.status(),
            fault: None,
            entries: None,
            request_bytes: 0,
            response_bytes: bytes_of(response),
            time,
        }
    }
}

impl Line<'_> {
    /// Whether it is of trouble with the transport: a fault may have a status too.
    fn is_refusal(&self) -> bool {
        self.status.as_u16() >= 400 && self.fault.is_none()
    }
}

/// Lines of which so many a second are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A status of 400 and over.
    Refusal,
    /// A fault that somebody should look after.
    Error,
    /// Another fault.
    Fault,
    /// A call that took long.
    Slow,
    /// Any other.
    Call,
}

impl Kind {
    fn of(line: &Line<'_>, slow_call: Duration) -> Self {
        let fault = line.fault.or(line.entries.and_then(|entries| entries.fault));
        match fault {
            _ if line.is_refusal() => Self::Refusal,
            Some(fault) if is_error(fault) => Self::Error,
            Some(_) => Self::Fault,
            None if line.time > slow_call => Self::Slow,
            None => Self::Call,
        }
    }

    fn is_warning(self) -> bool {
        matches!(self, Self::Refusal | Self::Error)
    }

    fn pace(self) -> &'static Paced {
        static REFUSALS: Paced = Paced::new("refusals");
        static ERRORS: Paced = Paced::new("errors");
        static FAULTS: Paced = Paced::new("faults");
        static SLOW: Paced = Paced::new("slow calls");
        static CALLS: Paced = Paced::new("calls");
        match self {
            Self::Refusal => &REFUSALS,
            Self::Error => &ERRORS,
            Self::Fault => &FAULTS,
            Self::Slow => &SLOW,
            Self::Call => &CALLS,
        }
    }

    #[cold]
    fn write(self, line: &Line<'_>) {
        macro_rules! write {
            ($level:ident) => {
                $level!(
                    target: "access",
                    peer = %line.caller.peer(),
                    user = line.caller.account().map(|account| account.name.as_str()),
                    door = line.door.map(tracing::field::display),
                    method = line.method.map_or(NO_METHOD, Label::name),
                    status = line.status.as_u16(),
                    fault = line.fault,
                    entries = line.entries.map(|entries| entries.all),
                    failed = line.entries.map(|entries| entries.failed),
                    request_bytes = line.request_bytes,
                    response_bytes = line.response_bytes,
                    millis = millis(line.time),
                    request_id = &*line.caller.request_id(),
                    trace_id = line.caller.trace_id(),
                    "request ended"
                )
            };
        }
        if self.is_warning() {
            if enabled!(target: "access", Level::WARN) && self.pace().admits() {
                write!(warn);
            }
        } else if enabled!(target: "access", Level::INFO) && self.pace().admits() {
            write!(info);
        }
    }
}

/// Milliseconds, to the microsecond.
#[allow(clippy::cast_precision_loss)]
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// What a response's body has, as far as that is known.
fn bytes_of(response: &Response) -> u64 {
    response.body().size_hint().exact().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::xmlrpc::{Array, Fault, Struct};

    const SLOW: Duration = Duration::from_secs(1);

    fn kind(status: u16, fault: Option<i32>, entries: Option<Entries>, millis: u64) -> Kind {
        let caller = Caller::unknown();
        let status = StatusCode::from_u16(status).unwrap();
        let time = Duration::from_millis(millis);
        let line = Line {
            status,
            fault,
            entries,
            time,
            ..Line::of_none(&caller, &Response::default(), time)
        };
        Kind::of(&line, SLOW)
    }

    #[test]
    fn line_is_a_warning_where_somebody_should_look() {
        let check = |status, fault, millis, expected: Kind, is_warning| {
            assert_eq!(kind(status, fault, None, millis), expected, "{status} {fault:?} {millis}");
            assert_eq!(expected.is_warning(), is_warning);
        };
        for status in [400, 401, 404, 405, 408, 413, 415, 429, 500, 503, 504] {
            check(status, None, 0, Kind::Refusal, true);
            check(status, None, 5000, Kind::Refusal, true);
        }
        for fault in [-32603, -32400, -32300] {
            check(200, Some(fault), 0, Kind::Error, true);
        }
        for fault in [-32700, -32701, -32702, -32600, -32601, -32602, -32500, 0, 4, -1] {
            check(200, Some(fault), 0, Kind::Fault, false);
            check(200, Some(fault), 5000, Kind::Fault, false);
        }
        check(200, None, 1001, Kind::Slow, false);
        check(200, None, 1000, Kind::Call, false);
        check(200, None, 0, Kind::Call, false);
    }

    #[test]
    fn multicall_is_as_bad_as_the_worst_of_its_calls() {
        let fault = |code| Value::from(Struct::from(Fault::new(code, "")));
        let success = || Value::from(Array::try_from(vec![Value::from(1)]).unwrap());
        let check = |results: Vec<Value>, failed, worst, expected| {
            let (all, result) = (results.len() as u64, Array::try_from(results).unwrap().into());
            let entries = Entries::of(&result);
            assert_eq!(entries, Some(Entries { all, failed, fault: worst }));
            assert_eq!(kind(200, None, entries, 0), expected);
        };
        check(vec![], 0, None, Kind::Call);
        check(vec![success(), success()], 0, None, Kind::Call);
        check(vec![fault(4), success()], 1, Some(4), Kind::Fault);
        check(vec![fault(4), fault(-32603), fault(5)], 3, Some(-32603), Kind::Error);
        assert_eq!(Entries::of(&Value::from(1)), None);
    }

    #[test]
    fn what_is_no_call_is_counted_where_it_was_refused_and_health_never() {
        let metrics = Metrics::new();
        let watch = Watch::new(AccessLog::Off, SLOW, &metrics);
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

    #[test]
    fn milliseconds_are_a_number_to_the_microsecond() {
        assert_eq!(millis(Duration::from_nanos(1_234_567)).to_string(), "1.234");
        assert_eq!(millis(Duration::from_secs(2)).to_string(), "2000");
    }
}
