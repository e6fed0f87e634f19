//! A line of the access log, and which kind of them it is.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use protocol::xmlrpc::{Value, code};
use svc_runtime::access::AccessLog;
use svc_runtime::logging::Paced;
use tracing::{Level, enabled, info, warn};

use super::bytes_of;
use crate::registry::{Caller, Door, Label, Made, NO_METHOD};

/// What became of the calls in a multicall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::edge) struct Entries {
    all: u64,
    failed: u64,
    /// The fault of one that failed: of one that somebody should look after, if there is any.
    fault: Option<i32>,
}

impl Entries {
    /// Those of the multicall that ended with this: an array with an array for each that succeeded,
    /// and a struct for each that failed.
    pub(in crate::edge) fn of(result: &Value) -> Option<Self> {
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
    pub(in crate::edge) fn of_batch(made: &[Made]) -> Self {
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
pub(super) struct Line<'a> {
    pub(super) caller: &'a Caller,
    pub(super) door: Option<Door>,
    pub(super) method: Option<&'a Label>,
    pub(super) status: StatusCode,
    pub(super) fault: Option<i32>,
    pub(super) entries: Option<Entries>,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    pub(super) time: Duration,
}

impl<'a> Line<'a> {
    /// Of a request that is no call.
    pub(super) fn of_none(caller: &'a Caller, response: &Response, time: Duration) -> Self {
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
    /// Writes it where it is due: where `log` wants lines of its kind, or it took longer than
    /// `slow_call`.
    pub(super) fn tell(&self, log: AccessLog, slow_call: Duration) {
        let kind = Kind::of(self, slow_call);
        let is_due = match log {
            AccessLog::Off => false,
            AccessLog::Errors => kind != Kind::Call,
            AccessLog::All => true,
        };
        if is_due {
            kind.write(self);
        }
    }

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
    fn milliseconds_are_a_number_to_the_microsecond() {
        assert_eq!(millis(Duration::from_nanos(1_234_567)).to_string(), "1.234");
        assert_eq!(millis(Duration::from_secs(2)).to_string(), "2000");
    }
}
