//! Tables first, then the property that a stream's replies do not depend on how the network cuts it.

use proptest::prelude::*;

use super::*;
use crate::gateway::settings::LineEnd;

fn manner() -> Manner {
    Manner {
        error: vec!["ERR".to_owned(), "RPRT -".to_owned()],
        skip: vec!["event ".to_owned()],
        bare: Some("Bare.".to_owned()),
        max_reply_bytes: 40,
        ..Manner::default()
    }
}

/// The replies in `pieces`, what ended them if anything did, and what was left unread.
fn replies(
    framing: &Framing,
    manner: &Manner,
    pieces: &[&[u8]],
) -> (Vec<Reply>, Option<Misframed>, Vec<u8>) {
    let (mut intake, mut replies) = (Intake::new(manner.line_end), Vec::new());
    let mut reader = Reader::new(framing, manner);
    for piece in pieces {
        intake.push(piece);
        loop {
            match reader.read(&mut intake) {
                Ok(None) => break,
                Ok(Some(reply)) => {
                    replies.push(reply);
                    reader = Reader::new(framing, manner);
                }
                Err(misframed) => return (replies, Some(misframed), Vec::new()),
            }
        }
    }
    let unread = intake.unread().to_vec();
    match reader.end(&mut intake) {
        Ok(reply) => replies.push(reply),
        Err(misframed) => return (replies, Some(misframed), unread),
    }
    (replies, None, unread)
}

fn said(reply: &Reply) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match reply {
        Reply::Said(Body::Lines { text: lines, count }) => format!("{count}:{}", text(lines)),
        Reply::Said(Body::End(line)) => format!("end:{}", text(line)),
        Reply::Said(Body::Blob(bytes)) => format!("blob:{}", text(bytes)),
        Reply::Said(Body::Rest(bytes)) => format!("rest:{}", text(bytes)),
        Reply::Absent => "absent".to_owned(),
        Reply::Refused(error) => format!("refused:{}", text(error)),
    }
}

/// The replies that `stream` holds, in order.
#[track_caller]
fn check(framing: Framing, stream: &str, expected: &[&str]) {
    let (replies, _, _) = replies(&framing, &manner(), &[stream.as_bytes()]);
    let replies: Vec<_> = replies.iter().map(said).collect();
    assert_eq!(replies, expected, "{framing:?} {stream:?}");
}

/// `stream` holds no reply, since it is so.
#[track_caller]
fn refused(framing: Framing, stream: &str, expected: Misframed) {
    let (replies, misframed, _) = replies(&framing, &manner(), &[stream.as_bytes()]);
    assert_eq!((&replies[..], misframed), (&[][..], Some(expected)), "{framing:?} {stream:?}");
}

#[test]
fn line_is_a_reply() {
    check(Framing::Line, "a\r\n\nc\n", &["1:a", "1:", "1:c"]);
    check(Framing::Line, "ERR 5\nb\n", &["refused:ERR 5", "1:b"]);
    check(Framing::Line, "event x\na\nevent y\nb\n", &["1:a", "1:b"]);
    check(Framing::Line, "a\nBare.", &["1:a", "1:Bare."]);
    refused(Framing::Line, "half", Misframed::Unfinished);
    refused(Framing::Line, "", Misframed::Unfinished);
    refused(Framing::Line, &"x".repeat(41), Misframed::TooLong);
    refused(Framing::Line, &format!("event {}", "x".repeat(41)), Misframed::TooLong);
    check(Framing::Line, &format!("{}\r\n", "x".repeat(40)), &[&format!("1:{}", "x".repeat(40))]);
}

#[test]
fn line_that_begins_so_ends_a_reply() {
    let until = || Framing::Until("RPRT".to_owned());
    check(until(), "a\nb\nRPRT 0\nRPRT 0\n", &["2:a\nb", "end:RPRT 0"]);
    check(until(), "event 1\na\nevent 2\nRPRT 0\n", &["1:a"]);
    check(until(), "RPRT -1\na\nRPRT 0\n", &["refused:RPRT -1", "1:a"]);
    // An error ends it too where something was said before.
    check(until(), "set_freq: x\nRPRT -11\n", &["refused:RPRT -11"]);
    refused(until(), "a\nb\n", Misframed::Unfinished);
    refused(until(), &"a\n".repeat(30), Misframed::TooLong);
}

#[test]
fn blank_line_ends_a_reply() {
    check(Framing::Blank, "a\nb\r\n\r\n\nc\n\n", &["2:a\nb", "0:", "1:c"]);
    check(Framing::Blank, "ERR\n", &["refused:ERR"]);
    refused(Framing::Blank, "a\n", Misframed::Unfinished);
}

#[test]
fn lines_are_counted() {
    check(Framing::Count, "2 lines\na\n\n0\n1\nb\n", &["2:a\n", "0:", "1:b"]);
    check(Framing::Count, "ERR\n", &["refused:ERR"]);
    for none in ["x\n", "-1\n", "\n", " 1\n"] {
        refused(Framing::Count, none, Misframed::Malformed);
    }
    refused(Framing::Count, "3\na\nb\n", Misframed::Unfinished);
    refused(Framing::Count, "41\n", Misframed::TooLong);
    refused(Framing::Count, "99999999999999999999\n", Misframed::TooLong);
}

#[test]
fn status_tells_the_last_line_and_the_error() {
    check(Framing::Status, "250-a\n250 b\n220\n", &["2:250-a\n250 b", "1:220"]);
    check(Framing::Status, "211-Features:\n MDTM\n211 End\n", &["3:211-Features:\n MDTM\n211 End"]);
    check(Framing::Status, "550-a\n550 b\n", &["refused:550-a\n550 b"]);
    check(Framing::Status, "421 gone\n", &["refused:421 gone"]);
    check(Framing::Status, "ERR\n", &["refused:ERR"]);
    for none in ["25\n", "25x y\n", "250x\n", "OK\n", "\n"] {
        refused(Framing::Status, none, Misframed::Malformed);
    }
    refused(Framing::Status, "250-a\n", Misframed::Unfinished);
}

#[test]
fn bytes_are_counted() {
    let length = || Framing::Length("$".to_owned());
    check(length(), "$5\r\na\r\nbc\r\n$0\r\n\r\n", &["blob:a\r\nbc", "blob:"]);
    check(length(), "$-1\r\n$1\r\nx\r\n", &["absent", "blob:x"]);
    check(length(), "ERR no\r\n", &["refused:ERR no"]);
    check(Framing::Length("VA".to_owned()), "VA key 2\nab\n", &["blob:ab"]);
    check(Framing::Length("N-".to_owned()), "N-2\nab\nN--2\n", &["blob:ab", "absent"]);
    for none in ["+OK\n", "$\n", "$x\n", "$5x\n", "$2\nabc\n", "$2\nabcdef"] {
        refused(length(), none, Misframed::Malformed);
    }
    refused(length(), "$9\r\nshort\r\n", Misframed::Unfinished);
    refused(length(), "$4294967296\r\n", Misframed::TooLong);
    refused(length(), "$99999999999999999999\r\n", Misframed::TooLong);
}

#[test]
fn all_until_the_close_is_a_reply() {
    check(Framing::Close, "a\r\nb", &["rest:a\r\nb"]);
    check(Framing::Close, "event x\na\nevent y\n\n", &["rest:a\n\n"]);
    check(Framing::Close, "ERR no\nmore\n", &["refused:ERR no"]);
    check(Framing::Close, "ERR no", &["refused:ERR no"]);
    refused(Framing::Close, "", Misframed::Unfinished);
    refused(Framing::Close, &"x\n".repeat(21), Misframed::TooLong);
}

#[test]
fn no_reply_is_waited_for_where_there_is_none() {
    let manner = manner();
    let read = Reader::new(&Framing::None, &manner).read(&mut Intake::new(LineEnd::Lf));
    assert_eq!(read, Ok(Some(Reply::Said(Body::EMPTY))));
}

fn framings() -> impl Strategy<Value = Framing> {
    prop_oneof![
        Just(Framing::Line),
        Just(Framing::Until("END".to_owned())),
        Just(Framing::Blank),
        Just(Framing::Count),
        Just(Framing::Status),
        Just(Framing::Length("$".to_owned())),
        Just(Framing::Close),
    ]
}

/// Streams of what replies consist of, and of what they do not.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "\n", "\r\n", "\r", "a", "ERR", "event ", "eve", "RPRT -1", "END", "2\n", "3 lines\r\n",
            "0\n", "250 ", "250-", "550 no\n", "$5\r\n", "$2\n", "$0\r\n\r\n", "$-1\r\n", "$3\rabc\r",
            "hello", "\r\n\r\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "Bare.",
        ]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn line_ends() -> impl Strategy<Value = LineEnd> {
    prop::sample::select(vec![LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn replies_do_not_depend_on_how_a_stream_is_cut(
        framing in framings(),
        line_end in line_ends(),
        stream in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let manner = Manner { line_end, ..manner() };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([stream.len()]) {
            pieces.push(&stream[start..cut]);
            start = cut;
        }
        let whole = replies(&framing, &manner, &[&stream]);
        prop_assert_eq!(&whole, &replies(&framing, &manner, &pieces));
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&whole, &replies(&framing, &manner, &bytes));
    }
}
