//! What a server answered becomes a result or a fault, as far as it is XML-RPC.

use std::fmt;

use protocol::xmlrpc::{
    DecodeError, DecodeErrorKind, Limits, MethodResponse, Value, content_charset, decode_response,
};

use crate::error::ErrorKind;
use crate::page::first_words;
use crate::transport::Response;

/// Longest document that is read on the thread of the caller, in bytes.
const MAX_INLINE_BYTES: usize = 1024 * 1024;

/// Bytes of an answer for each element that it may have beyond the usual number.
const ELEMENT_BYTES: usize = 16;

/// An answer that is no XML-RPC, in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its `Content-Type`, where it has one in text.
    pub content_type: Option<String>,
    /// Where else it sends the caller, if it does, without the query.
    pub location: Option<String>,
    /// Its first words, without markup.
    pub words: String,
    /// Why it cannot be read.
    pub why: DecodeError,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is no XML-RPC: ")?;
        if self.status != 200 {
            write!(f, "status {}, ", self.status)?;
        }
        match &self.content_type {
            Some(content_type) => f.write_str(&first_words(content_type.as_bytes()))?,
            None => f.write_str("no content type")?,
        }
        if let Some(location) = &self.location {
            write!(f, ", sent on to {}", first_words(location.as_bytes()))?;
        }
        if !self.words.is_empty() {
            write!(f, ": \"{}\"", self.words)?;
        }
        // A page that says so itself is explained enough.
        if self.status == 200 { write!(f, " ({})", self.why) } else { Ok(()) }
    }
}

/// A server may send on whatever token it was asked with, or give one.
fn without_query(location: &str) -> &str {
    location.split_once(['?', '#']).map_or(location, |(place, _)| place)
}

/// Reads an answer of at most `max_bytes`, a large one on a thread of its own.
pub(crate) async fn read(response: Response, max_bytes: usize) -> Result<Value, ErrorKind> {
    if response.body.len() <= MAX_INLINE_BYTES {
        return result(&response, max_bytes);
    }
    match tokio::task::spawn_blocking(move || result(&response, max_bytes)).await {
        Ok(result) => result,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

/// The content type is not insisted on, nor is the status: what reads as an answer is one.
fn result(response: &Response, max_bytes: usize) -> Result<Value, ErrorKind> {
    let elements = Limits::DEFAULT.elements.max(max_bytes / ELEMENT_BYTES);
    match decode(response, &Limits { elements, ..Limits::DEFAULT }) {
        Ok(MethodResponse::Success(value)) => Ok(value),
        Ok(MethodResponse::Fault(fault)) => Err(ErrorKind::Fault(fault)),
        Err(why) => Err(ErrorKind::NotXmlRpc(Box::new(Answer {
            status: response.status,
            content_type: response.content_type.clone(),
            location: response.location.as_deref().map(without_query).map(str::to_owned),
            words: first_words(&response.body),
            why,
        }))),
    }
}

/// Some servers write other bytes than those of the charset that they name, or name none.
const GUESSED: [&str; 2] = ["utf-8", "windows-1252"];

fn decode(response: &Response, limits: &Limits) -> Result<MethodResponse, DecodeError> {
    let charset = response.content_type.as_deref().and_then(content_charset);
    let decoded = decode_response(&response.body, charset, limits);
    let charsets = GUESSED.iter().map(|charset| Some(*charset));
    charsets.fold(decoded, |decoded, charset| match decoded {
        Err(error) if error.kind() == DecodeErrorKind::IllegalBytes => {
            decode_response(&response.body, charset, limits)
        }
        decoded => decoded,
    })
}
