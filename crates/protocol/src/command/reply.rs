//! A reply of one's own: a line with places for what is known when it is said.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use jiff::civil::DateTime;

/// Longest text of a reply of one's own, in bytes, with its placeholders as they are written.
pub const MAX_REPLY_BYTES: usize = 1024;

/// What replies may tell of.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Tells the local time; asked only where the reply shows it.
    pub now: &'a dyn Fn() -> DateTime,
    /// The name of this machine.
    pub host: &'a str,
    /// Who is answered.
    pub peer: &'a dyn Display,
}

/// A line that is said to a command of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyText(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Time,
    Host,
    Peer,
}

/// A text is no reply; it says what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoReplyText(String);

impl Display for NoReplyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoReplyText {}

impl ReplyText {
    /// Reads a line in which `{time}`, `{host}` and `{peer}` are the places of these, and `{{` and
    /// `}}` are braces.
    pub fn parse(text: &str) -> Result<Self, NoReplyText> {
        check(text)?;
        let (mut pieces, mut said, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            said.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                said.push_str(brace);
                rest = after;
                continue;
            }
            let place = (brace == "{").then(|| after.split_once('}')).flatten();
            let (name, after) =
                place.ok_or_else(|| NoReplyText(format!("expected {brace}{brace} for {brace}")))?;
            pieces.extend([Piece::Text(std::mem::take(&mut said)), Piece::named(name)?]);
            rest = after;
        }
        said.push_str(rest);
        pieces.push(Piece::Text(said));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The line, without its end, as it is now.
    pub fn tell(&self, of: &Circumstances<'_>) -> Cow<'_, str> {
        match &self.0[..] {
            [] => "".into(),
            [Piece::Text(text)] => text.into(),
            pieces => pieces.iter().fold(String::new(), |line, piece| piece.tell(line, of)).into(),
        }
    }
}

fn check(text: &str) -> Result<(), NoReplyText> {
    if text.contains(char::is_control) {
        return Err(NoReplyText("expected one line without control characters".to_owned()));
    }
    if text.len() > MAX_REPLY_BYTES {
        return Err(NoReplyText(format!("expected at most {MAX_REPLY_BYTES} bytes")));
    }
    if text == super::INVALID {
        let what = "expected another text than that for what is no command";
        return Err(NoReplyText(what.to_owned()));
    }
    Ok(())
}

impl Piece {
    fn named(name: &str) -> Result<Self, NoReplyText> {
        match name {
            "time" => Ok(Self::Time),
            "host" => Ok(Self::Host),
            "peer" => Ok(Self::Peer),
            _ => {
                let expected = "expected {time}, {host} or {peer}, or {{ and }} for braces";
                Err(NoReplyText(format!("no placeholder {name:?}, {expected}")))
            }
        }
    }

    fn tell(&self, mut line: String, of: &Circumstances<'_>) -> String {
        // A string takes everything.
        let _ = match self {
            Self::Text(text) => line.write_str(text),
            Self::Time => line.write_str(&ctime((of.now)())),
            Self::Host => line.write_str(of.host),
            Self::Peer => write!(line, "{}", of.peer),
        };
        line
    }
}

/// C's `ctime` without its line end (C11 7.27.3.1): the day is padded with a space.
pub(super) fn ctime(time: DateTime) -> String {
    time.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn told(text: &str) -> Result<String, String> {
        let reply = ReplyText::parse(text).map_err(|error| error.to_string())?;
        let now = || date(2026, 11, 2).at(9, 4, 3, 0);
        let of = Circumstances { now: &now, host: "box", peer: &"192.0.2.1:7" };
        Ok(reply.tell(&of).into_owned())
    }

    #[test]
    fn placeholders_are_what_is_known_now() {
        for (text, line) in [
            ("", ""),
            ("all is well", "all is well"),
            ("{host}: {time}", "box: Mon Nov  2 09:04:03 2026"),
            ("{peer}{peer}é", "192.0.2.1:7192.0.2.1:7é"),
            ("{{host}} {{{host}}}", "{host} {box}"),
        ] {
            assert_eq!(told(text).as_deref(), Ok(line), "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        let braces = "expected {time}, {host} or {peer}, or {{ and }} for braces";
        for (text, what) in [
            ("a\nb", "expected one line without control characters"),
            ("a\u{85}b", "expected one line without control characters"),
            ("{time", "expected {{ for {"),
            ("time}", "expected }} for }"),
            ("{Time}", &format!("no placeholder \"Time\", {braces}")),
            ("Invalid command.", "expected another text than that for what is no command"),
            (&"x".repeat(1025), "expected at most 1024 bytes"),
        ] {
            assert_eq!(told(text), Err(what.to_owned()), "{text}");
        }
        assert!(told(&"x".repeat(1024)).is_ok());
    }

    #[test]
    fn reply_without_placeholders_is_not_allocated() {
        let of = Circumstances { now: &DateTime::default, host: "", peer: &"" };
        let reply = ReplyText::parse("{{ready}}").unwrap();
        assert!(matches!(reply.tell(&of), Cow::Borrowed("{ready}")));
    }
}
