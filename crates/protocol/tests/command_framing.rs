//! The framing state machine, without sockets: tables first, then the property
//! that a stream's replies do not depend on how the network cuts it.

#![allow(clippy::unwrap_used)]

use jiff::civil::date;
use proptest::prelude::*;
use protocol::command::framing::{Action, Framing};
use protocol::command::{Circumstances, Command, MAX_COMMAND_BYTES, ReplyText, Vocabulary};

#[derive(Debug, Clone, Copy)]
enum Event<'a> {
    Bytes(&'a [u8]),
    End,
    GraceOver,
}
use Event::{Bytes, End, GraceOver};

fn said(vocabulary: &Vocabulary, command: Command) -> String {
    let now = || date(2026, 11, 22).at(10, 14, 3, 0);
    let of = Circumstances { now: &now, host: "box", peer: &"192.0.2.1:7" };
    vocabulary.respond(command, &of).into_owned()
}

/// What a peer sees: the bytes sent to it, then `|` where it was closed,
/// and `~` where the grace time was armed.
fn play(events: &[Event]) -> String {
    play_by(Vocabulary::builtin(), events)
}

fn play_by(vocabulary: &Vocabulary, events: &[Event]) -> String {
    let mut framing = Framing::new(MAX_COMMAND_BYTES);
    let mut seen = Vec::new();
    let mut act = |action| match action {
        Action::Reply(command, end) => {
            seen.extend_from_slice(said(vocabulary, command).as_bytes());
            seen.extend_from_slice(end.as_bytes());
        }
        Action::Finish(end) => seen.extend_from_slice(end.as_bytes()),
        Action::ArmGrace => seen.push(b'~'),
        Action::Close => seen.push(b'|'),
    };
    for event in events {
        match event {
            Bytes(bytes) => framing.bytes(bytes, vocabulary, &mut act),
            End => framing.end(vocabulary, &mut act),
            GraceOver => framing.grace_over(vocabulary, &mut act),
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
        "How do you do?~~\r\nInvalid command.\n",
    );
    check(&[Bytes(b"goodbye"), Bytes(b"\n"), Bytes(b"foo\n")], "It was nice hearing from you.~\n|");
}

#[test]
fn another_byte_after_an_answered_word_closes() {
    check(&[Bytes(b"hello"), Bytes(b"x\n")], "How do you do?~|");
    check(&[Bytes(b"hello"), Bytes(b"\0\r")], "How do you do?~|");
}

#[test]
fn carriage_return_in_a_packet_of_its_own_waits_for_what_it_is() {
    check(&[Bytes(b"hello"), Bytes(b"\r")], "How do you do?~~");
    check(&[Bytes(b"hello"), Bytes(b"\r"), Bytes(b"\n")], "How do you do?~~\r\n");
    check(&[Bytes(b"hello"), Bytes(b"\rx\r")], "How do you do?~\rInvalid command.\r");
    check(&[Bytes(b"hello"), Bytes(b"\r"), GraceOver], "How do you do?~~\r");
    check(&[Bytes(b"hello"), Bytes(b"\r"), End], "How do you do?~~\r|");
    check(&[Bytes(b"goodbye"), Bytes(b"\r"), GraceOver], "It was nice hearing from you.~~\r|");
    check(&[Bytes(b"goodbye"), Bytes(b"\rhelp\r")], "It was nice hearing from you.~\r|");
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
fn first_carriage_return_is_not_known_until_its_successor_is() {
    check(&[Bytes(b"hello\r")], "~");
    check(&[Bytes(b"hello\r"), Bytes(b"\n")], "~How do you do?\r\n");
    check(&[Bytes(b"hel"), Bytes(b"lo\r"), Bytes(b"\n")], "~~How do you do?\r\n");
    check(&[Bytes(b"hello\r"), Bytes(b"x\r")], "~How do you do?\rInvalid command.\r");
    check(&[Bytes(b"hello\r"), GraceOver], "~How do you do?\r");
    check(&[Bytes(b"hello\r"), End], "~How do you do?\r|");
    check(
        &[Bytes(b"foo\r"), GraceOver, Bytes(b"help\r")],
        "~Invalid command.\rhello time goodbye help\r",
    );
    check(&[Bytes(b"goodbye\r"), GraceOver], "~It was nice hearing from you.\r|");
}

#[test]
fn later_carriage_returns_answer_at_once() {
    check(&[Bytes(b"hello\rhelp\r")], "How do you do?\rhello time goodbye help\r");
    check(&[Bytes(b"\r\r")], "Invalid command.\rInvalid command.\r");
    check(&[Bytes(b"foo\rhel"), GraceOver, Bytes(b"lo\r")], "Invalid command.\rHow do you do?\r");
    check(&[Bytes(b"foo\rgoodbye\rhello\r")], "Invalid command.\rIt was nice hearing from you.\r|");
    check(&[Bytes(b"foo\rhello"), End], "Invalid command.\rHow do you do?|");
}

#[test]
fn line_feed_or_nul_right_after_a_carriage_return_belongs_to_it() {
    check(&[Bytes(b"hello\r\0hello\r\nhello\r")], &"How do you do?\r".repeat(3));
    check(
        &[Bytes(b"hello\r"), GraceOver, Bytes(b"\nhello\r")],
        "~How do you do?\rHow do you do?\r",
    );
    check(
        &[Bytes(b"foo\rhello\r"), Bytes(b"\n"), Bytes(b"help\r")],
        "Invalid command.\rHow do you do?\rhello time goodbye help\r",
    );
    check(&[Bytes(b"foo\r\0\nhello\r")], "Invalid command.\rInvalid command.\r");
    check(&[Bytes(b"foo\rhello\nhello\r")], "Invalid command.\rInvalid command.\r");
}

#[test]
fn carriage_return_alone_is_a_byte_where_lines_end_otherwise() {
    check(&[Bytes(b"foo\nhello\rx\n")], "Invalid command.\nInvalid command.\n");
    check(&[Bytes(b"foo\r\nhello\r\r\n")], "Invalid command.\r\nInvalid command.\r\n");
    check(&[Bytes(b"help\nhello\r"), GraceOver], "hello time goodbye help\n");
    check(&[Bytes(b"help\nhello\r"), End], "hello time goodbye help\nHow do you do?|");
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
fn commands_of_ones_own_are_framed_like_all() {
    let mut vocabulary = Vocabulary::empty();
    for (name, is_last) in [("st", false), ("status", false), ("bye", true)] {
        vocabulary.add_own(name, ReplyText::parse(name).unwrap(), is_last).unwrap();
    }
    let check = |events: &[Event], expected: &str| {
        assert_eq!(play_by(&vocabulary, events), expected, "{events:?}");
    };
    check(&[Bytes(b"status\r\nhello\nbye\nst\n")], "status\r\nInvalid command.\nbye\n|");
    check(&[Bytes(b"status"), Bytes(b"\n")], "status~\n");
    check(&[Bytes(b"st"), GraceOver], "~st|");
    check(&[Bytes(b"st"), Bytes(b"atus")], "~status~");
    check(&[Bytes(b"bye"), Bytes(b"\nst\n")], "bye~\n|");
    check(&[Bytes(b"bye"), Bytes(b"\r"), GraceOver], "bye~~\r|");
}

#[test]
fn overlong_command_closes_the_connection() {
    let longest = [b'x'; MAX_COMMAND_BYTES];
    let too_long = [b'x'; MAX_COMMAND_BYTES + 1];
    check(&[Bytes(&longest)], "~");
    check(&[Bytes(&longest), Bytes(b"\r")], "~~");
    check(&[Bytes(&longest), Bytes(b"\r\n")], "~Invalid command.\r\n");
    check(&[Bytes(&longest), Bytes(b"\rx")], "~Invalid command.\r");
    check(
        &[Bytes(b"help\n"), Bytes(&longest), Bytes(b"\rx")],
        "hello time goodbye help\nInvalid command.|",
    );
    check(&[Bytes(b"foo\r"), Bytes(&too_long)], "~Invalid command.\rInvalid command.|");
    check(&[Bytes(&too_long)], "Invalid command.|");
    check(
        &[Bytes(b"help\n"), Bytes(&too_long), Bytes(b"\nhello\n")],
        "hello time goodbye help\nInvalid command.|",
    );
    check(&[Bytes(&[&too_long[..], b"\nhello\n"].concat())], "Invalid command.|");
}

/// The replies to a whole stream, from the protocol's words rather than its state machine.
fn replies_to(stream: &[u8]) -> String {
    let mut seen = String::new();
    for (text, end) in commands(stream) {
        let overlong = text.len() > MAX_COMMAND_BYTES;
        let command = if overlong { Command::Unknown } else { Vocabulary::builtin().parse(&text) };
        seen += &said(Vocabulary::builtin(), command);
        if overlong {
            break;
        }
        seen += end;
        if command == Command::Goodbye {
            break;
        }
    }
    seen + "|"
}

/// The commands of a whole stream, each with its line end.
fn commands(stream: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let first = stream.iter().position(|byte| b"\r\n".contains(byte));
    let is_by_cr =
        first.is_some_and(|at| stream[at] == b'\r' && stream.get(at + 1) != Some(&b'\n'));
    let end = if is_by_cr { b'\r' } else { b'\n' };
    let mut pieces: Vec<_> = stream.split(|&byte| byte == end).map(<[u8]>::to_vec).collect();
    if is_by_cr {
        for piece in &mut pieces[1..] {
            if piece.first().is_some_and(|byte| b"\n\0".contains(byte)) {
                piece.remove(0);
            }
        }
    }
    let rest = pieces.pop().unwrap();
    let mut commands: Vec<_> = pieces.into_iter().map(|piece| line(piece, is_by_cr)).collect();
    if !rest.is_empty() {
        let (text, _) = line(rest, is_by_cr);
        commands.push((text, ""));
    }
    commands
}

fn line(mut line: Vec<u8>, is_by_cr: bool) -> (Vec<u8>, &'static str) {
    match line.last() {
        _ if is_by_cr => (line, "\r"),
        Some(b'\r') => {
            line.pop();
            (line, "\r\n")
        }
        _ => (line, "\n"),
    }
}

/// A read before the first line end that ends exactly after a command is answered at once
/// (rule 1), so such a cut does change what is said.
fn cuts_after_a_bare_command(stream: &[u8], cut: usize) -> bool {
    let command = Vocabulary::builtin().parse(&stream[..cut]);
    command != Command::Unknown && cut < stream.len()
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => prop::sample::select(vec!["hello", "time", "goodbye", "help", "hel", "h", "foo", ""])
            .prop_map(|word| word.as_bytes().to_vec()),
        2 => prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n", "\r\r\n", "\r\0"])
            .prop_map(|end| end.as_bytes().to_vec()),
        2 => Just(b"\r".to_vec()),
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
