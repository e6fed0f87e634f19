//! Numbers that others keep, read where they are told.

use std::fmt;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::Labels;

/// Gives a number as it is now.
pub(super) type Read = Box<dyn Fn() -> u64 + Send + Sync>;

/// A counter that somebody else keeps.
#[derive(Debug)]
pub(super) struct ReadCounter(pub(super) fn() -> u64);

impl EncodeMetric for ReadCounter {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, _, u64>(&(self.0)(), None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

/// The series of a gauge that somebody else keeps.
pub(super) struct ReadGauges(pub(super) Vec<(Labels, Read)>);

impl fmt::Debug for ReadGauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(labels, _)| labels)).finish()
    }
}

impl EncodeMetric for ReadGauges {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(labels, read)| encoder.encode_family(labels)?.encode_gauge(&read()))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}
