//! What a method is called with, on its way to the places of its parameters.

use protocol::json::as_type;
use protocol::xmlrpc::{Fault, TypeName, Value, excerpt};

/// What a method is called with.
#[derive(Debug)]
pub(crate) enum Params {
    /// In order, each of the type that it is.
    Typed(Vec<Value>),
    /// In order, where a date and bytes may be text.
    Positional(Vec<Value>),
    /// By name, where a date and bytes may be text.
    Named(Vec<(String, Value)>),
}

impl From<protocol::json::Params> for Params {
    fn from(params: protocol::json::Params) -> Self {
        match params {
            protocol::json::Params::Positional(values) => Self::Positional(values),
            protocol::json::Params::Named(members) => Self::Named(members),
        }
    }
}

impl Params {
    /// The only one, if there is only one.
    pub(crate) fn only(&self) -> Option<&Value> {
        match self {
            Self::Typed(values) | Self::Positional(values) => match &values[..] {
                [only] => Some(only),
                _ => None,
            },
            Self::Named(members) => match &members[..] {
                [(_, only)] => Some(only),
                _ => None,
            },
        }
    }
}

/// Parameters in their places.
pub(super) struct Placed {
    /// With nil where nobody gave one before another.
    pub(super) values: Vec<Value>,
    /// Where that is.
    gaps: Vec<usize>,
}

impl From<Vec<Value>> for Placed {
    fn from(values: Vec<Value>) -> Self {
        Self { values, gaps: Vec::new() }
    }
}

impl Placed {
    /// Puts each of `members` where `place` says that its name belongs.
    pub(super) fn by_name(
        members: Vec<(String, Value)>,
        place: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, Fault> {
        let mut slots: Vec<Option<Value>> = Vec::new();
        for (name, value) in members {
            let Some(index) = place(&name) else { return Err(unknown(&name)) };
            slots.resize_with(slots.len().max(index + 1), || None);
            slots[index] = Some(value);
        }
        let gaps = slots.iter().enumerate().filter(|(_, slot)| slot.is_none());
        let gaps = gaps.map(|(index, _)| index).collect();
        let values = slots.into_iter().map(|slot| slot.unwrap_or(Value::Nil)).collect();
        Ok(Self { values, gaps })
    }

    /// Whether somebody gave the one at that place.
    pub(super) fn has(&self, index: usize) -> bool {
        index < self.values.len() && !self.gaps.contains(&index)
    }
}

/// The place of a parameter that nobody has named: `p1` is the first.
pub(super) fn numbered(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('p').filter(|digits| !digits.starts_with(['0', '+']))?;
    digits.parse::<usize>().ok()?.checked_sub(1)
}

/// The value, which where a date or bytes are `wanted` may be their text.
pub(super) fn read_text(value: Value, wanted: TypeName) -> Value {
    match value {
        Value::String(_) => as_type(value, wanted).unwrap_or_else(|text| text),
        other => other,
    }
}

fn unknown(name: &str) -> Fault {
    Fault::invalid_params(format!("no parameter {}", excerpt(name)))
}

/// The fault of a call without the parameter `name`.
pub(super) fn missing(name: &str) -> Fault {
    Fault::invalid_params(format!("missing parameter {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameless_parameters_are_numbered_from_one() {
        for (name, place) in [("p1", Some(0)), ("p12", Some(11))] {
            assert_eq!(numbered(name), place, "{name}");
        }
        let huge = format!("p{}0", usize::MAX);
        for name in ["", "p", "p0", "p01", "p+1", "p-1", "p 1", "q1", "1", "P1", &huge] {
            assert_eq!(numbered(name), None, "{name}");
        }
    }

    #[test]
    fn names_find_their_places() {
        let place = |name: &str| ["a", "b", "c"].iter().position(|own| *own == name);
        let placed = |names: &[&str]| {
            let members = names.iter().map(|name| ((*name).to_owned(), Value::from(*name)));
            Placed::by_name(members.collect(), place)
        };
        let check = |names: &[&str], expected: &[Option<&str>]| {
            let placed = placed(names).unwrap();
            let found = placed.values.iter().map(Value::as_str).collect::<Vec<_>>();
            assert_eq!(found, expected, "{names:?}");
            for (index, value) in expected.iter().enumerate() {
                assert_eq!(placed.has(index), value.is_some());
            }
            assert!(!placed.has(expected.len()));
        };
        check(&[], &[]);
        check(&["b", "a"], &[Some("a"), Some("b")]);
        check(&["c", "a"], &[Some("a"), None, Some("c")]);
        assert_eq!(placed(&["a", "d"]).err(), Some(Fault::invalid_params("no parameter d")));
    }
}
