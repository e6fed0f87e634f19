//! A request's body: received within its limits, inflated.

use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout_at;

use super::access::Access;
use super::aside::aside;
use super::budget::Share;
use super::coding::{Coding, Inflater};
use super::rejection::Rejection;

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
    body: impl Body<Data = Bytes> + Unpin,
    limits: BodyLimits,
    share: &mut Share,
    access: &mut Access<'_>,
) -> Result<Bytes, Rejection> {
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(Rejection::TooLarge);
    }
    let deadline = access.started + limits.deadline;
    let collected = collect(body, limits.bytes, share, &mut access.request_bytes);
    let collected = timeout_at(deadline.into(), collected).await;
    collected.map_err(|_| Rejection::SlowBody)?
}

async fn collect(
    mut body: impl Body<Data = Bytes> + Unpin,
    limit: usize,
    share: &mut Share,
    received: &mut usize,
) -> Result<Bytes, Rejection> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Rejection::BrokenBody)?;
        // Trailers are no data.
        let Ok(data) = frame.into_data() else { continue };
        *received += data.len();
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
