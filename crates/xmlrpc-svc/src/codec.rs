//! HTTP bodies to calls, results to HTTP bodies. Every transport status is decided here.

use std::fmt;
use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    RETRY_AFTER, VARY,
};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use protocol::xmlrpc::{Fault, Value, encode_fault, encode_response};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::error;

use crate::budget::{Budget, Exhausted, Held, Share};
use crate::coding::{Coding, Inflater, gzip};
use crate::unread::Unread;

/// Largest body, unless a service is told otherwise.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Largest body of a response that is never compressed: it fits one packet.
pub const MAX_PLAIN_BYTES: usize = 1_400;

/// Largest body that is read, or compressed, on the thread that serves other peers too.
pub const MAX_INLINE_BYTES: usize = 64 * 1024;

/// Bytes that one byte of deflate (RFC 1951) can stand for, and a little more.
const MAX_INFLATION: usize = 1_040;

const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Trouble with the transport, answered with a status and never with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
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

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (status, text) = self.status_and_text();
        // What is left of the body is thrown away, so nothing after it could be read.
        let mut response =
            (status, [(CONTENT_TYPE, TEXT), (CONNECTION, HeaderValue::from_static("close"))], text)
                .into_response();
        if self == Self::Overloaded {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
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

/// What may come in a request.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Largest body in bytes, as it came and inflated.
    pub bytes: usize,
    /// For the whole body to arrive.
    pub deadline: Duration,
}

/// A request's body, and the charset that its header names.
pub struct Document {
    /// The body, inflated.
    pub bytes: Vec<u8>,
    /// The `charset` parameter of `Content-Type`.
    pub charset: Option<String>,
}

/// Reads a request's body within `limits`, if its headers say that it can be XML-RPC. Every byte
/// that is kept is taken from `share`.
pub async fn receive(
    request: Request<Unread>,
    limits: BodyLimits,
    share: &mut Share,
) -> Result<Document, Rejection> {
    let charset = xml_charset(request.headers())?;
    let coding = Coding::of(request.headers()).ok_or(Rejection::ContentEncoding)?;
    let body = request.into_body();
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(Rejection::TooLarge);
    }
    let collected = timeout(limits.deadline, collect(body, limits.bytes, share)).await;
    let bytes = collected.map_err(|_| Rejection::SlowBody)??;
    let bytes = if coding == Coding::Identity {
        bytes
    } else {
        inflate(coding, bytes, limits.bytes, share).await?
    };
    Ok(Document { bytes, charset })
}

async fn collect(mut body: Unread, limit: usize, share: &mut Share) -> Result<Vec<u8>, Rejection> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Rejection::BrokenBody)?;
        // Trailers are no data.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Rejection::TooLarge);
        }
        share.grow(data.len()).await?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

async fn inflate(
    coding: Coding,
    body: Vec<u8>,
    limit: usize,
    share: &mut Share,
) -> Result<Vec<u8>, Rejection> {
    let most = body.len().saturating_mul(MAX_INFLATION).min(limit);
    share.grow(most).await?;
    let inflated = aside(most, move || {
        let (mut inflater, mut plain) = (Inflater::new(coding, &body), Vec::new());
        loop {
            match inflater.step(&mut plain) {
                Ok(0) => return Ok(plain),
                Ok(_) if plain.len() > limit => return Err(Rejection::TooLarge),
                Ok(_) => {}
                Err(_) => return Err(Rejection::CorruptBody),
            }
        }
    });
    let plain = inflated.await?;
    share.shrink_to(plain.len());
    Ok(plain)
}

/// The charset that the header names, where the header lets the body be XML.
fn xml_charset(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let header =
        fields.next().map(HeaderValue::to_str).transpose().map_err(|_| Rejection::MediaType)?;
    if fields.next().is_some() {
        return Err(Rejection::MediaType);
    }
    let mut parts = header.unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_readable = match media_type.as_str() {
        "text/xml" | "application/xml" => true,
        // curl and simple devices send these; so do browsers on behalf of any page, and they say so.
        "" | "application/x-www-form-urlencoded" | "text/plain" | "application/octet-stream" => {
            !headers.contains_key(ORIGIN) && !headers.contains_key(SEC_FETCH_SITE)
        }
        other => other
            .split_once('/')
            .is_some_and(|(_, subtype)| subtype.len() > 4 && subtype.ends_with("+xml")),
    };
    if !is_readable {
        return Err(Rejection::MediaType);
    }
    let charset = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    Ok(charset.map(|(_, value)| value.trim().trim_matches('"').to_owned()))
}

/// The body of the response to a call. A result that XML cannot carry is a fault.
pub fn encode(result: Result<Value, Fault>) -> Vec<u8> {
    let body = result.and_then(|value| {
        encode_response(&value).map_err(|cause| {
            error!(%cause, "a method's result cannot be written");
            Fault::from(cause)
        })
    });
    body.unwrap_or_else(|fault| encode_fault(&fault))
}

/// The response with `body`, compressed where that pays and the peer takes it. It takes its share
/// until it was sent: a peer that is slow to read is as costly as one that is slow to send.
pub async fn respond(
    body: Vec<u8>,
    takes_gzip: bool,
    responses: &Budget,
) -> Result<Response, Rejection> {
    if body.len() <= MAX_PLAIN_BYTES {
        return Ok(xml(body.into()));
    }
    let mut share = responses.share();
    share.grow(body.len()).await?;
    let (zipped, body) = if takes_gzip { zip(body).await } else { (false, body) };
    share.shrink_to(body.len());
    let mut response = xml(Bytes::from_owner(Held { body, share }));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if zipped {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn xml(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, XML);
    response
}

/// The body compressed, if it can be.
async fn zip(body: Vec<u8>) -> (bool, Vec<u8>) {
    aside(body.len(), move || gzip(&body).map_or_else(|_| (false, body), |zipped| (true, zipped)))
        .await
}

/// Does `work` on so many bytes where it stalls no other peer: beside the threads that serve them,
/// and on no more of it at once than there are cores.
pub async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    static PLACES: LazyLock<Semaphore> =
        LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));
    if bytes <= MAX_INLINE_BYTES {
        return work();
    }
    let _place = PLACES.acquire().await;
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn content_types_of_xml_and_of_simple_clients_are_read() {
        for media_type in [
            "text/xml",
            "Text/XML",
            "application/xml",
            "application/xmlrpc+xml",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "text/xml; charset=utf-8",
            "",
        ] {
            assert!(xml_charset(&headers(&[("content-type", media_type)])).is_ok(), "{media_type}");
        }
        assert!(xml_charset(&headers(&[])).is_ok());
        for media_type in
            ["application/json", "multipart/form-data; boundary=x", "text/html", "text/xmlx"]
        {
            let rejection = xml_charset(&headers(&[("content-type", media_type)]));
            assert_eq!(rejection, Err(Rejection::MediaType), "{media_type}");
        }
    }

    #[test]
    fn form_of_a_browser_reaches_no_method() {
        for mark in ["origin", "sec-fetch-site"] {
            for media_type in
                ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
            {
                let headers = headers(&[("content-type", media_type), (mark, "null")]);
                assert_eq!(xml_charset(&headers), Err(Rejection::MediaType), "{media_type} {mark}");
            }
            assert_eq!(xml_charset(&headers(&[(mark, "null")])), Err(Rejection::MediaType));
            // A page needs the service's leave to send this, which it never gives.
            assert!(xml_charset(&headers(&[("content-type", "text/xml"), (mark, "null")])).is_ok());
        }
    }

    #[test]
    fn charset_parameter_is_read_in_any_spelling() {
        let check = |value: &'static str, expected: Option<&str>| {
            let charset = xml_charset(&headers(&[("content-type", value)]));
            assert_eq!(charset, Ok(expected.map(str::to_owned)), "{value}");
        };
        check("text/xml", None);
        check("text/xml;", None);
        check("text/xml; charset=utf-8", Some("utf-8"));
        check("text/xml;version=1; Charset = \"ISO-8859-1\"", Some("ISO-8859-1"));
    }
}
