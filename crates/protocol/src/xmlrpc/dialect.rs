/// The namespace of the types beyond the specification.
pub(super) const EXTENSIONS: &str = "http://ws.apache.org/xmlrpc/namespaces/extensions";

/// What declares it in a root's tag, under the prefix that everybody uses.
pub(super) const DECLARE_EXTENSIONS: &str =
    " xmlns:ex=\"http://ws.apache.org/xmlrpc/namespaces/extensions\"";

/// How the types beyond the specification are written; all of them are read from everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `<i8>` and `<nil/>`, as most peers do.
    #[default]
    Standard,
    /// `<ex:i8>` and `<ex:nil/>`, and the root declares the prefix. Apache's client, which declares
    /// it in its calls, reads no other wide integer and no other nil.
    Apache,
}
