//! Where a service is told to listen.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a service is told to listen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenAddr {
    /// An address and port; port 0 is a free one.
    Inet(SocketAddr),
    /// A name, each of whose addresses is listened on, and a port.
    Host(String, u16),
    /// The file of a Unix socket.
    Unix(PathBuf),
    /// Sockets that whoever started the process opened (`sd_listen_fds(3)`): those of this name, or
    /// all.
    Inherit(Option<String>),
}

/// A text names nothing that can be listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoListenAddr;

impl fmt::Display for NoListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected IP:PORT, HOST:PORT, unix:/path, inherit or inherit:NAME")
    }
}

impl std::error::Error for NoListenAddr {}

impl From<SocketAddr> for ListenAddr {
    fn from(addr: SocketAddr) -> Self {
        Self::Inet(addr)
    }
}

impl FromStr for ListenAddr {
    type Err = NoListenAddr;

    /// Blanks around it are dropped, as they stand in lists.
    fn from_str(text: &str) -> Result<Self, NoListenAddr> {
        let text = text.trim();
        if let Ok(addr) = text.parse() {
            return Ok(Self::Inet(addr));
        }
        match text.split_once(':') {
            None if text == "inherit" => Ok(Self::Inherit(None)),
            Some(("inherit", name)) if !name.is_empty() => Ok(Self::Inherit(Some(name.to_owned()))),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some((host, port)) if is_host(host) => {
                let port = port.parse().map_err(|_| NoListenAddr)?;
                Ok(Self::Host(host.to_owned(), port))
            }
            _ => Err(NoListenAddr),
        }
    }
}

/// Whether it has the characters of a name in the DNS (RFC 1123, 2.1), and is no address gone wrong.
fn is_host(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text.bytes().any(|byte| byte.is_ascii_alphabetic()) && text.bytes().all(is_allowed)
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Host(name, port) => write!(f, "{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherit(None) => f.write_str("inherit"),
            Self::Inherit(Some(name)) => write!(f, "inherit:{name}"),
        }
    }
}

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// An address and port.
    Inet(SocketAddr),
    /// The file of a Unix socket, empty where it has none.
    Unix(PathBuf),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_shown() {
        let check = |text: &str, expected: ListenAddr| {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text.trim());
        };
        check("127.0.0.1:5022", ListenAddr::Inet("127.0.0.1:5022".parse().unwrap()));
        check("[::1]:0", ListenAddr::Inet("[::1]:0".parse().unwrap()));
        check(" 0.0.0.0:1 ", ListenAddr::Inet("0.0.0.0:1".parse().unwrap()));
        check("localhost:5022", ListenAddr::Host("localhost".into(), 5022));
        check("my-host.example:1", ListenAddr::Host("my-host.example".into(), 1));
        check("unix:/run/call box.sock", ListenAddr::Unix("/run/call box.sock".into()));
        check("inherit", ListenAddr::Inherit(None));
        check("inherit:web", ListenAddr::Inherit(Some("web".into())));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let bad = [
            "",
            "localhost",
            "9004",
            ":9004",
            "localhost:",
            "localhost:http",
            "localhost:70000",
            "1.2.3:80",
            "1.2.3.4.5:80",
            "::1:80",
            "unix:",
            "unix:relative",
            "inherit:",
            "a b:80",
            "http://a:80",
        ];
        for text in bad {
            assert_eq!(text.parse::<ListenAddr>(), Err(NoListenAddr), "{text}");
        }
    }
}
