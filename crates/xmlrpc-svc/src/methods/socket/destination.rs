//! Where this service may connect to for others.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use svc_runtime::network::Network;

/// Ports of the addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    network: Network,
    ports: (u16, u16),
}

/// A text is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoDestination;

impl fmt::Display for NoDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a network and ports, such as 10.0.0.0/8:80 or [fd00::]/8:1-1024")
    }
}

impl std::error::Error for NoDestination {}

impl Destination {
    /// Whether it has that port of `address`. An IPv4 address mapped into IPv6 is the IPv4 one.
    pub(super) fn contains(&self, address: IpAddr, port: u16) -> bool {
        let (first, last) = self.ports;
        (first..=last).contains(&port) && self.network.contains(address)
    }
}

impl FromStr for Destination {
    type Err = NoDestination;

    /// Blanks around it are dropped, as they stand in lists.
    fn from_str(text: &str) -> Result<Self, NoDestination> {
        let (network, ports) = text.trim().rsplit_once(':').ok_or(NoDestination)?;
        let network = match network.strip_prefix('[') {
            // Without brackets, part of an IPv6 address would be taken for ports.
            Some(rest) => bracketed(rest),
            None if network.contains(':') => return Err(NoDestination),
            None => Some(network.to_owned()),
        };
        let network = network.ok_or(NoDestination)?.parse().map_err(|_| NoDestination)?;
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let ports = (port(first)?, port(last)?);
        if ports.0 > ports.1 {
            return Err(NoDestination);
        }
        Ok(Self { network, ports })
    }
}

/// The network `fd00::/8` that is written `[fd00::]/8`; this is what stands behind the bracket.
fn bracketed(rest: &str) -> Option<String> {
    let (address, prefix) = rest.split_once(']')?;
    let is_network = address.contains(':') && (prefix.is_empty() || prefix.starts_with('/'));
    is_network.then(|| [address, prefix].concat())
}

fn port(text: &str) -> Result<u16, NoDestination> {
    match text.parse() {
        Ok(port) if port > 0 && !text.starts_with('+') => Ok(port),
        _ => Err(NoDestination),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destination_has_its_ports_of_its_addresses() {
        let check = |text: &str, address: &str, port, expected| {
            let destination: Destination = text.parse().unwrap();
            let address = address.parse().unwrap();
            assert_eq!(destination.contains(address, port), expected, "{text} {address} {port}");
        };
        check("10.0.0.0/8:80", "10.1.2.3", 80, true);
        check("10.0.0.0/8:80", "10.1.2.3", 81, false);
        check("10.0.0.0/8:80", "11.1.2.3", 80, false);
        check("10.0.0.0/8:80", "::ffff:10.1.2.3", 80, true);
        check(" 192.0.2.1:1-1024 ", "192.0.2.1", 1024, true);
        check("192.0.2.1:1-1024", "192.0.2.1", 1025, false);
        check("[fd00::]/8:1-1024", "fd12::1", 1, true);
        check("[fd00::]/8:1-1024", "fe80::1", 1, false);
        check("[::1]:65535", "::1", 65535, true);
        check("[::ffff:10.0.0.0]/104:80", "10.0.0.1", 80, true);
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in [
            "",
            "10.0.0.0/8",
            "10.0.0.0/8:",
            "10.0.0.0/8:0",
            "10.0.0.0/8:65536",
            "10.0.0.0/8:2-1",
            "10.0.0.0/8:1-",
            "10.0.0.0/8:+1",
            "10.0.0.0/8:http",
            "fd00::/8:80",
            "fd00::1:80",
            ":80",
            "[fd00::/8:80",
            "[fd00::]8:80",
            "[1]0.0.0.0/8:80",
            "host:80",
            "10.0.0.0/33:80",
        ] {
            assert_eq!(text.parse::<Destination>(), Err(NoDestination), "{text}");
        }
    }
}
