//! A large body becomes a call, once there is memory for that.

use axum::body::Bytes;
use protocol::xmlrpc::{
    DecodeError, Limits, MethodCall, decode_call_by_tree, decode_plain_call, reading_bytes,
    reading_bytes_by_tree,
};

use super::aside::aside;
use super::budget::{Budget, Share};
use super::rejection::Rejection;
use crate::doors::{Asked, Form, xmlrpc};

/// Memory that a value or a name of JSON takes at the peak: in an array that grows.
const BYTES_A_PART: usize = 64;

/// What a document may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadLimits {
    pub(super) document: Limits,
    /// Calls in a batch.
    pub(super) batch: usize,
}

/// What `document` asks for. What reading it takes is a `share` of `memory`.
pub(super) async fn read(
    document: Bytes,
    form: Form,
    limits: ReadLimits,
    share: &mut Share,
    memory: &Budget,
) -> Result<Asked, Rejection> {
    let length = document.len();
    let (asked, peak) = match form {
        Form::XmlRpc(charset) => {
            let peak = reading_bytes(&document);
            let call = read_xml(document, peak, charset, limits.document, share, memory).await?;
            (xmlrpc::asked(call), peak)
        }
        form => read_json(document, form, limits, share, memory).await?,
    };
    // Whatever stood between the document and the call is gone; its values stay, and the method may
    // be slow.
    share.shrink_to(peak - length);
    Ok(asked)
}

/// What is kept of a document while its call goes on.
pub(super) fn kept_bytes(document: &[u8], is_xml: bool) -> usize {
    let peak = if is_xml {
        reading_bytes(document)
    } else {
        json_bytes(document.len(), json_parts(document))
    };
    peak - document.len()
}

/// Takes what is kept of a small document, which was read without a share.
pub(super) async fn keep(
    bytes: usize,
    share: &mut Share,
    memory: &Budget,
) -> Result<(), Rejection> {
    take(share, bytes, memory).await
}

async fn read_xml(
    document: Bytes,
    peak: usize,
    charset: Option<String>,
    limits: Limits,
    share: &mut Share,
    memory: &Budget,
) -> Result<Result<MethodCall, DecodeError>, Rejection> {
    let length = document.len();
    take(share, peak, memory).await?;
    let (body, name) = (document.clone(), charset.clone());
    let plain = move || decode_plain_call(&body, name.as_deref(), &limits);
    if let Some(call) = aside(length, plain).await {
        return Ok(Ok(call));
    }
    // From the beginning: two who have a part and wait for more would be in each other's way.
    share.shrink_to(0);
    take(share, reading_bytes_by_tree(&document, &limits), memory).await?;
    Ok(aside(length, move || decode_call_by_tree(&document, charset.as_deref(), &limits)).await)
}

async fn read_json(
    document: Bytes,
    form: Form,
    limits: ReadLimits,
    share: &mut Share,
    memory: &Budget,
) -> Result<(Asked, usize), Rejection> {
    let (length, body) = (document.len(), document.clone());
    let parts = aside(length, move || json_parts(&body)).await;
    // A name for each value, and no more of them are read.
    let parts = parts.min(limits.document.elements.saturating_mul(2));
    let peak = json_bytes(length, parts);
    take(share, peak, memory).await?;
    let read = move || form.read(&document, &limits.document, limits.batch);
    Ok((aside(length, read).await, peak))
}

async fn take(share: &mut Share, bytes: usize, memory: &Budget) -> Result<(), Rejection> {
    if !memory.can_hold(bytes) {
        return Err(Rejection::TooLarge);
    }
    Ok(share.grow(bytes).await?)
}

/// What reading so many parts of JSON takes at the peak, with the document as it came and as it is
/// read.
fn json_bytes(length: usize, parts: usize) -> usize {
    2 * length + BYTES_A_PART * parts
}

/// Values and names of `document`, by what stands before them outside of texts.
fn json_parts(document: &[u8]) -> usize {
    let (mut parts, mut bytes) = (1, document.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' | b',' | b':' => parts += 1,
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
    }
    parts
}

/// Skips what is left of a text.
fn skip_text<'a>(bytes: &mut impl Iterator<Item = &'a u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_outside_of_texts() {
        let check = |document: &str, parts| assert_eq!(json_parts(document.as_bytes()), parts);
        check("1", 1);
        check("[1, 2]", 3);
        check(r#"{"a": 1, "b": [true]}"#, 6);
        check(r#"["a,b", "[{:", "\",", "\\"]"#, 5);
        check(r#"["a,\"#, 2);
    }
}
