//! The bytes of one connection, counted, whatever carries them.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::tls::TlsStream;
use super::traffic::Traffic;

/// What carries the bytes.
#[derive(Debug)]
pub(crate) enum Carrier {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    Unix(UnixStream),
}

/// The bytes of one connection, and how many there were since [`Stream::begin`].
#[derive(Debug)]
pub(crate) struct Stream {
    carrier: Carrier,
    read: u64,
    written: u64,
    /// What TLS found wrong, or was told by the peer.
    refusal: Option<io::Error>,
    traffic: Arc<Traffic>,
}

/// What an idle connection is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Open and silent.
    Quiet,
    /// Ended by the peer.
    Ended,
    /// The peer has said what nobody asked for.
    Spoken,
}

impl Stream {
    pub(crate) fn new(carrier: Carrier, traffic: Arc<Traffic>) -> Self {
        Self { carrier, read: 0, written: 0, refusal: None, traffic }
    }

    /// Counts from zero.
    pub(crate) fn begin(&mut self) {
        (self.read, self.written) = (0, 0);
    }

    /// Whether anything was read since [`Stream::begin`].
    pub(crate) fn is_read(&self) -> bool {
        self.read > 0
    }

    /// Whether anything was written since [`Stream::begin`].
    pub(crate) fn is_written(&self) -> bool {
        self.written > 0
    }

    /// Why TLS went no further, if it did not: whoever reads next is told, and that may be somebody
    /// who only looks whether the connection is there.
    pub(crate) fn take_refusal(&mut self) -> Option<io::Error> {
        self.refusal.take()
    }

    /// What the socket has now, by asking the system itself: what the runtime knows may be older.
    pub(crate) fn idle(&self) -> Idle {
        let socket = match &self.carrier {
            Carrier::Tcp(stream) => SockRef::from(stream),
            Carrier::Tls(stream) => SockRef::from(stream.get_ref().0),
            Carrier::Unix(stream) => SockRef::from(stream),
        };
        match socket.peek(&mut [MaybeUninit::uninit()]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Idle::Quiet,
            Ok(0) | Err(_) => Idle::Ended,
            Ok(_) => Idle::Spoken,
        }
    }

    /// The same before the first exchange, when records of TLS may be there that say nothing.
    pub(crate) fn idle_at_first(&self) -> Idle {
        match self.idle() {
            Idle::Spoken if self.is_tls() => Idle::Quiet,
            idle => idle,
        }
    }

    /// The same, and reads what there is of TLS. A byte that was said is lost.
    pub(crate) fn read_at_first(&mut self) -> Idle {
        if !self.is_tls() {
            return self.idle();
        }
        match self.poll_once() {
            Poll::Pending => Idle::Quiet,
            Poll::Ready(Ok(true)) => Idle::Spoken,
            Poll::Ready(_) => Idle::Ended,
        }
    }

    /// Whether TLS has deciphered bytes that nobody has read. One of them is lost.
    pub(crate) fn has_rest(&mut self) -> bool {
        self.is_tls() && self.poll_once().is_ready()
    }

    fn is_tls(&self) -> bool {
        matches!(self.carrier, Carrier::Tls(_))
    }

    fn poll_once(&mut self) -> Poll<io::Result<bool>> {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let read = Pin::new(self).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer);
        read.map_ok(|()| !buffer.filled().is_empty())
    }
}

/// Evaluates `$call` with `$stream` for a pinned carrier, whichever it is.
macro_rules! by {
    ($carrier:expr, $stream:ident => $call:expr) => {
        match $carrier {
            Carrier::Tcp($stream) => $call,
            Carrier::Tls($stream) => $call,
            Carrier::Unix($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = by!(&mut this.carrier, stream => Pin::new(stream).poll_read(cx, buffer));
        let read = (buffer.filled().len() - before) as u64;
        this.read += read;
        this.traffic.add_received(read);
        match &polled {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                this.refusal = Some(io::Error::new(error.kind(), error.to_string()));
            }
            _ => {}
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = by!(&mut this.carrier, stream => Pin::new(stream).poll_write(cx, bytes));
        this.count(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled =
            by!(&mut this.carrier, stream => Pin::new(stream).poll_write_vectored(cx, slices));
        this.count(polled)
    }

    fn is_write_vectored(&self) -> bool {
        by!(&self.carrier, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        by!(&mut self.get_mut().carrier, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        by!(&mut self.get_mut().carrier, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

impl Stream {
    fn count(&mut self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(written)) = &polled {
            self.written += *written as u64;
            self.traffic.add_sent(*written as u64);
        }
        polled
    }
}
