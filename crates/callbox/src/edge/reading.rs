//! A large body becomes a call, once there is memory for that.

use axum::body::Bytes;
use protocol::xmlrpc::{DecodeError, Limits, MethodCall, decode_call_by_tree, decode_plain_call};

use super::aside::aside;
use super::budget::{Budget, Share};
use super::rejection::Rejection;

/// Memory that an element takes at the peak, read directly: a value, in an array that grows.
const BYTES_AN_ELEMENT: usize = 64;

/// The same by way of a tree: its nodes, that of its text too, beside the values.
const BYTES_IN_A_TREE: usize = 300;

/// Copies of a document that there are at the peak: as it came and as it is read.
const COPIES: usize = 2;

/// The same by way of a tree: with its line ends made one, or its text decoded.
const COPIES_BY_TREE: usize = 3;

/// The call that `document` is. What reading it takes is a `share` of `memory`.
pub(super) async fn read(
    document: Bytes,
    charset: Option<String>,
    limits: Limits,
    share: &mut Share,
    memory: &Budget,
) -> Result<Result<MethodCall, DecodeError>, Rejection> {
    let (length, elements) = (document.len(), elements(&document));
    take(share, COPIES * length + BYTES_AN_ELEMENT * elements, memory).await?;
    let (body, name) = (document.clone(), charset.clone());
    let plain = move || decode_plain_call(&body, name.as_deref(), &limits);
    let call = match aside(length, plain).await {
        Some(call) => Ok(call),
        None => {
            // From the beginning: two who have a part and wait for more would be in each other's way.
            share.shrink_to(0);
            take(share, tree_bytes(length, elements, &limits), memory).await?;
            aside(length, move || decode_call_by_tree(&document, charset.as_deref(), &limits)).await
        }
    };
    // Whatever stood between the document and the call is gone, and the method may be slow.
    share.shrink_to(length);
    Ok(call)
}

async fn take(share: &mut Share, bytes: usize, memory: &Budget) -> Result<(), Rejection> {
    if !memory.can_hold(bytes) {
        return Err(Rejection::TooLarge);
    }
    Ok(share.grow(bytes).await?)
}

/// About as much memory as the tree takes; there is none of a document that has too many elements.
fn tree_bytes(length: usize, elements: usize, limits: &Limits) -> usize {
    let nodes = if elements > limits.elements { 0 } else { elements };
    COPIES_BY_TREE * length + BYTES_IN_A_TREE * nodes
}

/// Elements of `document`, by their first tags.
fn elements(document: &[u8]) -> usize {
    let tags = document.iter().filter(|&&byte| byte == b'<').count();
    tags - document.windows(2).filter(|two| two == b"</").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_by_their_first_tags() {
        assert_eq!(elements(b"<a><b>text</b><c/></a>"), 3);
        assert_eq!(elements(b"no markup"), 0);
    }

    #[test]
    fn document_of_too_many_elements_takes_no_tree() {
        let limits = Limits { elements: 10, ..Limits::default() };
        assert_eq!(tree_bytes(100, 10, &limits), 300 + 10 * BYTES_IN_A_TREE);
        assert_eq!(tree_bytes(100, 11, &limits), 300);
    }
}
