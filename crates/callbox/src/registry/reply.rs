//! What a function may return, and how that becomes a call's result.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};

use protocol::xmlrpc::{
    Array, Base64, DateTime, Fault, Struct, TypeName, Value, foreign_date, into_value, type_of,
};
use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// What a method may return.
///
/// These are the types of Rust and of XML-RPC, options, lists and maps of whatever serde reads and
/// writes, and a `Result` of such a type and an error that is [`Into<Fault>`](Fault), of which
/// `String` and `&str` are two. A struct or enum of one's own derives it.
///
/// It is no blanket over serde's types, since that would make of an `Err` a value like any other.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a method",
    label = "no result of a method",
    note = "for a type of your own: `#[derive(serde::Serialize, serde::Deserialize, callbox::Reply)]`, or publish it by `#[callbox::methods]`",
    note = "for another type that serde reads and writes: return `Ok::<_, callbox::Fault>(it)`"
)]
pub trait Reply {
    /// The type of the result on the wire.
    fn type_name() -> TypeName;

    /// The result on the wire.
    fn into_result(self) -> Result<Value, Failure>;

    /// The Rust type of the result, if it holds a date of another crate that is not written as one.
    fn foreign_date() -> Option<&'static str> {
        None
    }
}

/// What serde reads and writes: it is written as a result, and its signature is found by reading.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a method: serde must both write and read it",
    label = "serde does not both write and read this",
    note = "derive `serde::Serialize` and `serde::Deserialize` for `{Self}`, or for your own type in it: the second tells the method's signature",
    note = "a function that is no method, such as `new`, goes under `#[method(skip)]` or into another block"
)]
pub trait Serde: Serialize + Deserialize<'static> + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + Deserialize<'static> + 'static> Serde for T {}

/// An error that a method may end with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a method: it does not say which fault it is",
    label = "no `Into<Fault>`",
    note = "for an error of your own: implement `From<{Self}> for callbox::Fault`",
    note = "for another: `.map_err(callbox::Fault::from_error)` shows its text to the caller"
)]
pub trait IntoFault {
    /// The fault that the caller sees.
    fn into_fault(self) -> Fault;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Fault>> IntoFault for E {
    fn into_fault(self) -> Fault {
        self.into()
    }
}

/// The name of a type that serde reads and writes.
pub fn type_name<T: Serde>() -> TypeName {
    type_of::<T>()
}

/// The value of what serde reads and writes.
pub fn into_result<T: Serde>(result: T) -> Result<Value, Failure> {
    into_value(result).map_err(|cause| Failure::Unwritable(cause.to_string()))
}

impl<T: Serde, E: IntoFault> Reply for Result<T, E> {
    fn type_name() -> TypeName {
        type_name::<T>()
    }

    fn into_result(self) -> Result<Value, Failure> {
        into_result(self.map_err(IntoFault::into_fault)?)
    }

    fn foreign_date() -> Option<&'static str> {
        foreign_date::<T>()
    }
}

/// Types, each with its generic parameters in brackets.
macro_rules! replies {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<$($generics)*> Reply for $type
        where
            $type: Serde,
        {
            fn type_name() -> TypeName {
                type_name::<Self>()
            }

            fn into_result(self) -> Result<Value, Failure> {
                into_result(self)
            }

            fn foreign_date() -> Option<&'static str> {
                foreign_date::<Self>()
            }
        }
    )*};
}

replies! {
    [] (), [] bool, [] char, [] String, [] &'static str, [] Cow<'static, str>, [] Box<str>,
    [] i8, [] i16, [] i32, [] i64, [] i128, [] isize,
    [] u8, [] u16, [] u32, [] u64, [] u128, [] usize, [] f32, [] f64,
    [] Value, [] Array, [] Struct, [] Base64, [] DateTime,
    [T] Option<T>, [T] Vec<T>, [T] VecDeque<T>, [T] LinkedList<T>, [T] Box<[T]>,
    [T, H] HashSet<T, H>, [T] BTreeSet<T>, [K, V, H] HashMap<K, V, H>, [K, V] BTreeMap<K, V>,
    [T, const N: usize] [T; N],
    [A] (A,), [A, B] (A, B), [A, B, C] (A, B, C), [A, B, C, D] (A, B, C, D),
    [A, B, C, D, E] (A, B, C, D, E), [A, B, C, D, E, F] (A, B, C, D, E, F),
    [A, B, C, D, E, F, G] (A, B, C, D, E, F, G), [A, B, C, D, E, F, G, H] (A, B, C, D, E, F, G, H),
}

#[cfg(feature = "jiff")]
replies! { [] jiff::Timestamp, [] jiff::Zoned, [] jiff::civil::DateTime, }

#[cfg(feature = "chrono")]
replies! {
    [] chrono::NaiveDateTime, [] chrono::DateTime<chrono::Utc>,
    [] chrono::DateTime<chrono::FixedOffset>,
}

/// What a function returned whose return type stands in the code: see [`methods`](crate::methods).
///
/// Its `reply` tells a `Result`, under whatever name, from all other types: an inherent method is
/// found before one of a trait.
pub struct Returned<T>(
    /// The result.
    pub T,
);

/// The result of a method by [`methods`](crate::methods).
pub struct Answer<T>(Result<T, Fault>);

impl<T, E> Returned<Result<T, E>> {
    /// The value, or the fault.
    pub fn reply(self) -> Answer<T>
    where
        T: Serde,
        E: IntoFault,
    {
        Answer(self.0.map_err(IntoFault::into_fault))
    }
}

/// `reply` of what is no `Result`.
pub trait Plain {
    /// The type of the value.
    type Value;

    /// The value. The bound is the method's, so that the compiler names a type that lacks it.
    fn reply(self) -> Answer<Self::Value>
    where
        Self::Value: Serde;
}

impl<T> Plain for Returned<T> {
    type Value = T;

    fn reply(self) -> Answer<T>
    where
        T: Serde,
    {
        Answer(Ok(self.0))
    }
}

impl<T: Serde> Reply for Answer<T> {
    fn type_name() -> TypeName {
        type_name::<T>()
    }

    fn into_result(self) -> Result<Value, Failure> {
        into_result(self.0?)
    }

    fn foreign_date() -> Option<&'static str> {
        foreign_date::<T>()
    }
}
