//! What a ratio is to reach.

use std::fmt;

use crate::samples::{Samples, short};

#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    Under(f64),
}

impl Goal {
    /// The goal, and whether the median of `figures` reaches it.
    pub fn judge(self, figures: &Samples) -> String {
        let reached = match self {
            Goal::AtLeast(least) => figures.median() >= least,
            Goal::Under(bound) => figures.median() < bound,
        };
        format!("{self}: {}", if reached { "yes" } else { "**no**" })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::AtLeast(least) => write!(f, "≥ {}", short(*least)),
            Goal::Under(bound) => write!(f, "< {}", short(*bound)),
        }
    }
}

/// A goal's cell of a table, which is empty where there is none.
pub fn judged(goal: Option<Goal>, figures: &Samples) -> String {
    goal.map_or_else(String::new, |goal| goal.judge(figures))
}
