//! The file of a Unix socket: made anew where the last one is stale, and removed at the end.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

/// The file of a socket of ours, removed when this is dropped, if it is still ours. The socket is to
/// be closed later: until then no other file can have its inode.
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

/// Listens on the socket `path`, whose file gets the permissions `mode` and which keeps so many new
/// connections `waiting`. The file of a socket that nobody listens on any more is replaced.
pub(crate) fn bind(path: &Path, mode: u32, waiting: u32) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let metadata = fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.to_owned(), identity: (metadata.dev(), metadata.ino()) };
    // Before anybody can connect.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    socket.listen(waiting.try_into().unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok((UnixListener::from_std(socket.into())?, file))
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?.file_type().is_socket(),
    };
    if !is_socket {
        return Err(io::Error::other("there is a file that is no socket"));
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Whoever listens there may be too busy to take us.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).map(|now| (now.dev(), now.ino()));
        if now.is_ok_and(|now| now == self.identity) {
            // Nothing is lost where it stays: the next one replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
