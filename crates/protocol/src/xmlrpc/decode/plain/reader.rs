//! The pieces of a plain document: tags as they are expected, and the text between them.

use std::borrow::Cow;

use crate::xmlrpc::chars::{is_blank, is_xml_char, next_special};

/// The longest name of an element that is read here.
pub(super) const LONGEST_NAME: &str = "dateTime.iso8601";

/// The longest reference that is read here: `&quot;`.
const MAX_REFERENCE_BYTES: usize = 6;

/// A place in a document. `None` and `false` mean that something else stands there.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    elements: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0, elements: 0 }
    }

    /// Elements so far.
    pub(super) fn elements(&self) -> usize {
        self.elements
    }

    /// Blanks, then whether that was all.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.at == self.text.len()
    }

    /// Blanks, then a start tag.
    pub(super) fn open(&mut self, tag: &str) -> Option<()> {
        self.is_opened(tag).then_some(())
    }

    /// Blanks, then the start tag if it is there; or a tag that is both start and end.
    pub(super) fn is_opened(&mut self, tag: &str) -> bool {
        let is_opened = self.is_closed(tag);
        self.elements += usize::from(is_opened);
        is_opened
    }

    /// Blanks, then an end tag.
    pub(super) fn close(&mut self, tag: &str) -> Option<()> {
        self.is_closed(tag).then_some(())
    }

    /// Blanks, then the end tag if it is there.
    pub(super) fn is_closed(&mut self, tag: &str) -> bool {
        self.skip_blanks();
        self.take(tag).is_some()
    }

    /// Blanks, then whether this tag stands there, which is left.
    pub(super) fn is_before(&mut self, tag: &str) -> bool {
        self.skip_blanks();
        self.is_next(tag)
    }

    /// Blanks, then whether a start tag stands there. Where none does, the blanks count and stay.
    pub(super) fn is_at_start_tag(&mut self) -> bool {
        let start = self.at;
        self.skip_blanks();
        let is_at_tag = self.is_next("<") && !self.is_next("</");
        if !is_at_tag {
            self.at = start;
        }
        is_at_tag
    }

    /// The start tag that stands here, past its `<`.
    pub(super) fn tag(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take(LONGEST_NAME.len() + 3).position(|byte| byte == b'>')? + 1;
        self.at += length;
        self.elements += 1;
        rest.get(1..length)
    }

    /// These characters, and no blanks before them.
    pub(super) fn take(&mut self, expected: &str) -> Option<()> {
        let is_here = self.is_next(expected);
        self.at += if is_here { expected.len() } else { 0 };
        is_here.then_some(())
    }

    fn is_next(&self, expected: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(expected.as_bytes())
    }

    fn skip_blanks(&mut self) {
        while self.text.as_bytes().get(self.at).is_some_and(|byte| is_blank(*byte)) {
            self.at += 1;
        }
    }

    /// The characters up to the next tag as they stand there. Who reads them refuses references and
    /// what XML does not allow, as no number or date has them.
    pub(super) fn raw(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let length = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// The characters up to the next tag, references replaced.
    pub(super) fn text(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.text.as_bytes();
        let (mut from, mut replaced) = (self.at, String::new());
        let mut seek = from;
        loop {
            let at = next_special(bytes, seek)?;
            seek = at + 1;
            match bytes[at] {
                b'<' => {
                    let last = &self.text[from..at];
                    self.at = at;
                    return Some(match replaced.is_empty() {
                        true => Cow::Borrowed(last),
                        false => Cow::Owned(replaced + last),
                    });
                }
                b'&' => {
                    let (c, length) = reference(&self.text[at..])?;
                    replaced.push_str(&self.text[from..at]);
                    replaced.push(c);
                    from = at + length;
                    seek = from;
                }
                b'>' if !bytes[..at].ends_with(b"]]") => {}
                _ if self.text[at..].chars().next().is_some_and(|c| c > '>' && is_xml_char(c)) => {}
                _ => return None,
            }
        }
    }
}

/// The character that the reference at the start of `text` names, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(MAX_REFERENCE_BYTES).position(|byte| byte == b';')?;
    let c = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    };
    Some((c, end + 1))
}
