//! A stream to an upstream: TCP, or a Unix socket.

use std::future::poll_fn;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::ready;

use callbox_client::transport::Lookups;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::intake::Intake;
use super::settings::Address;

/// Read at once, in bytes.
const READ_BYTES: usize = 4096;

/// The same between exchanges, where there is nothing as a rule.
const LISTEN_BYTES: usize = 1024;

/// A stream to an upstream.
pub(super) struct Socket(Box<dyn Stream>);

trait Stream: AsyncRead + AsyncWrite + AsFd + Send + Sync + Unpin {}

impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// What a stream has to say that nobody asks now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing.
    Nothing,
    /// Something, which was taken in.
    Something,
    /// That it has ended.
    End,
}

impl Socket {
    /// Connects to `address`, whose name is resolved anew by `lookups`. Where that gives several
    /// addresses, the `attempt`th begins with another one.
    pub(super) async fn connect(
        address: &Address,
        lookups: &Lookups,
        attempt: usize,
    ) -> io::Result<Self> {
        match address {
            Address::Unix(path) => Ok(Self(Box::new(UnixStream::connect(path).await?))),
            Address::Inet { host, port } => {
                let addrs = lookups.addresses(host, *port).await?;
                let stream = connect_to_one(&addrs, attempt).await?;
                stream.set_nodelay(true)?;
                Ok(Self(Box::new(stream)))
            }
        }
    }

    /// Sends some of `bytes`, and tells how many.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = poll_fn(|cx| Pin::new(&mut *self.0).poll_write(cx, bytes)).await?;
        if sent == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(sent) }
    }

    /// Takes in what arrives next; nothing more does where that is 0 bytes. The buffer is on the
    /// stack, so that a call that waits costs none.
    pub(super) async fn receive(&mut self, intake: &mut Intake) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut storage = [const { MaybeUninit::uninit() }; READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut storage);
            ready!(Pin::new(&mut *self.0).poll_read(cx, &mut buffer))?;
            intake.push(buffer.filled());
            Ok(buffer.filled().len()).into()
        })
        .await
    }

    /// Takes in what has arrived already. The kernel is asked itself: the runtime may not know yet.
    pub(super) fn listen(&self, intake: &mut Intake) -> Heard {
        let mut buffer = [0; LISTEN_BYTES];
        match (&*SockRef::from(&self.0)).read(&mut buffer) {
            Ok(0) => Heard::End,
            Ok(read) => {
                intake.push(&buffer[..read]);
                Heard::Something
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Heard::Nothing,
            Err(_) => Heard::End,
        }
    }
}

async fn connect_to_one(addrs: &[SocketAddr], attempt: usize) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for place in 0..addrs.len() {
        match TcpStream::connect(addrs[(attempt + place) % addrs.len()]).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
