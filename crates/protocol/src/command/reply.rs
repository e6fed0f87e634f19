//! What the commands are called and what is said to them.

use std::borrow::Cow;

use jiff::civil::DateTime;

/// Longest command in bytes, without its line end, unless a service is told otherwise.
pub const MAX_COMMAND_BYTES: usize = 100;

/// The reply to everything that is not a command.
pub const INVALID: &str = "Invalid command.";

/// What a peer over the connection cap is told before it is closed.
pub const BUSY: &str = "Server busy.";

/// What is said to a command, without a line end.
pub type Reply = Cow<'static, str>;

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
    /// Anything else.
    Unknown,
}

impl Command {
    /// The commands that have a name, in the order in which `help` lists them.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("hello", Self::Hello),
        ("time", Self::Time),
        ("goodbye", Self::Goodbye),
        ("help", Self::Help),
    ];

    /// Reads a command, byte for byte: no case folding, no trimming.
    pub fn parse(text: &[u8]) -> Self {
        match text {
            b"hello" => Self::Hello,
            b"time" => Self::Time,
            b"goodbye" => Self::Goodbye,
            b"help" => Self::Help,
            _ => Self::Unknown,
        }
    }
}

/// Answers `command`; `now` is asked for the local time only where the reply shows it.
pub fn respond(command: Command, now: impl FnOnce() -> DateTime) -> Reply {
    match command {
        Command::Hello => "How do you do?".into(),
        Command::Time => ctime(now()).into(),
        Command::Goodbye => "It was nice hearing from you.".into(),
        Command::Help => HELP.into(),
        Command::Unknown => INVALID.into(),
    }
}

const HELP: &str = "hello time goodbye help";

/// C's `ctime` without its line end (C11 7.27.3.1): the day is padded with a space.
fn ctime(time: DateTime) -> String {
    time.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn reply(text: &str) -> Reply {
        let now = || date(2026, 11, 2).at(9, 4, 3, 999_999_999);
        respond(Command::parse(text.as_bytes()), now)
    }

    #[test]
    fn every_command_has_its_reply() {
        assert_eq!(reply("hello"), "How do you do?");
        assert_eq!(reply("time"), "Mon Nov  2 09:04:03 2026");
        assert_eq!(reply("goodbye"), "It was nice hearing from you.");
        assert_eq!(reply("help"), "hello time goodbye help");
        for other in ["", "Hello", "hello ", " hello", "hell", "helloo", "quit", "hello\0"] {
            assert_eq!(reply(other), "Invalid command.", "{other:?}");
        }
    }

    #[test]
    fn fixed_replies_are_not_allocated() {
        for text in ["hello", "goodbye", "help", "nonsense"] {
            assert!(matches!(reply(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn names_parse_to_their_commands_and_help_lists_them() {
        for (name, command) in Command::NAMED {
            assert_eq!(Command::parse(name.as_bytes()), command);
        }
        assert_eq!(HELP, Command::NAMED.map(|(name, _)| name).join(" "));
    }
}
