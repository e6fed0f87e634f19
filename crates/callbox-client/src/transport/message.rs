//! What is asked and what is answered, whatever carries it.

use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, InvalidHeaderValue, USER_AGENT,
};

use super::login::Login;

/// Longest head of an answer, in bytes.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Most header fields of an answer.
pub const MAX_HEADERS: usize = 100;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A document for the server, and what goes with it.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// The document, in XML.
    pub body: Bytes,
    /// `X-Request-Id`; left out where it cannot travel as a header.
    pub request_id: Option<&'a str>,
    /// `traceparent` (W3C Trace Context); left out where it cannot travel as a header.
    pub traceparent: Option<&'a str>,
    /// Whether the document is compressed by gzip.
    pub is_gzip: bool,
    /// Whether an answer with another status than 200 is read like one with it, where its body comes
    /// whole, by HTTP; else it is [`Error::Status`](super::Error::Status).
    pub takes_refusals: bool,
}

impl Request<'_> {
    /// A document with nothing beside it.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// What `always` goes with each request, and what goes with this one.
    pub(crate) fn headers(&self, always: &HeaderMap) -> HeaderMap {
        let mut headers = always.clone();
        for (name, value) in [(X_REQUEST_ID, self.request_id), (TRACEPARENT, self.traceparent)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        if self.is_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers
    }
}

/// The header fields that go with each request.
pub(crate) fn headers(
    host: Option<String>,
    login: Option<Login>,
    takes_gzip: bool,
) -> Result<HeaderMap, InvalidHeaderValue> {
    let user_agent = concat!("callbox/", env!("CARGO_PKG_VERSION"));
    let mut headers = HeaderMap::new();
    if let Some(host) = host {
        headers.insert(HOST, HeaderValue::try_from(host)?);
    }
    headers.insert(USER_AGENT, HeaderValue::from_static(user_agent));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if takes_gzip {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some(login) = login {
        headers.insert(AUTHORIZATION, login.into_value());
    }
    Ok(headers)
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200, unless others were asked for.
    pub status: u16,
    /// `Content-Type`, where the server named one in text: for the charset. Nobody insists on it.
    pub content_type: Option<String>,
    /// `Location` of a redirect, where it is text. Nobody goes there: whom to call is the caller's
    /// to say.
    pub location: Option<String>,
    /// The document, inflated where it was compressed.
    pub body: Bytes,
}
