//! What is left of a request's body when the answer came early: read and thrown away, so that a
//! peer which sends all of its request before it reads sees the answer and not a broken pipe.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Longest and largest read of what is left of a body.
pub const MAX_DISCARD: (Duration, usize) = (Duration::from_secs(2), 16 * 1024 * 1024);

/// A request's body, which is discarded and not cut off where nobody reads it to its end.
pub struct Unread(Option<Incoming>);

impl Unread {
    /// Of `body` nothing has been read yet.
    pub fn new(body: Incoming) -> Self {
        Self(Some(body).filter(|body| !body.is_end_stream()))
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
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

impl Drop for Unread {
    fn drop(&mut self) {
        let Some(body) = self.0.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (time, bytes) = MAX_DISCARD;
        let mut rest = Limited::new(body, bytes);
        runtime.spawn(timeout(time, async move { while let Some(Ok(_)) = rest.frame().await {} }));
    }
}
