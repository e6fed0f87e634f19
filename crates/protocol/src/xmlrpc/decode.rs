//! Documents to messages. A plain document is read directly in one pass (`plain`); any other, and
//! any that is refused, by way of a tree (`tree`), which is the judge of what a document says.

mod plain;
mod tree;

use super::error::{DecodeError, Refusal};
use super::limits::Limits;
use super::message::{MethodCall, MethodResponse};
use super::prolog;

/// Reads a call. `charset` is the transport's word for it, such as HTTP's `charset` parameter.
pub fn decode_call(
    body: &[u8],
    charset: Option<&str>,
    limits: &Limits,
) -> Result<MethodCall, DecodeError> {
    decode(body, charset, |markup| match plain::call(markup, limits) {
        Some(call) => Ok(call),
        None => tree::call(markup, limits),
    })
}

/// Reads a call in one pass, without a tree, if it is plain: `None` tells nothing but that
/// [`decode_call_by_tree`] has to.
pub fn decode_plain_call(
    body: &[u8],
    charset: Option<&str>,
    limits: &Limits,
) -> Option<MethodCall> {
    decode_plain(body, charset, |markup| plain::call(markup, limits))
}

/// Reads a call by way of a tree, whatever it looks like: what [`decode_call`] is held to.
pub fn decode_call_by_tree(
    body: &[u8],
    charset: Option<&str>,
    limits: &Limits,
) -> Result<MethodCall, DecodeError> {
    decode(body, charset, |markup| tree::call(markup, limits))
}

/// Reads the answer to a call. `charset` is the transport's word for it.
pub fn decode_response(
    body: &[u8],
    charset: Option<&str>,
    limits: &Limits,
) -> Result<MethodResponse, DecodeError> {
    decode(body, charset, |markup| match plain::response(markup, limits) {
        Some(response) => Ok(response),
        None => tree::response(markup, limits),
    })
}

/// Reads the answer to a call in one pass, without a tree, if it is plain: `None` tells nothing but
/// that [`decode_response_by_tree`] has to.
pub fn decode_plain_response(
    body: &[u8],
    charset: Option<&str>,
    limits: &Limits,
) -> Option<MethodResponse> {
    decode_plain(body, charset, |markup| plain::response(markup, limits))
}

/// Reads the answer to a call by way of a tree, whatever it looks like: what [`decode_response`] is
/// held to.
pub fn decode_response_by_tree(
    body: &[u8],
    charset: Option<&str>,
    limits: &Limits,
) -> Result<MethodResponse, DecodeError> {
    decode(body, charset, |markup| tree::response(markup, limits))
}

/// Has the text after the XML declaration read, if there is any.
fn decode_plain<T>(
    body: &[u8],
    charset: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = prolog::text(body, charset).ok()?;
    let start = prolog::markup_start(&text).ok()?;
    read(&text[start..])
}

/// Has the text after the XML declaration read, and tells a refusal's place in the whole text.
fn decode<T>(
    body: &[u8],
    charset: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, Refusal>,
) -> Result<T, DecodeError> {
    let text = prolog::text(body, charset).map_err(|refusal| refusal.locate(""))?;
    let start = prolog::markup_start(&text).map_err(|refusal| refusal.locate(&text))?;
    read(&text[start..])
        .map_err(|refusal| refusal.map_offset(|offset| start + offset).locate(&text))
}

#[cfg(test)]
mod agreement;
