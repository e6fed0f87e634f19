use std::iter::Enumerate;
use std::vec;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::{Step, TypeError};
use super::names::Name;
use crate::xmlrpc::{Array, Struct, Value};

/// An array's elements.
pub(super) struct Elements(Enumerate<vec::IntoIter<Value>>);

impl Elements {
    pub(super) fn of(array: Array) -> Elements {
        Elements(array.into_iter().enumerate())
    }
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = TypeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TypeError> {
        let Some((index, value)) = self.0.next() else {
            return Ok(None);
        };
        let element = seed.deserialize(value.into_deserializer());
        element.map(Some).map_err(|error| error.within(Step::Element(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The elements of a sequence of `u8` that was sent as `base64`.
pub(super) struct Bytes(vec::IntoIter<u8>);

impl Bytes {
    pub(super) fn of(bytes: Vec<u8>) -> Bytes {
        Bytes(bytes.into_iter())
    }
}

impl<'de> SeqAccess<'de> for Bytes {
    type Error = TypeError;

    /// At the end the seed is asked too, so that no empty `base64` passes for an array of others.
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TypeError> {
        let mut takes_bytes = false;
        let byte = Byte { byte: self.0.next(), takes_bytes: &mut takes_bytes };
        let at_end = byte.byte.is_none();
        match seed.deserialize(byte) {
            _ if !takes_bytes => Err(TypeError::new("expected array, found base64")),
            _ if at_end => Ok(None),
            element => element.map(Some),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Byte<'a> {
    byte: Option<u8>,
    takes_bytes: &'a mut bool,
}

impl<'de> Deserializer<'de> for Byte<'_> {
    type Error = TypeError;

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        *self.takes_bytes = true;
        visitor.visit_u8(self.byte.unwrap_or_default())
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, TypeError> {
        Err(TypeError::new("expected array, found base64"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u16 u32 u64 u128 f32 f64 bool char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// A struct's members; `fields` are the names that may be shown.
pub(super) struct Members {
    rest: Enumerate<vec::IntoIter<(String, Value)>>,
    fields: &'static [&'static str],
    /// The value whose name was read last.
    current: Option<(Step, Value)>,
}

impl Members {
    pub(super) fn of(structure: Struct, fields: &'static [&'static str]) -> Members {
        Members { rest: structure.into_iter().enumerate(), fields, current: None }
    }
}

/// The way to a member: the Rust name that equals the peer's, else the position.
fn step(name: &str, index: usize, known: &'static [&'static str]) -> Step {
    let known = known.iter().find(|own| **own == name);
    known.map_or(Step::Member(index), |own| Step::Field(own))
}

impl<'de> MapAccess<'de> for Members {
    type Error = TypeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TypeError> {
        let Some((index, (name, value))) = self.rest.next() else {
            return Ok(None);
        };
        let step = step(&name, index, self.fields);
        self.current = Some((step, value));
        seed.deserialize(Name(name)).map(Some).map_err(|error| error.within(step))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, TypeError> {
        let Some((step, value)) = self.current.take() else {
            return Err(TypeError::new("a member's value was asked for before its name"));
        };
        seed.deserialize(value.into_deserializer()).map_err(|error| error.within(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// An enum's value: a variant's name and, in a struct of one member, its content.
pub(super) struct Tagged {
    name: String,
    content: Option<Value>,
    variants: &'static [&'static str],
}

impl Tagged {
    pub(super) fn new(
        name: String,
        content: Option<Value>,
        variants: &'static [&'static str],
    ) -> Tagged {
        Tagged { name, content, variants }
    }
}

impl<'de> EnumAccess<'de> for Tagged {
    type Error = TypeError;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content), TypeError> {
        let step = step(&self.name, 0, self.variants);
        let variant = seed.deserialize(Name(self.name))?;
        Ok((variant, Content { value: self.content, step }))
    }
}

pub(super) struct Content {
    value: Option<Value>,
    step: Step,
}

impl Content {
    fn read<T>(self, read: impl FnOnce(Value) -> Result<T, TypeError>) -> Result<T, TypeError> {
        match self.value {
            Some(value) => read(value).map_err(|error| error.within(self.step)),
            None => Err(TypeError::new("expected struct, found string")),
        }
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = TypeError;

    fn unit_variant(self) -> Result<(), TypeError> {
        match self.value {
            None | Some(Value::Nil) => Ok(()),
            Some(other) => Err(TypeError::expected("nil", &other).within(self.step)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, TypeError> {
        self.read(|value| seed.deserialize(value.into_deserializer()))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.read(|value| value.into_deserializer().deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.read(|value| value.into_deserializer().deserialize_struct("", fields, visitor))
    }
}
