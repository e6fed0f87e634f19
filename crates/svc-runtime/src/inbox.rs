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

/// What hyper keeps of an answer that its peer does not take.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// What rustls keeps of it.
const TLS_BUFFER_BYTES: usize = 64 * 1024;

/// What is known of what has arrived. Its clones know the same.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(Arc<State>);

#[derive(Debug)]
struct State {
    held: Held,
    /// Whether a request was taken and is not answered.
    is_in_work: AtomicBool,
    has_begun: AtomicBool,
    is_empty: AtomicBool,
    is_ended: AtomicBool,
}

impl Inbox {
    /// Nothing has arrived; what does is told to `held`.
    pub(crate) fn new(held: Held) -> Self {
        let no = || AtomicBool::new(false);
        let (is_in_work, has_begun, is_empty, is_ended) = (no(), no(), no(), no());
        Self(Arc::new(State { held, is_in_work, has_begun, is_empty, is_ended }))
    }

    /// A request was taken. Gives back its body, which is told apart from what comes after it.
    pub(crate) fn take(&self, body: Incoming) -> Received {
        self.0.has_begun.store(true, Relaxed);
        self.0.is_in_work.store(true, Relaxed);
        if body.is_end_stream() {
            self.0.held.taken();
        }
        Received { body, inbox: self.clone() }
    }

    /// The request in work was answered.
    pub(crate) fn answered(&self) {
        self.0.is_in_work.store(false, Relaxed);
        self.0.held.waits(!self.is_empty());
    }

    /// The last of a body was read: of a request in work, or of one that was answered before.
    fn read_whole(&self) {
        if self.0.is_in_work.load(Relaxed) {
            self.0.held.taken();
        } else {
            // Nothing is always there.
            let _ = self.0.held.keeps(0);
        }
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
    /// What the peer takes nothing of, if anything.
    blocked: Option<Unsent>,
}

/// What a peer does not take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsent {
    /// What hyper has written.
    Written,
    /// What TLS has of it.
    Encrypted,
}

impl Unsent {
    /// Most bytes that are kept of it, beside a body, which has a budget.
    fn bytes(self) -> usize {
        match self {
            Self::Written => WRITE_BUFFER_BYTES,
            Self::Encrypted => WRITE_BUFFER_BYTES + TLS_BUFFER_BYTES,
        }
    }
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
        Self { stream, inbox, presence, stop, blocked: None }
    }

    fn sent<T>(&mut self, what: Unsent, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_pending() {
            self.blocked = Some(what);
            self.inbox.0.held.blocked(what.bytes())?;
        } else if self.blocked == Some(what) {
            self.blocked = None;
            self.inbox.0.held.flows();
        }
        sent
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
        let sent = self.stream.as_mut().poll_write(cx, bytes);
        self.sent(Unsent::Written, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = self.stream.as_mut().poll_write_vectored(cx, slices);
        self.sent(Unsent::Written, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes whenever it is polled, after it has polled whoever answers.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.presence.look(self.stream.as_ref().get_ref().get_ref(), cx);
        let sent = self.stream.as_mut().poll_flush(cx);
        self.sent(Unsent::Encrypted, sent)
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
                // Of chunks nothing but the end tells that they end.
                let is_over = matches!(polled, Poll::Ready(None));
                if is_over || (polled.is_ready() && self.body.is_end_stream()) {
                    self.inbox.read_whole();
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
