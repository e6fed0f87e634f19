use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde::ser;

use crate::xmlrpc::{TooDeep, Value};

/// Characters at most of what a type's own `Deserialize` says about a value.
const MAX_CUSTOM_CHARS: usize = 200;

/// A value is not of the Rust type that was asked for: where, and what was expected.
///
/// Printed as `[3].moe: expected int, found string`: a place inside the value, if it is not the
/// value itself, then what is wrong there. Nothing that the peer wrote is repeated: fields have
/// the Rust type's names, a map's members their position. Only what a type's own `Deserialize`
/// says is passed on as it is, up to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeError {
    /// The way to the place, innermost step first.
    path: Vec<Step>,
    what: String,
}

/// One step into a value; positions are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Param(usize),
    Element(usize),
    Field(&'static str),
    Member(usize),
}

impl TypeError {
    /// The same error, seen from the call: its place begins with `params[index]`.
    pub fn in_param(self, index: usize) -> TypeError {
        self.within(Step::Param(index))
    }

    pub(super) fn new(what: impl Into<String>) -> TypeError {
        TypeError { path: Vec::new(), what: what.into() }
    }

    pub(super) fn expected(expected: &str, found: &Value) -> TypeError {
        TypeError::new(format!("expected {expected}, found {}", found.type_name()))
    }

    /// The same error, seen from one level further out.
    pub(super) fn within(mut self, step: Step) -> TypeError {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Param(index) => write!(f, "params[{index}]"),
            Step::Element(index) => write!(f, "[{index}]"),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Member(index) => write!(f, "[member {index}]"),
        }
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.path.iter().rev() {
            step.fmt(f)?;
        }
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{separator}{}", self.what)
    }
}

impl std::error::Error for TypeError {}

/// serde's own words, where they would repeat a value, are put into ours.
impl de::Error for TypeError {
    fn custom<T: fmt::Display>(message: T) -> TypeError {
        TypeError::new(message.to_string().chars().take(MAX_CUSTOM_CHARS).collect::<String>())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> TypeError {
        TypeError::new(format!("expected {}, found {}", wanted(expected), kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> TypeError {
        TypeError::new(format!("expected {expected}, found another {}", kind(found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> TypeError {
        TypeError::new(format!("expected {expected}, found {length} values"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> TypeError {
        TypeError::new(format!("unknown variant, expected {}", OneOf(expected)))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> TypeError {
        TypeError::new(format!("unknown member, expected {}", OneOf(expected)))
    }

    fn missing_field(field: &'static str) -> TypeError {
        TypeError::new(format!("missing member `{field}`"))
    }

    fn duplicate_field(field: &'static str) -> TypeError {
        TypeError::new(format!("duplicate member `{field}`"))
    }
}

/// What serde's own visitors expect, in XML-RPC's words; others' as they are.
fn wanted(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    let name = match expected.as_str() {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "int",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "int",
        "f32" | "f64" => "double",
        "a boolean" => "boolean",
        "a string" => "string",
        "a sequence" => "array",
        "a map" => "struct",
        "unit" => "nil",
        other if other.starts_with("struct ") => "struct",
        _ => return expected,
    };
    name.to_owned()
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "int",
        Unexpected::Float(_) => "double",
        Unexpected::Char(_) | Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "base64",
        Unexpected::Unit | Unexpected::Option => "nil",
        Unexpected::NewtypeStruct => "dateTime.iso8601",
        Unexpected::Seq => "array",
        Unexpected::Map => "struct",
        _ => "value",
    }
}

struct OneOf(&'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else {
            return f.write_str("none");
        };
        let one_of = if rest.is_empty() { "" } else { "one of " };
        write!(f, "{one_of}`{first}`")?;
        rest.iter().try_for_each(|name| write!(f, ", `{name}`"))
    }
}

/// Why a Rust value has no XML-RPC form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToValueError(String);

impl ToValueError {
    pub(super) fn new(message: impl Into<String>) -> ToValueError {
        ToValueError(message.into())
    }
}

impl fmt::Display for ToValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ToValueError {}

impl ser::Error for ToValueError {
    fn custom<T: fmt::Display>(message: T) -> ToValueError {
        ToValueError::new(message.to_string())
    }
}

impl From<TooDeep> for ToValueError {
    fn from(error: TooDeep) -> ToValueError {
        ToValueError::new(error.to_string())
    }
}
