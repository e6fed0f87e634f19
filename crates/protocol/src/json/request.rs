use serde::de::{MapAccess, SeqAccess};

use super::error::{DecodeError, InvalidParams};
use super::params::{InParams, Params};
use super::place::{At, Place};
use super::reader::Reader;
use super::value::Nested;
use crate::xmlrpc::{Fault, Value, distinct};

const VERSION: &str = "2.0";

/// A call, or a notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the answer is to bear; a notification has none, and is not answered.
    pub id: Option<Id>,
    /// The method's name.
    pub method: String,
    /// What is passed to it.
    pub params: Params,
}

/// What tells a call's answer from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// `null`; also where the id could not be read.
    Null,
    /// A number, as it was written.
    Number(String),
    /// Text.
    String(String),
}

/// What stands in a request's place and is none, or has parameters that are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What the answer is to bear; a notification whose parameters are refused is not answered.
    pub id: Option<Id>,
    /// What the answer says.
    pub fault: Fault,
}

impl Invalid {
    fn request(id: Id) -> Invalid {
        Invalid { id: Some(id), fault: DecodeError::NotRequest.into() }
    }
}

/// Where a request stands.
#[derive(Clone, Copy)]
pub(super) struct InRequest;

impl Place for InRequest {
    type Read = Result<Request, Invalid>;

    fn scalar(self, _: Value) -> Self::Read {
        Err(Invalid::request(Id::Null))
    }

    fn array<'de, A: SeqAccess<'de>>(
        self,
        reader: &mut Reader,
        array: A,
    ) -> Result<Self::Read, A::Error> {
        Nested(1).array(reader, array)?;
        reader.take_invalid();
        Ok(Err(Invalid::request(Id::Null)))
    }

    fn object<'de, A: MapAccess<'de>>(
        self,
        reader: &mut Reader,
        mut object: A,
    ) -> Result<Self::Read, A::Error> {
        let mut members = Members::default();
        while let Some(name) = object.next_key::<String>()? {
            reader.name(&name)?;
            members.read(name, reader, &mut object)?;
        }
        Ok(members.into_request())
    }
}

/// A request's members as far as they are read. What is there and wrong is `Some(None)`.
#[derive(Default)]
struct Members {
    names: Vec<(String, ())>,
    version: Option<Value>,
    method: Option<Value>,
    params: Option<Option<Params>>,
    id: Option<Option<Id>>,
    /// What is refused within the parameters.
    invalid_params: Option<InvalidParams>,
    /// Whether anything is refused elsewhere.
    is_invalid: bool,
}

impl Members {
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: String,
        reader: &mut Reader,
        object: &mut A,
    ) -> Result<(), A::Error> {
        match &*name {
            "jsonrpc" => self.version = Some(self.value(reader, object)?),
            "method" => self.method = Some(self.value(reader, object)?),
            "params" => {
                self.params = Some(object.next_value_seed(At { place: InParams, reader })?);
                self.invalid_params = reader.take_invalid();
            }
            "id" => {
                let is_first = self.id.is_none();
                self.id = Some(id(reader, object)?.filter(|_| is_first));
            }
            _ => drop(self.value(reader, object)?),
        }
        self.names.push((name, ()));
        Ok(())
    }

    fn value<'de, A: MapAccess<'de>>(
        &mut self,
        reader: &mut Reader,
        object: &mut A,
    ) -> Result<Value, A::Error> {
        let value = object.next_value_seed(At { place: Nested(1), reader })?;
        self.is_invalid |= reader.take_invalid().is_some();
        Ok(value)
    }

    fn into_request(mut self) -> Result<Request, Invalid> {
        let is_right = self.is_right();
        let params = self.params.unwrap_or_else(|| Some(Params::default()));
        let (Some(Value::String(method)), Some(params), true) = (self.method, params, is_right)
        else {
            return Err(Invalid::request(self.id.flatten().unwrap_or(Id::Null)));
        };
        let id = self.id.flatten();
        match self.invalid_params {
            Some(invalid) => Err(Invalid { id, fault: DecodeError::InvalidParams(invalid).into() }),
            None => Ok(Request { id, method, params }),
        }
    }

    /// Whether this is a request, as far as it does not lie with method and parameters.
    fn is_right(&mut self) -> bool {
        let count = self.names.len();
        let is_version = self.version.as_ref().and_then(Value::as_str) == Some(VERSION);
        let is_id = self.id != Some(None);
        let are_distinct = distinct(std::mem::take(&mut self.names)).len() == count;
        is_version && is_id && are_distinct && !self.is_invalid
    }
}

/// An id, if what stands there can be one.
fn id<'de, A: MapAccess<'de>>(reader: &mut Reader, object: &mut A) -> Result<Option<Id>, A::Error> {
    let value = object.next_value_seed(At { place: Nested(1), reader })?;
    // Its range does not matter: it is given back as it was written.
    reader.take_invalid();
    Ok(match value {
        Value::Nil => Some(Id::Null),
        Value::String(text) => Some(Id::String(text)),
        Value::Int(_) | Value::Double(_) => Some(Id::Number(reader.written(&value)?)),
        _ => None,
    })
}
