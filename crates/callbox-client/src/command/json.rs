//! Values as JSON, as people type it and programs read it.

use callbox_client::Value;
use protocol::json::{Params, decode_params, encode_result};
use protocol::xmlrpc::{Limits, TypeName};

use super::ending::Ending;

/// The value that `text` is in JSON, if it is one.
pub(crate) fn read(text: &str) -> Option<Value> {
    let only = [b"[", text.as_bytes(), b"]"].concat();
    match decode_params(&only, &Limits::DEFAULT) {
        Ok(Params::Positional(mut values)) if values.len() == 1 => values.pop(),
        _ => None,
    }
}

/// A line of JSON: dates and bytes as `{"$dateTime": ...}` and `{"$base64": ...}`.
pub(crate) fn line(value: &Value) -> Result<Vec<u8>, Ending> {
    let mut line = encode_result(value, TypeName::Any)
        .map_err(|error| Ending::Transport(format!("the result is none of JSON: {error}")))?;
    line.push(b'\n');
    Ok(line)
}
