//! Whether the peer of a connection still waits for its answer. Nobody reads from a connection
//! while a request is answered, so that a peer which has left shows by the socket's state alone.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_io_timeout::TimeoutStream;

use crate::stream::Stream;

/// Whether a connection's peer is still there, as far as anybody asks. Asked in the task that runs
/// the connection; nothing is looked at until then.
#[derive(Debug, Default)]
pub struct Presence(
    /// What was seen; 0 until somebody asks.
    AtomicU8,
);

/// What is known of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Seen {
    /// It has not left.
    Here = 1,
    /// It sends nothing more, and may still wait for its answer.
    Ended,
    /// No answer reaches it.
    Gone,
}

impl Presence {
    /// Ends once the peer sends nothing more. It may have left, or have ended its side only.
    pub async fn ended(&self) {
        self.reaches(Seen::Ended).await;
    }

    /// Ends once no answer reaches the peer: it has reset the connection.
    pub async fn gone(&self) {
        self.reaches(Seen::Gone).await;
    }

    async fn reaches(&self, state: Seen) {
        poll_fn(|_| {
            self.0.fetch_max(Seen::Here as u8, Relaxed);
            // Woken by the connection's stream, which is polled in the same task after this.
            if self.0.load(Relaxed) >= state as u8 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn is_asked(&self) -> bool {
        matches!(self.0.load(Relaxed), state if state == Seen::Here as u8 || state == Seen::Ended as u8)
    }
}

/// A connection's stream, which tells its [`Presence`].
pub(crate) struct Watched<'a> {
    pub(crate) stream: Pin<&'a mut TimeoutStream<Stream>>,
    pub(crate) presence: Arc<Presence>,
}

impl Watched<'_> {
    fn look(&self, cx: &mut Context<'_>) {
        let seen = self.stream.as_ref().get_ref().get_ref().poll_seen(cx);
        if self.presence.0.fetch_max(seen as u8, Relaxed) < seen as u8 {
            cx.waker().wake_by_ref();
        }
    }
}

impl AsyncRead for Watched<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes whenever it is polled, after it has polled whoever answers.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.presence.is_asked() {
            self.look(cx);
        }
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}
