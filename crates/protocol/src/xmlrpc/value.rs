mod array;
mod structure;

pub use array::Array;
pub use structure::Struct;

use std::fmt;

use super::datetime::DateTime;

/// Values nested in values at most, the outermost counted.
///
/// No deeper value can be made, so that dropping, cloning, comparing, printing and writing one,
/// all of which recurse, fit the stack of any thread, in a debug build too.
pub const MAX_VALUE_DEPTH: usize = 256;

/// One XML-RPC value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Nil,
    /// An integer of up to 64 bits, whatever its width on the wire.
    Int(i64),
    /// A truth value.
    Boolean(bool),
    /// A floating-point number; only a finite one can be written.
    Double(f64),
    /// Text.
    String(String),
    /// A date and time of day.
    DateTime(DateTime),
    /// Bytes.
    Base64(Vec<u8>),
    /// Values in order.
    Array(Array),
    /// Named values in order.
    Struct(Struct),
}

impl Value {
    /// The type's XML-RPC name; an integer beyond 32 bits is an `i8`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Int(number) if i32::try_from(*number).is_ok() => "int",
            Value::Int(_) => "i8",
            Value::Boolean(_) => "boolean",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::DateTime(_) => "dateTime.iso8601",
            Value::Base64(_) => "base64",
            Value::Array(_) => "array",
            Value::Struct(_) => "struct",
        }
    }

    /// Whether this is [`Value::Nil`].
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The double, if this is one; an integer is none.
    pub fn as_double(&self) -> Option<f64> {
        match self {
            Value::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The date and time, if this is one.
    pub fn as_datetime(&self) -> Option<&DateTime> {
        match self {
            Value::DateTime(datetime) => Some(datetime),
            _ => None,
        }
    }

    /// The bytes, if this is base64.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Base64(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The array, if this is one.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The struct, if this is one.
    pub fn as_struct(&self) -> Option<&Struct> {
        match self {
            Value::Struct(structure) => Some(structure),
            _ => None,
        }
    }

    /// Levels of values, this one included.
    pub fn depth(&self) -> usize {
        match self {
            Value::Array(array) => array.depth(),
            Value::Struct(structure) => structure.depth(),
            _ => 1,
        }
    }
}

/// One level around the deepest of `values`, where that is allowed.
fn depth_around<'a>(values: impl Iterator<Item = &'a Value>) -> Result<u16, TooDeep> {
    let depth = 1 + values.map(Value::depth).max().unwrap_or(0);
    if depth > MAX_VALUE_DEPTH {
        return Err(TooDeep);
    }
    u16::try_from(depth).map_err(|_| TooDeep)
}

/// A value would nest deeper than [`MAX_VALUE_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value nests deeper than {MAX_VALUE_DEPTH} levels")
    }
}

impl std::error::Error for TooDeep {}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {$(
        impl From<$source> for Value {
            fn from(source: $source) -> Value {
                Value::$variant(source.into())
            }
        }
    )*};
}

from! {
    i8 => Int, i16 => Int, i32 => Int, i64 => Int, u8 => Int, u16 => Int, u32 => Int,
    bool => Boolean, f32 => Double, f64 => Double, &str => String, String => String,
    DateTime => DateTime, Vec<u8> => Base64, &[u8] => Base64, Array => Array, Struct => Struct,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Result<Value, TooDeep> {
        let mut value = Value::Nil;
        for level in 1..levels {
            value = if level % 2 == 0 {
                Array::try_from(vec![value])?.into()
            } else {
                Struct::from_members(vec![("a".to_owned(), value)])?.into()
            };
        }
        Ok(value)
    }

    #[test]
    fn value_of_unbounded_depth_cannot_be_made() {
        assert_eq!(nested(MAX_VALUE_DEPTH).unwrap().depth(), MAX_VALUE_DEPTH);
        assert_eq!(nested(MAX_VALUE_DEPTH + 1), Err(TooDeep));
    }

    #[test]
    fn deepest_value_is_cloned_compared_printed_and_dropped_in_a_quarter_of_a_thread_stack() {
        let work = || {
            let value = nested(MAX_VALUE_DEPTH).unwrap();
            let same = value.clone();
            assert_eq!(value, same);
            assert!(format!("{value:?}").len() > MAX_VALUE_DEPTH);
            assert!(format!("{same:#?}").len() > MAX_VALUE_DEPTH);
        };
        let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(work);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn integers_are_named_by_what_they_need() {
        assert_eq!(Value::from(i32::MIN).type_name(), "int");
        assert_eq!(Value::from(i64::from(i32::MAX) + 1).type_name(), "i8");
    }
}
