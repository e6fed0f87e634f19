use std::fmt;

use serde::de::{Deserializer, IntoDeserializer, Visitor, value::StringDeserializer};
use serde::forward_to_deserialize_any;
use serde::ser::{Impossible, Serialize, Serializer};

use super::error::{ToValueError, TypeError};

/// A member's name, read as a map's key or an enum's variant.
pub(super) struct Name(pub(super) String);

macro_rules! parsed {
    ($($method:ident $visit:ident $type:literal),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
            match self.0.parse() {
                Ok(parsed) => visitor.$visit(parsed),
                Err(_) => Err(TypeError::new(concat!("expected a name that reads as ", $type))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Name {
    type Error = TypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_string(self.0)
    }

    parsed! {
        deserialize_bool visit_bool "true or false",
        deserialize_i8 visit_i8 "int", deserialize_i16 visit_i16 "int",
        deserialize_i32 visit_i32 "int", deserialize_i64 visit_i64 "int",
        deserialize_i128 visit_i128 "int",
        deserialize_u8 visit_u8 "int", deserialize_u16 visit_u16 "int",
        deserialize_u32 visit_u32 "int", deserialize_u64 visit_u64 "int",
        deserialize_u128 visit_u128 "int",
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        let variant: StringDeserializer<TypeError> = self.0.into_deserializer();
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// Makes a map's key into a member's name; what is no text, number or truth value is an error.
pub(super) struct NameSerializer;

fn no_name() -> ToValueError {
    ToValueError::new("a map's key is no text, integer or truth value")
}

macro_rules! printed {
    ($($method:ident $type:ty),* $(,)?) => {$(
        fn $method(self, name: $type) -> Result<String, ToValueError> {
            Ok(name.to_string())
        }
    )*};
}

impl Serializer for NameSerializer {
    type Ok = String;
    type Error = ToValueError;
    type SerializeSeq = Impossible<String, ToValueError>;
    type SerializeTuple = Impossible<String, ToValueError>;
    type SerializeTupleStruct = Impossible<String, ToValueError>;
    type SerializeTupleVariant = Impossible<String, ToValueError>;
    type SerializeMap = Impossible<String, ToValueError>;
    type SerializeStruct = Impossible<String, ToValueError>;
    type SerializeStructVariant = Impossible<String, ToValueError>;

    printed! {
        serialize_bool bool, serialize_char char, serialize_str &str,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_u128 u128,
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, name: &T) -> Result<String, ToValueError> {
        Ok(name.to_string())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<String, ToValueError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        inner: &T,
    ) -> Result<String, ToValueError> {
        inner.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, inner: &T) -> Result<String, ToValueError> {
        inner.serialize(self)
    }

    fn serialize_f32(self, _: f32) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_f64(self, _: f64) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_none(self) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_unit(self) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, ToValueError> {
        Err(no_name())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, ToValueError> {
        Err(no_name())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, ToValueError> {
        Err(no_name())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, ToValueError> {
        Err(no_name())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, ToValueError> {
        Err(no_name())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, ToValueError> {
        Err(no_name())
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, ToValueError> {
        Err(no_name())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ToValueError> {
        Err(no_name())
    }
}
