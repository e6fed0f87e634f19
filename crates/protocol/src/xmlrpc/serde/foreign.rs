//! Dates of other crates, in a struct's fields and by themselves.

use std::any::{Any, TypeId};

use serde::de::{Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

use super::de::from_any_value;
use super::direct::Direct;
use super::error::{ToValueError, TypeError};
use super::ser::to_value;
use super::type_name::TypeName;
use crate::xmlrpc::datetime::foreign::Foreign;
use crate::xmlrpc::{DateTime, Value};

/// A date and time type of another crate, or an option of one.
pub trait Date: Field {}

impl<T: Field> Date for T {}

/// Writes the date as a `dateTime.iso8601`, or `nil` where there is none.
pub fn serialize<T: Date, S: Serializer>(date: &T, serializer: S) -> Result<S::Ok, S::Error> {
    date.write(serializer)
}

/// Reads the date from a `dateTime.iso8601`, and from `nil` where it may be missing.
pub fn deserialize<'de, T: Date, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// Seals [`Date`].
pub trait Field: Sized {
    /// See [`serialize`].
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// See [`deserialize`].
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl<T: Foreign> Field for T {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written().map_err(S::Error::custom)?.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        <T as Foreign>::read(DateTime::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<T: Foreign> Field for Option<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = self.as_ref().map(T::written).transpose();
        written.map_err(S::Error::custom)?.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        let read = Option::<DateTime>::deserialize(deserializer)?.map(<T as Foreign>::read);
        read.transpose().map_err(D::Error::custom)
    }
}

/// The way to a `T` if it is a `D`, an option or a list of them. It compares constants, so that
/// other types pay nothing.
#[inline]
pub(super) fn by<D: Foreign, T: 'static>() -> Option<Direct<T>> {
    let one = || same(Direct::<D> { name: TypeName::DateTime, read, write });
    let option = || same(Direct::<Option<D>> { name: TypeName::DateTime, read, write });
    let list = || {
        let write = |dates: &Vec<D>| write_list(dates);
        same(Direct { name: TypeName::Array, read: read_list, write })
    };
    one().or_else(option).or_else(list)
}

/// The way to an `A`, where that is a `T`.
#[inline]
fn same<A: 'static, T: 'static>(direct: Direct<A>) -> Option<Direct<T>> {
    if TypeId::of::<A>() != TypeId::of::<T>() {
        return None;
    }
    let mut direct = Some(direct);
    let direct: &mut dyn Any = &mut direct;
    direct.downcast_mut::<Option<Direct<T>>>()?.take()
}

fn read<F: Field>(value: Value) -> Result<F, TypeError> {
    from_any_value::<Read<F>>(value).map(|read| read.0)
}

fn read_list<F: Field>(value: Value) -> Result<Vec<F>, TypeError> {
    let elements = from_any_value::<Vec<Read<F>>>(value)?;
    Ok(elements.into_iter().map(|element| element.0).collect())
}

fn write<F: Field>(date: &F) -> Result<Value, ToValueError> {
    to_value(&Written(date))
}

fn write_list<F: Field>(dates: &[F]) -> Result<Value, ToValueError> {
    to_value(&dates.iter().map(Written).collect::<Vec<_>>())
}

struct Read<F>(F);

impl<'de, F: Field> Deserialize<'de> for Read<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Read<F>, D::Error> {
        F::read(deserializer).map(Read)
    }
}

struct Written<'a, F>(&'a F);

impl<F: Field> Serialize for Written<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}
