//! Figures of one thing over the rounds, and what they come to.

use std::fmt;

/// One figure a round, in the rounds' order.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        }
    }

    /// The figures over `other`'s, round by round: what a slow moment does to both cancels out.
    pub fn over(&self, other: &Samples) -> Samples {
        self.0.iter().zip(&other.0).map(|(own, others)| own / others).collect()
    }

    /// Seconds as microseconds.
    pub fn in_micros(&self) -> Samples {
        self.0.iter().map(|seconds| seconds * 1e6).collect()
    }

    /// Of figures sorted from low to high, the one below which `share` of them lie.
    pub fn quantile(sorted: &[f64], share: f64) -> f64 {
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Samples {
        Samples(figures.into_iter().collect())
    }
}

/// The median, and the lowest and the highest round.
impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else {
            return f.write_str("no figures");
        };
        write!(f, "{} ({} to {})", short(self.median()), short(*low), short(*high))
    }
}

/// Three digits, in thousands or millions where there are so many.
pub fn short(figure: f64) -> String {
    let (scaled, unit) = match figure.abs() {
        size if !size.is_finite() => return "none".to_owned(),
        size if size < 999.5 => (figure, ""),
        size if size < 999.5e3 => (figure / 1e3, " k"),
        _ => (figure / 1e6, " M"),
    };
    let decimals = match scaled.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_one() {
        let median = |figures: &[f64]| figures.iter().copied().collect::<Samples>().median();
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn figures_have_three_digits() {
        let all = [0.0456, 9.996, 99.96, 999.6, 16_384.0, 999_600.0, 1_680_000.0].map(short);
        assert_eq!(all, ["0.05", "10.0", "100", "1.00 k", "16.4 k", "1.00 M", "1.68 M"]);
        assert_eq!(short(f64::NAN), "none");
    }
}
