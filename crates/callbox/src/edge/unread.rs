//! What is left of a request's body when the answer came early: read and thrown away, so that a
//! peer which sends all of its request before it reads sees the answer and not a broken pipe.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use svc_runtime::linger::MAX_LINGER;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tower::BoxError;

/// Longest and largest read of what is left of a body.
pub(crate) const MAX_DISCARD: (Duration, usize) = (Duration::from_secs(2), 16 * 1024 * 1024);

/// Largest body that is left unread where a connection of our own is closed.
const MAX_LEFT_BYTES: u64 = MAX_LINGER.1 - 1;

/// The body of a request, whatever server it came by.
pub trait RequestBody:
    HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Send + Unpin + 'static
{
}

impl<B> RequestBody for B where
    B: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Send + Unpin + 'static
{
}

/// A request's body, which is discarded and not cut off where nobody reads it to its end.
pub(super) struct Unread<B: RequestBody>(Option<B>);

impl<B: RequestBody> Unread<B> {
    /// Of `body` nothing has been read yet.
    pub(super) fn new(body: B) -> Self {
        Self(Some(body).filter(|body| !body.is_end_stream()))
    }
}

impl<B: RequestBody> Unread<B> {
    /// Leaves what was not read to whoever closes the connection, and has its peer read to the end,
    /// where that is no more than is read then: it costs less.
    pub(super) fn leave(mut self) {
        let Some(body) = &self.0 else { return };
        if body.size_hint().upper().is_some_and(|bytes| bytes <= MAX_LEFT_BYTES) {
            self.0 = None;
        }
    }
}

impl<B: RequestBody> HttpBody for Unread<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || body.is_end_stream() {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: RequestBody> Drop for Unread<B> {
    fn drop(&mut self) {
        let Some(body) = self.0.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (time, bytes) = MAX_DISCARD;
        let mut rest = Limited::new(body, bytes);
        runtime.spawn(timeout(time, async move { while let Some(Ok(_)) = rest.frame().await {} }));
    }
}
