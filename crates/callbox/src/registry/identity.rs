//! Whom a caller has proved to be, and what follows from that.

use std::fmt;

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

/// As its section is called in the file of accounts.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Account { name, kind }) = &self.account else { return f.write_str("anyone") };
        let section = match kind {
            AccountKind::User => "user",
            AccountKind::Token => "token",
            AccountKind::Certificate => "certificate",
        };
        let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !name.is_empty() && name.chars().all(is_bare) {
            write!(f, "{section}.{name}")
        } else {
            write!(f, "{section}.{name:?}")
        }
    }
}
