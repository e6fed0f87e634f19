//! Sockets that whoever started the process opened for it, as systemd does (`sd_listen_fds(3)`).

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::{LazyLock, Mutex, PoisonError};

use listenfd::ListenFd;
use socket2::SockRef;

/// A socket that was passed on.
pub(crate) enum Socket {
    /// For TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// The sockets called `name`, or all that nobody has taken yet. None is an error.
pub(crate) fn take(name: Option<&str>) -> io::Result<Vec<Socket>> {
    // The variables speak of descriptors that can be taken once in the life of a process.
    static PASSED: LazyLock<Mutex<ListenFd>> = LazyLock::new(|| Mutex::new(ListenFd::from_env()));
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names: Vec<_> = names.split(':').collect();
    let is_wanted = |index: &usize| name.is_none_or(|name| names.get(*index) == Some(&name));
    let mut sockets = Vec::new();
    for index in (0..passed.len()).filter(is_wanted) {
        sockets.extend(socket(&mut passed, index)?);
    }
    if sockets.is_empty() {
        return Err(io::Error::other("no such socket was passed on (LISTEN_FDS)"));
    }
    Ok(sockets)
}

/// The socket at `index`, if it was not taken yet; the error is that it does not listen.
fn socket(passed: &mut ListenFd, index: usize) -> io::Result<Option<Socket>> {
    let socket = match passed.take_tcp_listener(index) {
        Ok(listener) => listener.map(Socket::Tcp),
        Err(_) => passed.take_unix_listener(index)?.map(Socket::Unix),
    };
    if let Some(socket) = &socket {
        let socket = match socket {
            Socket::Tcp(listener) => SockRef::from(listener),
            Socket::Unix(listener) => SockRef::from(listener),
        };
        if !socket.is_listener()? {
            return Err(io::Error::other("a socket was passed on that does not listen"));
        }
        socket.set_nonblocking(true)?;
    }
    Ok(socket)
}
