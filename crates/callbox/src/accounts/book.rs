//! The accounts as they were read, and the passwords that are remembered since.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::digest::Digest;
use super::hash::{self, COSTS, PasswordHash};
use super::memory::Memory;
use crate::registry::{Identity, Pattern};

/// The accounts of a file. What is remembered goes with them.
pub(super) struct Book {
    pub(super) users: HashMap<Box<str>, User>,
    pub(super) tokens: HashMap<Digest, Arc<Identity>>,
    /// By their subject.
    pub(super) certificates: HashMap<Box<str>, Arc<Identity>>,
    /// Who says nothing.
    pub(super) anyone: Option<Arc<Identity>>,
    pub(super) memory: Memory,
}

/// Somebody with a password.
pub(super) struct User {
    pub(super) hash: PasswordHash,
    pub(super) identity: Arc<Identity>,
}

impl Book {
    /// Nobody may do anything.
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            users: HashMap::new(),
            tokens: HashMap::new(),
            certificates: HashMap::new(),
            anyone: None,
            memory,
        }
    }

    /// Whether there is nobody in it.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
            && self.tokens.is_empty()
            && self.certificates.is_empty()
            && self.anyone.is_none()
    }

    /// The accounts with patterns that fit nothing, as `fits` has it, and these.
    pub(super) fn misfits(&self, fits: impl Fn(&Pattern) -> bool) -> BTreeSet<(String, String)> {
        let users = self.users.values().map(|user| &user.identity);
        let identities = users.chain(self.tokens.values()).chain(self.certificates.values());
        let misfits = identities.chain(&self.anyone).flat_map(|identity| {
            let misfits = identity.permissions.misfits(&fits);
            misfits.map(|pattern| (identity.to_string(), pattern.to_string()))
        });
        misfits.collect()
    }

    /// Who has this token.
    pub(super) fn token(&self, token: &[u8]) -> Option<Arc<Identity>> {
        self.tokens.get(&Digest::of(token)).cloned()
    }

    /// Who has a certificate of this subject, else anyone: who has none, or one without an account.
    pub(super) fn certificate(&self, subject: Option<&str>) -> Option<Arc<Identity>> {
        let known = subject.and_then(|subject| self.certificates.get(subject));
        known.or(self.anyone.as_ref()).cloned()
    }

    /// Who has this name and password. It is the same work for every name, known or not.
    pub(super) fn user(&self, name: &[u8], password: &[u8]) -> Option<Arc<Identity>> {
        let user = std::str::from_utf8(name).ok().and_then(|name| self.users.get(name));
        let fits = hash::fits(user.map(|user| &user.hash), password, self.work());
        user.filter(|_| fits).map(|user| user.identity.clone())
    }

    /// The cost of the costliest hash.
    fn work(&self) -> u32 {
        self.users.values().map(|user| user.hash.cost()).max().unwrap_or(*COSTS.start())
    }
}
