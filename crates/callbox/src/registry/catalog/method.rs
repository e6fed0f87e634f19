//! A method that comes and goes, as it is published.

use std::sync::Arc;

use super::handler::Handler;

/// A method of a [`Catalog`](crate::Catalog): a name, what callers are told of it, and the handler
/// that answers.
#[derive(Clone)]
pub struct CatalogMethod {
    name: String,
    help: String,
    names: Vec<String>,
    signatures: Vec<Vec<String>>,
    pub(super) handler: Arc<dyn Handler>,
}

impl CatalogMethod {
    /// The method `name`, with what it does in words, whose signature is not known. Words that XML
    /// cannot carry are not told: who asks for them sees an internal error.
    pub fn new(
        name: impl Into<String>,
        help: impl Into<String>,
        handler: Arc<dyn Handler>,
    ) -> Self {
        let (names, signatures) = (Vec::new(), Vec::new());
        Self { name: name.into(), help: help.into(), names, signatures, handler }
    }

    /// The same with these names of parameters, in order.
    pub fn names<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same with one more signature: type names, the result's first. Callers are told of it, and
    /// nobody checks it.
    pub fn signature<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.signatures.push(types.into_iter().map(Into::into).collect());
        self
    }

    /// The method's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the method does, in words.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// The parameters' names, in order, as far as they were given.
    pub fn parameter_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The signatures as type names, the result's first. None where none is known.
    pub fn signatures(&self) -> &[Vec<String>] {
        &self.signatures
    }
}
