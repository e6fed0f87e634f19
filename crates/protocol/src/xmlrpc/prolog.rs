//! What stands before the root element: byte order mark, charset, declaration, DOCTYPE.
//!
//! The charset comes from the byte order mark, else the transport, else the declaration, else it
//! is UTF-8. Labels are the WHATWG's, but for two: `iso-8859-1` is Latin-1 itself rather than
//! windows-1252, and `us-ascii` has no bytes over 0x7F.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::chars::{is_blank, is_xml_char};
use super::error::{DecodeErrorKind, Refusal};

/// Bytes in which a declaration must end for its encoding to be heeded.
const MAX_DECLARATION_BYTES: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Charset {
    Ascii,
    Latin1,
    Whatwg(&'static Encoding),
}

/// The document's text without byte order mark, trailing blanks and NULs, its line ends made
/// `\n` as XML demands before parsing.
pub(super) fn text<'a>(body: &'a [u8], transport: Option<&str>) -> Result<Cow<'a, str>, Refusal> {
    let (charset, bytes) = charset(body, transport)?;
    let text = charset.decode(bytes)?;
    Ok(match text {
        Cow::Borrowed(text) => unix_lines(trim_end(text)),
        Cow::Owned(text) => Cow::Owned(unix_lines(trim_end(&text)).into_owned()),
    })
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches([' ', '\t', '\r', '\n', '\0'])
}

fn unix_lines(text: &str) -> Cow<'_, str> {
    match memchr::memchr(b'\r', text.as_bytes()) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
    }
}

fn charset<'a>(body: &'a [u8], transport: Option<&str>) -> Result<(Charset, &'a [u8]), Refusal> {
    if is_utf_32(body) {
        return Err(unknown_charset());
    }
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return Ok((Charset::Whatwg(encoding), &body[mark..]));
    }
    let charset = match transport.map(str::trim) {
        Some(label) if !label.is_empty() => labelled(label, body)?,
        _ => match unmarked_utf_16(body) {
            Some(encoding) => Charset::Whatwg(encoding),
            None => declared(body)?,
        },
    };
    Ok((charset, body))
}

/// UTF-32, which nobody sends and no decoder here knows, begins like UTF-16 followed by a NUL.
fn is_utf_32(body: &[u8]) -> bool {
    matches!(
        body,
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [b'<', 0, 0, 0, ..] | [0, 0, 0, b'<', ..]
    )
}

/// A NUL among the first two bytes is nothing in any other charset that XML can be in.
fn unmarked_utf_16(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, second, ..] if *second != 0 => Some(UTF_16BE),
        [first, 0, ..] if *first != 0 => Some(UTF_16LE),
        _ => None,
    }
}

fn labelled(label: &str, body: &[u8]) -> Result<Charset, Refusal> {
    let charset = for_label(label).ok_or_else(unknown_charset)?;
    let either_order = label.eq_ignore_ascii_case("utf-16");
    Ok(match unmarked_utf_16(body) {
        Some(encoding) if either_order => Charset::Whatwg(encoding),
        _ => charset,
    })
}

/// A declaration that is read byte by byte and says UTF-16 is wrong about itself (.NET writes
/// such); as in HTML it means UTF-8.
fn declared(body: &[u8]) -> Result<Charset, Refusal> {
    let Some(label) = declared_label(body) else {
        return Ok(Charset::Whatwg(UTF_8));
    };
    Ok(match for_label(label).ok_or_else(unknown_charset)? {
        Charset::Whatwg(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
            Charset::Whatwg(UTF_8)
        }
        charset => charset,
    })
}

fn declared_label(body: &[u8]) -> Option<&str> {
    let start = body.iter().position(|byte| !is_blank(*byte))?;
    let head = &body[start..];
    let head = &head[..head.len().min(MAX_DECLARATION_BYTES)];
    let end = memchr::memmem::find(head, b"?>")? + 2;
    let declaration = std::str::from_utf8(&head[..end]).ok()?;
    Declaration::read(declaration)?.ok()?.encoding
}

/// The charset that a label names, but for those that no text should be in.
fn for_label(label: &str) -> Option<Charset> {
    const ASCII: [&str; 5] = ["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "us"];
    const LATIN_1: [&str; 8] = [
        "iso-8859-1",
        "iso8859-1",
        "iso_8859-1",
        "iso88591",
        "latin1",
        "l1",
        "cp819",
        "iso-ir-100",
    ];
    let is = |name: &&str| name.eq_ignore_ascii_case(label);
    if ASCII.iter().any(is) {
        return Some(Charset::Ascii);
    }
    if LATIN_1.iter().any(is) {
        return Some(Charset::Latin1);
    }
    let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
    (encoding != encoding_rs::X_USER_DEFINED).then_some(Charset::Whatwg(encoding))
}

fn unknown_charset() -> Refusal {
    Refusal::new(DecodeErrorKind::UnknownCharset, "the charset is not known here")
}

impl Charset {
    fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Refusal> {
        match self {
            Charset::Latin1 => Ok(encoding_rs::mem::decode_latin1(bytes)),
            Charset::Ascii if !bytes.is_ascii() => Err(illegal_bytes("US-ASCII")),
            Charset::Ascii => utf_8(bytes),
            Charset::Whatwg(encoding) if encoding == UTF_8 => utf_8(bytes),
            Charset::Whatwg(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or_else(|| illegal_bytes(encoding.name())),
        }
    }
}

fn utf_8(bytes: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let reason = format!("byte {} is not UTF-8", error.valid_up_to());
            Err(Refusal::new(DecodeErrorKind::IllegalBytes, reason))
        }
    }
}

fn illegal_bytes(charset: &str) -> Refusal {
    Refusal::new(DecodeErrorKind::IllegalBytes, format!("a byte is not {charset}"))
}

/// Where the markup begins, past blanks and the declaration.
pub(super) fn markup_start(text: &str) -> Result<usize, Refusal> {
    let start = text.bytes().take_while(|byte| is_blank(*byte)).count();
    match Declaration::read(&text[start..]) {
        None => Ok(start),
        Some(Ok(declaration)) => Ok(start + declaration.end),
        Some(Err(refusal)) => Err(refusal.map_offset(|offset| start + offset)),
    }
}

/// `<?xml version="1.0" encoding="utf-8" standalone="yes"?>`, the last two not needed.
#[derive(Debug)]
struct Declaration<'a> {
    encoding: Option<&'a str>,
    end: usize,
}

impl<'a> Declaration<'a> {
    /// The declaration that `text` begins with, if it does.
    fn read(text: &'a str) -> Option<Result<Declaration<'a>, Refusal>> {
        let attributes = text.strip_prefix("<?xml")?;
        if !attributes.bytes().next().is_some_and(is_blank) {
            return None;
        }
        let refused = || Refusal::not_well_formed("a malformed XML declaration", 0);
        Some(Declaration::attributes(text, attributes).ok_or_else(refused))
    }

    fn attributes(text: &str, rest: &'a str) -> Option<Declaration<'a>> {
        let (_, rest) = attribute(rest, "version")?;
        let (encoding, rest) = match attribute(rest, "encoding") {
            Some((encoding, rest)) => (Some(encoding), rest),
            None => (None, rest),
        };
        let rest = attribute(rest, "standalone").map_or(rest, |(_, rest)| rest);
        let rest = skip_blanks(rest).strip_prefix("?>")?;
        Some(Declaration { encoding, end: text.len() - rest.len() })
    }
}

/// The value of the attribute `name` where `text` begins with it, and what follows.
fn attribute<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let named = skip_blanks(text);
    if named.len() == text.len() {
        return None;
    }
    let rest = skip_blanks(named.strip_prefix(name)?).strip_prefix('=')?;
    let rest = skip_blanks(rest);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = rest[1..].split_once(quote)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:+ ".contains(&byte);
    value.bytes().all(is_plain).then_some((value, rest))
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// Where the DOCTYPE that begins at `start` ends. Nothing in it is read or fetched; one with an
/// internal subset, where entities are declared, is refused.
pub(super) fn doctype_end(text: &str, start: usize) -> Result<usize, Refusal> {
    let unclosed = || Refusal::not_well_formed("a DOCTYPE without end", start);
    let mut at = start;
    loop {
        let found = find_any(b"\"'[>", text.as_bytes(), at).ok_or_else(unclosed)?;
        match text.as_bytes()[found] {
            b'[' => return Err(Refusal::not_xml_rpc("a DOCTYPE with declarations inside", found)),
            b'>' => {
                at = found + 1;
                break;
            }
            quote => {
                let literal = &text.as_bytes()[found + 1..];
                at = found + 2 + memchr::memchr(quote, literal).ok_or_else(unclosed)?;
            }
        }
    }
    match text[start..at].chars().all(is_xml_char) {
        true => Ok(at),
        false => Err(Refusal::not_well_formed("a character that XML does not allow", start)),
    }
}

fn find_any(needles: &[u8; 4], text: &[u8], from: usize) -> Option<usize> {
    let found = text[from..].iter().position(|byte| needles.contains(byte))?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], transport: Option<&str>, expected: Result<&str, DecodeErrorKind>) {
        let text = text(body, transport).map_err(|refusal| refusal.locate("").kind());
        assert_eq!(
            text.as_deref().map_err(|kind| *kind),
            expected,
            "{:?}",
            body.escape_ascii().to_string()
        );
    }

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn charset_is_the_marks_then_the_transports_then_the_declarations() {
        let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9</a>";
        let latin_text = "<?xml version='1.0' encoding='iso-8859-1'?><a>\u{e9}</a>";
        check(latin, None, Ok(latin_text));
        check(latin, Some("windows-1252"), Ok(latin_text));
        check(latin, Some("utf-8"), Err(DecodeErrorKind::IllegalBytes));
        let marked = [b"\xEF\xBB\xBF", latin.as_slice()].concat();
        check(&marked, Some("iso-8859-1"), Err(DecodeErrorKind::IllegalBytes));
        check(latin, Some("  "), Ok(latin_text));
        check("<a>\u{e9}</a>".as_bytes(), None, Ok("<a>\u{e9}</a>"));
    }

    #[test]
    fn utf_16_is_known_by_mark_label_or_first_bytes() {
        let text = "<a>\u{e9}\u{1F600}</a>";
        for (order, label) in
            [(u16::to_le_bytes as fn(u16) -> [u8; 2], "utf-16le"), (u16::to_be_bytes, "UTF-16BE")]
        {
            let bare = utf_16(text, order);
            check(&bare, None, Ok(text));
            check(&bare, Some("utf-16"), Ok(text));
            check(&bare, Some(label), Ok(text));
            check(&utf_16(&format!("\u{FEFF}{text}"), order), Some("utf-8"), Ok(text));
            check(&utf_16(&format!("{text}\n\0"), order), None, Ok(text));
            check(&bare[..bare.len() - 1], None, Err(DecodeErrorKind::IllegalBytes));
        }
        let wrong = "<?xml version='1.0' encoding='utf-16'?><a>\u{e9}</a>";
        check(wrong.as_bytes(), None, Ok(wrong));
        check(b"<\0a\0\0\xD8>\0", None, Err(DecodeErrorKind::IllegalBytes));
    }

    #[test]
    fn labels_mean_what_they_say() {
        check(b"\x80\xFF", Some("ISO-8859-1"), Ok("\u{80}\u{FF}"));
        check(b"\x80", Some("windows-1252"), Ok("\u{20AC}"));
        check(b"\xA4", Some("iso-8859-15"), Ok("\u{20AC}"));
        check(b"\x82\xA0", Some("Shift_JIS"), Ok("\u{3042}"));
        check(b"\x82", Some("Shift_JIS"), Err(DecodeErrorKind::IllegalBytes));
        check(b"abc", Some("us-ascii"), Ok("abc"));
        check(b"\xC3\xA9", Some("us-ascii"), Err(DecodeErrorKind::IllegalBytes));
        check(b"\xED\xA0\x80", None, Err(DecodeErrorKind::IllegalBytes));
        for label in [
            "utf-7",
            "utf-32",
            "x-user-defined",
            "iso-2022-kr",
            "hz-gb-2312",
            "replacement",
            "cp437",
            "latin-\u{661}",
        ] {
            check(b"<a/>", Some(label), Err(DecodeErrorKind::UnknownCharset));
        }
        check(b"\xFF\xFE\0\0<\0\0\0", None, Err(DecodeErrorKind::UnknownCharset));
        check(b"<\0\0\0a\0\0\0", None, Err(DecodeErrorKind::UnknownCharset));
    }

    #[test]
    fn line_ends_become_one_and_the_tail_goes() {
        check(b"a\r\nb\rc\n\r\nd \r\n\t\0\0", None, Ok("a\nb\nc\n\nd"));
        check(b"\0a", Some("utf-8"), Ok("\0a"));
        check(b"", None, Ok(""));
    }

    #[test]
    fn declaration_is_skipped_with_blanks_before_it() {
        let check = |text: &str, rest: Option<&str>| {
            let found = markup_start(text).ok().map(|start| &text[start..]);
            assert_eq!(found, rest, "{text}");
        };
        check("<a/>", Some("<a/>"));
        check("\n <a/>", Some("<a/>"));
        check("\n <?xml version=\"1.0\"?> <a/>", Some(" <a/>"));
        check("<?xml\nversion = '1.1'\tencoding= 'x' standalone='yes' ?><a/>", Some("<a/>"));
        check("<?xml-stylesheet a?><a/>", Some("<?xml-stylesheet a?><a/>"));
        for junk in [
            "<?xml ?><a/>",
            "<?xml version='1.0'",
            "<?xml version=1.0?>",
            "<?xml version='1.0'encoding='x'?>",
            "<?xml encoding='x'?>",
            "<?xml version='1.0' standalone='no' encoding='x'?>",
            "<?xml version='1.0\"?>",
            "<?xml version='1.0' encoding='\u{1}'?>",
        ] {
            check(junk, None);
        }
    }

    #[test]
    fn doctype_ends_outside_its_literals() {
        let check = |text: &str, rest: Option<&str>| {
            assert_eq!(doctype_end(text, 0).ok().map(|end| &text[end..]), rest, "{text}");
        };
        check("<!DOCTYPE a><a/>", Some("<a/>"));
        check("<!DOCTYPE a SYSTEM \"x'>[\"><a/>", Some("<a/>"));
        check("<!DOCTYPE a PUBLIC 'a' '>'><a/>", Some("<a/>"));
        for junk in [
            "<!DOCTYPE a",
            "<!DOCTYPE a SYSTEM '>",
            "<!DOCTYPE a []>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]>",
            "<!DOCTYPE a '\u{1}'>",
        ] {
            check(junk, None);
        }
    }
}
