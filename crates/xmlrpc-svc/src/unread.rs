//! What is left of a request's body when the answer came early: read and thrown away, so that a
//! peer which sends all of its request before it reads sees the answer and not a broken pipe.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Longest and largest read of what is left of a body.
pub const MAX_DISCARD: (Duration, usize) = (Duration::from_secs(2), 16 * 1024 * 1024);

/// Makes a request's body one that is discarded, not cut off, where nobody reads it to its end.
pub fn discard_what_is_left(request: Request) -> Request {
    request.map(|body| {
        if body.is_end_stream() { body } else { Body::new(Discarding { body, is_read: false }) }
    })
}

struct Discarding {
    body: Body,
    is_read: bool,
}

impl HttpBody for Discarding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.is_read = !matches!(frame, Some(Ok(_))) || self.body.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Discarding {
    fn drop(&mut self) {
        if self.is_read {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (time, bytes) = MAX_DISCARD;
        let mut rest = Limited::new(std::mem::take(&mut self.body), bytes);
        runtime.spawn(timeout(time, async move { while let Some(Ok(_)) = rest.frame().await {} }));
    }
}
