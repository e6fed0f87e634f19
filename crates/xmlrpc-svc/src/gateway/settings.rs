//! What the gateway file says of its upstreams.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use callbox_client::transport::Endpoint;
use encoding_rs::Encoding;

/// A line service, and how it is asked.
#[derive(Debug, Clone)]
pub struct LineSettings {
    /// What the file calls it.
    pub name: String,
    /// Where it listens.
    pub address: Address,
    /// What ends a line that is sent.
    pub line_end: LineEnd,
    /// Connections to it at once.
    pub connections: NonZeroUsize,
    /// Calls that may wait for a connection.
    pub waiting: usize,
    /// How long a call may take: waiting, connecting, writing and reading together.
    pub timeout: Duration,
    /// Between two requests on one connection.
    pub pause: Duration,
    /// How its first line after connecting begins, where there is one.
    pub greeting: Option<String>,
    /// Lines that are sent then, in its charset and without their ends.
    pub login: Option<LoginLines>,
    /// How the first line of a reply begins that is a fault.
    pub error: Vec<String>,
    /// How lines begin that belong to no reply.
    pub skip: Vec<String>,
    /// UTF-8, or a charset of a byte a character.
    pub encoding: &'static Encoding,
    /// Longest reply, in bytes.
    pub max_reply_bytes: usize,
}

/// Where a line service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A name or an address, looked up anew for each connect; an IPv6 address without brackets.
    Inet {
        /// The name or the address.
        host: String,
        /// The port.
        port: u16,
    },
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Reads `HOST:PORT`, `[IPV6]:PORT` or `unix:/path`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return path.starts_with('/').then(|| Self::Unix(path.into()));
        }
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().ok().map(|_| inner)?,
            None => Some(host).filter(|host| is_host(host))?,
        };
        // Rust reads a sign before a number, too.
        let port = if port.starts_with('+') { None } else { port.parse().ok() };
        let port = port.filter(|port| *port != 0)?;
        Some(Self::Inet { host: host.to_owned(), port })
    }
}

/// Whether it has the characters of a name in the DNS, or of an IPv4 address.
fn is_host(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// What ends a line that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl LineEnd {
    /// The bytes.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// Lines of a login. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginLines(pub Vec<Vec<u8>>);

impl fmt::Debug for LoginLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginLines({})", self.0.len())
    }
}

/// An XML-RPC server, and how it is asked.
#[derive(Debug, Clone)]
pub struct XmlrpcSettings {
    /// What the file calls it.
    pub name: String,
    /// Where it is, and who it is asked as.
    pub endpoint: Endpoint,
    /// How long a call may take, waiting and connecting included.
    pub timeout: Duration,
    /// Connections to it at once.
    pub connections: NonZeroUsize,
    /// Calls that may wait for a connection.
    pub waiting: usize,
    /// Longest response, in bytes.
    pub max_response_bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hosts_with_ports_or_files() {
        let inet = |host: &str, port| Some(Address::Inet { host: host.to_owned(), port });
        for (text, address) in [
            ("radio:4532", inet("radio", 4532)),
            ("127.0.0.1:1", inet("127.0.0.1", 1)),
            ("[::1]:5004", inet("::1", 5004)),
            ("a-b_c.example:65535", inet("a-b_c.example", 65535)),
            ("unix:/run/x.sock", Some(Address::Unix("/run/x.sock".into()))),
        ] {
            assert_eq!(Address::parse(text), address, "{text}");
        }
        for bad in [
            "",
            "radio",
            "radio:",
            ":1",
            "radio:0",
            "radio:65536",
            "::1:5004",
            "[::1]",
            "[x]:1",
            "[]:1",
            "unix:",
            "unix:x",
            "a b:1",
            "http://radio:1",
            "a/b:1",
            "radio:+1x",
            "radio:+4532",
            "[::1]:+4532",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn lines_of_logins_are_never_shown() {
        let lines = LoginLines(vec![b"secret".to_vec()]);
        assert_eq!(format!("{lines:?}"), "LoginLines(1)");
    }
}
