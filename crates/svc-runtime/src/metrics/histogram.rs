//! How long things took.

use std::array;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds of the buckets but the last, which has none: from 50 µs to 10 s.
const BOUNDS: [u64; 17] = {
    const MICRO: u64 = 1_000;
    const MILLI: u64 = 1_000 * MICRO;
    const SECOND: u64 = 1_000 * MILLI;
    [
        50 * MICRO,
        100 * MICRO,
        250 * MICRO,
        500 * MICRO,
        MILLI,
        2_500 * MICRO,
        5 * MILLI,
        10 * MILLI,
        25 * MILLI,
        50 * MILLI,
        100 * MILLI,
        250 * MILLI,
        500 * MILLI,
        SECOND,
        2_500 * MILLI,
        5 * SECOND,
        10 * SECOND,
    ]
};

const NANOS_A_SECOND: f64 = 1e9;

/// How long things took, in buckets. Its clones count together, and nobody waits for a lock, which
/// is why it is our own.
#[derive(Debug, Clone, Default)]
pub struct Histogram(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Of each bucket alone.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// All times together, in nanoseconds.
    sum: AtomicU64,
}

impl Histogram {
    /// Something took so long.
    pub fn observe(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // Most things are quick.
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(BOUNDS.len());
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bound = |bucket| BOUNDS.get(bucket).map_or(f64::INFINITY, |&nanos| seconds(nanos));
        let buckets: [(f64, u64); BOUNDS.len() + 1] = array::from_fn(|bucket| {
            (bound(bucket), self.0.buckets[bucket].load(Ordering::Relaxed))
        });
        let sum = seconds(self.0.sum.load(Ordering::Relaxed));
        // Of the same look, so that the last bucket and the count are one number.
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

#[allow(clippy::cast_precision_loss)]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / NANOS_A_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Family, Metrics};

    #[test]
    fn times_are_in_the_first_bucket_that_holds_them() {
        let metrics = Metrics::new();
        let family: Family<Histogram> = metrics.family("test_seconds", "Times");
        let histogram = family.series([("of", "x")]);
        for (count, micros) in [(2, 0), (3, 50), (4, 51), (1, 10_000_000), (1, 10_000_001)] {
            (0..count).for_each(|_| histogram.observe(Duration::from_micros(micros)));
        }
        let text = metrics.text();
        let check =
            |line: &str| assert!(text.contains(&format!("\ntest_seconds{line}\n")), "{text}");
        check("_bucket{of=\"x\",le=\"5e-05\"} 5");
        check("_bucket{of=\"x\",le=\"0.0001\"} 9");
        check("_bucket{of=\"x\",le=\"5\"} 9");
        check("_bucket{of=\"x\",le=\"10\"} 10");
        check("_bucket{of=\"x\",le=\"+Inf\"} 11");
        check("_count{of=\"x\"} 11");
        check("_sum{of=\"x\"} 20.000355");
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|one, next| one < next));
    }
}
