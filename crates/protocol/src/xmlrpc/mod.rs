//! XML-RPC messages: bytes to types and back, without I/O.
//!
//! A document is read in four stages, each in its own file: `prolog` finds the charset and turns
//! bytes into text, `guard` enforces [`Limits`] in one linear pass, `decode` builds the message
//! from a tree, with `scalar` for the numbers and other leaves. A plain document, which nearly all
//! are, `decode` reads in one pass without guard and tree. `encode` is the way back.
//!
//! | XML-RPC | [`Value`] | written as |
//! |---|---|---|
//! | `int`, `i4`, `i1`, `i2`, `i8` and `ex:` forms | [`Value::Int`] | `int` in 32 bits, else `i8` |
//! | `boolean` | [`Value::Boolean`] | `0`, `1` |
//! | `double`, `float`, `ex:float` | [`Value::Double`] | shortest digits, a point, no exponent |
//! | `string`, bare text | [`Value::String`] | `string` |
//! | `dateTime.iso8601`, `ex:dateTime` | [`Value::DateTime`] | `YYYYMMDDThh:mm:ss`, fraction and offset if any |
//! | `base64` | [`Value::Base64`] | one line |
//! | `array` | [`Value::Array`] | `array`, `data` |
//! | `struct` | [`Value::Struct`] | members in insertion order |
//! | `nil`, `ex:nil` | [`Value::Nil`] | `<nil/>` |
//!
//! To Apache's client wide integers and nil are written in its own way: see [`Dialect`].

mod chars;
mod cost;
mod datetime;
mod decode;
mod dialect;
mod encode;
mod error;
mod excerpt;
mod fault;
mod guard;
mod limits;
mod message;
mod prolog;
mod scalar;
mod serde;
mod value;

pub use self::serde::{
    Base64, ToValueError, TypeError, TypeName, foreign_date, from_value, into_value, is_optional,
    to_value, type_of,
};
pub use cost::{reading_bytes, reading_bytes_by_tree};
#[cfg(any(feature = "chrono", feature = "jiff"))]
pub use datetime::foreign::UnfitDateTime;
pub use datetime::{DateTime, InvalidDateTime};
pub use decode::{
    decode_call, decode_call_by_tree, decode_plain_call, decode_plain_response, decode_response,
    decode_response_by_tree,
};
pub use dialect::Dialect;
pub use encode::{check_writable, encode_call, encode_fault, encode_response, encode_response_in};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, Position};
pub use excerpt::excerpt;
pub use fault::{Fault, code};
pub use limits::Limits;
pub use message::{MethodCall, MethodResponse};
pub use prolog::content_charset;
pub(crate) use scalar::parse_base64;
pub(crate) use value::distinct;
pub use value::{Array, MAX_VALUE_DEPTH, Struct, TooDeep, Value};

/// chrono's `NaiveDateTime`, `DateTime<Utc>` and `DateTime<FixedOffset>` in fields, and options of
/// them: `#[serde(with = "protocol::xmlrpc::chrono")]`.
#[cfg(feature = "chrono")]
pub mod chrono {
    pub use super::serde::foreign::{Date, deserialize, serialize};
}

/// jiff's `civil::DateTime`, `Timestamp` and `Zoned` in fields, and options of them:
/// `#[serde(with = "protocol::xmlrpc::jiff")]`.
#[cfg(feature = "jiff")]
pub mod jiff {
    pub use super::serde::foreign::{Date, deserialize, serialize};
}
