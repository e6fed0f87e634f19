//! The health check from outside: what the `healthcheck` subcommand runs in an image
//! that has neither a shell nor curl.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for each of connecting, asking and the answer.
pub const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// Asks `GET /healthz` at `admin`; anything but status 200 is an error that says so.
pub fn is_alive(admin: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&admin, PROBE_DEADLINE)?;
    stream.set_read_timeout(Some(PROBE_DEADLINE))?;
    stream.set_write_timeout(Some(PROBE_DEADLINE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    if &status == b"HTTP/1.1 200" { Ok(()) } else { Err(io::Error::other("not healthy")) }
}
