//! The framing state machine, without sockets: tables first, then the property
//! that a stream's replies do not depend on how the network cuts it.

#![allow(clippy::unwrap_used)]

use jiff::civil::date;
use proptest::prelude::*;
use protocol::command::framing::{Action, Framing};
use protocol::command::{Command, MAX_COMMAND_BYTES, respond};

#[derive(Debug, Clone, Copy)]
enum Event<'a> {
    Bytes(&'a [u8]),
    End,
    GraceOver,
}
use Event::{Bytes, End, GraceOver};

/// What a peer sees: the bytes sent to it, then `|` where it was closed,
/// and `~` where the grace time was armed.
fn play(events: &[Event]) -> String {
    let mut framing = Framing::new(MAX_COMMAND_BYTES);
    let mut seen = Vec::new();
    let mut act = |action| match action {
        Action::Reply(command, end) => {
            let reply = respond(command, || date(2026, 11, 22).at(10, 14, 3, 0));
            seen.extend_from_slice(reply.as_bytes());
            seen.extend_from_slice(end.as_bytes());
        }
        Action::Finish(end) => seen.extend_from_slice(end.as_bytes()),
        Action::ArmGrace => seen.push(b'~'),
        Action::Close => seen.push(b'|'),
    };
    for event in events {
        match event {
            Bytes(bytes) => framing.bytes(bytes, &mut act),
            End => framing.end(&mut act),
            GraceOver => framing.grace_over(&mut act),
        }
    }
    String::from_utf8(seen).unwrap()
}

#[track_caller]
fn check(events: &[Event], expected: &str) {
    assert_eq!(play(events), expected, "{events:?}");
}

#[test]
fn lines_are_answered_with_their_own_line_end() {
    check(&[Bytes(b"hello\n")], "How do you do?\n");
    check(&[Bytes(b"hello\r\n")], "How do you do?\r\n");
    check(&[Bytes(b"time\r\n")], "Sun Nov 22 10:14:03 2026\r\n");
    check(&[Bytes(b"nonsense\n")], "Invalid command.\n");
    check(&[Bytes(b"\n")], "Invalid command.\n");
    check(&[Bytes(b"\xff\0\n")], "Invalid command.\n");
}

#[test]
fn pipelined_lines_keep_their_order_and_unknown_ones_do_not_end_the_session() {
    check(
        &[Bytes(b"foo\nhello\r\nhelp\nhello\n")],
        "Invalid command.\nHow do you do?\r\nhello time goodbye help\nHow do you do?\n",
    );
}

#[test]
fn goodbye_is_the_last_reply() {
    check(
        &[Bytes(b"goodbye\nhello\n"), Bytes(b"hello\n"), End],
        "It was nice hearing from you.\n|",
    );
}

#[test]
fn bare_word_is_answered_at_once_and_closed_after_the_grace_time() {
    check(&[Bytes(b"hello")], "How do you do?~");
    check(&[Bytes(b"hello"), GraceOver], "How do you do?~|");
    check(&[Bytes(b"hello"), End], "How do you do?~|");
    check(&[Bytes(b"goodbye"), GraceOver], "It was nice hearing from you.~|");
}

#[test]
fn line_end_in_a_packet_of_its_own_makes_a_line_session() {
    check(&[Bytes(b"hello"), Bytes(b"\n"), Bytes(b"foo\n")], "How do you do?~\nInvalid command.\n");
    check(&[Bytes(b"hello"), Bytes(b"\r\nhelp\n")], "How do you do?~\r\nhello time goodbye help\n");
    check(
        &[Bytes(b"hello"), Bytes(b"\r"), Bytes(b"\nfoo\n")],
        "How do you do?~\r\nInvalid command.\n",
    );
    check(&[Bytes(b"goodbye"), Bytes(b"\n"), Bytes(b"foo\n")], "It was nice hearing from you.~\n|");
}

#[test]
fn another_byte_after_an_answered_word_closes() {
    check(&[Bytes(b"hello"), Bytes(b"x\n")], "How do you do?~|");
    check(&[Bytes(b"hello"), Bytes(b"\rx")], "How do you do?~|");
    check(&[Bytes(b"hello"), Bytes(b"\r"), Bytes(b"x")], "How do you do?~|");
    check(&[Bytes(b"hello"), Bytes(b"\r"), End], "How do you do?~|");
}

#[test]
fn beginning_of_a_command_waits_for_more() {
    check(&[Bytes(b"he"), Bytes(b"llo")], "~How do you do?~");
    check(&[Bytes(b"he"), Bytes(b"llo\n")], "~How do you do?\n");
    check(&[Bytes(b"he"), GraceOver], "~Invalid command.|");
    check(&[Bytes(b"he"), End], "~Invalid command.|");
}

#[test]
fn anything_else_waits_for_its_line_end() {
    check(&[Bytes(b"foo"), GraceOver], "~Invalid command.|");
    check(&[Bytes(b"foo"), Bytes(b"bar\nhello\n")], "~Invalid command.\nHow do you do?\n");
    check(&[Bytes(b"hellotime"), End], "~Invalid command.|");
}

#[test]
fn carriage_return_at_the_end_is_not_known_until_its_successor_is() {
    check(&[Bytes(b"hello\r")], "~");
    check(&[Bytes(b"hello\r"), Bytes(b"\n")], "~How do you do?\r\n");
    check(&[Bytes(b"hello\r"), Bytes(b"x\n")], "~Invalid command.\n");
    check(&[Bytes(b"hello\r"), GraceOver], "~How do you do?|");
    check(&[Bytes(b"help\nhello\r"), End], "hello time goodbye help\nHow do you do?|");
    check(&[Bytes(b"hello\r\r\n")], "Invalid command.\r\n");
}

#[test]
fn end_of_the_stream_ends_a_command() {
    check(&[Bytes(b"help\nhello"), End], "hello time goodbye help\nHow do you do?|");
    check(&[Bytes(b"help\n"), End], "hello time goodbye help\n|");
    check(&[End], "|");
}

#[test]
fn line_session_knows_no_grace_time() {
    check(
        &[Bytes(b"help\nhel"), GraceOver, Bytes(b"lo\n")],
        "hello time goodbye help\nHow do you do?\n",
    );
}

#[test]
fn overlong_command_closes_the_connection() {
    let longest = [b'x'; MAX_COMMAND_BYTES];
    let too_long = [b'x'; MAX_COMMAND_BYTES + 1];
    check(&[Bytes(&longest)], "~");
    check(&[Bytes(&longest), Bytes(b"\r")], "~");
    check(&[Bytes(&longest), Bytes(b"\r\n")], "~Invalid command.\r\n");
    check(&[Bytes(&too_long)], "Invalid command.|");
    check(&[Bytes(&longest), Bytes(b"\rx")], "~Invalid command.|");
    check(
        &[Bytes(b"help\n"), Bytes(&too_long), Bytes(b"\nhello\n")],
        "hello time goodbye help\nInvalid command.|",
    );
    check(&[Bytes(&[&too_long[..], b"\nhello\n"].concat())], "Invalid command.|");
}

/// The replies to a whole stream, from the protocol's words rather than its state machine.
fn replies_to(stream: &[u8]) -> String {
    let mut seen = String::new();
    let mut lines = stream.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_line = lines.peek().is_some();
        if line.is_empty() && !is_line {
            break;
        }
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        let overlong = text.len() > MAX_COMMAND_BYTES;
        let command = if overlong { Command::Unknown } else { Command::parse(text) };
        seen += &respond(command, || date(2026, 11, 22).at(10, 14, 3, 0));
        if overlong {
            break;
        }
        seen += match (is_line, text.len() < line.len()) {
            (false, _) => "",
            (true, false) => "\n",
            (true, true) => "\r\n",
        };
        if command == Command::Goodbye {
            break;
        }
    }
    seen + "|"
}

/// A read before the first LF that ends exactly after a command is answered at once
/// (rule 1), so such a cut does change what is said.
fn cuts_after_a_bare_command(stream: &[u8], cut: usize) -> bool {
    let command = Command::parse(&stream[..cut]);
    command != Command::Unknown && cut < stream.len()
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => prop::sample::select(vec!["hello", "time", "goodbye", "help", "hel", "h", "foo", ""])
            .prop_map(|word| word.as_bytes().to_vec()),
        2 => prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n", "\r\r\n"])
            .prop_map(|end| end.as_bytes().to_vec()),
        1 => (95usize..110).prop_map(|length| vec![b'x'; length]),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn replies_do_not_depend_on_how_the_stream_is_cut(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.retain(|&cut| !cuts_after_a_bare_command(&stream, cut));
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut events: Vec<Event> = cuts.windows(2).map(|cut| Bytes(&stream[cut[0]..cut[1]])).collect();
        events.push(End);
        prop_assert_eq!(play(&events).replace('~', ""), replies_to(&stream));
    }

    #[test]
    fn nothing_a_peer_sends_breaks_it(reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
        let mut events: Vec<Event> = reads.iter().map(|read| Bytes(read)).collect();
        events.push(End);
        prop_assert!(play(&events).ends_with('|'));
    }
}
