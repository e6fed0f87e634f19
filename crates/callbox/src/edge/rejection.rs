//! Trouble with the transport, and which status each has.

use std::fmt;

use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Version};
use axum::response::{IntoResponse, Response};

use super::admission::Crowded;
use super::budget::Exhausted;
use super::shares::OverShare;
use crate::accounts::Denial;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// How a caller can prove who they are (RFC 7617, RFC 6750).
const CHALLENGES: [&str; 2] =
    ["Basic realm=\"callbox\", charset=\"UTF-8\"", "Bearer realm=\"callbox\""];

/// Trouble with the transport, answered with a status and never with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// The request is for a host that is not answered.
    Host,
    /// The body broke off or is no HTTP.
    BrokenBody,
    /// The body is not compressed as it is said to be.
    CorruptBody,
    /// The body did not arrive in time.
    SlowBody,
    /// The body is over the limit.
    TooLarge,
    /// The body is not said to be XML.
    NotXml,
    /// The body is not said to be JSON in UTF-8.
    NotJson,
    /// The path has what is no method's name.
    MethodName,
    /// The body is compressed in a way that is not read.
    ContentEncoding,
    /// The caller is not let in.
    Denied(Denial),
    /// Too many calls are in work for the rest of the body to be received.
    Overloaded,
    /// Too many calls are in work; the body has been received.
    NoPlace,
    /// There is no memory for an answer that was made.
    Unsendable,
    /// The caller has too many calls in work; the body has been received.
    OverShare,
    /// The caller has left, or was cut off, and reads no answer.
    Left,
    /// The method did not end in time.
    SlowMethod,
}

impl Rejection {
    fn status_and_text(self) -> (StatusCode, &'static str) {
        match self {
            Self::Host => (
                StatusCode::FORBIDDEN,
                "The host that this is for is not answered, unless --allow-host lists it.\n",
            ),
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "The body broke off.\n"),
            Self::CorruptBody => {
                (StatusCode::BAD_REQUEST, "The body is not what its Content-Encoding says.\n")
            }
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.\n"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.\n"),
            Self::NotXml => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send XML, with the header Content-Type: text/xml.\n",
            ),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send JSON in UTF-8, with the header Content-Type: application/json.\n",
            ),
            Self::MethodName => {
                (StatusCode::BAD_REQUEST, "The method in the path is not percent-encoded UTF-8.\n")
            }
            Self::ContentEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send the body plain, or with Content-Encoding: gzip or deflate.\n",
            ),
            Self::Denied(Denial::Unproven) => {
                (StatusCode::UNAUTHORIZED, "Say who you are, by a name and password or a token.\n")
            }
            Self::Denied(Denial::TooManyFailures(_)) => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many logins failed; try again later.\n")
            }
            Self::Denied(Denial::Busy) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many passwords are being checked.\n")
            }
            Self::Overloaded | Self::NoPlace => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many calls are in work.\n")
            }
            Self::Unsendable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The answer was made, but not kept: too many wait.\n",
            ),
            Self::OverShare => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many calls of yours are in work.\n")
            }
            // Nobody reads it; this is what it looks like in the log and in the metrics.
            Self::Left => (StatusCode::REQUEST_TIMEOUT, "The caller has left.\n"),
            Self::SlowMethod => (StatusCode::GATEWAY_TIMEOUT, "The method did not end in time.\n"),
        }
    }
}

impl Rejection {
    /// The status of its response.
    pub(super) fn status(self) -> StatusCode {
        self.status_and_text().0
    }

    /// The response to a request of that version.
    pub(super) fn into_response(self, version: Version) -> Response {
        let (status, text) = self.status_and_text();
        let mut response = (status, [(CONTENT_TYPE, TEXT)], text).into_response();
        let headers = response.headers_mut();
        // What is left of the body is thrown away, so nothing after it could be read. In later
        // versions a connection is not a request's to close.
        let is_received = matches!(self, Self::NoPlace | Self::OverShare | Self::Unsendable);
        if version <= Version::HTTP_11 && !is_received {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self == Self::Denied(Denial::Unproven) {
            for challenge in CHALLENGES {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        response
    }

    /// After how many seconds the same may succeed, where it may.
    fn retry_after(self) -> Option<u16> {
        match self {
            Self::Overloaded | Self::NoPlace | Self::OverShare | Self::Denied(Denial::Busy) => {
                Some(1)
            }
            Self::Denied(Denial::TooManyFailures(seconds)) => Some(seconds.into()),
            _ => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status_and_text().1.trim_end())
    }
}

impl std::error::Error for Rejection {}

impl From<Denial> for Rejection {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Crowded> for Rejection {
    fn from(Crowded: Crowded) -> Self {
        Self::NoPlace
    }
}

impl From<OverShare> for Rejection {
    fn from(OverShare: OverShare) -> Self {
        Self::OverShare
    }
}

impl From<Exhausted> for Rejection {
    /// Where the body has been received.
    fn from(Exhausted: Exhausted) -> Self {
        Self::NoPlace
    }
}
