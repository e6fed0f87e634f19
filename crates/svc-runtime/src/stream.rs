//! A connection's bytes, whatever carries them, and where it came from.

use std::fmt;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::presence::Seen;
use crate::tls::TlsStream;

/// What a socket carries as it is.
#[derive(Debug)]
pub enum Transport {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// A connection's bytes: as the socket carries them, or by TLS.
#[derive(Debug)]
pub enum Stream {
    /// As the socket carries them.
    Plain(Transport),
    /// By TLS. In a box, or every plain connection had room for it.
    Tls(Box<TlsStream>),
}

/// Where a connection came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An address and port.
    Inet(SocketAddr),
    /// The other end of a Unix socket, which has no address.
    Unix,
}

impl From<SocketAddr> for Peer {
    fn from(addr: SocketAddr) -> Self {
        Self::Inet(addr)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// What is known of a connection before its first byte.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Where it came from.
    pub peer: Peer,
    /// The role of the listener that it came by.
    pub listener: &'static str,
    /// Who can read along.
    pub secrecy: Secrecy,
    /// The subject of the client's certificate, as RFC 2253 writes it.
    pub certificate: Option<Arc<str>>,
}

/// Who can read along on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Whoever stands on the way.
    Open,
    /// Nobody: it does not leave the machine, or by TLS alone.
    Private,
}

impl Origin {
    /// A connection from `peer` by the listener called `listener`, without TLS.
    pub fn new(peer: Peer, listener: &'static str) -> Self {
        let is_local = match peer {
            Peer::Inet(addr) => addr.ip().to_canonical().is_loopback(),
            Peer::Unix => true,
        };
        let secrecy = if is_local { Secrecy::Private } else { Secrecy::Open };
        Self { peer, listener, secrecy, certificate: None }
    }
}

impl Transport {
    /// The socket, for its options and state.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }

    /// Sends what is written at once.
    pub(crate) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            Self::Unix(_) => Ok(()),
        }
    }

    /// Writes what fits now, if anything does.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Waits until the peer has said something or ended its stream. A look at the first byte,
    /// since a new connection counts as readable until somebody has tried.
    async fn spoken(&self) -> io::Result<()> {
        let mut first = [MaybeUninit::uninit()];
        let mut peek = || self.socket().peek(&mut first).map(drop);
        match self {
            Self::Tcp(stream) => stream.async_io(Interest::READABLE, peek).await,
            Self::Unix(stream) => stream.async_io(Interest::READABLE, &mut peek).await,
        }
    }

    /// Waits for the first byte and leaves it to be read. `None` where the peer ended its stream,
    /// and at a Unix socket, which cannot be looked into without `unsafe`.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let Self::Tcp(stream) = self else { return Ok(None) };
        let mut first = [0];
        let peeked = stream.peek(&mut first).await?;
        Ok((peeked > 0).then_some(first[0]))
    }
}

impl Stream {
    /// The socket, for its options and state.
    pub fn socket(&self) -> SockRef<'_> {
        self.transport().socket()
    }

    fn transport(&self) -> &Transport {
        match self {
            Self::Plain(transport) => transport,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Whether the socket has bytes that nobody has taken, or the end of the peer's stream, or an
    /// error: what the kernel says now, which may be before anybody who waits for it is told.
    pub(crate) fn has_unread(&self) -> bool {
        let peeked = self.socket().peek(&mut [MaybeUninit::uninit()]);
        !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What the socket tells of the peer, without a system call. The task is woken once the peer says
    /// something, or leaves.
    pub(crate) fn poll_seen(&self, cx: &mut Context<'_>) -> Seen {
        let both = Interest::READABLE | Interest::WRITABLE;
        let (waits, state) = match self.transport() {
            Transport::Tcp(stream) => {
                (stream.poll_read_ready(cx).is_pending(), pin!(stream.ready(both)).poll(cx))
            }
            Transport::Unix(stream) => {
                (stream.poll_read_ready(cx).is_pending(), pin!(stream.ready(both)).poll(cx))
            }
        };
        match state {
            Poll::Ready(Ok(state)) if state.is_write_closed() => Seen::Gone,
            Poll::Ready(Ok(state)) if state.is_read_closed() && !waits => Seen::Ended,
            _ => Seen::Here,
        }
    }

    /// Waits until the peer has said something or ended its stream, and takes nothing of it.
    pub async fn spoken(&self) -> io::Result<()> {
        match self {
            // What came with the end of the handshake is here already.
            Self::Tls(stream) if !stream.get_ref().1.wants_read() => Ok(()),
            _ => self.transport().spoken().await,
        }
    }
}

impl From<Transport> for Stream {
    fn from(transport: Transport) -> Self {
        Self::Plain(transport)
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Transport::Tcp(stream).into()
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Transport::Unix(stream).into()
    }
}

macro_rules! delegate {
    ($stream:ty, $($variant:path),+) => {
        impl AsyncRead for $stream {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() { $($variant(inner) => Pin::new(inner).poll_read(cx, buffer)),+ }
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() { $($variant(inner) => Pin::new(inner).poll_write(cx, bytes)),+ }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $($variant(inner) => Pin::new(inner).poll_write_vectored(cx, slices)),+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self { $($variant(inner) => inner.is_write_vectored()),+ }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $($variant(inner) => Pin::new(inner).poll_flush(cx)),+ }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $($variant(inner) => Pin::new(inner).poll_shutdown(cx)),+ }
            }
        }
    };
}

delegate!(Transport, Self::Tcp, Self::Unix);
delegate!(Stream, Self::Plain, Self::Tls);
