use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::date_time::DATE_TIME;
use super::dates;
use super::type_name::TypeName;
use super::wrappers::MAX_WRAPPERS;

/// What `T` is read from, found by letting it ask a deserializer that never gives it anything.
///
/// An option or a newtype is what it holds. [`TypeName::Any`] stands for types that look at the
/// value first: [`Value`](crate::xmlrpc::Value), untagged and internally tagged enums, and enums
/// that are a string or a struct depending on the variant.
pub fn type_of<'de, T: Deserialize<'de> + 'static>() -> TypeName {
    if let Some(direct) = dates::direct::<T>() {
        return direct.name;
    }
    match ask::<T>(0) {
        Asked::For(name) => name,
        Asked::NoVariant => TypeName::Any,
        first @ Asked::Variant(name) => {
            let mut others = (1..).map(ask::<T>).take_while(|asked| *asked != Asked::NoVariant);
            if others.all(|other| other == first) { name } else { TypeName::Any }
        }
    }
}

fn ask<'de, T: Deserialize<'de>>(variant: usize) -> Asked {
    match T::deserialize(Probe { variant, wrappers: 0 }) {
        Ok(_) => Asked::For(TypeName::Any),
        Err(asked) => asked,
    }
}

/// Whether `T` is an option, so that nil, or nothing at all, may stand for it.
///
/// It is one if it asks for an option before anything else; newtypes around it are looked through.
pub fn is_optional<'de, T: Deserialize<'de>>() -> bool {
    matches!(T::deserialize(OptionProbe { wrappers: 0 }), Err(AskedForOption(true)))
}

/// What a type asked the probe for; an error to serde, so that the type gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    For(TypeName),
    /// It is an enum, and its variant at the probe's index is read from this.
    Variant(TypeName),
    /// It is an enum of fewer variants.
    NoVariant,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type's description has no value")
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Asked {
        Asked::For(TypeName::Any)
    }
}

/// The deserializer that only notes what it is asked for; an enum is led to one of its variants.
#[derive(Clone, Copy)]
struct Probe {
    variant: usize,
    wrappers: usize,
}

impl Probe {
    fn unwrapped(self) -> Result<Probe, Asked> {
        if self.wrappers == MAX_WRAPPERS {
            return Err(Asked::For(TypeName::Any));
        }
        Ok(Probe { wrappers: self.wrappers + 1, ..self })
    }
}

/// Names the method, its arguments before the visitor, and what it stands for.
macro_rules! asked {
    ($($method:ident($($argument:ty),*) $name:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, Asked> {
            Err(Asked::For(TypeName::$name))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    asked! {
        deserialize_any() Any, deserialize_ignored_any() Any, deserialize_bool() Boolean,
        deserialize_i8() Int, deserialize_i16() Int, deserialize_i32() Int,
        deserialize_u8() Int, deserialize_u16() Int, deserialize_u32() I8,
        deserialize_i64() I8, deserialize_u64() I8, deserialize_i128() I8, deserialize_u128() I8,
        deserialize_f32() Double, deserialize_f64() Double,
        deserialize_char() String, deserialize_str() String, deserialize_string() String,
        deserialize_identifier() String,
        deserialize_bytes() Base64, deserialize_byte_buf() Base64,
        deserialize_unit() Nil, deserialize_unit_struct(&'static str) Nil,
        deserialize_seq() Array, deserialize_tuple(usize) Array,
        deserialize_tuple_struct(&'static str, usize) Array,
        deserialize_map() Struct,
        deserialize_struct(&'static str, &'static [&'static str]) Struct,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        visitor.visit_some(self.unwrapped()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        if name == DATE_TIME {
            return Err(Asked::For(TypeName::DateTime));
        }
        visitor.visit_newtype_struct(self.unwrapped()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Asked> {
        match variants.get(self.variant) {
            Some(name) => visitor.visit_enum(Variant(name)),
            None => Err(Asked::NoVariant),
        }
    }
}

struct Variant(&'static str);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Asked;
    type Variant = Variant;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Variant), Asked> {
        Ok((seed.deserialize(self.0.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Asked;

    fn unit_variant(self) -> Result<(), Asked> {
        Err(Asked::Variant(TypeName::String))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Asked> {
        Err(Asked::Variant(TypeName::Struct))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Asked> {
        Err(Asked::Variant(TypeName::Struct))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked::Variant(TypeName::Struct))
    }
}

/// Whether a type asked for an option; an error to serde, so that the type gives up.
#[derive(Debug)]
struct AskedForOption(bool);

impl fmt::Display for AskedForOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type's description has no value")
    }
}

impl std::error::Error for AskedForOption {}

impl de::Error for AskedForOption {
    fn custom<T: fmt::Display>(_: T) -> AskedForOption {
        AskedForOption(false)
    }
}

/// The deserializer that only notes whether it is asked for an option first.
struct OptionProbe {
    wrappers: usize,
}

impl<'de> Deserializer<'de> for OptionProbe {
    type Error = AskedForOption;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, AskedForOption> {
        Err(AskedForOption(false))
    }

    fn deserialize_option<V: Visitor<'de>>(self, _: V) -> Result<V::Value, AskedForOption> {
        Err(AskedForOption(true))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, AskedForOption> {
        match self.wrappers {
            MAX_WRAPPERS => Err(AskedForOption(false)),
            wrappers => visitor.visit_newtype_struct(OptionProbe { wrappers: wrappers + 1 }),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bool char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
