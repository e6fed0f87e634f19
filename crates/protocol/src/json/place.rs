use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::number::is_certain;
use super::reader::Reader;
use crate::xmlrpc::Value;

/// A place in a document: what becomes of what stands there.
pub(super) trait Place: Sized {
    type Read;

    /// Values that this one is in, itself included; those of a message do not count.
    fn depth(&self) -> usize {
        0
    }

    /// Anything but an array and an object.
    fn scalar(self, value: Value) -> Self::Read;

    fn array<'de, A: SeqAccess<'de>>(
        self,
        reader: &mut Reader,
        elements: A,
    ) -> Result<Self::Read, A::Error>;

    fn object<'de, A: MapAccess<'de>>(
        self,
        reader: &mut Reader,
        members: A,
    ) -> Result<Self::Read, A::Error>;
}

/// A place, and who reads what stands there.
pub(super) struct At<'r, 'a, P> {
    pub(super) place: P,
    pub(super) reader: &'r mut Reader<'a>,
}

impl<'de, P: Place> DeserializeSeed<'de> for At<'_, '_, P> {
    type Value = P::Read;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<P::Read, D::Error> {
        self.reader.enter(self.place.depth())?;
        from.deserialize_any(self)
    }
}

impl<P: Place> At<'_, '_, P> {
    /// A number, if the parser could tell which.
    fn number<E: de::Error>(self, told: Option<Value>) -> Result<P::Read, E> {
        let value = self.reader.number(told)?;
        Ok(self.place.scalar(value))
    }
}

impl<'de, P: Place> Visitor<'de> for At<'_, '_, P> {
    type Value = P::Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<P::Read, E> {
        Ok(self.place.scalar(Value::Nil))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<P::Read, E> {
        Ok(self.place.scalar(Value::Boolean(truth)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<P::Read, E> {
        self.number(Some(Value::Int(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<P::Read, E> {
        self.number(i64::try_from(number).ok().map(Value::Int))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<P::Read, E> {
        self.number(is_certain(number).then_some(Value::Double(number)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<P::Read, E> {
        Ok(self.place.scalar(Value::from(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<P::Read, A::Error> {
        self.place.array(self.reader, elements)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<P::Read, A::Error> {
        self.place.object(self.reader, members)
    }
}

/// The elements of an array that all stand at a like place.
pub(super) fn elements<'de, P: Place + Copy, A: SeqAccess<'de>>(
    place: P,
    reader: &mut Reader,
    mut array: A,
) -> Result<Vec<P::Read>, A::Error> {
    let mut elements = Vec::new();
    while let Some(element) = array.next_element_seed(At { place, reader })? {
        elements.push(element);
    }
    // They may stay for long, and be many small ones.
    elements.shrink_to_fit();
    Ok(elements)
}
