use std::borrow::Cow;
use std::fmt;

use super::fault::{Fault, code};

/// Why a document was refused: a class, a reason and, where known, a place. Of what the peer wrote
/// the reason repeats an element's name at most, never content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    reason: Cow<'static, str>,
    position: Option<Position>,
}

/// The classes of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// The charset that the peer named is not one we read.
    UnknownCharset,
    /// The bytes are no text in the document's charset.
    IllegalBytes,
    /// The text is not XML.
    NotWellFormed,
    /// The XML is not XML-RPC.
    NotXmlRpc,
    /// A limit of the service's own.
    OverLimit,
}

/// A place in the document's text, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl DecodeError {
    /// The class of the refusal.
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Where in the document it was refused, if one place is to blame.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            DecodeErrorKind::UnknownCharset => "unsupported encoding: ",
            DecodeErrorKind::IllegalBytes => "illegal character for the encoding: ",
            DecodeErrorKind::NotWellFormed => "not well formed: ",
            DecodeErrorKind::NotXmlRpc => "not XML-RPC: ",
            DecodeErrorKind::OverLimit => "over a limit: ",
        })?;
        f.write_str(&self.reason)?;
        match self.position {
            Some(Position { line, column }) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DecodeError {}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        let code = match error.kind {
            DecodeErrorKind::UnknownCharset => code::UNSUPPORTED_ENCODING,
            DecodeErrorKind::IllegalBytes => code::INVALID_CHARACTER,
            DecodeErrorKind::NotWellFormed => code::NOT_WELL_FORMED,
            DecodeErrorKind::NotXmlRpc | DecodeErrorKind::OverLimit => code::NOT_XML_RPC,
        };
        Fault::new(code, error.to_string())
    }
}

/// A refusal that knows its place as a byte offset; [`Refusal::locate`] makes it a line and column.
#[derive(Debug)]
pub(super) struct Refusal {
    kind: DecodeErrorKind,
    reason: Cow<'static, str>,
    offset: Option<usize>,
}

impl Refusal {
    pub(super) fn new(kind: DecodeErrorKind, reason: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { kind, reason: reason.into(), offset: None }
    }

    pub(super) fn not_well_formed(reason: &'static str, offset: usize) -> Refusal {
        Refusal::new(DecodeErrorKind::NotWellFormed, reason).at(offset)
    }

    pub(super) fn not_xml_rpc(reason: impl Into<Cow<'static, str>>, offset: usize) -> Refusal {
        Refusal::new(DecodeErrorKind::NotXmlRpc, reason).at(offset)
    }

    pub(super) fn over_limit(limit: usize, what: &str, offset: usize) -> Refusal {
        let reason = format!("more than {limit} {what}");
        Refusal::new(DecodeErrorKind::OverLimit, reason).at(offset)
    }

    pub(super) fn at(self, offset: usize) -> Refusal {
        Refusal { offset: Some(offset), ..self }
    }

    /// The same refusal with its offset moved to another text's terms.
    pub(super) fn map_offset(self, moved: impl FnOnce(usize) -> usize) -> Refusal {
        Refusal { offset: self.offset.map(moved), ..self }
    }

    pub(super) fn locate(self, text: &str) -> DecodeError {
        DecodeError {
            kind: self.kind,
            reason: self.reason,
            position: self.offset.map(|offset| position(text, offset)),
        }
    }
}

fn position(text: &str, offset: usize) -> Position {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
    }
}

/// Why a message cannot be written as XML-RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// A double is infinite or not a number.
    NotFinite,
    /// A string, a member's name or a method's name has a character that XML cannot carry.
    IllegalCharacter,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EncodeError::NotFinite => "a double is infinite or not a number",
            EncodeError::IllegalCharacter => "a text has a character that XML cannot carry",
        })
    }
}

impl std::error::Error for EncodeError {}

impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Fault {
        Fault::new(code::INTERNAL_ERROR, format!("the result cannot be written: {error}"))
    }
}
