//! Where a service listens: TCP, Unix sockets, and sockets that somebody else opened.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, UnixListener, lookup_host};
use tracing::debug;

use crate::address::{Bound, ListenAddr};
use crate::inherited;
use crate::network::unmapped;
use crate::reload::Reload;
use crate::socket_file::{self, SocketFile};
use crate::stream::Peer;
use crate::tls::{Tls, TlsError, TlsSettings};
use crate::transport::Transport;

/// New connections that the kernel keeps for us, at most (`listen(2)`), where its own limit
/// (`net.core.somaxconn`) is no lower.
pub const MAX_WAITING: u32 = 4096;

/// Send buffer of a connection, which the kernel doubles: small, so that a peer that reads slowly
/// makes the socket writable again within the write deadline, and holds little of the kernel.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Something that is listened on.
pub struct Listener {
    socket: Socket,
    role: &'static str,
    tls: Option<Tls>,
}

enum Socket {
    Tcp(TcpListener),
    Unix {
        /// Goes when this does, where we made it, and before the listener.
        _file: Option<SocketFile>,
        listener: UnixListener,
    },
}

/// Nothing can be listened on where that was wanted.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// The address cannot be listened on.
    Addr(ListenAddr, io::Error),
    /// The files for TLS cannot be used.
    Tls(TlsError),
}

impl ListenError {
    /// Whether it is a setting that is wrong, and not the machine that refuses.
    pub fn is_setting(&self) -> bool {
        match self {
            Self::Addr(ListenAddr::Inherit(_), _) | Self::Tls(_) => true,
            // Such as a path that is too long for a socket.
            Self::Addr(_, cause) => cause.kind() == io::ErrorKind::InvalidInput,
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr, cause) => write!(f, "cannot listen on {addr}: {cause}"),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ListenError {}

impl From<TlsError> for ListenError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

/// Listens on each of `addrs` as `role`; the files of Unix sockets get the permissions `unix_mode`.
pub async fn bind_all(
    role: &'static str,
    addrs: &[ListenAddr],
    unix_mode: u32,
) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::with_capacity(addrs.len());
    for addr in addrs {
        let sockets = bind(addr, unix_mode).await;
        let sockets = sockets.map_err(|cause| ListenError::Addr(addr.clone(), cause))?;
        let listener = |socket| Listener { socket, role, tls: None }.prepared();
        listeners.extend(sockets.into_iter().map(listener));
    }
    Ok(listeners)
}

/// Listens where `settings` say, by TLS, as `role`; what is spoken inside are `protocols` (ALPN,
/// RFC 7301). With what reads the certificates again.
pub async fn bind_tls(
    role: &'static str,
    settings: &TlsSettings,
    protocols: &'static [&'static [u8]],
    unix_mode: u32,
) -> Result<(Vec<Listener>, Option<Reload>), ListenError> {
    let Some(tls) = Tls::read(settings, protocols)? else { return Ok((Vec::new(), None)) };
    let listeners = bind_all(role, &settings.tls_listen, unix_mode).await?;
    let listeners = listeners.into_iter().map(|listener| listener.with_tls(tls.clone())).collect();
    let reload = move || tls.reload().map_err(|error| error.to_string());
    Ok((listeners, Some(Reload::new("certificates", reload))))
}

async fn bind(addr: &ListenAddr, unix_mode: u32) -> io::Result<Vec<Socket>> {
    match addr {
        ListenAddr::Inet(addr) => Ok(vec![Socket::Tcp(listen(*addr)?)]),
        ListenAddr::Host(name, port) => {
            // Where /etc/hosts says it twice, it comes twice.
            let addrs: BTreeSet<_> = lookup_host((name.as_str(), *port)).await?.collect();
            let listeners = each_of(addrs.into_iter(), listen)?;
            Ok(listeners.into_iter().map(Socket::Tcp).collect())
        }
        ListenAddr::Unix(path) => {
            let (listener, file) = socket_file::bind(path, unix_mode, MAX_WAITING)?;
            Ok(vec![Socket::Unix { listener, _file: Some(file) }])
        }
        ListenAddr::Inherit(name) => inherited::take(name.as_deref())?
            .into_iter()
            .map(|socket| match socket {
                inherited::Socket::Tcp(listener) => {
                    TcpListener::from_std(listener).map(Socket::Tcp)
                }
                inherited::Socket::Unix(listener) => UnixListener::from_std(listener)
                    .map(|listener| Socket::Unix { listener, _file: None }),
            })
            .collect(),
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As std and tokio have it: a port is free again as soon as nobody listens on it.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(MAX_WAITING)
}

/// Binds each address of a name. One that this machine does not have, as IPv6 often is, is left out
/// if there is another.
pub(crate) fn each_of<S>(
    addrs: impl Iterator<Item = SocketAddr>,
    bind: fn(SocketAddr) -> io::Result<S>,
) -> io::Result<Vec<S>> {
    let (mut sockets, mut missing) = (Vec::new(), None);
    for addr in addrs {
        match bind(addr) {
            Ok(socket) => sockets.push(socket),
            Err(error) if is_missing(&error) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if sockets.is_empty() => Err(error),
        None if sockets.is_empty() => Err(io::Error::other("the name has no address")),
        _ => Ok(sockets),
    }
}

/// Whether the machine does not have the address: what it says of a family that it lacks has no
/// kind of its own, so that it is told from what is said of addresses that it has.
fn is_missing(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

impl Listener {
    /// A TCP listener that was brought along.
    pub fn tcp(role: &'static str, listener: TcpListener) -> Self {
        Self { socket: Socket::Tcp(listener), role, tls: None }.prepared()
    }

    /// A Unix socket that was brought along, whose file is not removed at the end.
    pub fn unix(role: &'static str, listener: UnixListener) -> Self {
        Self { socket: Socket::Unix { _file: None, listener }, role, tls: None }
    }

    /// The same with the options that connections by TCP have from their listener (`tcp(7)`): what is
    /// written is sent at once, from a small buffer.
    fn prepared(self) -> Self {
        if let Socket::Tcp(listener) = &self.socket {
            let socket = SockRef::from(listener);
            let set = socket
                .set_tcp_nodelay(true)
                .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER_BYTES));
            self.tell(set);
        }
        self
    }

    fn tell(&self, set: io::Result<()>) {
        if let Err(error) = set {
            debug!(role = self.role, %error, "cannot set socket options");
        }
    }

    fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// What it is for, such as `xmlrpc`.
    pub fn role(&self) -> &'static str {
        self.role
    }

    /// What makes its handshakes, where it has TLS.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Where it listens.
    pub fn addr(&self) -> io::Result<Bound> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(Bound::Inet),
            Socket::Unix { listener, .. } => {
                let addr = listener.local_addr()?;
                Ok(Bound::Unix(addr.as_pathname().map(Into::into).unwrap_or_default()))
            }
        }
    }

    /// Waits for a connection. It may be dropped and called again, and loses none.
    pub(crate) async fn accept(&self) -> io::Result<(Transport, Peer)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Transport::Tcp(stream), Peer::Inet(unmapped(peer))))
            }
            Socket::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                self.tell(SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES));
                Ok((Transport::Unix(stream), Peer::Unix))
            }
        }
    }
}
