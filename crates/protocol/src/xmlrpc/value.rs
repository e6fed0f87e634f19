mod depth;
mod members;

pub use depth::{MAX_VALUE_DEPTH, TooDeep};

use std::fmt;

pub(crate) use self::members::distinct;
use super::datetime::DateTime;

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

/// Values in order, nested no deeper than [`MAX_VALUE_DEPTH`].
#[derive(Clone, PartialEq)]
pub struct Array {
    values: Vec<Value>,
    depth: u16,
}

impl Array {
    /// The values.
    pub fn as_slice(&self) -> &[Value] {
        &self.values
    }

    /// The values, taken out.
    pub fn into_vec(self) -> Vec<Value> {
        self.values
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.values.iter()
    }

    /// Levels of values, the array included.
    fn depth(&self) -> usize {
        self.depth.into()
    }
}

impl TryFrom<Vec<Value>> for Array {
    type Error = TooDeep;

    fn try_from(values: Vec<Value>) -> Result<Array, TooDeep> {
        let depth = depth_around(values.iter())?;
        Ok(Array { values, depth })
    }
}

impl Default for Array {
    fn default() -> Array {
        Array { values: Vec::new(), depth: 1 }
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.values).finish()
    }
}

impl IntoIterator for Array {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Named values in insertion order, nested no deeper than
/// [`MAX_VALUE_DEPTH`]; no name comes twice.
#[derive(Clone, PartialEq)]
pub struct Struct {
    members: Vec<(String, Value)>,
    depth: u16,
}

impl Struct {
    /// A struct of these members; of those with the same name the last one's value stands at the
    /// first one's place. Linear in the members.
    pub fn from_members(members: Vec<(String, Value)>) -> Result<Struct, TooDeep> {
        Struct::from_distinct(distinct(members))
    }

    /// A struct of members whose names are known to be all different.
    pub(crate) fn from_distinct(members: Vec<(String, Value)>) -> Result<Struct, TooDeep> {
        let depth = depth_around(members.iter().map(|(_, value)| value))?;
        Ok(Struct { members, depth })
    }

    /// The value of that name; looks at every member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(own, _)| *own == name).map(|(_, v)| v)
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    /// Names and values, taken out.
    pub fn into_members(self) -> Vec<(String, Value)> {
        self.members
    }

    /// Levels of values, the struct included.
    fn depth(&self) -> usize {
        self.depth.into()
    }
}

impl Default for Struct {
    fn default() -> Struct {
        Struct { members: Vec::new(), depth: 1 }
    }
}

impl fmt::Debug for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl IntoIterator for Struct {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
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
