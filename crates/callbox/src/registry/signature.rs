//! What a function takes and returns, by XML-RPC's type names that are read off the Rust types.

use std::mem;

use protocol::xmlrpc::{TypeName, Value, foreign_date, is_optional, type_of};
use serde::de::DeserializeOwned;

use super::params::{Placed, read_text};

/// One signature: of a function, whose optional parameters may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The type of the result.
    pub returns: TypeName,
    /// The parameters, in order.
    pub params: Vec<Parameter>,
    /// The result's Rust type, if it holds a date of another crate that is not written as one.
    pub(super) foreign_date: Option<&'static str>,
}

/// A parameter that comes from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// What it is read from.
    pub type_name: TypeName,
    /// Whether nil stands for it too and, with nothing but optional ones after it, nothing.
    pub is_optional: bool,
    /// The Rust type's name, if it holds a date of another crate that is not read as one.
    pub(super) foreign_date: Option<&'static str>,
}

impl Parameter {
    /// The parameter of a Rust type.
    pub(super) fn of<T: DeserializeOwned + 'static>() -> Self {
        Self {
            type_name: type_of::<T>(),
            is_optional: is_optional::<T>(),
            foreign_date: foreign_date::<T>(),
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        self.type_name.accepts(value) || (self.is_optional && value.is_nil())
    }

    /// Whether it accepts all that `other` does.
    fn covers(&self, other: &Self) -> bool {
        let is_nil = other.type_name == TypeName::Nil;
        (is_nil || covers(self.type_name, other.type_name))
            && (self.takes_nil() || !other.takes_nil())
    }

    fn takes_nil(&self) -> bool {
        self.is_optional || self.type_name.accepts(&Value::Nil)
    }
}

/// Whether what is read from `one` type may be any value of the `other`.
fn covers(one: TypeName, other: TypeName) -> bool {
    match (one, other) {
        (TypeName::Any, _) => true,
        (TypeName::Double, TypeName::Int | TypeName::I8) => true,
        // By its outside an integer is an integer.
        (TypeName::Int, TypeName::I8) | (TypeName::I8, TypeName::Int) => true,
        (one, other) => one == other,
    }
}

impl Signature {
    /// The fewest parameters that it is called with.
    pub fn required(&self) -> usize {
        let optional = self.params.iter().rev().take_while(|param| param.is_optional).count();
        self.params.len() - optional
    }

    /// Whether `params` fit at first sight: their number and outer types.
    pub(super) fn fits(&self, params: &[Value]) -> bool {
        self.fits_number(params.len())
            && self.params.iter().zip(params).all(|(param, value)| param.accepts(value))
    }

    pub(super) fn fits_number(&self, params: usize) -> bool {
        params <= self.params.len() && self.params[params..].iter().all(|rest| rest.is_optional)
    }

    /// The first place where there must be a parameter, and is none.
    pub(super) fn lacks(&self, placed: &Placed) -> Option<usize> {
        let required = self.params.iter().enumerate().filter(|(_, param)| !param.is_optional);
        required.map(|(index, _)| index).find(|index| !placed.has(*index))
    }

    /// Whether there is a parameter wherever there must be one, and none beyond.
    pub(super) fn takes(&self, placed: &Placed) -> bool {
        placed.values.len() <= self.params.len() && self.lacks(placed).is_none()
    }

    /// Whether `params` fit at first sight where text stands for a date or bytes.
    pub(super) fn fits_texts(&self, params: &[Value]) -> bool {
        let is_text = |param: &Parameter, value: &Value| {
            matches!(value, Value::String(_))
                && matches!(param.type_name, TypeName::DateTime | TypeName::Base64)
        };
        let mut pairs = self.params.iter().zip(params);
        pairs.all(|(param, value)| param.accepts(value) || is_text(param, value))
    }

    /// The same parameters, where text is a date or bytes as far as such are wanted and it is one.
    pub(super) fn read_texts(&self, mut params: Vec<Value>) -> Vec<Value> {
        for (param, value) in self.params.iter().zip(&mut params) {
            if !param.accepts(value) {
                *value = read_text(mem::replace(value, Value::Nil), param.type_name);
            }
        }
        params
    }

    /// The Rust type of what would travel as a string and is a date.
    pub(super) fn foreign_date(&self) -> Option<&'static str> {
        self.foreign_date.or_else(|| self.params.iter().find_map(|param| param.foreign_date))
    }

    /// Whether it fits all that `other` does.
    pub(super) fn shadows(&self, other: &Self) -> bool {
        self.required() <= other.required()
            && self.params.len() >= other.params.len()
            && self.params.iter().zip(&other.params).all(|(own, others)| own.covers(others))
    }

    /// The signature's type names, the result first: a list for each number of parameters. An
    /// integer of 64 bits is written as `int` or as `i8`, as it needs, so a signature that has one
    /// is true in both spellings.
    pub(super) fn spelled(&self) -> Vec<Vec<&'static str>> {
        let lengths = self.required()..=self.params.len();
        lengths.flat_map(|length| self.spelled_with(&self.params[..length])).collect()
    }

    fn spelled_with(&self, params: &[Parameter]) -> Vec<Vec<&'static str>> {
        let spell = |wide| {
            let names = params.iter().map(|param| param.type_name);
            let names = std::iter::once(self.returns).chain(names);
            names.map(|name| spelled(name, wide)).collect::<Vec<_>>()
        };
        let mut spellings = vec![spell("int"), spell("i8")];
        spellings.dedup();
        spellings
    }

    /// What parameters it expects, for people: `(int, string)`, optional ones in brackets.
    pub(super) fn expected(&self) -> String {
        let required = self.required();
        let name = |(index, param): (usize, &Parameter)| {
            let name = spelled(param.type_name, "int");
            if index < required { name.to_owned() } else { format!("[{name}]") }
        };
        list(self.params.iter().enumerate().map(name))
    }
}

/// Type names in parentheses.
pub(super) fn list<T: Into<String>>(names: impl Iterator<Item = T>) -> String {
    format!("({})", names.map(Into::into).collect::<Vec<_>>().join(", "))
}

/// The type's name, which for an integer of 64 bits is `wide`.
fn spelled(name: TypeName, wide: &'static str) -> &'static str {
    if name == TypeName::I8 { wide } else { name.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(params: &[Parameter]) -> Signature {
        Signature { returns: TypeName::Nil, params: params.to_vec(), foreign_date: None }
    }

    #[test]
    fn signature_shadows_what_it_fits_all_of() {
        let (int, wide) = (Parameter::of::<i32>(), Parameter::of::<i64>());
        let (double, text, any) =
            (Parameter::of::<f64>(), Parameter::of::<String>(), Parameter::of::<Value>());
        let (maybe, nil) = (Parameter::of::<Option<i32>>(), Parameter::of::<()>());
        let check = |earlier: &[Parameter], later: &[Parameter], expected| {
            assert_eq!(
                signature(earlier).shadows(&signature(later)),
                expected,
                "{earlier:?} {later:?}"
            );
        };
        check(&[int], &[int], true);
        check(&[int], &[wide], true);
        check(&[double], &[int], true);
        check(&[int], &[double], false);
        check(&[any], &[text], true);
        check(&[text], &[any], false);
        check(&[text], &[int], false);
        check(&[int, int], &[int], false);
        check(&[int], &[int, int], false);
        check(&[int, maybe], &[int], true);
        check(&[int, maybe], &[int, int], true);
        check(&[int, int], &[int, maybe], false);
        check(&[maybe], &[nil], true);
        check(&[int], &[maybe], false);
        check(&[], &[], true);
        check(&[maybe], &[], true);
    }

    #[test]
    fn each_number_of_parameters_is_spelled() {
        let params = [Parameter::of::<String>(), Parameter::of::<Option<i64>>()];
        let spelled = signature(&params).spelled();
        assert_eq!(
            spelled,
            [&["nil", "string"][..], &["nil", "string", "int"], &["nil", "string", "i8"]]
        );
        assert_eq!(signature(&params).expected(), "(string, [int])");
    }
}
