//! What a socket carries as it is.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Most that is thrown away at once.
const DISCARD_BYTES: usize = 64 * 1024;

/// Linux's `MSG_MORE`, what follows goes in the same packet, and `MSG_NOSIGNAL` (`send(2)`).
const MORE_TO_COME: i32 = if cfg!(target_os = "linux") { 0x8000 | 0x4000 } else { 0 };

/// Linux's `MSG_TRUNC`: what TCP has received is thrown away and not copied (`tcp(7)`).
const WITHOUT_COPY: i32 = if cfg!(target_os = "linux") { 0x20 } else { 0 };

/// What a socket carries as it is.
#[derive(Debug)]
pub enum Transport {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

impl Transport {
    /// The socket, for its options and state.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }

    /// Writes what fits now, if anything does.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Writes what fits of the last `words` now; they go with the end of the sending side, in one
    /// packet where the kernel can.
    pub(crate) fn send_last(&self, words: &[u8]) -> io::Result<usize> {
        self.socket().send_with_flags(words, MORE_TO_COME)
    }

    /// Ends the sending side.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.socket().shutdown(Shutdown::Write)
    }

    /// Throws away so many `bytes`, if they are there.
    pub(crate) fn discard_now(&self, mut bytes: usize) -> bool {
        while bytes > 0 {
            match self.discard_some(bytes) {
                Ok(some @ 1..) => bytes -= some,
                _ => return false,
            }
        }
        true
    }

    /// Waits for something to read and throws it away. Gives back how much that was: 0 at the end of
    /// the peer's stream.
    pub(crate) async fn discard(&self) -> io::Result<usize> {
        let discard = || self.discard_some(DISCARD_BYTES);
        match self {
            Self::Tcp(stream) => stream.async_io(Interest::READABLE, discard).await,
            Self::Unix(stream) => stream.async_io(Interest::READABLE, discard).await,
        }
    }

    fn discard_some(&self, bytes: usize) -> io::Result<usize> {
        let mut room = [MaybeUninit::uninit(); DISCARD_BYTES];
        self.socket().recv_with_flags(&mut room[..bytes.min(DISCARD_BYTES)], WITHOUT_COPY)
    }

    /// Waits until the peer has said something or ended its stream. A look at the first byte,
    /// since a new connection counts as readable until somebody has tried.
    pub(crate) async fn spoken(&self) -> io::Result<()> {
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

/// Makes an enum read and written as what is in its variants. Whoever calls it imports what it names.
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

pub(crate) use delegate;

delegate!(Transport, Self::Tcp, Self::Unix);
