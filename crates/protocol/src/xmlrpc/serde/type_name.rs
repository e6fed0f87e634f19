use std::fmt;

use crate::xmlrpc::Value;

/// The XML-RPC name of a Rust type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeName {
    /// No value: `()`.
    Nil,
    /// An integer that fits 32 bits with sign.
    Int,
    /// A wider integer.
    I8,
    /// `bool`.
    Boolean,
    /// `f64`, `f32`.
    Double,
    /// Text, or an enum of nothing but unit variants.
    String,
    /// [`DateTime`](crate::xmlrpc::DateTime).
    DateTime,
    /// Bytes.
    Base64,
    /// Sequences and tuples.
    Array,
    /// Structs, maps, and enums without unit variants.
    Struct,
    /// Nothing that is known without a value.
    Any,
}

impl TypeName {
    /// The name as it stands in a method's signature.
    pub fn as_str(self) -> &'static str {
        match self {
            TypeName::Nil => "nil",
            TypeName::Int => "int",
            TypeName::I8 => "i8",
            TypeName::Boolean => "boolean",
            TypeName::Double => "double",
            TypeName::String => "string",
            TypeName::DateTime => "dateTime.iso8601",
            TypeName::Base64 => "base64",
            TypeName::Array => "array",
            TypeName::Struct => "struct",
            TypeName::Any => "any",
        }
    }

    /// Whether a type of this name can be read from `value`, as far as the value's outside tells.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            TypeName::Any => true,
            TypeName::Int | TypeName::I8 => matches!(value, Value::Int(_)),
            TypeName::Double => matches!(value, Value::Double(_) | Value::Int(_)),
            name => name.as_str() == value.type_name(),
        }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
