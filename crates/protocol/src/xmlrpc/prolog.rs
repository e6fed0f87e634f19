//! What stands before the root element: charset, declaration, DOCTYPE.

mod charset;

pub use charset::content_charset;

use std::borrow::Cow;

use super::chars::{is_blank, is_xml_char};
use super::error::Refusal;

/// Bytes in which a declaration must end for its encoding to be heeded.
const MAX_DECLARATION_BYTES: usize = 1024;

/// The document's text without byte order mark, trailing blanks and NULs, its line ends made
/// `\n` as XML demands before parsing.
pub(super) fn text<'a>(body: &'a [u8], transport: Option<&str>) -> Result<Cow<'a, str>, Refusal> {
    Ok(match charset::text(body, transport, declared_label(body))? {
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

/// The charset that the declaration names, as far as it can be read byte by byte.
fn declared_label(body: &[u8]) -> Option<&str> {
    let start = body.iter().position(|byte| !is_blank(*byte))?;
    let head = &body[start..body.len().min(start + MAX_DECLARATION_BYTES)];
    if !head.starts_with(b"<?xml") {
        return None;
    }
    if let Some(declaration) = Declaration::usual(head) {
        return declaration.encoding;
    }
    let end = memchr::memmem::find(head, b"?>")? + 2;
    let declaration = std::str::from_utf8(&head[..end]).ok()?;
    Declaration::read(declaration)?.ok()?.encoding
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

/// What nearly all clients write, and the encodings that it names.
const USUAL: [(&str, Option<&str>); 4] = [
    ("<?xml version=\"1.0\"?>", None),
    ("<?xml version='1.0'?>", None),
    ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", Some("UTF-8")),
    ("<?xml version=\"1.0\" encoding=\"utf-8\"?>", Some("utf-8")),
];

/// `<?xml version="1.0" encoding="utf-8" standalone="yes"?>`, the last two not needed.
#[derive(Debug)]
struct Declaration<'a> {
    encoding: Option<&'a str>,
    end: usize,
}

impl<'a> Declaration<'a> {
    fn usual(text: &[u8]) -> Option<Self> {
        let begins = |(usual, _): &&(&str, _)| text.starts_with(usual.as_bytes());
        let (usual, encoding) = USUAL.iter().find(begins)?;
        Some(Self { encoding: *encoding, end: usual.len() })
    }

    /// The declaration that `text` begins with, if it does.
    fn read(text: &'a str) -> Option<Result<Declaration<'a>, Refusal>> {
        if let Some(declaration) = Self::usual(text.as_bytes()) {
            return Some(Ok(declaration));
        }
        let attributes = text.strip_prefix("<?xml")?;
        if !attributes.bytes().next().is_some_and(is_blank) {
            return None;
        }
        let refused = || Refusal::not_well_formed("a malformed XML declaration", 0);
        Some(Declaration::attributes(text, attributes).ok_or_else(refused))
    }

    fn attributes(text: &str, rest: &'a str) -> Option<Declaration<'a>> {
        let (_, rest) = attribute(rest, "version").filter(|(version, _)| is_version(version))?;
        let (encoding, rest) = match attribute(rest, "encoding") {
            Some((encoding, rest)) => (Some(encoding), rest),
            None => (None, rest),
        };
        let rest = match attribute(rest, "standalone") {
            Some(("yes" | "no", rest)) => rest,
            Some(_) => return None,
            None => rest,
        };
        let rest = skip_blanks(rest).strip_prefix("?>")?;
        Some(Declaration { encoding, end: text.len() - rest.len() })
    }
}

/// XML 1.0, fifth edition, production 26: any `1.x` is read as 1.0.
fn is_version(version: &str) -> bool {
    let minor = version.strip_prefix("1.").unwrap_or_default();
    !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
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

    #[test]
    fn line_ends_become_one_and_the_tail_goes() {
        let check = |body: &[u8], transport, expected: Result<&str, ()>| {
            assert_eq!(text(body, transport).as_deref().map_err(|_| ()), expected);
        };
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
            "<?xml version='2.0'?>",
            "<?xml version='1.0' standalone='maybe'?>",
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
