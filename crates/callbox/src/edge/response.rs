//! The response to a call.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};
use axum::response::Response;
use tokio::sync::Semaphore;

use super::aside::aside;
use super::budget::{Budget, Exhausted, Held, Share};
use super::coding::{gzip, takes_gzip};
use super::rejection::Rejection;
use crate::doors::Kind;

/// Largest body of a response that is never compressed: it fits one packet.
pub(super) const MAX_PLAIN_BYTES: usize = 1_400;

const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Answers that wait at once for memory to be sent: they have it already, which nobody counts yet.
const MAX_WAITING: usize = 4;

/// The memory for responses that are not sent yet.
pub(super) struct Responses {
    budget: Budget,
    waiting: Semaphore,
}

impl Responses {
    /// All of `budget` is free.
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, waiting: Semaphore::new(MAX_WAITING) }
    }

    /// The budget of them.
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    async fn share(&self, bytes: usize) -> Result<Share, Rejection> {
        let mut share = self.budget.share();
        if !share.try_grow(bytes) {
            let _waiting = self.waiting.try_acquire().map_err(|_| Rejection::Unsendable)?;
            share.grow(bytes).await.map_err(|Exhausted| Rejection::Unsendable)?;
        }
        Ok(share)
    }
}

/// The response with a `body` of that kind, compressed where that pays and the headers of the
/// request take it. It takes its share until it was sent: a peer that is slow to read is as costly
/// as one that is slow to send.
pub(super) async fn respond(
    body: Vec<u8>,
    kind: Kind,
    request: &HeaderMap,
    responses: &Responses,
) -> Result<Response, Rejection> {
    if body.len() <= MAX_PLAIN_BYTES {
        return Ok(of_kind(kind, body.into()));
    }
    let mut share = responses.share(body.len()).await?;
    let (zipped, body) = if takes_gzip(request) { zip(body).await } else { (false, body) };
    share.shrink_to(body.len());
    let mut response = of_kind(kind, Bytes::from_owner(Held::new(body, share)));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if zipped {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn of_kind(kind: Kind, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    let (status, media_type) = match kind {
        Kind::Xml => (StatusCode::OK, XML),
        Kind::Json => (StatusCode::OK, JSON),
        Kind::Problem(status) => (status, PROBLEM),
        Kind::Page => (StatusCode::OK, HTML),
        Kind::Nothing => {
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
    };
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// The body compressed, if it can be.
async fn zip(body: Vec<u8>) -> (bool, Vec<u8>) {
    aside(body.len(), move || gzip(&body).map_or_else(|_| (false, body), |zipped| (true, zipped)))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use crate::edge::budget::LaneBytes;

    fn poll<T>(future: &mut Pin<Box<impl Future<Output = T>>>) -> Poll<T> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn few_answers_wait_for_memory_and_others_are_not_sent() {
        let bytes = 8 * 1024;
        let responses = Responses::new(Budget::new(LaneBytes { small: bytes, large: bytes }));
        let share = || Box::pin(responses.share(2_000));
        let sent = responses.share(bytes).await.unwrap();
        let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| share()).collect();
        assert!(waiting.iter_mut().all(|share| poll(share).is_pending()));
        assert!(matches!(poll(&mut share()), Poll::Ready(Err(Rejection::Unsendable))));
        drop(sent);
        for share in waiting {
            assert!(share.await.is_ok());
        }
        assert!(responses.share(2_000).await.is_ok());
    }
}
