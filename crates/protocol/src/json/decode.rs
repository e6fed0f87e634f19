//! Documents to messages and parameters.

use serde::de::DeserializeSeed as _;
use serde_json::Deserializer;

use super::error::{DecodeError, InvalidParams};
use super::message::{InMessage, Message};
use super::number::{Literals, shortened};
use super::params::{InParams, Params};
use super::place::{At, Place};
use super::reader::{Ended, Reader};
use crate::xmlrpc::Limits;

/// Reads a request or a batch of at most `max_batch` of them. Each one's failure is its own; what is
/// no JSON, no message or over a limit fails as a whole, and is answered with the id null.
///
/// Of the limits, `elements` are the values of the document, and `name_bytes` the bytes of a
/// member's name.
pub fn decode_message(
    body: &[u8],
    limits: &Limits,
    max_batch: usize,
) -> Result<Message, DecodeError> {
    let (message, _) = decode(text(body)?, limits, InMessage { max_batch })?;
    message.ok_or(DecodeError::NotRequest)
}

/// Reads the parameters of one call, an object or an array; a blank document has none.
pub fn decode_params(body: &[u8], limits: &Limits) -> Result<Params, DecodeError> {
    let text = text(body)?;
    if text.trim_ascii().is_empty() {
        return Ok(Params::default());
    }
    let (params, invalid) = decode(text, limits, InParams)?;
    let params = params.ok_or(DecodeError::NotRequest)?;
    match invalid {
        Some(invalid) => Err(DecodeError::InvalidParams(invalid)),
        None => Ok(params),
    }
}

fn text(body: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(body).map_err(|_| DecodeError::NotJson)
}

/// Reads what stands at the one place that is the whole document, and what is wrong with its values.
/// Where the parser cannot tell a number, or refuses, be it for one that no double holds, the
/// document is read again by the literals.
fn decode<P: Place + Copy>(
    text: &str,
    limits: &Limits,
    place: P,
) -> Result<(P::Read, Option<InvalidParams>), DecodeError> {
    let read = match parse(text, place, Reader::new(limits, None)) {
        Err(Ended::AtNumber | Ended::NotJson) => {
            parse(&shortened(text), place, Reader::new(limits, Some(Literals::new(text))))
        }
        read => read,
    };
    read.map_err(|ended| match ended {
        Ended::Refused(error) => error,
        Ended::AtNumber | Ended::NotJson => DecodeError::NotJson,
    })
}

fn parse<P: Place>(
    text: &str,
    place: P,
    mut reader: Reader,
) -> Result<(P::Read, Option<InvalidParams>), Ended> {
    let mut parser = Deserializer::from_str(text);
    // The reader's own limit holds, which counts the values of a message's calls alike.
    parser.disable_recursion_limit();
    let read = At { place, reader: &mut reader }.deserialize(&mut parser);
    match read.and_then(|read| parser.end().map(|()| read)) {
        Ok(read) => Ok((read, reader.take_invalid())),
        Err(_) => Err(reader.ended()),
    }
}
