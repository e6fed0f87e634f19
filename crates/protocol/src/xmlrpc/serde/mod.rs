//! Between [`Value`](super::Value) and any serde type, both ways, and a type's XML-RPC name. The
//! table of types stands at [`from_value`].

mod access;
mod base64;
mod date_time;
mod dates;
mod de;
mod describe;
mod direct;
mod error;
#[cfg(any(feature = "chrono", feature = "jiff"))]
pub(super) mod foreign;
mod names;
mod ser;
mod type_name;
mod values;
mod whole;
mod wrappers;

pub use base64::Base64;
pub use dates::foreign_date;
pub use describe::{is_optional, type_of};
pub use error::{ToValueError, TypeError};
pub use ser::to_value;
pub use type_name::TypeName;
pub use whole::{from_value, into_value};
