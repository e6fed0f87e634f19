//! Whom a caller has proved to be, and what follows from that.

use svc_runtime::share::Share;

use super::permissions::Permissions;

/// Whom a caller has proved to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub name: String,
    /// How it was proved.
    pub kind: AccountKind,
}

/// How a caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountKind {
    /// A name and a password.
    User,
    /// A token.
    Token,
    /// A client certificate.
    Certificate,
}

/// Who a caller is and what they may call.
#[derive(Debug)]
pub(crate) struct Identity {
    /// `None` for who says nothing.
    pub(crate) account: Option<Account>,
    pub(crate) permissions: Permissions,
    /// What it has of all calls in work.
    pub(crate) share: Share,
}
