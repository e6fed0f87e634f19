//! Names that come and go, as far as calls of them are counted each for itself.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Names of methods that come and go of which each has series of its own: the first so many that were
/// called since the start, also those that are gone. The series are kept as long as the process
/// lives, and a page of metrics that had one for whatever was ever called could not be read.
pub(crate) const MAX_COUNTED_NAMES: usize = 1_000;

/// The label of all further ones. No method has a blank in its name.
const OTHERS: &str = "(other methods)";

/// Names that have series of their own.
#[derive(Default)]
pub(crate) struct Counted(Mutex<HashSet<String>>);

impl Counted {
    /// The label of `name`: itself, or that of others. It takes a lock, and is asked where a series
    /// is first needed.
    pub(in crate::registry) fn label<'a>(&self, name: &'a str) -> &'a str {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return name;
        }
        if names.len() == MAX_COUNTED_NAMES {
            return OTHERS;
        }
        names.insert(name.to_owned());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_names_share_a_label() {
        let counted = Counted::default();
        let names: Vec<_> = (0..MAX_COUNTED_NAMES).map(|number| format!("m{number}")).collect();
        for name in &names {
            assert_eq!(counted.label(name), name);
        }
        assert_eq!(counted.label("late"), OTHERS);
        assert_eq!(counted.label(&names[0]), "m0");
        assert_eq!(counted.label("late"), OTHERS);
    }
}
