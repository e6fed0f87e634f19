//! A request's body: received within its limits, inflated.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::time::timeout_at;
use tower::BoxError;

use super::access::Access;
use super::aside::aside;
use super::budget::{Exhausted, Share};
use super::coding::{Coding, Inflater};
use super::rejection::Rejection;
use super::unread::RequestBody;

/// Largest body, unless a service is told otherwise.
pub(crate) const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that one byte of deflate (RFC 1951) can stand for, and a little more.
const MAX_INFLATION: usize = 1_040;

/// What may come in a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// Largest body in bytes, as it came and inflated.
    pub bytes: usize,
    /// For the whole body to arrive.
    pub deadline: Duration,
}

/// Reads a request's body within `limits`, as it came. Every byte that is kept is taken from
/// `share`, and every one that came counted in `access`.
pub(super) async fn receive(
    mut body: impl RequestBody,
    limits: BodyLimits,
    share: &mut Share,
    access: &mut Access<'_>,
) -> Result<Bytes, Rejection> {
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(Rejection::TooLarge);
    }
    let mut pieces = Pieces { limit: limits.bytes, share, received: &mut access.request_bytes };
    // Most bodies are there, and in one piece.
    let first = match poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await {
        Poll::Ready(Some(frame)) => pieces.take(frame, 0).await?,
        Poll::Ready(None) => return Ok(Bytes::new()),
        Poll::Pending => Bytes::new(),
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let deadline = access.started + limits.deadline;
    // In a box, or every call had room for a wait that few have.
    let rest = Box::pin(timeout_at(deadline.into(), collect(body, first, pieces)));
    rest.await.map_err(|_| Rejection::SlowBody)?
}

/// Takes the pieces of a body.
struct Pieces<'a> {
    limit: usize,
    share: &'a mut Share,
    /// Bytes that came, those of pieces that were not taken too.
    received: &'a mut usize,
}

impl Pieces<'_> {
    /// The bytes of a piece that comes after so many.
    async fn take(
        &mut self,
        frame: Result<Frame<Bytes>, impl Into<BoxError>>,
        before: usize,
    ) -> Result<Bytes, Rejection> {
        let frame = frame.map_err(|error| broken(&*error.into()))?;
        // Trailers are no data.
        let data = frame.into_data().unwrap_or_default();
        *self.received += data.len();
        if before + data.len() > self.limit {
            return Err(Rejection::TooLarge);
        }
        self.share.grow(data.len()).await.map_err(|Exhausted| Rejection::Overloaded)?;
        Ok(data)
    }
}

/// Why a body ended early: its peer's doing, unless we had no memory for it.
fn broken(error: &(dyn Error + 'static)) -> Rejection {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let is_ours = causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::OutOfMemory)
    });
    if is_ours { Rejection::Overloaded } else { Rejection::BrokenBody }
}

async fn collect(
    mut body: impl RequestBody,
    first: Bytes,
    mut pieces: Pieces<'_>,
) -> Result<Bytes, Rejection> {
    let mut bytes = Vec::from(first);
    while let Some(frame) = body.frame().await {
        let data = pieces.take(frame, bytes.len()).await?;
        if bytes.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// The plain body. What it takes is taken from `share`.
pub(super) async fn inflate(
    coding: Coding,
    body: Bytes,
    limit: usize,
    share: &mut Share,
) -> Result<Bytes, Rejection> {
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
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As hyper tells what its stream told it.
    #[derive(Debug)]
    struct Told(io::Error);

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("error reading a body")
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn body_for_which_there_is_no_memory_is_not_its_peers_fault() {
        let of = |kind: io::ErrorKind| broken(&Told(kind.into()));
        assert_eq!(of(io::ErrorKind::OutOfMemory), Rejection::Overloaded);
        assert_eq!(of(io::ErrorKind::ConnectionReset), Rejection::BrokenBody);
    }
}
