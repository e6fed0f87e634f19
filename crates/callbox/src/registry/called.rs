//! A method that is called: one that stays, or one that may be gone by the time that the call ends.

use std::ops::Deref;
use std::sync::Arc;

use super::catalog::Lent;
use super::label::Label;
use super::method::Method;

/// A method that is called. What is logged and counted of it is its [`Label`].
#[derive(Clone)]
pub(crate) enum Called<'a> {
    /// Of the registry itself.
    Own(&'a Method),
    /// Of a catalog.
    Lent(Arc<Lent>),
}

impl Deref for Called<'_> {
    type Target = Label;

    fn deref(&self) -> &Label {
        match self {
            Self::Own(method) => method.label(),
            Self::Lent(lent) => lent.label(),
        }
    }
}

impl Called<'_> {
    /// What it does, in words.
    pub(super) fn help(&self) -> &str {
        match self {
            Self::Own(method) => method.help(),
            Self::Lent(lent) => lent.method().help(),
        }
    }

    /// Its signatures as type names, the result's first; none where none is known.
    pub(super) fn signatures(&self) -> Vec<Vec<String>> {
        match self {
            Self::Own(method) => {
                let own = |types: Vec<&str>| types.into_iter().map(str::to_owned).collect();
                method.spelled_signatures().map(own).collect()
            }
            Self::Lent(lent) => lent.method().signatures().to_vec(),
        }
    }
}
