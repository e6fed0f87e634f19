//! The names that requests may be for: a page whose own name was made to point here (DNS rebinding)
//! reaches no method.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A name or address that requests may be for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllowedHost {
    /// Any.
    Any,
    /// This name, in lower case.
    Name(String),
    /// This address.
    Address(IpAddr),
}

/// A text is no name that requests may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoHost;

impl fmt::Display for NoHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a name or an address without a port, or *")
    }
}

impl std::error::Error for NoHost {}

impl FromStr for AllowedHost {
    type Err = NoHost;

    /// Blanks around it are dropped, as they stand in lists.
    fn from_str(text: &str) -> Result<Self, NoHost> {
        let text = text.trim();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match address(text) {
            Some(address) => Ok(Self::Address(address)),
            None if text == "*" => Ok(Self::Any),
            None if !text.is_empty() && text.bytes().all(is_allowed) => {
                Ok(Self::Name(name(text).to_ascii_lowercase()))
            }
            None => Err(NoHost),
        }
    }
}

/// What requests may be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// Anything.
    Any,
    /// This machine, by a name or address that means it everywhere.
    Local,
    /// These.
    Listed(Vec<AllowedHost>),
}

impl Hosts {
    /// Whether a request may be for `host`, which has no port. One that names none was sent by no
    /// browser, whose page a name in the DNS could have brought here.
    pub(super) fn allow(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            _ if host.is_empty() => true,
            Self::Local => is_local(host),
            Self::Listed(hosts) => hosts.iter().any(|allowed| allowed.is(host)),
        }
    }
}

impl AllowedHost {
    fn is(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(allowed) => name(host).eq_ignore_ascii_case(allowed),
            Self::Address(allowed) => address(host) == Some(*allowed),
        }
    }
}

/// Whether it is `localhost`, a subdomain of it (RFC 6761, 6.3) or a loopback address.
fn is_local(host: &str) -> bool {
    const LOCALHOST: &str = "localhost";
    if let Some(address) = address(host) {
        return address.is_loopback();
    }
    let name = name(host).as_bytes();
    let Some(rest) = name.len().checked_sub(LOCALHOST.len()) else { return false };
    let (before, last) = name.split_at(rest);
    last.eq_ignore_ascii_case(LOCALHOST.as_bytes()) && matches!(before, [] | [.., b'.'])
}

fn address(host: &str) -> Option<IpAddr> {
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    // Most names need no try.
    let is_candidate = host.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':');
    let address = match bracketed {
        Some(address) => address.parse::<IpAddr>(),
        None if is_candidate => host.parse(),
        None => return None,
    };
    address.ok().map(|address| address.to_canonical())
}

/// A name without the dot of the root.
fn name(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hosts_are_those_that_mean_this_machine_everywhere() {
        for host in [
            "localhost",
            "LocalHost.",
            "a.localhost",
            "a.b.localhost.",
            "127.0.0.1",
            "127.1.2.3",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(Hosts::Local.allow(host), "{host}");
        }
        for host in [
            ".",
            "evil.example",
            "evillocalhost",
            "localhost.evil.example",
            "192.168.0.1",
            "0.0.0.0",
            "[::]",
            "127.0.0.1.nip.io",
            "localhost..",
            "ocalhost",
        ] {
            assert!(!Hosts::Local.allow(host), "{host}");
        }
    }

    #[test]
    fn listed_hosts_are_allowed_and_no_others() {
        let listed = ["Example.org", " rpc.example ", "192.0.2.1", "[2001:db8::1]", "fe80::1"];
        let hosts = Hosts::Listed(listed.map(|host| host.parse().unwrap()).into());
        for host in [
            "example.org",
            "EXAMPLE.ORG.",
            "rpc.example",
            "192.0.2.1",
            "[2001:DB8::1]",
            "[fe80::1]",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["a.example.org", "localhost", "127.0.0.1", "192.0.2.2", "[::1]"] {
            assert!(!hosts.allow(host), "{host}");
        }
        assert!(Hosts::Listed(vec!["*".parse().unwrap()]).allow("anything"));
        for hosts in [hosts, Hosts::Local, Hosts::Any] {
            assert!(hosts.allow(""), "{hosts:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in ["", "a:80", "http://a", "a b", "*.example.org", "[x]", "1.2.3.4:80"] {
            assert_eq!(bad.parse::<AllowedHost>(), Err(NoHost), "{bad}");
        }
    }
}
