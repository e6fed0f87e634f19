//! What memory reading a document takes, told before it is read.

use super::limits::Limits;

/// Memory that an element takes at the peak, read directly: a value, in an array that grows.
const BYTES_AN_ELEMENT: usize = 64;

/// The same by way of a tree: its nodes, that of its text too, beside the values.
const BYTES_IN_A_TREE: usize = 300;

/// Copies of a document that there are at the peak: as it came and as it is read.
const COPIES: usize = 2;

/// The same by way of a tree: with its line ends made one, or its text decoded.
const COPIES_BY_TREE: usize = 3;

/// About as much memory as reading a document in one pass takes at the peak, in bytes; the document
/// is a part of it.
pub fn reading_bytes(document: &[u8]) -> usize {
    COPIES * document.len() + BYTES_AN_ELEMENT * elements(document)
}

/// The same by way of a tree; there is none of a document that has too many elements.
pub fn reading_bytes_by_tree(document: &[u8], limits: &Limits) -> usize {
    let elements = elements(document);
    let nodes = if elements > limits.elements { 0 } else { elements };
    COPIES_BY_TREE * document.len() + BYTES_IN_A_TREE * nodes
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
        assert_eq!(reading_bytes(b"<a></a>"), 14 + BYTES_AN_ELEMENT);
    }

    #[test]
    fn document_of_too_many_elements_takes_no_tree() {
        let check = |elements, expected| {
            let limits = Limits { elements, ..Limits::default() };
            assert_eq!(reading_bytes_by_tree(b"<a><b/></a>", &limits), expected);
        };
        check(2, 33 + 2 * BYTES_IN_A_TREE);
        check(1, 33);
    }
}
