//! Accounts from a TOML file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::{Book, User};
use super::digest::Digest;
use super::memory::Memory;
use crate::registry::{Account, AccountKind, Identity, Pattern, Permissions};

/// Others, who are neither the owner nor of the group, may read the file.
const OTHERS_READ: u32 = 0o004;

/// What a file of accounts says.
pub(super) struct Contents {
    pub(super) book: Book,
    pub(super) secrets: Secrets,
}

/// Who can read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Its owner, and a group.
    Kept,
    /// Everybody.
    Shown,
}

/// What is wrong with a file of accounts, as one line with what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsError {
    path: PathBuf,
    line: Option<usize>,
    what: String,
}

impl fmt::Display for AccountsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.what)
    }
}

impl std::error::Error for AccountsError {}

/// Reads the file at `path`, whole or not at all.
pub(super) fn read(path: &Path, memory: Duration) -> Result<Contents, AccountsError> {
    let error = |line, what| AccountsError { path: path.to_owned(), line, what };
    let (bytes, secrets) = bytes(path)
        .map_err(|cause| error(None, format!("expected a file with accounts: {cause}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|cause| {
        error(Some(line(&bytes, cause.valid_up_to())), "expected UTF-8".to_owned())
    })?;
    let book = book(text, Memory::new(memory))
        .map_err(|Mistake { at, what }| error(at.map(|at| line(&bytes, at)), what))?;
    Ok(Contents { book, secrets })
}

fn bytes(path: &Path) -> io::Result<(Vec<u8>, Secrets)> {
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    let is_shown = file.metadata()?.mode() & OTHERS_READ != 0;
    file.read_to_end(&mut bytes)?;
    Ok((bytes, if is_shown { Secrets::Shown } else { Secrets::Kept }))
}

/// The number of the line in which the byte `at` is.
fn line(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|&&byte| byte == b'\n').count()
}

/// What is wrong, and where. Never with a value of the file: it may be a secret.
struct Mistake {
    at: Option<usize>,
    what: String,
}

impl Mistake {
    fn at(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { at: Some(span.start), what: what.into() }
    }
}

/// The sections, as their mistakes name them.
const SECTIONS: &str = "[user.NAME], [token.NAME], [certificate.\"SUBJECT\"] or [anyone]";

fn book(text: &str, memory: Memory) -> Result<Book, Mistake> {
    let document = DeTable::parse(text).map_err(|error| Mistake {
        at: error.span().map(|span| span.start),
        what: format!("expected TOML: {}", error.message().replace('\n', ", ")),
    })?;
    let mut book = Book::new(memory);
    for (section, value) in document.get_ref() {
        match &**section.get_ref() {
            "user" => entries(section, value)?.try_for_each(|entry| user(&mut book, &entry?))?,
            "token" => entries(section, value)?.try_for_each(|entry| token(&mut book, &entry?))?,
            "certificate" => {
                entries(section, value)?.try_for_each(|entry| certificate(&mut book, &entry?))?;
            }
            "anyone" => {
                let entry = Entry::of(section, value)?;
                entry.has_no_key_but(&["methods"])?;
                book.anyone = Some(entry.identity(None)?);
            }
            other => {
                let what = format!("unknown section {other:?}, expected {SECTIONS}");
                return Err(Mistake::at(section.span(), what));
            }
        }
    }
    if book.is_empty() {
        let what = format!("nobody may call, expected {SECTIONS}");
        return Err(Mistake { at: None, what });
    }
    Ok(book)
}

fn user(book: &mut Book, entry: &Entry<'_>) -> Result<(), Mistake> {
    entry.has_no_key_but(&["password", "methods"])?;
    let name = entry.name();
    if name.contains(|c: char| c == ':' || c.is_control()) {
        let what = "expected a user's name without colons and control characters";
        return Err(Mistake::at(entry.key.span(), what));
    }
    let (span, password) = entry.text("password", "a bcrypt hash")?;
    let hash = password
        .parse()
        .map_err(|bad| Mistake::at(span, format!("password of user {name:?}: {bad}")))?;
    let identity = entry.identity(Some(AccountKind::User))?;
    book.users.insert(name.into(), User { hash, identity });
    Ok(())
}

fn token(book: &mut Book, entry: &Entry<'_>) -> Result<(), Mistake> {
    entry.has_no_key_but(&["sha256", "methods"])?;
    let (span, digits) = entry.text("sha256", "64 hexadecimal digits")?;
    let mistake =
        |what: &str| Mistake::at(span.clone(), format!("sha256 of token {:?}: {what}", entry.name()));
    let digest =
        Digest::from_hex(digits).ok_or_else(|| mistake("expected 64 hexadecimal digits"))?;
    match book.tokens.insert(digest, entry.identity(Some(AccountKind::Token))?) {
        None => Ok(()),
        Some(_) => Err(mistake("expected one that no other token has")),
    }
}

fn certificate(book: &mut Book, entry: &Entry<'_>) -> Result<(), Mistake> {
    entry.has_no_key_but(&["methods"])?;
    if entry.name().is_empty() {
        return Err(Mistake::at(entry.key.span(), "expected a certificate's subject"));
    }
    let identity = entry.identity(Some(AccountKind::Certificate))?;
    book.certificates.insert(entry.name().into(), identity);
    Ok(())
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// The entries of a section with names.
fn entries<'a>(
    section: &Key<'a>,
    value: &'a Value<'a>,
) -> Result<impl Iterator<Item = Result<Entry<'a>, Mistake>>, Mistake> {
    let DeValue::Table(entries) = value.get_ref() else {
        return Err(Mistake::at(section.span(), format!("expected {SECTIONS}")));
    };
    Ok(entries.iter().map(|(key, value)| Entry::of(key, value)))
}

/// An account of the file.
struct Entry<'a> {
    key: &'a Key<'a>,
    table: &'a DeTable<'a>,
}

impl<'a> Entry<'a> {
    fn of(key: &'a Key<'a>, value: &'a Value<'a>) -> Result<Self, Mistake> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Self { key, table }),
            _ => Err(Mistake::at(key.span(), format!("expected {SECTIONS}"))),
        }
    }

    fn name(&self) -> &'a str {
        self.key.get_ref()
    }

    fn has_no_key_but(&self, known: &[&str]) -> Result<(), Mistake> {
        match self.table.keys().find(|key| !known.contains(&&**key.get_ref())) {
            None => Ok(()),
            Some(key) => {
                let what = format!("unknown key {:?}, expected {}", key.get_ref(), known.join(" and "));
                Err(Mistake::at(key.span(), what))
            }
        }
    }

    fn value(&self, key: &str, expected: &str) -> Result<&'a Value<'a>, Mistake> {
        self.table.get(key).ok_or_else(|| {
            let what = format!("expected the key {key} in {:?}: {expected}", self.name());
            Mistake::at(self.key.span(), what)
        })
    }

    fn text(&self, key: &str, expected: &str) -> Result<(Range<usize>, &'a str), Mistake> {
        let value = self.value(key, expected)?;
        match value.get_ref() {
            DeValue::String(text) => Ok((value.span(), text)),
            _ => Err(Mistake::at(value.span(), format!("{key}: expected {expected} in quotes"))),
        }
    }

    fn identity(&self, kind: Option<AccountKind>) -> Result<Arc<Identity>, Mistake> {
        let account = kind.map(|kind| Account { name: self.name().to_owned(), kind });
        Ok(Arc::new(Identity { account, permissions: self.permissions()? }))
    }

    fn permissions(&self) -> Result<Permissions, Mistake> {
        const EXPECTED: &str = "a list such as [\"addition\", \"radio.*\"]";
        let methods = self.value("methods", EXPECTED)?;
        match methods.get_ref() {
            DeValue::Array(patterns) => patterns.iter().map(pattern).collect(),
            _ => Err(Mistake::at(methods.span(), format!("methods: expected {EXPECTED}"))),
        }
    }
}

fn pattern(value: &Value<'_>) -> Result<Pattern, Mistake> {
    let text = value.get_ref().as_str().unwrap_or_default();
    text.parse().map_err(|bad| Mistake::at(value.span(), format!("methods: {bad}")))
}
