use serde::de::{MapAccess, SeqAccess};

use super::place::{Place, elements};
use super::reader::Reader;
use super::value::{Nested, members};
use crate::xmlrpc::Value;

/// What is passed to a method.
#[derive(Debug, Clone, PartialEq)]
pub enum Params {
    /// In order.
    Positional(Vec<Value>),
    /// By name; no name comes twice.
    Named(Vec<(String, Value)>),
}

impl Default for Params {
    fn default() -> Params {
        Params::Positional(Vec::new())
    }
}

/// Where parameters stand; none are read of what is neither array nor object.
#[derive(Clone, Copy)]
pub(super) struct InParams;

impl Place for InParams {
    type Read = Option<Params>;

    fn scalar(self, _: Value) -> Option<Params> {
        None
    }

    fn array<'de, A: SeqAccess<'de>>(
        self,
        reader: &mut Reader,
        array: A,
    ) -> Result<Option<Params>, A::Error> {
        elements(Nested(1), reader, array).map(|values| Some(Params::Positional(values)))
    }

    fn object<'de, A: MapAccess<'de>>(
        self,
        reader: &mut Reader,
        object: A,
    ) -> Result<Option<Params>, A::Error> {
        members(Nested(1), reader, object).map(|members| Some(Params::Named(members)))
    }
}
