use serde::de;

use super::error::{DecodeError, InvalidParams};
use super::number::{Literals, of_literal};
use crate::xmlrpc::{Limits, MAX_VALUE_DEPTH, Value};

/// What is known of a document while it is read.
pub(super) struct Reader<'a> {
    limits: &'a Limits,
    values: usize,
    /// The numbers as they were written, in a second reading.
    literals: Option<Literals<'a>>,
    /// The last of them.
    literal: &'a str,
    /// What is wrong with the values so far, though it is JSON.
    invalid: Option<InvalidParams>,
    ended: Ended,
}

/// Why reading ended before the document did.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ended {
    /// The document is refused.
    Refused(DecodeError),
    /// How a number was written is to be known.
    AtNumber,
    /// The parser refused.
    NotJson,
}

impl<'a> Reader<'a> {
    pub(super) fn new(limits: &'a Limits, literals: Option<Literals<'a>>) -> Reader<'a> {
        Reader { limits, values: 0, literals, literal: "", invalid: None, ended: Ended::NotJson }
    }

    /// A value begins, in so many others.
    pub(super) fn enter<E: de::Error>(&mut self, depth: usize) -> Result<(), E> {
        self.values += 1;
        let max_depth = self.limits.depth.min(MAX_VALUE_DEPTH);
        if depth > max_depth {
            return Err(self.over_limit(max_depth, "nested values"));
        }
        if self.values > self.limits.elements {
            return Err(self.over_limit(self.limits.elements, "values"));
        }
        Ok(())
    }

    /// A member of that name begins.
    pub(super) fn name<E: de::Error>(&mut self, name: &str) -> Result<(), E> {
        if name.len() > self.limits.name_bytes {
            return Err(self.over_limit(self.limits.name_bytes, "bytes in a name"));
        }
        Ok(())
    }

    /// A number, if the parser could tell which; else it is read as it was written.
    pub(super) fn number<E: de::Error>(&mut self, told: Option<Value>) -> Result<Value, E> {
        match (&mut self.literals, told) {
            (Some(literals), _) => {
                self.literal = literals.next().unwrap_or_default();
                let (value, invalid) = of_literal(self.literal);
                self.invalid = self.invalid.or(invalid);
                Ok(value)
            }
            (None, Some(value)) => Ok(value),
            (None, None) => Err(self.end(Ended::AtNumber)),
        }
    }

    /// The last number as it was written, where `value` does not tell.
    pub(super) fn written<E: de::Error>(&mut self, value: &Value) -> Result<String, E> {
        match (&self.literals, value) {
            (Some(_), _) => Ok(self.literal.to_owned()),
            (None, Value::Int(number)) => Ok(number.to_string()),
            (None, _) => Err(self.end(Ended::AtNumber)),
        }
    }

    /// Something is wrong with the values at hand; the first such thing is told.
    pub(super) fn invalidate(&mut self, invalid: InvalidParams) {
        self.invalid.get_or_insert(invalid);
    }

    /// What is wrong with the values since it was asked last.
    pub(super) fn take_invalid(&mut self) -> Option<InvalidParams> {
        self.invalid.take()
    }

    pub(super) fn over_limit<E: de::Error>(&mut self, limit: usize, what: &'static str) -> E {
        self.end(Ended::Refused(DecodeError::OverLimit(limit, what)))
    }

    /// An error that has the parser stop.
    fn end<E: de::Error>(&mut self, why: Ended) -> E {
        self.ended = why;
        E::custom("")
    }

    /// Why the parser stopped.
    pub(super) fn ended(self) -> Ended {
        self.ended
    }
}
