//! What has arrived on an HTTP connection and was taken, which hyper does not tell.
//!
//! hyper reads from its stream only where its own buffer is used up. So a look at the stream that
//! finds nothing means that nothing is left to be answered but the request in work: its answer may
//! say that it is the last, and after it the connection may be closed without a loss.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_io_timeout::TimeoutStream;

use crate::held::Held;
use crate::presence::Presence;
use crate::stop::Stop;
use crate::stream::Stream;

/// What hyper keeps of an answer that its peer does not take, beside a body, which has a budget.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// What is known of what has arrived. Its clones know the same.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(Arc<State>);

#[derive(Debug)]
struct State {
    held: Held,
    has_begun: AtomicBool,
    is_empty: AtomicBool,
    is_ended: AtomicBool,
}

impl Inbox {
    /// Nothing has arrived; what does is told to `held`.
    pub(crate) fn new(held: Held) -> Self {
        let no = || AtomicBool::new(false);
        Self(Arc::new(State { held, has_begun: no(), is_empty: no(), is_ended: no() }))
    }

    /// A request was taken. Gives back its body, which is told apart from what comes after it.
    pub(crate) fn take(&self, body: Incoming) -> Received {
        self.0.has_begun.store(true, Relaxed);
        if body.is_end_stream() {
            self.0.held.taken();
        }
        Received { body, inbox: self.clone() }
    }

    /// The request in work was answered.
    pub(crate) fn answered(&self) {
        self.0.held.waits(!self.is_empty());
    }

    /// Whether a request was ever taken.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Relaxed)
    }

    /// Whether no request has arrived but those that were taken. Half a head counts as one behind
    /// the request in work, and as none on an idle connection.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty.load(Relaxed)
    }

    /// Whether the peer has ended its stream, and all before the end was read.
    pub(crate) fn is_ended(&self) -> bool {
        self.0.is_ended.load(Relaxed)
    }
}

/// The stream of a connection as hyper reads it. Its end is kept from hyper, which would take it for
/// that of the connection even in the middle of an answer: [`Inbox::is_ended`] tells it.
pub(crate) struct Watched<'a> {
    stream: Pin<&'a mut TimeoutStream<Stream>>,
    inbox: Inbox,
    presence: Arc<Presence>,
    stop: Stop,
    /// Whether the peer took nothing of what was last written.
    is_blocked: bool,
}

impl<'a> Watched<'a> {
    /// What is read of `stream` is told to `inbox`, and to `presence` whether the peer left. Once
    /// `stop` is announced, what the kernel has counts as arrived too, though nothing has told yet
    /// that it can be read.
    pub(crate) fn new(
        stream: Pin<&'a mut TimeoutStream<Stream>>,
        inbox: Inbox,
        presence: Arc<Presence>,
        stop: Stop,
    ) -> Self {
        Self { stream, inbox, presence, stop, is_blocked: false }
    }

    fn wrote<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            self.is_blocked = true;
            self.inbox.0.held.blocked(WRITE_BUFFER_BYTES)?;
        } else if self.is_blocked {
            self.is_blocked = false;
            self.inbox.0.held.flows();
        }
        written
    }
}

impl AsyncRead for Watched<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.inbox.is_ended() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = self.stream.as_mut().poll_read(cx, buffer);
        let grown = buffer.filled().len() - before;
        let is_empty = match read {
            Poll::Pending => !(self.stop.is_announced() && self.stream.get_ref().has_unread()),
            Poll::Ready(_) => grown == 0,
        };
        self.inbox.0.is_empty.store(is_empty, Relaxed);
        if grown > 0 {
            self.inbox.0.held.received(grown)?;
            return read;
        }
        self.inbox.0.is_ended.store(read.is_ready(), Relaxed);
        Poll::Pending
    }
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.as_mut().poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.as_mut().poll_write_vectored(cx, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes whenever it is polled, after it has polled whoever answers.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.presence.look(self.stream.as_ref().get_ref().get_ref(), cx);
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

/// The body of a request. Where the peer ends its stream in the middle of it, that is an error of
/// the kind `UnexpectedEof`.
#[derive(Debug)]
pub struct Received {
    body: Incoming,
    inbox: Inbox,
}

impl Body for Received {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            // hyper hands on all that it has before it reads again.
            Poll::Pending if self.inbox.is_ended() => {
                Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())))
            }
            polled => {
                if polled.is_ready() && self.body.is_end_stream() {
                    self.inbox.0.held.taken();
                }
                polled.map_err(io::Error::other)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
