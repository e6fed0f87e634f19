//! The program that publishes, as it is shown to people.

use std::borrow::Cow;

/// What the program that publishes is called.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: Cow<'static, str>,
    /// Empty where none is told.
    pub(crate) version: Cow<'static, str>,
}

impl Default for Program {
    fn default() -> Self {
        Self { name: "callbox".into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}
