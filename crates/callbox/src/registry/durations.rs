//! How long a method's calls took, by how they ended.

use std::sync::OnceLock;
use std::time::Duration;

use protocol::xmlrpc::code;
use svc_runtime::metrics::{Family, Histogram};

use super::caller::Door;

/// The label of what calls no method that is published.
pub(crate) const NO_METHOD: &str = "-";

/// The faults that the service itself has; those of methods' authors share one label.
const OWN_FAULTS: [i32; 10] = [
    code::NOT_WELL_FORMED,
    code::UNSUPPORTED_ENCODING,
    code::INVALID_CHARACTER,
    code::NOT_XML_RPC,
    code::METHOD_NOT_FOUND,
    code::INVALID_PARAMS,
    code::INTERNAL_ERROR,
    code::APPLICATION_ERROR,
    code::SYSTEM_ERROR,
    code::TRANSPORT_ERROR,
];

/// Success, our own faults, any other.
const OUTCOMES: usize = OWN_FAULTS.len() + 2;

/// How long the calls of one method took. A series is made when it is first needed, and found
/// without a look-up from then on.
#[derive(Default)]
pub(super) struct Durations([[OnceLock<Histogram>; OUTCOMES]; Door::ALL.len()]);

impl Durations {
    /// A call of what has the label `method` by `door` ended with this fault, or none, after
    /// `time`. `family` has the series of all methods.
    pub(super) fn observe<'a>(
        &self,
        family: &Family<Histogram>,
        method: impl FnOnce() -> &'a str,
        door: Door,
        fault: Option<i32>,
        time: Duration,
    ) {
        let outcome = outcome(fault);
        let series = self.0[door as usize][outcome].get_or_init(|| {
            let outcome = label(outcome);
            let door = door.to_string();
            family.series([("door", &door), ("rpc_method", method()), ("outcome", &outcome)])
        });
        series.observe(time);
    }
}

fn outcome(fault: Option<i32>) -> usize {
    let Some(code) = fault else { return 0 };
    1 + OWN_FAULTS.iter().position(|own| *own == code).unwrap_or(OWN_FAULTS.len())
}

fn label(outcome: usize) -> String {
    match outcome.checked_sub(1).map(|fault| OWN_FAULTS.get(fault)) {
        None => "ok".to_owned(),
        Some(Some(code)) => code.to_string(),
        Some(None) => "fault".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_runtime::metrics::Metrics;

    #[test]
    fn outcomes_are_ok_our_own_faults_and_any_other() {
        let check = |fault, expected: &str| assert_eq!(label(outcome(fault)), expected);
        check(None, "ok");
        check(Some(-32700), "-32700");
        check(Some(-32601), "-32601");
        check(Some(-32300), "-32300");
        for foreign in [0, 1, -1, -32000, i32::MAX, i32::MIN] {
            check(Some(foreign), "fault");
        }
    }

    #[test]
    fn faults_of_any_number_are_one_series() {
        let metrics = Metrics::new();
        let family = metrics.family("test_seconds", "Calls");
        let durations = Durations::default();
        for code in 0..10_000 {
            durations.observe(&family, || "sum", Door::XmlRpc, Some(code), Duration::ZERO);
        }
        let text = metrics.text();
        let labels = "{door=\"xmlrpc\",rpc_method=\"sum\",outcome=\"fault\"}";
        assert!(text.contains(&format!("\ntest_seconds_count{labels} 10000\n")), "{text}");
        assert_eq!(text.matches("test_seconds_count{").count(), 1);
    }
}
