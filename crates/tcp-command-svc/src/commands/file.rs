//! The file of commands: TOML to a vocabulary.

use std::borrow::Cow;
use std::path::Path;

use protocol::command::{Command, ReplyText, Vocabulary};
use svc_runtime::file::{self, FileError, Mistake};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

type Key<'a> = Spanned<Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

const SECTIONS: &str = "[command.NAME] or [builtin]";
const COMMAND: &str = "[command.NAME] with the key reply";
const BUILTIN: &str = "[builtin] with keys such as hello";

/// Reads the file at `path`, whole or not at all; names have at most `max_bytes`.
pub fn read(path: &Path, max_bytes: usize) -> Result<Vocabulary, FileError> {
    file::read(path, "a file of commands", |text| parse(text, max_bytes)).map(|(read, _)| read)
}

fn parse(text: &str, max_bytes: usize) -> Result<Vocabulary, Mistake> {
    let document =
        DeTable::parse(text).map_err(|error| Mistake::no_toml(error.span(), error.message()))?;
    let document = document.get_ref();
    let known = |key: &&Key<'_>| ["command", "builtin"].contains(&&**key.get_ref());
    if let Some(other) = document.keys().find(|key| !known(key)) {
        let what = format!("unknown section {:?}, expected {SECTIONS}", other.get_ref());
        return Err(Mistake::at(other.span(), what));
    }
    let mut reading = Reading { vocabulary: Vocabulary::empty(), max_bytes };
    reading.builtins(entries(document, "builtin", BUILTIN)?)?;
    for (name, value) in entries(document, "command", COMMAND)? {
        reading.own(name, table(name, value, COMMAND)?)?;
    }
    Ok(reading.vocabulary)
}

/// The entries of a section, in the order of the file.
fn entries<'a>(
    document: &'a DeTable<'a>,
    section: &str,
    expected: &str,
) -> Result<Vec<(&'a Key<'a>, &'a Value<'a>)>, Mistake> {
    let Some((key, value)) = document.get_key_value(section) else { return Ok(Vec::new()) };
    let mut entries: Vec<_> = table(key, value, expected)?.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    Ok(entries)
}

fn table<'a>(
    key: &Key<'_>,
    value: &'a Value<'a>,
    expected: &str,
) -> Result<&'a DeTable<'a>, Mistake> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err(Mistake::at(key.span(), format!("expected {expected}"))),
    }
}

/// The file as far as it is read.
struct Reading {
    vocabulary: Vocabulary,
    max_bytes: usize,
}

impl Reading {
    fn builtins(&mut self, entries: Vec<(&Key<'_>, &Value<'_>)>) -> Result<(), Mistake> {
        let is_known =
            |key: &Key<'_>| Command::BUILTIN.iter().any(|(name, _)| name == key.get_ref());
        if let Some((other, _)) = entries.iter().find(|(key, _)| !is_known(key)) {
            let known = Command::BUILTIN.map(|(name, _)| name).join(", ");
            let what = format!("unknown key {:?}, expected one of {known}", other.get_ref());
            return Err(Mistake::at(other.span(), what));
        }
        let given = |name| entries.iter().find(|(_, to)| to.get_ref().as_str() == Some(name));
        for (builtin, command) in Command::BUILTIN {
            match entries.iter().find(|(key, _)| key.get_ref() == builtin) {
                Some((_, value)) => self.renamed(builtin, command, value)?,
                None => self.builtin(builtin, command).map_err(|what| match given(builtin) {
                    Some((_, to)) => Mistake::at(to.span(), what),
                    None => Mistake::of_all(what),
                })?,
            }
        }
        Ok(())
    }

    fn renamed(&mut self, key: &str, command: Command, value: &Value<'_>) -> Result<(), Mistake> {
        let added = match value.get_ref() {
            DeValue::Boolean(false) => Ok(()),
            DeValue::String(name) => self.builtin(name, command),
            _ => Err("expected another name, or false".to_owned()),
        };
        added.map_err(|what| Mistake::at(value.span(), format!("{key}: {what}")))
    }

    fn builtin(&mut self, name: &str, command: Command) -> Result<(), String> {
        self.is_short(name)?;
        self.vocabulary.add_builtin(name, command).map_err(|error| format!("{name:?}: {error}"))
    }

    fn own(&mut self, key: &Key<'_>, entry: &DeTable<'_>) -> Result<(), Mistake> {
        let name = key.get_ref();
        has_no_key_but_own(key, entry)?;
        let Some(reply) = entry.get("reply") else {
            return Err(Mistake::at(key.span(), "expected the key reply: a line of text"));
        };
        let reply = reply_text(reply)?;
        let is_last = entry.get("close").map_or(Ok(false), flag)?;
        let added = self.is_short(name).and_then(|()| {
            let added = self.vocabulary.add_own(name, reply, is_last);
            added.map_err(|error| format!("{name:?}: {error}"))
        });
        added.map_err(|what| Mistake::at(key.span(), what))
    }

    fn is_short(&self, name: &str) -> Result<(), String> {
        let max = self.max_bytes;
        if name.len() <= max {
            return Ok(());
        }
        Err(format!("expected a name of at most {max} bytes, or a larger --max-command-bytes"))
    }
}

fn has_no_key_but_own(name: &Key<'_>, entry: &DeTable<'_>) -> Result<(), Mistake> {
    let Some((other, value)) =
        entry.iter().find(|(key, _)| !["reply", "close"].contains(&&**key.get_ref()))
    else {
        return Ok(());
    };
    let (name, key) = (name.get_ref(), other.get_ref());
    let what = match value.get_ref() {
        DeValue::Table(_) => {
            format!("expected a name with dots in quotes: [command.\"{name}.{key}\"]")
        }
        _ => format!("unknown key {key:?}, expected one of reply, close"),
    };
    Err(Mistake::at(other.span(), what))
}

fn reply_text(value: &Value<'_>) -> Result<ReplyText, Mistake> {
    let DeValue::String(text) = value.get_ref() else {
        return Err(Mistake::at(value.span(), "reply: expected a line of text"));
    };
    ReplyText::parse(text).map_err(|error| Mistake::at(value.span(), format!("reply: {error}")))
}

fn flag(value: &Value<'_>) -> Result<bool, Mistake> {
    let flag = value.get_ref().as_bool();
    flag.ok_or_else(|| Mistake::at(value.span(), "close: expected true or false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(text: &str) -> String {
        let vocabulary = parse(text, 100).unwrap();
        let mut names: Vec<_> = vocabulary.names().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names.join(" ")
    }

    #[test]
    fn names_are_those_of_the_file() {
        for (text, names) in [
            ("", "goodbye hello help time"),
            ("[command.status]\nreply = 'fine'", "goodbye hello help status time"),
            ("[command.\"*IDN?\"]\nreply = ''\nclose = true", "*IDN? goodbye hello help time"),
            ("[builtin]\nhello = 'greet'\ntime = false", "goodbye greet help"),
            ("[builtin]\nhello = 'time'\ntime = 'hello'", "goodbye hello help time"),
            ("[builtin]\nhelp = '?'\n[command.help]\nreply = 'ask ?'", "? goodbye hello help time"),
        ] {
            assert_eq!(help(text), names, "{text}");
        }
    }

    #[test]
    fn each_mistake_is_told_with_its_line_and_what_to_change() {
        for (text, line, what) in [
            (
                "\n[commands.a]",
                2,
                "unknown section \"commands\", expected [command.NAME] or [builtin]",
            ),
            ("command = 1", 1, "expected [command.NAME] with the key reply"),
            ("[command]\na = 1", 2, "expected [command.NAME] with the key reply"),
            ("[command.a]\n", 1, "expected the key reply: a line of text"),
            ("[command.a]\nreply = 1", 2, "reply: expected a line of text"),
            ("[command.a]\nreply = ''\nclose = 1", 3, "close: expected true or false"),
            (
                "[command.a]\nreply = ''\nanswer = ''",
                3,
                "unknown key \"answer\", expected one of reply, close",
            ),
            (
                "[command.a.b]\nreply = ''",
                1,
                "expected a name with dots in quotes: [command.\"a.b\"]",
            ),
            ("[command.a]\nreply = ''\n[command.a]\nreply = ''", 3, "expected TOML: duplicate key"),
            (
                "[command.\"a b\"]\nreply = ''",
                1,
                "\"a b\": expected printable ASCII without blanks",
            ),
            (
                "[command.\"a\\u0007\"]\nreply = ''",
                1,
                "\"a\\u{7}\": expected printable ASCII without blanks",
            ),
            (
                "[command.abcdefghijk]\nreply = ''",
                1,
                "expected a name of at most 10 bytes, or a larger --max-command-bytes",
            ),
            (
                "[command.hello]\nreply = ''",
                1,
                "\"hello\": taken by another command, expected another name",
            ),
            (
                "[command.a]\nreply = 'a\\tb'\n[command.b]\nreply = \"a\\tb\"",
                4,
                "reply: expected one line without control characters",
            ),
            (
                "[command.a]\nreply = '''\na\nb'''",
                2,
                "reply: expected one line without control characters",
            ),
            (
                "[command.a]\nreply = '{now}'",
                2,
                "reply: no placeholder \"now\", expected {time}, {host} or {peer}, or {{ and }} for braces",
            ),
            (
                "[builtin]\nhi = false",
                2,
                "unknown key \"hi\", expected one of hello, time, goodbye, help",
            ),
            ("[builtin]\nhello = true", 2, "hello: expected another name, or false"),
            (
                "[builtin]\nhello = 'hi there'",
                2,
                "hello: \"hi there\": expected printable ASCII without blanks",
            ),
            (
                "[builtin]\ntime = 'hello'",
                2,
                "time: \"hello\": taken by another command, expected another name",
            ),
            (
                "[builtin]\nhello = 'goodbye'",
                2,
                "\"goodbye\": taken by another command, expected another name",
            ),
        ] {
            let mistake = parse(text, 10).unwrap_err();
            assert_eq!((mistake.line(text), mistake.what()), (Some(line), what), "{text}");
        }
    }
}
