//! The same values as JSON, and JSON-RPC 2.0 messages: bytes to types and back, without I/O.
//!
//! `decode` has a document read, by serde_json's parser: what stands at a `place` becomes a
//! `value`, `params`, a `request` or a whole `message`, while the `reader` counts. Where the parser
//! does not tell what a `number` was written as, the document is read a second time. `encode` is the
//! way back.
//!
//! | [`Value`](crate::xmlrpc::Value) | JSON |
//! |---|---|
//! | `Int` | a number without point and exponent, of 64 bits; `-0` is 0 |
//! | `Double` | a number with point or exponent, shortest digits |
//! | `String`, `Boolean`, `Nil` | a string, `true` and `false`, `null` |
//! | `DateTime` | `{"$dateTime": "1998-07-17T14:08:55"}`, fraction and offset if any |
//! | `Base64` | `{"$base64": "AAE="}` |
//! | `Array`, `Struct` | an array, an object in the same order; no name comes twice |
//!
//! Where a parameter or a result is declared to be a date or bytes, it is the text alone: see
//! [`as_type`] and [`encode_result`]. A struct with nothing but a member `$dateTime` or `$base64`
//! cannot be told from a date or bytes: it is read as such, or refused.

mod decode;
mod encode;
mod error;
mod message;
mod number;
mod params;
mod place;
mod reader;
mod request;
mod text;
mod value;

pub use decode::{decode_message, decode_params};
pub use encode::{check_writable, encode_error, encode_response, encode_result};
pub use error::{DecodeError, EncodeError, InvalidParams};
pub use message::Message;
pub use params::Params;
pub use request::{Id, Invalid, Request};
pub use text::{as_type, date_text};
