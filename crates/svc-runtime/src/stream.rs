//! A connection's bytes, whatever carries them, and where it came from.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::held::Held;
use crate::tls::TlsStream;
use crate::transport::{Transport, delegate};

pub use crate::peer::Peer;

/// A connection's bytes: as the socket carries them, or by TLS.
#[derive(Debug)]
pub enum Stream {
    /// As the socket carries them.
    Plain(Transport),
    /// By TLS. In a box, or every plain connection had room for it.
    Tls(Box<TlsStream>),
}

/// What a socket tells of its peer.
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
    /// What it makes us keep.
    pub held: Held,
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
        Self { peer, listener, secrecy, certificate: None, held: Held::default() }
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

    /// What is there of the peer's first bytes, copied into `bytes` and left to be read; `None` where
    /// nothing is, or it is not to be understood without more ado: by TLS, and from a Unix socket.
    pub fn peek(&self, bytes: &mut [u8]) -> Option<usize> {
        match self {
            Self::Plain(Transport::Tcp(stream)) => {
                let mut nobody = Context::from_waker(Waker::noop());
                match pin!(stream.peek(bytes)).poll(&mut nobody) {
                    Poll::Ready(peeked) => peeked.ok(),
                    Poll::Pending => None,
                }
            }
            _ => None,
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

delegate!(Stream, Self::Plain, Self::Tls);
