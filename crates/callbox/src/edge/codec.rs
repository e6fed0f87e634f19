//! HTTP bodies to calls, results to HTTP bodies. What status a rejection has is decided here.

use std::fmt;
use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY,
};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use protocol::xmlrpc::{Fault, Value, encode_fault, encode_response};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::error;

use super::budget::{Budget, Exhausted, Held, Share};
use super::coding::{Coding, Inflater, gzip};
use super::unread::Unread;

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

/// Reads a request's body within `limits`, inflated. Every byte that is kept is taken from `share`.
pub async fn receive(
    body: Unread,
    coding: Coding,
    limits: BodyLimits,
    share: &mut Share,
) -> Result<Bytes, Rejection> {
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(Rejection::TooLarge);
    }
    let collected = timeout(limits.deadline, collect(body, limits.bytes, share)).await;
    let bytes = collected.map_err(|_| Rejection::SlowBody)??;
    match coding {
        Coding::Identity => Ok(bytes),
        _ => Ok(inflate(coding, bytes, limits.bytes, share).await?.into()),
    }
}

async fn collect(mut body: Unread, limit: usize, share: &mut Share) -> Result<Bytes, Rejection> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Rejection::BrokenBody)?;
        // Trailers are no data.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Rejection::TooLarge);
        }
        share.grow(data.len()).await?;
        // Most bodies come in one piece.
        if bytes.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

async fn inflate(
    coding: Coding,
    body: Bytes,
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
