use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use super::access::{Bytes, Elements, Members, Tagged};
use super::date_time::DATE_TIME;
use super::error::TypeError;
use super::wrappers::MAX_WRAPPERS;
use crate::xmlrpc::{DateTime, Value};

/// A `T`, whatever it is, by way of serde.
pub(super) fn from_any_value<T: DeserializeOwned>(value: Value) -> Result<T, TypeError> {
    T::deserialize(value.into_deserializer())
}

/// The value that is read; never deeper than
/// [`MAX_VALUE_DEPTH`](crate::xmlrpc::MAX_VALUE_DEPTH), which bounds the recursion.
pub struct Source(Value, usize);

/// How what is nested in a value is reached again from its elements and members.
impl IntoDeserializer<'_, TypeError> for Value {
    type Deserializer = Source;

    fn into_deserializer(self) -> Source {
        Source(self, 0)
    }
}

/// Names the method, the type that its visitor is given, and that visitor's method.
macro_rules! integers {
    ($($method:ident $type:ty => $visit:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
            let number = self.int()?;
            match <$type>::try_from(number) {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(out_of_range(<$type>::MIN, <$type>::MAX)),
            }
        }
    )*};
}

fn out_of_range(from: impl fmt::Display, to: impl fmt::Display) -> TypeError {
    TypeError::new(format!("expected int from {from} to {to}"))
}

impl<'de> Deserializer<'de> for Source {
    type Error = TypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Nil => visitor.visit_unit(),
            Value::Int(number) => visitor.visit_i64(number),
            Value::Boolean(truth) => visitor.visit_bool(truth),
            Value::Double(number) => visitor.visit_f64(number),
            Value::String(text) => visitor.visit_string(text),
            Value::DateTime(datetime) => visitor.visit_newtype_struct(text_of(datetime)),
            Value::Base64(bytes) => visitor.visit_byte_buf(bytes),
            Value::Array(array) => visitor.visit_seq(Elements::of(array)),
            Value::Struct(structure) => visitor.visit_map(Members::of(structure, &[])),
        }
    }

    integers! {
        deserialize_i8 i8 => visit_i8, deserialize_i16 i16 => visit_i16,
        deserialize_i32 i32 => visit_i32, deserialize_i64 i64 => visit_i64,
        deserialize_i128 i128 => visit_i128,
        deserialize_u8 u8 => visit_u8, deserialize_u16 u16 => visit_u16,
        deserialize_u32 u32 => visit_u32, deserialize_u64 u64 => visit_u64,
        deserialize_u128 u128 => visit_u128,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let double = self.double()?;
        let number = double as f32;
        if number.is_infinite() && double.is_finite() {
            return Err(TypeError::new("expected double in the range of 32 bits"));
        }
        visitor.visit_f32(number)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_f64(self.double()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Boolean(truth) => visitor.visit_bool(truth),
            other => Err(TypeError::expected("boolean", &other)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            other => Err(TypeError::expected("string", &other)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Base64(bytes) => visitor.visit_byte_buf(bytes),
            other => Err(TypeError::expected("base64", &other)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self.wrapped()?),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Nil => visitor.visit_unit(),
            other => Err(TypeError::expected("nil", &other)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::DateTime(datetime) if name == DATE_TIME => {
                visitor.visit_newtype_struct(text_of(datetime))
            }
            other if name == DATE_TIME => Err(TypeError::expected("dateTime.iso8601", &other)),
            _ => visitor.visit_newtype_struct(self.wrapped()?),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Array(array) => visitor.visit_seq(Elements::of(array)),
            Value::Base64(bytes) => visitor.visit_seq(Bytes::of(bytes)),
            other => Err(TypeError::expected("array", &other)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        let found = match &self.0 {
            Value::Array(array) => array.len(),
            Value::Base64(bytes) => bytes.len(),
            other => return Err(TypeError::expected("array", other)),
        };
        if found != length {
            return Err(TypeError::new(format!("expected {length} values, found {found}")));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::Struct(structure) => visitor.visit_map(Members::of(structure, fields)),
            other => Err(TypeError::expected("struct", &other)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Tagged::new(name, None, variants)),
            Value::Struct(structure) => {
                let mut members = structure.into_iter();
                let (Some((name, content)), None) = (members.next(), members.next()) else {
                    return Err(TypeError::new("expected struct of one member"));
                };
                visitor.visit_enum(Tagged::new(name, Some(content), variants))
            }
            other => Err(TypeError::expected("string or struct", &other)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_unit()
    }
}

impl Source {
    /// The same value for what is in an option or a newtype, of which a type may be endlessly many.
    fn wrapped(self) -> Result<Source, TypeError> {
        match self.1 {
            MAX_WRAPPERS => Err(TypeError::new("expected nil, found a value in too many options")),
            wrappers => Ok(Source(self.0, wrappers + 1)),
        }
    }

    fn int(&self) -> Result<i64, TypeError> {
        self.0.as_int().ok_or_else(|| TypeError::expected("int", &self.0))
    }

    /// An integer beyond 53 bits becomes the nearest double.
    fn double(&self) -> Result<f64, TypeError> {
        match &self.0 {
            Value::Double(number) => Ok(*number),
            Value::Int(number) => Ok(*number as f64),
            other => Err(TypeError::expected("double", other)),
        }
    }
}

fn text_of(datetime: DateTime) -> StringDeserializer<TypeError> {
    datetime.to_string().into_deserializer()
}
