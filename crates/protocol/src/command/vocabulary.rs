//! What the commands are called and what is said to them.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use super::reply::{Circumstances, ReplyText, ctime};

/// Longest command in bytes, without its line end, unless a service is told otherwise.
pub const MAX_COMMAND_BYTES: usize = 100;

/// Longest reply to `help`, in bytes: all names together, and a space between each two.
pub const MAX_HELP_BYTES: usize = 4000;

/// The reply to everything that is not a command.
pub const INVALID: &str = "Invalid command.";

/// What a peer over the connection cap is told before it is closed.
pub const BUSY: &str = "Server busy.";

/// Something that a peer said where a command was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `hello`
    Hello,
    /// `time`
    Time,
    /// `goodbye`, after which the connection is closed
    Goodbye,
    /// `help`
    Help,
    /// One of a vocabulary's own, by its place among them.
    Own(usize),
    /// Anything else.
    Unknown,
}

impl Command {
    /// The commands that every service has, unless it is told otherwise, in the order in which
    /// `help` lists them.
    pub const BUILTIN: [(&'static str, Self); 4] = [
        ("hello", Self::Hello),
        ("time", Self::Time),
        ("goodbye", Self::Goodbye),
        ("help", Self::Help),
    ];
}

/// The commands that a service knows, by name.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Those of each length, the shortest first: nearly all of a text's rivals are of another one.
    by_length: Vec<Vec<(Box<[u8]>, Command)>>,
    own: Vec<Own>,
    help: String,
}

#[derive(Debug, Clone)]
struct Own {
    reply: ReplyText,
    is_last: bool,
}

/// A name cannot be that of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoName {
    /// It is empty, or has other characters than printable ASCII without blanks.
    Characters,
    /// Another command has it.
    Taken,
    /// With it the reply to `help` is over [`MAX_HELP_BYTES`].
    TooMany,
}

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters => f.write_str("expected printable ASCII without blanks"),
            Self::Taken => f.write_str("taken by another command, expected another name"),
            Self::TooMany => write!(f, "expected at most {MAX_HELP_BYTES} bytes of names in all"),
        }
    }
}

impl std::error::Error for NoName {}

impl Vocabulary {
    /// One that knows no command.
    pub fn empty() -> Self {
        Self::default()
    }

    /// That of a service which is not told otherwise.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Vocabulary> = LazyLock::new(|| {
            let mut vocabulary = Vocabulary::empty();
            for (name, command) in Command::BUILTIN {
                vocabulary.insert(name, command);
            }
            vocabulary
        });
        &BUILTIN
    }

    /// Adds a command that every service has, under this name.
    pub fn add_builtin(&mut self, name: &str, command: Command) -> Result<(), NoName> {
        self.check(name)?;
        self.insert(name, command);
        Ok(())
    }

    /// Adds a command of one's own; `is_last` where the connection ends after its reply.
    pub fn add_own(&mut self, name: &str, reply: ReplyText, is_last: bool) -> Result<(), NoName> {
        self.check(name)?;
        self.insert(name, Command::Own(self.own.len()));
        self.own.push(Own { reply, is_last });
        Ok(())
    }

    fn check(&self, name: &str) -> Result<(), NoName> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoName::Characters);
        }
        if self.parse(name.as_bytes()) != Command::Unknown {
            return Err(NoName::Taken);
        }
        if self.help.len() + 1 + name.len() > MAX_HELP_BYTES {
            return Err(NoName::TooMany);
        }
        Ok(())
    }

    fn insert(&mut self, name: &str, command: Command) {
        if self.by_length.len() <= name.len() {
            self.by_length.resize(name.len() + 1, Vec::new());
        }
        let names = &mut self.by_length[name.len()];
        let place = names.partition_point(|(known, _)| &**known < name.as_bytes());
        names.insert(place, (name.as_bytes().into(), command));
        if !self.help.is_empty() {
            self.help.push(' ');
        }
        self.help.push_str(name);
    }

    /// Each command and its name.
    pub fn names(&self) -> impl Iterator<Item = (&str, Command)> {
        self.help.split_whitespace().map(|name| (name, self.parse(name.as_bytes())))
    }

    /// How many of them are its own.
    pub fn own_count(&self) -> usize {
        self.own.len()
    }

    /// Reads a command, byte for byte: no case folding, no trimming.
    pub fn parse(&self, text: &[u8]) -> Command {
        let Some(names) = self.by_length.get(text.len()) else { return Command::Unknown };
        match &names[..] {
            [] => Command::Unknown,
            // So few are sooner looked at than searched, and mostly there are no more.
            [(name, command)] | [(name, command), _] if **name == *text => *command,
            [_, (name, command)] if **name == *text => *command,
            [_] | [_, _] => Command::Unknown,
            names => search(names, text),
        }
    }

    /// Whether a longer command begins with `text`.
    pub fn begins_another(&self, text: &[u8]) -> bool {
        let longer = self.by_length.iter().skip(text.len() + 1);
        longer.flatten().any(|(name, _)| name.starts_with(text))
    }

    /// Whether the connection ends after the reply to `command`.
    pub fn is_last(&self, command: Command) -> bool {
        match command {
            Command::Goodbye => true,
            Command::Own(place) => self.own.get(place).is_some_and(|own| own.is_last),
            _ => false,
        }
    }

    /// Answers `command`, in a line without its end.
    pub fn respond<'a>(&'a self, command: Command, of: &Circumstances<'_>) -> Cow<'a, str> {
        match command {
            Command::Hello => "How do you do?".into(),
            Command::Time => ctime((of.now)()).into(),
            Command::Goodbye => "It was nice hearing from you.".into(),
            Command::Help => self.help.as_str().into(),
            Command::Own(place) => match self.own.get(place) {
                Some(own) => own.reply.tell(of),
                None => INVALID.into(),
            },
            Command::Unknown => INVALID.into(),
        }
    }
}

fn search(sorted: &[(Box<[u8]>, Command)], text: &[u8]) -> Command {
    let found = sorted.binary_search_by(|(name, _)| (**name).cmp(text));
    found.map_or(Command::Unknown, |place| sorted[place].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn reply<'a>(vocabulary: &'a Vocabulary, text: &str) -> Cow<'a, str> {
        let now = || date(2026, 11, 2).at(9, 4, 3, 999_999_999);
        let of = Circumstances { now: &now, host: "box", peer: &"192.0.2.1:7" };
        vocabulary.respond(vocabulary.parse(text.as_bytes()), &of)
    }

    /// One without `time`, in which `hello` is called `greet`, and with two of its own.
    fn own() -> Vocabulary {
        let mut vocabulary = Vocabulary::empty();
        for (name, command) in
            [("greet", Command::Hello), ("goodbye", Command::Goodbye), ("help", Command::Help)]
        {
            vocabulary.add_builtin(name, command).unwrap();
        }
        let text = |text| ReplyText::parse(text).unwrap();
        vocabulary.add_own("*IDN?", text("Callbox at {host}"), false).unwrap();
        vocabulary.add_own("hello", text("Go away, {peer}."), true).unwrap();
        vocabulary
    }

    #[test]
    fn every_command_has_its_reply() {
        let vocabulary = Vocabulary::builtin();
        assert_eq!(reply(vocabulary, "hello"), "How do you do?");
        assert_eq!(reply(vocabulary, "time"), "Mon Nov  2 09:04:03 2026");
        assert_eq!(reply(vocabulary, "goodbye"), "It was nice hearing from you.");
        assert_eq!(reply(vocabulary, "help"), "hello time goodbye help");
        for other in ["", "Hello", "hello ", " hello", "hell", "helloo", "quit", "hello\0"] {
            assert_eq!(reply(vocabulary, other), "Invalid command.", "{other:?}");
        }
    }

    #[test]
    fn commands_of_ones_own_are_answered_and_listed_after_the_others() {
        let vocabulary = own();
        assert_eq!(reply(&vocabulary, "greet"), "How do you do?");
        assert_eq!(reply(&vocabulary, "*IDN?"), "Callbox at box");
        assert_eq!(reply(&vocabulary, "hello"), "Go away, 192.0.2.1:7.");
        assert_eq!(reply(&vocabulary, "time"), "Invalid command.");
        assert_eq!(reply(&vocabulary, "help"), "greet goodbye help *IDN? hello");
    }

    #[test]
    fn some_commands_are_the_last() {
        let vocabulary = own();
        for (name, is_last) in
            [("goodbye", true), ("hello", true), ("*IDN?", false), ("greet", false), ("", false)]
        {
            assert_eq!(vocabulary.is_last(vocabulary.parse(name.as_bytes())), is_last, "{name}");
        }
    }

    #[test]
    fn beginning_of_a_longer_command_is_known() {
        let mut vocabulary = own();
        vocabulary.add_own("greeting", ReplyText::parse("").unwrap(), false).unwrap();
        for (text, begins) in
            [("", true), ("*", true), ("gree", true), ("greet", true), ("greeting", false)]
        {
            assert_eq!(vocabulary.begins_another(text.as_bytes()), begins, "{text}");
        }
        assert!(!vocabulary.begins_another(b"greets") && !vocabulary.begins_another(b"z"));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let mut vocabulary = own();
        let mut add = |name: &str| vocabulary.add_own(name, ReplyText::parse("").unwrap(), false);
        for name in ["", "a b", "a\r", "é", "\0"] {
            assert_eq!(add(name), Err(NoName::Characters), "{name:?}");
        }
        assert_eq!(add("greet"), Err(NoName::Taken));
        assert_eq!(add("*IDN?"), Err(NoName::Taken));
        let names = (0..).map(|number| format!("{number:099}"));
        let added = names.take_while(|name| add(name).is_ok()).count();
        assert_eq!(added, (MAX_HELP_BYTES - "greet goodbye help *IDN? hello".len()) / 100);
        assert_eq!(add(&"x".repeat(99)), Err(NoName::TooMany));
    }

    #[test]
    fn fixed_replies_are_not_allocated() {
        for text in ["hello", "goodbye", "help", "nonsense"] {
            assert!(matches!(reply(Vocabulary::builtin(), text), Cow::Borrowed(_)), "{text}");
        }
    }
}
