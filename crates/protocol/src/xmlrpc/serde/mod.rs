//! Between [`Value`](super::Value) and any serde type, both ways, and a type's XML-RPC name.
//!
//! | Rust | taken from | made into |
//! |---|---|---|
//! | integers | `int` in the type's range | `int`; beyond 64 bits an error |
//! | `f64`, `f32` | `double`, `int` | `double` |
//! | `bool` | `boolean` | `boolean` |
//! | `String`, `char` | `string` | `string` |
//! | [`DateTime`](super::DateTime) | `dateTime.iso8601` | `dateTime.iso8601` |
//! | [`Base64`], serde's byte types | `base64` | `base64` |
//! | sequences, tuples of their exact length | `array`; `base64` for bytes | `array` |
//! | structs, maps | `struct` | `struct` |
//! | `Option` | `nil` is `None` | `None` is `nil` |
//! | `()`, unit structs | `nil` | `nil` |
//! | enums | a unit variant's name as `string`, others as a `struct` of one member | the same |
//! | [`Value`](super::Value) | everything, as it is | itself |

mod access;
mod base64;
mod de;
mod describe;
mod error;
mod names;
mod ser;
mod values;
mod whole;

pub use base64::Base64;
pub use describe::{TypeName, type_of};
pub use error::{ToValueError, TypeError};
pub use ser::to_value;
pub use whole::{from_value, into_value};

/// The newtype struct that a date and time passes through serde as; other formats see its text.
const DATE_TIME: &str = "$xmlrpc::DateTime";
