//! The charset of a document, and its bytes made text.
//!
//! The charset comes from the byte order mark, else the transport, else the declaration, else it
//! is UTF-8. Labels are the WHATWG's, but for two: `iso-8859-1` is Latin-1 itself rather than
//! windows-1252, and `us-ascii` has no bytes over 0x7F.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

use crate::xmlrpc::error::{DecodeErrorKind, Refusal};

/// The `charset` parameter of a `Content-Type` (RFC 9110, 8.3.1).
pub fn content_charset(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|part| part.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"'))
}

/// The body's text without byte order mark, by what the transport and the document's declaration
/// say of its charset.
pub(super) fn text<'a>(
    body: &'a [u8],
    transport: Option<&str>,
    declaration: Option<&str>,
) -> Result<Cow<'a, str>, Refusal> {
    if is_utf_32(body) {
        return Err(unknown_charset());
    }
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return Charset::Whatwg(encoding).decode(&body[mark..]);
    }
    let charset = match transport.map(str::trim) {
        Some(label) if !label.is_empty() => labelled(label, body)?,
        _ => match unmarked_utf_16(body) {
            Some(encoding) => Charset::Whatwg(encoding),
            None => declared(declaration)?,
        },
    };
    charset.decode(body)
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
fn declared(label: Option<&str>) -> Result<Charset, Refusal> {
    let Some(label) = label else {
        return Ok(Charset::Whatwg(UTF_8));
    };
    Ok(match for_label(label).ok_or_else(unknown_charset)? {
        Charset::Whatwg(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
            Charset::Whatwg(UTF_8)
        }
        charset => charset,
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Charset {
    Ascii,
    Latin1,
    Whatwg(&'static Encoding),
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

/// The charset that a label names, but for those that no text should be in.
fn for_label(label: &str) -> Option<Charset> {
    if label.eq_ignore_ascii_case("utf-8") {
        return Some(Charset::Whatwg(UTF_8));
    }
    let label = label.trim().to_ascii_lowercase();
    let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
    if encoding == X_USER_DEFINED {
        return None;
    }
    Some(match label.as_str() {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" => Charset::Ascii,
        "windows-1252" | "cp1252" | "x-cp1252" => Charset::Whatwg(encoding),
        _ if encoding == WINDOWS_1252 => Charset::Latin1,
        _ => Charset::Whatwg(encoding),
    })
}

fn unknown_charset() -> Refusal {
    Refusal::new(DecodeErrorKind::UnknownCharset, "the charset is not known here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charset_of_a_content_type_is_read_in_any_spelling() {
        for (content_type, expected) in [
            ("text/xml", None),
            ("text/xml;", None),
            ("text/xml; charset=utf-8", Some("utf-8")),
            ("text/xml;version=1; Charset = \"ISO-8859-1\"", Some("ISO-8859-1")),
        ] {
            assert_eq!(content_charset(content_type), expected, "{content_type}");
        }
    }

    const LATIN: &[u8] = b"<a>\xE9</a>";

    fn check(body: &[u8], transport: Option<&str>, expected: Result<&str, DecodeErrorKind>) {
        check_declared(body, transport, None, expected);
    }

    fn check_declared(
        body: &[u8],
        transport: Option<&str>,
        declaration: Option<&str>,
        expected: Result<&str, DecodeErrorKind>,
    ) {
        let text = text(body, transport, declaration).map_err(|refusal| refusal.locate("").kind());
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
        let declared = Some("iso-8859-1");
        let latin = Ok("<a>\u{e9}</a>");
        let illegal = Err(DecodeErrorKind::IllegalBytes);
        check_declared(LATIN, None, declared, latin);
        check_declared(LATIN, Some("windows-1252"), declared, latin);
        check_declared(LATIN, Some("utf-8"), declared, illegal);
        check_declared(LATIN, Some("  "), declared, latin);
        check_declared(LATIN, None, None, illegal);
        let marked = [b"\xEF\xBB\xBF", LATIN].concat();
        check_declared(&marked, Some("iso-8859-1"), declared, illegal);
        check("<a>\u{e9}</a>".as_bytes(), None, latin);
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
            check(&bare[..bare.len() - 1], None, Err(DecodeErrorKind::IllegalBytes));
        }
        check_declared("\u{e9}".as_bytes(), None, Some("utf-16"), Ok("\u{e9}"));
        check(b"<\0a\0\0\xD8>\0", None, Err(DecodeErrorKind::IllegalBytes));
    }

    #[test]
    fn labels_mean_what_they_say() {
        check(b"\x80\xFF", Some("ISO-8859-1"), Ok("\u{80}\u{FF}"));
        check(b"\x80", Some(" IBM819 "), Ok("\u{80}"));
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
}
