//! Types that do not go by way of their own serde: those that are values already are moved whole,
//! and dates of other crates would be strings.

use std::any::Any;

use serde::{Serialize, de::DeserializeOwned};

use super::dates;
use super::de::from_any_value;
use super::error::{ToValueError, TypeError};
use super::ser::to_value;
use crate::xmlrpc::{Array, Struct, Value};

/// A `T` from what a peer sent; strings, bytes and elements are moved, not copied.
///
/// | Rust | taken from | made into |
/// |---|---|---|
/// | integers | `int` in the type's range | `int`; beyond 64 bits an error |
/// | `f64`, `f32` | `double`, `int` | `double` |
/// | `bool` | `boolean` | `boolean` |
/// | `String`, `char` | `string` | `string` |
/// | [`DateTime`](crate::xmlrpc::DateTime) | `dateTime.iso8601` | `dateTime.iso8601` |
/// | dates of jiff and chrono, options and lists of them, with the feature of that name | `dateTime.iso8601` that they can hold | `dateTime.iso8601` |
/// | [`Base64`](crate::xmlrpc::Base64), serde's byte types | `base64` | `base64` |
/// | sequences, tuples of their exact length | `array`; `base64` for bytes | `array` |
/// | structs, maps | `struct` | `struct` |
/// | `Option` | `nil` is `None` | `None` is `nil` |
/// | `()`, unit structs | `nil` | `nil` |
/// | enums | a unit variant's name as `string`, others as a `struct` of one member | the same |
/// | [`Value`](crate::xmlrpc::Value) | everything, as it is | itself |
///
/// Of jiff these are `civil::DateTime`, without an offset, and `Timestamp` and `Zoned`, with one; of
/// chrono `NaiveDateTime`, and `DateTime` of `Utc` and of `FixedOffset`. In fields, where their own
/// serde would make strings of them, they need `#[serde(with = "protocol::xmlrpc::jiff")]`, or
/// `chrono` for the other one.
///
/// What serde reads into a buffer of its own first (untagged and internally tagged enums,
/// flattened members) is told apart less well: there a string of the right form is a
/// [`DateTime`](crate::xmlrpc::DateTime) too and UTF-8 `base64` a `String`, so that an untagged
/// enum lists bytes before text and text before dates; and errors say less of the place.
pub fn from_value<T: DeserializeOwned + 'static>(value: Value) -> Result<T, TypeError> {
    let mut whole: Option<T> = None;
    let rest = put(value, &mut whole);
    match (whole, dates::direct()) {
        (Some(whole), _) => Ok(whole),
        (None, Some(direct)) => (direct.read)(rest),
        (None, None) => from_any_value(rest),
    }
}

/// Moves `value` into `slot`, an option of the same type, and gives back what is left.
fn put(value: Value, slot: &mut dyn Any) -> Value {
    if let Some(slot) = slot.downcast_mut() {
        *slot = Some(value);
        return Value::Nil;
    }
    match value {
        Value::Array(array) => {
            if let Some(slot) = slot.downcast_mut() {
                *slot = Some(array);
            } else if let Some(slot) = slot.downcast_mut() {
                *slot = Some(array.into_vec());
            } else {
                return Value::Array(array);
            }
        }
        Value::Struct(members) => match slot.downcast_mut() {
            Some(slot) => *slot = Some(members),
            None => return Value::Struct(members),
        },
        other => return other,
    }
    Value::Nil
}

/// What a method returned, as a value to write; the errors are those of [`to_value`].
pub fn into_value<T: Serialize + 'static>(mut result: T) -> Result<Value, ToValueError> {
    let whole: &mut dyn Any = &mut result;
    if let Some(value) = whole.downcast_mut() {
        return Ok(std::mem::replace(value, Value::Nil));
    }
    if let Some(array) = whole.downcast_mut::<Array>() {
        return Ok(std::mem::take(array).into());
    }
    if let Some(members) = whole.downcast_mut::<Struct>() {
        return Ok(std::mem::take(members).into());
    }
    if let Some(elements) = whole.downcast_mut::<Vec<Value>>() {
        return Ok(Array::try_from(std::mem::take(elements))?.into());
    }
    match dates::direct() {
        Some(direct) => (direct.write)(&result),
        None => to_value(&result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose text lies at the same place before and after were moved.
    fn place(value: &Value) -> Option<*const u8> {
        match value {
            Value::String(text) => Some(text.as_ptr()),
            Value::Array(array) => array.iter().find_map(place),
            Value::Struct(members) => members.iter().find_map(|(_, value)| place(value)),
            _ => None,
        }
    }

    #[track_caller]
    fn check<T: DeserializeOwned + Serialize + 'static>(value: Value) {
        let (before, copy) = (place(&value), value.clone());
        let back = into_value(from_value::<T>(value).unwrap()).unwrap();
        assert_eq!(back, copy);
        assert!(before.is_some() && place(&back) == before);
    }

    #[test]
    fn values_are_moved_whole() {
        let array = Array::try_from(vec![Value::from("text")]).unwrap();
        let members = Struct::from_members(vec![("a".to_owned(), "text".into())]).unwrap();
        check::<Value>("text".into());
        check::<Value>(array.clone().into());
        check::<Array>(array.clone().into());
        check::<Vec<Value>>(array.into());
        check::<Struct>(members.into());
    }

    #[test]
    fn other_types_go_through_serde() {
        assert_eq!(from_value::<String>("text".into()), Ok("text".to_owned()));
        let error = from_value::<Array>("text".into()).unwrap_err();
        assert_eq!(error.to_string(), "expected array, found string");
        assert_eq!(into_value(7_u8), Ok(Value::Int(7)));
    }
}
