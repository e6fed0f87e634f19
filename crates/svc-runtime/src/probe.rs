//! The health check from outside: what the `healthcheck` subcommand runs in an image
//! that has neither a shell nor curl.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::address::ListenAddr;

/// Longest wait for each of connecting, asking and the answer.
pub const PROBE_DEADLINE: Duration = Duration::from_secs(2);

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Asks `GET /healthz` at `admin`; anything but status 200 is an error that says so.
pub fn is_alive(admin: &ListenAddr) -> io::Result<()> {
    match admin {
        ListenAddr::Inet(addr) => ask_tcp(reachable(*addr)),
        ListenAddr::Host(name, port) => ask_any((name.as_str(), *port).to_socket_addrs()?),
        ListenAddr::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PROBE_DEADLINE))?;
            stream.set_write_timeout(Some(PROBE_DEADLINE))?;
            ask(stream)
        }
        ListenAddr::Inherit(_) => Err(io::Error::other("an inherited socket cannot be asked")),
    }
}

fn ask_any(addrs: impl Iterator<Item = SocketAddr>) -> io::Result<()> {
    let mut last = Err(io::Error::other("the name has no address"));
    for addr in addrs {
        last = ask_tcp(addr);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn ask_tcp(addr: SocketAddr) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&addr, PROBE_DEADLINE)?;
    stream.set_read_timeout(Some(PROBE_DEADLINE))?;
    stream.set_write_timeout(Some(PROBE_DEADLINE))?;
    ask(stream)
}

fn ask(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(REQUEST)?;
    let mut status = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    if &status == b"HTTP/1.1 200" { Ok(()) } else { Err(io::Error::other("not healthy")) }
}

/// Where the admin port is asked from this machine: an unspecified address becomes loopback.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_address_becomes_loopback() {
        let check = |addr: &str, expected: &str| {
            assert_eq!(reachable(addr.parse().unwrap()), expected.parse().unwrap());
        };
        check("0.0.0.0:9004", "127.0.0.1:9004");
        check("[::]:9004", "[::1]:9004");
        check("10.1.2.3:9004", "10.1.2.3:9004");
    }
}
