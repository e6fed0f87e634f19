use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::date_time::DATE_TIME;
use super::error::ToValueError;
use super::names::NameSerializer;
use super::wrappers::MAX_WRAPPERS;
use crate::xmlrpc::{Array, DateTime, MAX_VALUE_DEPTH, Struct, TooDeep, Value};

/// What a method returned, as a value to write.
///
/// An error is an integer beyond 64 bits, a map's key that is no text, integer or truth value,
/// nesting deeper than [`MAX_VALUE_DEPTH`], a `Result` anywhere, or the type's own. `Some(())`, like
/// `None`, is nil.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ToValueError> {
    value.serialize(Maker { levels: MAX_VALUE_DEPTH, wrappers: MAX_WRAPPERS })
}

const RESULT_IS_NO_VALUE: &str =
    "a Result is no value: return it from the method itself, or match it";

/// Makes one value of at most that many levels.
#[derive(Clone, Copy)]
struct Maker {
    levels: usize,
    wrappers: usize,
}

impl Maker {
    /// The maker of what is in this one's option or newtype.
    fn wrapped(self) -> Result<Maker, TooDeep> {
        let wrappers = self.wrappers.checked_sub(1).ok_or(TooDeep)?;
        Ok(Maker { wrappers, ..self })
    }

    /// The maker of what is nested in this one's value.
    fn nested(self) -> Result<Maker, TooDeep> {
        match self.levels {
            0 | 1 => Err(TooDeep),
            levels => Ok(Maker { levels: levels - 1, wrappers: MAX_WRAPPERS }),
        }
    }
}

macro_rules! leaves {
    ($($method:ident $type:ty => $variant:ident),* $(,)?) => {$(
        fn $method(self, leaf: $type) -> Result<Value, ToValueError> {
            Ok(Value::$variant(leaf.into()))
        }
    )*};
}

macro_rules! wide_integers {
    ($($method:ident $type:ty),* $(,)?) => {$(
        fn $method(self, number: $type) -> Result<Value, ToValueError> {
            let number = i64::try_from(number);
            number.map(Value::Int).map_err(|_| ToValueError::new("an integer is beyond 64 bits"))
        }
    )*};
}

impl Serializer for Maker {
    type Ok = Value;
    type Error = ToValueError;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    leaves! {
        serialize_i8 i8 => Int, serialize_i16 i16 => Int, serialize_i32 i32 => Int,
        serialize_i64 i64 => Int, serialize_u8 u8 => Int, serialize_u16 u16 => Int,
        serialize_u32 u32 => Int, serialize_bool bool => Boolean, serialize_f32 f32 => Double,
        serialize_f64 f64 => Double, serialize_char char => String, serialize_str &str => String,
        serialize_bytes &[u8] => Base64,
    }

    wide_integers! { serialize_u64 u64, serialize_i128 i128, serialize_u128 u128 }

    fn serialize_none(self) -> Result<Value, ToValueError> {
        Ok(Value::Nil)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, inner: &T) -> Result<Value, ToValueError> {
        inner.serialize(self.wrapped()?)
    }

    fn serialize_unit(self) -> Result<Value, ToValueError> {
        Ok(Value::Nil)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, ToValueError> {
        Ok(Value::Nil)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, ToValueError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        inner: &T,
    ) -> Result<Value, ToValueError> {
        match inner.serialize(self.wrapped()?)? {
            Value::String(text) if name == DATE_TIME => {
                DateTime::parse(&text).map(Value::DateTime).map_err(ToValueError::custom)
            }
            value => Ok(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        inner: &T,
    ) -> Result<Value, ToValueError> {
        if (name, variant) == ("Result", "Ok") || (name, variant) == ("Result", "Err") {
            // A caller would get an error as a success with a struct in it.
            return Err(ToValueError::new(RESULT_IS_NO_VALUE));
        }
        tagged(Some(variant), inner.serialize(self.nested()?)?)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements, ToValueError> {
        Ok(Elements::new(self, None, length))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements, ToValueError> {
        Ok(Elements::new(self, None, Some(length)))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Elements, ToValueError> {
        Ok(Elements::new(self, None, Some(length)))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Elements, ToValueError> {
        Ok(Elements::new(self.nested()?, Some(variant), Some(length)))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Members, ToValueError> {
        Ok(Members::new(self, None, length))
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Members, ToValueError> {
        Ok(Members::new(self, None, Some(length)))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Members, ToValueError> {
        Ok(Members::new(self.nested()?, Some(variant), Some(length)))
    }
}

/// The content of a variant as a struct of one member; anything else as it is.
fn tagged(variant: Option<&'static str>, content: Value) -> Result<Value, ToValueError> {
    match variant {
        Some(name) => Ok(Struct::from_members(vec![(name.to_owned(), content)])?.into()),
        None => Ok(content),
    }
}

/// An array in the making.
struct Elements {
    maker: Maker,
    variant: Option<&'static str>,
    values: Vec<Value>,
}

impl Elements {
    fn new(maker: Maker, variant: Option<&'static str>, length: Option<usize>) -> Elements {
        Elements { maker, variant, values: Vec::with_capacity(length.unwrap_or(0)) }
    }

    fn push<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), ToValueError> {
        self.values.push(element.serialize(self.maker.nested()?)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, ToValueError> {
        tagged(self.variant, Array::try_from(self.values)?.into())
    }
}

/// A struct in the making.
struct Members {
    maker: Maker,
    variant: Option<&'static str>,
    members: Vec<(String, Value)>,
    /// The name whose value comes next.
    name: Option<String>,
}

impl Members {
    fn new(maker: Maker, variant: Option<&'static str>, length: Option<usize>) -> Members {
        let members = Vec::with_capacity(length.unwrap_or(0));
        Members { maker, variant, members, name: None }
    }

    fn push<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), ToValueError> {
        self.members.push((name, value.serialize(self.maker.nested()?)?));
        Ok(())
    }

    fn finish(self) -> Result<Value, ToValueError> {
        tagged(self.variant, Struct::from_members(self.members)?.into())
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident),*) => {$(
        impl $trait for Elements {
            type Ok = Value;
            type Error = ToValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ToValueError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, ToValueError> {
                self.finish()
            }
        }
    )*};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl $trait for Members {
            type Ok = Value;
            type Error = ToValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ToValueError> {
                self.push(name.to_owned(), value)
            }

            fn end(self) -> Result<Value, ToValueError> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Members {
    type Ok = Value;
    type Error = ToValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), ToValueError> {
        self.name = Some(name.serialize(NameSerializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ToValueError> {
        match self.name.take() {
            Some(name) => self.push(name, value),
            None => Err(ToValueError::new("a map's value came before its key")),
        }
    }

    fn end(self) -> Result<Value, ToValueError> {
        self.finish()
    }
}
