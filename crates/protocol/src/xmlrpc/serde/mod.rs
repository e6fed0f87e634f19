//! Between [`Value`](super::Value) and any serde type, both ways, and a type's XML-RPC name. The
//! table of types stands at [`from_value`].

mod access;
mod base64;
mod date_time;
mod de;
mod describe;
mod error;
mod names;
mod ser;
mod values;
mod whole;

pub use base64::Base64;
pub use describe::{TypeName, is_optional, type_of};
pub use error::{ToValueError, TypeError};
pub use ser::to_value;
pub use whole::{from_value, into_value};
