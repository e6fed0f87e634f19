use super::value::MAX_VALUE_DEPTH;

const DEFAULT_DEPTH: usize = 128;
const DEFAULT_ELEMENTS: usize = 500_000;
const DEFAULT_ATTRIBUTES: usize = 64;
const DEFAULT_NAMESPACES: usize = 16;
const DEFAULT_NAME_BYTES: usize = 256;

/// What one document may hold; checked in a linear pass before any tree is built.
///
/// XML-RPC itself needs neither attributes nor namespaces: those limits bound what the tree
/// builder does in more than linear time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Values nested in values, a parameter being the first; never over [`MAX_VALUE_DEPTH`].
    pub depth: usize,
    /// Elements, and with them comments, processing instructions and CDATA sections.
    pub elements: usize,
    /// Attributes in the whole document, namespace declarations apart.
    pub attributes: usize,
    /// Namespace declarations in the whole document.
    pub namespaces: usize,
    /// Bytes in the name of an element, an attribute or a processing instruction.
    pub name_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

impl Limits {
    /// The limits of a service that is not told otherwise.
    pub const DEFAULT: Limits = Limits {
        depth: DEFAULT_DEPTH,
        elements: DEFAULT_ELEMENTS,
        attributes: DEFAULT_ATTRIBUTES,
        namespaces: DEFAULT_NAMESPACES,
        name_bytes: DEFAULT_NAME_BYTES,
    };

    /// The depth that decoding holds to.
    pub(super) fn value_depth(&self) -> usize {
        self.depth.min(MAX_VALUE_DEPTH)
    }

    /// Nested elements that [`Limits::value_depth`] values can need: three for a value in a value,
    /// the message's own around them and a leaf inside.
    pub(super) fn element_depth(&self) -> usize {
        self.value_depth() * 3 + 16
    }
}
