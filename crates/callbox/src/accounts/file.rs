//! Accounts from a TOML file.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use svc_runtime::file::{self, FileError, Mistake, Secrets};
use svc_runtime::share::Share;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::{Book, User};
use super::digest::Digest;
use super::memory::Memory;
use crate::registry::{Account, AccountKind, Identity, Pattern, Permissions};

/// Reads the file at `path`, whole or not at all.
pub(super) fn read(path: &Path, memory: Duration) -> Result<(Book, Secrets), FileError> {
    file::read(path, "a file with accounts", |text| book(text, Memory::new(memory)))
}

/// The sections, as their mistakes name them.
const SECTIONS: &str = "[user.NAME], [token.NAME], [certificate.\"SUBJECT\"] or [anyone]";

fn book(text: &str, memory: Memory) -> Result<Book, Mistake> {
    let document =
        DeTable::parse(text).map_err(|error| Mistake::no_toml(error.span(), error.message()))?;
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
        return Err(Mistake::of_all(format!("nobody may call, expected {SECTIONS}")));
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
    let mistake = |what: &str| {
        Mistake::at(span.clone(), format!("sha256 of token {:?}: {what}", entry.name()))
    };
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
                let what =
                    format!("unknown key {:?}, expected {}", key.get_ref(), known.join(" and "));
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
        Ok(Arc::new(Identity {
            account,
            permissions: self.permissions()?,
            share: Share::default(),
        }))
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

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$04$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa";
    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn filled(text: &str) -> String {
        text.replace("HASH", HASH).replace("DIGEST", DIGEST)
    }

    fn read_text(text: &str) -> Result<Book, (Option<usize>, String)> {
        let read = book(&filled(text), Memory::new(Duration::from_secs(1)));
        read.map_err(|mistake| (mistake.line(&filled(text)), mistake.what().to_owned()))
    }

    fn name_and_kind(identity: Option<Arc<Identity>>) -> Option<(String, AccountKind)> {
        identity?.account.clone().map(|account| (account.name, account.kind))
    }

    #[test]
    fn accounts_of_each_kind_are_read() {
        let book = read_text(
            r#"
            [user.ana]
            password = "HASH"
            methods = ["addition", "system.*", "radio.*"]
            [user."the other"]
            password = "HASH"
            methods = []
            [token.ci]
            sha256 = "DIGEST"
            methods = ["*"]
            [certificate."CN=robot"]
            methods = ["radio.*"]
            [anyone]
            methods = ["system.listMethods"]
            "#,
        )
        .ok()
        .unwrap();
        let check = |identity, name: &str, kind| {
            assert_eq!(name_and_kind(identity), Some((name.to_owned(), kind)));
        };
        check(book.user(b"ana", b"secret"), "ana", AccountKind::User);
        check(book.user(b"the other", b"secret"), "the other", AccountKind::User);
        check(book.token(b"abc"), "ci", AccountKind::Token);
        check(book.certificate(Some("CN=robot")), "CN=robot", AccountKind::Certificate);
        assert!(book.user(b"ana", b"Secret").is_none());
        assert!(book.user(b"Ana", b"secret").is_none());
        assert!(book.user(b"\xff", b"secret").is_none());
        assert!(book.token(b"abd").is_none());
        for anyone in [None, Some("CN=Robot"), Some("")] {
            let identity = book.certificate(anyone).unwrap();
            assert_eq!(identity.account, None);
            assert_eq!(
                identity.permissions,
                ["system.listMethods".parse().unwrap()].into_iter().collect()
            );
        }
    }

    #[test]
    fn each_mistake_is_told_with_its_line_and_what_was_expected() {
        fn check(text: &str, line: impl Into<Option<usize>>, expected: &str) {
            let (found_line, what) = read_text(text).err().unwrap();
            assert_eq!((found_line, what.as_str()), (line.into(), expected), "{text}");
            assert!(!what.contains('\n'), "{what}");
        }
        let sections = SECTIONS;
        let list = "a list such as [\"addition\", \"radio.*\"]";
        check("", None, &format!("nobody may call, expected {sections}"));
        check("# later\n[user]\n", None, &format!("nobody may call, expected {sections}"));
        check("\n[usr.ana]", 2, &format!("unknown section \"usr\", expected {sections}"));
        check("methods = []", 1, &format!("unknown section \"methods\", expected {sections}"));
        check("user = 1", 1, &format!("expected {sections}"));
        check("[user]\nana = 1", 2, &format!("expected {sections}"));
        check("anyone = []", 1, &format!("expected {sections}"));
        check(
            "[user.ana]\npassword = \"HASH\"\nmethods = []\nmethod = []",
            4,
            "unknown key \"method\", expected password and methods",
        );
        check(
            "[token.ci]\nsha256 = \"DIGEST\"\npassword = \"HASH\"",
            3,
            "unknown key \"password\", expected sha256 and methods",
        );
        check("[certificate.a]\nx = 1", 2, "unknown key \"x\", expected methods");
        check("[anyone]\n\nx = 1", 3, "unknown key \"x\", expected methods");
        check("[user.ana]\nmethods = []", 1, "expected the key password in \"ana\": a bcrypt hash");
        check(
            "[user.ana]\npassword = \"HASH\"",
            1,
            &format!("expected the key methods in \"ana\": {list}"),
        );
        check(
            "[token.ci]\nmethods=[]",
            1,
            "expected the key sha256 in \"ci\": 64 hexadecimal digits",
        );
        check("[user.ana]\npassword = 1", 2, "password: expected a bcrypt hash in quotes");
        check("[token.ci]\nsha256 = 1", 2, "sha256: expected 64 hexadecimal digits in quotes");
        check("[anyone]\nmethods = \"*\"", 2, &format!("methods: expected {list}"));
        for bad in ["1", "\"\"", "\"radio*\"", "[\"*\"]"] {
            check(
                &format!("[anyone]\nmethods = [\n\"*\",\n{bad}]"),
                4,
                "methods: expected a method's name, a prefix such as \"radio.*\", or \"*\"",
            );
        }
        check(
            "[user.ana]\npassword = \"secret\"",
            2,
            "password of user \"ana\": expected a bcrypt hash: $2y$, a cost, $ and 53 characters",
        );
        check(
            "[user.ana]\npassword = \"$2y$15$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa\"",
            2,
            "password of user \"ana\": expected a bcrypt hash of cost 4 to 14",
        );
        check(
            "[token.ci]\nsha256 = \"abc\"",
            2,
            "sha256 of token \"ci\": expected 64 hexadecimal digits",
        );
        check(
            "[token.a]\nsha256 = \"DIGEST\"\nmethods = []\n[token.b]\nsha256 = \"DIGEST\"\nmethods = []",
            5,
            "sha256 of token \"b\": expected one that no other token has",
        );
        check("[user.\"a:b\"]", 1, "expected a user's name without colons and control characters");
        check("[certificate.\"\"]", 1, "expected a certificate's subject");
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line_and_without_its_text() {
        for (text, line) in [
            ("[anyone]\nmethods = [\n\"*\"", 3),
            ("[user.ana]\npassword = s3cret", 2),
            ("[user.ana]\npassword = \"s3cret\nmethods = []", 2),
            ("[user.ana]\n[anyone]\n[user.ana]", 3),
            ("[anyone]\nmethods = []\nmethods = []", 3),
            ("s3cret", 1),
        ] {
            let (found, what) = read_text(text).err().unwrap();
            assert_eq!(found, Some(line), "{text} {what}");
            assert!(what.starts_with("expected TOML: "), "{what}");
            assert!(!what.contains("s3cret") && !what.contains('\n'), "{what}");
        }
    }
}
