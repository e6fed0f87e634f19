//! Trouble with the transport, and which status each has.

use std::fmt;

use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{StatusCode, Version};
use axum::response::{IntoResponse, Response};

use super::budget::Exhausted;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Trouble with the transport, answered with a status and never with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// The body broke off or is no HTTP.
    BrokenBody,
    /// The body is not compressed as it is said to be.
    CorruptBody,
    /// The body did not arrive in time.
    SlowBody,
    /// The body is over the limit.
    TooLarge,
    /// The body is not said to be XML.
    MediaType,
    /// The body is compressed in a way that is not read.
    ContentEncoding,
    /// Too many calls are in work.
    Overloaded,
    /// The method did not end in time.
    SlowMethod,
}

impl Rejection {
    fn status_and_text(self) -> (StatusCode, &'static str) {
        match self {
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "The body broke off.\n"),
            Self::CorruptBody => {
                (StatusCode::BAD_REQUEST, "The body is not what its Content-Encoding says.\n")
            }
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.\n"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.\n"),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send XML, with the header Content-Type: text/xml.\n",
            ),
            Self::ContentEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send the body plain, or with Content-Encoding: gzip or deflate.\n",
            ),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "Too many calls are in work.\n"),
            Self::SlowMethod => (StatusCode::GATEWAY_TIMEOUT, "The method did not end in time.\n"),
        }
    }
}

impl Rejection {
    /// The response to a request of that version.
    pub(super) fn into_response(self, version: Version) -> Response {
        let (status, text) = self.status_and_text();
        let mut response = (status, [(CONTENT_TYPE, TEXT)], text).into_response();
        let headers = response.headers_mut();
        // What is left of the body is thrown away, so nothing after it could be read. In later
        // versions a connection is not a request's to close.
        if version <= Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if self == Self::Overloaded {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status_and_text().1.trim_end())
    }
}

impl std::error::Error for Rejection {}

impl From<Exhausted> for Rejection {
    fn from(Exhausted: Exhausted) -> Self {
        Self::Overloaded
    }
}
