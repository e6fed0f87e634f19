//! What is written where people or programs read it.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::ending::Ending;

/// Writes to stdout: on a terminal nothing that moves its cursor.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Ending> {
    let mut stdout = io::stdout();
    if !stdout.is_terminal() {
        return ended(stdout.write_all(bytes).and_then(|()| stdout.flush()));
    }
    let text = String::from_utf8_lossy(bytes);
    ended(stdout.write_all(printable(&text).as_bytes()).and_then(|()| stdout.flush()))
}

/// Writes to stdout as [`write()`] does, with bold names on a terminal that may have colours.
pub(crate) fn write_lines(lines: impl Iterator<Item = (String, String)>) -> Result<(), Ending> {
    let mut stdout = io::stdout();
    let (bold, plain) = if has_colours() { ("\u{1b}[1m", "\u{1b}[m") } else { ("", "") };
    let mut text = String::new();
    for (name, rest) in lines {
        text += &format!("{bold}{}{plain}{}\n", printable(&name), printable(&rest));
    }
    ended(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Whether stdout is a terminal that may have colours: <https://no-color.org>.
fn has_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

fn ended(written: io::Result<()>) -> Result<(), Ending> {
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ending::Unread,
        _ => Ending::Transport(format!("stdout: {error}")),
    })
}

/// `text` with its control characters made visible, but for tabs and line ends.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let moves = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(moves) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if moves(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\tb\nü"), "a\tb\nü");
        assert_eq!(printable("\u{1b}[2J\r\u{9b}"), "\\u{1b}[2J\\r\\u{9b}");
    }
}
