//! Results and errors to documents: compact, one way to write each value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};

use super::error::EncodeError;
use super::request::Id;
use super::text::{BASE64, DATE_TIME, date_string};
use crate::xmlrpc::{Fault, TypeName, Value};

/// Bytes that most documents fit in.
const INITIAL_CAPACITY: usize = 256;

/// Writes a result alone. A date or bytes are the text alone where `returns` says that they come.
pub fn encode_result(value: &Value, returns: TypeName) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(INITIAL_CAPACITY);
    write_result(&mut out, value, returns)?;
    Ok(out)
}

/// Writes the answer to a call, its result as [`encode_result`] does.
pub fn encode_response(id: &Id, value: &Value, returns: TypeName) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(INITIAL_CAPACITY);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","result":"#);
    write_result(&mut out, value, returns)?;
    end_response(&mut out, id);
    Ok(out)
}

/// Writes the answer to what failed.
pub fn encode_error(id: &Id, fault: &Fault) -> Vec<u8> {
    let mut out = Vec::with_capacity(INITIAL_CAPACITY);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","error":{"code":"#);
    out.extend_from_slice(itoa::Buffer::new().format(fault.code).as_bytes());
    out.extend_from_slice(br#","message":"#);
    write_text(&mut out, &fault.message);
    out.push(b'}');
    end_response(&mut out, id);
    out
}

/// Whether `value` can be written; the error is that of [`encode_result`].
pub fn check_writable(value: &Value) -> Result<(), EncodeError> {
    match value {
        Value::Double(number) if !number.is_finite() => Err(EncodeError),
        Value::Array(array) => array.iter().try_for_each(check_writable),
        Value::Struct(members) => members.iter().try_for_each(|(_, value)| check_writable(value)),
        _ => Ok(()),
    }
}

fn write_result(out: &mut Vec<u8>, value: &Value, returns: TypeName) -> Result<(), EncodeError> {
    match (value, returns) {
        (Value::DateTime(datetime), TypeName::DateTime) => {
            write_text(out, &date_string(datetime));
            Ok(())
        }
        (Value::Base64(bytes), TypeName::Base64) => {
            write_text(out, &STANDARD.encode(bytes));
            Ok(())
        }
        _ => serde_json::to_writer(out, &Written(value)).map_err(|_| EncodeError),
    }
}

fn end_response(out: &mut Vec<u8>, id: &Id) {
    out.extend_from_slice(br#","id":"#);
    match id {
        Id::Null => out.extend_from_slice(b"null"),
        Id::Number(number) => out.extend_from_slice(number.as_bytes()),
        Id::String(text) => write_text(out, text),
    }
    out.push(b'}');
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // Text can always be written, and memory takes it.
    let _ = serde_json::to_writer(out, text);
}

/// A value that stands anywhere. Recurses no deeper than
/// [`MAX_VALUE_DEPTH`](crate::xmlrpc::MAX_VALUE_DEPTH).
struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Nil => to.serialize_unit(),
            Value::Int(number) => to.serialize_i64(*number),
            Value::Boolean(truth) => to.serialize_bool(*truth),
            Value::Double(number) if number.is_finite() => to.serialize_f64(*number),
            Value::Double(_) => Err(S::Error::custom(EncodeError)),
            Value::String(text) => to.serialize_str(text),
            Value::DateTime(datetime) => marked(to, DATE_TIME, &date_string(datetime)),
            Value::Base64(bytes) => marked(to, BASE64, &STANDARD.encode(bytes)),
            Value::Array(array) => to.collect_seq(array.iter().map(Written)),
            Value::Struct(members) => {
                to.collect_map(members.iter().map(|(name, value)| (name, Written(value))))
            }
        }
    }
}

/// An object whose one name says what its text is.
fn marked<S: Serializer>(to: S, name: &str, text: &str) -> Result<S::Ok, S::Error> {
    let mut object = to.serialize_map(Some(1))?;
    object.serialize_entry(name, text)?;
    object.end()
}
