//! Who may call: the accounts of a file, and how a caller proves to be one of them.
//!
//! What costs little is answered at once: a token, a certificate, a password that was good a moment
//! ago. A password that is not remembered is hashed by the [`desk`], which few can keep busy, after
//! the [`failures`] have been asked whether it is worth it.

mod book;
mod credentials;
mod desk;
mod digest;
mod failures;
mod file;
mod hash;
mod memory;
mod subcommands;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::http::HeaderMap;
use svc_runtime::file::{FileError, Secrets};
use svc_runtime::source::Source;
use svc_runtime::stream::Secrecy;
use tracing::warn;

use crate::registry::{Connection, Identity, Peer, Published};
use book::Book;
use credentials::{Credentials, Login};
use desk::{Desk, Question};
use failures::{Failures, Pair};
pub(crate) use memory::MEMORY;
pub(crate) use subcommands::SUBCOMMANDS;

/// The accounts of a file, which can be read again.
pub(crate) struct Accounts {
    path: PathBuf,
    memory: Duration,
    book: ArcSwap<Book>,
    failures: Arc<Failures>,
    desk: Desk,
    told_of_readers: AtomicBool,
    told_of_listeners: Once,
}

/// Why a caller is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// They did not prove to be anybody.
    Unproven,
    /// They failed too often, and may try again after so many seconds.
    TooManyFailures(u8),
    /// Too many others are being asked for their passwords.
    Busy,
}

/// Who a caller is, or why they are not let in.
type Verdict = Result<Arc<Identity>, Denial>;

/// What can be said of a caller at once.
enum AtOnce {
    Verdict(Verdict),
    /// Only a hash can tell.
    Hash(Attempt),
}

impl Accounts {
    /// Reads the accounts of the file at `path`, all or none. Good passwords are remembered for
    /// `memory`.
    pub(crate) fn read(path: PathBuf, memory: Duration) -> Result<Self, FileError> {
        let (book, secrets) = file::read(&path, memory)?;
        let accounts = Self {
            path,
            memory,
            book: ArcSwap::from_pointee(book),
            failures: Arc::default(),
            desk: Desk::default(),
            told_of_readers: AtomicBool::new(false),
            told_of_listeners: Once::new(),
        };
        accounts.tell_of_readers(secrets);
        Ok(accounts)
    }

    /// Reads the file again. Where that fails, nothing is changed; else remembered passwords are
    /// forgotten. Failures stay.
    pub(crate) fn reload(&self) -> Result<(), FileError> {
        let (book, secrets) = file::read(&self.path, self.memory)?;
        self.tell_of_readers(secrets);
        self.book.store(Arc::new(book));
        Ok(())
    }

    /// Warns of patterns that fit no method that is `published`: they are allowed nothing, and may
    /// be misspelled.
    pub(crate) fn tell_of_misfits(&self, published: &Published) {
        for (account, pattern) in self.book.load().misfits(|pattern| published.may_have(pattern)) {
            let file = self.path.display();
            warn!(%file, account, pattern, "no published method fits this pattern");
        }
    }

    /// Says who the caller is whose request had `headers` and came over `connection`.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        connection: &Connection,
    ) -> Result<Arc<Identity>, Denial> {
        match self.at_once(headers, connection) {
            AtOnce::Verdict(verdict) => verdict,
            // In a box, or every call had room for it.
            AtOnce::Hash(attempt) => Box::pin(self.log_in(attempt)).await,
        }
    }

    fn at_once(&self, headers: &HeaderMap, connection: &Connection) -> AtOnce {
        let book = self.book.load();
        let known = match Credentials::read(headers) {
            Ok(Credentials::Basic(login)) => {
                return self.password(&book, login, connection, connection.caller(headers));
            }
            Ok(Credentials::Bearer(token)) => book.token(token),
            Ok(Credentials::None) => book.certificate(connection.certificate.as_deref()),
            Err(credentials::Unreadable) => None,
        };
        AtOnce::Verdict(known.ok_or(Denial::Unproven))
    }

    fn password(
        &self,
        book: &Arc<Book>,
        login: Login,
        connection: &Connection,
        caller: Peer,
    ) -> AtOnce {
        self.tell_of_listener(connection);
        let now = Instant::now();
        let seal = book.memory.seal(login.as_bytes());
        if let Some(identity) = book.memory.recall(&seal, now) {
            return AtOnce::Verdict(Ok(identity));
        }
        // No hash, and so nothing that is worth to be counted: it is nobody's password.
        if !hash::is_hashable(login.password()) {
            return AtOnce::Verdict(Err(Denial::Unproven));
        }
        let source = caller.address().map(Source::from);
        let pair = self.failures.pair(source, login.user());
        if let Some(seconds) = self.failures.pause(pair, now) {
            return AtOnce::Verdict(Err(Denial::TooManyFailures(seconds)));
        }
        let (book, failures) = (Arc::clone(book), Arc::clone(&self.failures));
        AtOnce::Hash(Attempt { book, failures, login, pair, question: Question { source, seal } })
    }

    async fn log_in(&self, attempt: Attempt) -> Verdict {
        self.desk.ask(attempt.question, move || attempt.judge()).await
    }

    fn tell_of_readers(&self, secrets: Secrets) {
        if secrets == Secrets::Shown && !self.told_of_readers.swap(true, Ordering::Relaxed) {
            warn!(file = %self.path.display(), "everybody on this machine can read the accounts");
        }
    }

    fn tell_of_listener(&self, connection: &Connection) {
        let Some(listener) = connection.listener else { return };
        if connection.secrecy == Secrecy::Open {
            self.told_of_listeners.call_once(|| {
                warn!(listener, "a password came without TLS: who is on its way can read it");
            });
        }
    }
}

/// A name and a password that only a hash can judge.
struct Attempt {
    book: Arc<Book>,
    failures: Arc<Failures>,
    login: Login,
    pair: Pair,
    question: Question,
}

impl Attempt {
    /// Hashes, and notes what came of it. Nobody need wait for the end: who leaves has failed too.
    fn judge(self) -> Verdict {
        let verdict = self.book.user(self.login.user(), self.login.password());
        let now = Instant::now();
        match &verdict {
            Some(identity) => {
                self.failures.forget(self.pair);
                self.book.memory.remember(self.question.seal, identity.clone(), now);
            }
            None => self.failures.note(self.pair, now),
        }
        verdict.ok_or(Denial::Unproven)
    }
}
