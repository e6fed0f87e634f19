use serde::de::{self, MapAccess, SeqAccess};

use super::error::InvalidParams;
use super::place::{At, Place, elements};
use super::reader::Reader;
use super::text::{BASE64, DATE_TIME, base64_of, date_time_of};
use crate::xmlrpc::{Array, Struct, Value, distinct};

/// A value in so many others, itself included.
#[derive(Clone, Copy)]
pub(super) struct Nested(pub(super) usize);

impl Place for Nested {
    type Read = Value;

    fn depth(&self) -> usize {
        self.0
    }

    fn scalar(self, value: Value) -> Value {
        value
    }

    fn array<'de, A: SeqAccess<'de>>(
        self,
        reader: &mut Reader,
        array: A,
    ) -> Result<Value, A::Error> {
        let values = elements(Nested(self.0 + 1), reader, array)?;
        Array::try_from(values).map(Value::Array).map_err(de::Error::custom)
    }

    fn object<'de, A: MapAccess<'de>>(
        self,
        reader: &mut Reader,
        object: A,
    ) -> Result<Value, A::Error> {
        let members = members(Nested(self.0 + 1), reader, object)?;
        let marked = match &*members {
            [(name, value)] => marked(name, value),
            _ => None,
        };
        match marked {
            None => Struct::from_distinct(members).map(Value::Struct).map_err(de::Error::custom),
            Some(Ok(value)) => Ok(value),
            Some(Err(invalid)) => {
                reader.invalidate(invalid);
                Ok(Value::Nil)
            }
        }
    }
}

/// Members whose names are all different.
pub(super) fn members<'de, A: MapAccess<'de>>(
    place: Nested,
    reader: &mut Reader,
    mut object: A,
) -> Result<Vec<(String, Value)>, A::Error> {
    let mut members = Vec::new();
    while let Some(name) = object.next_key::<String>()? {
        reader.name(&name)?;
        let value = object.next_value_seed(At { place, reader })?;
        members.push((name, value));
    }
    members.shrink_to_fit();
    let count = members.len();
    let members = distinct(members);
    if members.len() < count {
        reader.invalidate(InvalidParams::NameTwice);
    }
    Ok(members)
}

/// What an object's one member says, if its name stands for a type that JSON has not.
fn marked(name: &str, value: &Value) -> Option<Result<Value, InvalidParams>> {
    match name {
        DATE_TIME => {
            let datetime = value.as_str().and_then(date_time_of);
            Some(datetime.map(Value::DateTime).ok_or(InvalidParams::NotDateTime))
        }
        BASE64 => {
            let bytes = value.as_str().and_then(base64_of);
            Some(bytes.map(Value::Base64).ok_or(InvalidParams::NotBase64))
        }
        _ => None,
    }
}
