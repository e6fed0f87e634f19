//! Networks of addresses, as CIDR writes them (RFC 4632).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The addresses that share their first bits. An IPv4 address mapped into IPv6 is the IPv4 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// A text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoNetwork;

impl fmt::Display for NoNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address or a network, such as 10.0.0.0/8 or 2001:db8::/32")
    }
}

impl std::error::Error for NoNetwork {}

impl Network {
    /// Whether `address` is one of its own.
    pub fn contains(&self, address: IpAddr) -> bool {
        first_of(address.to_canonical(), self.prefix) == Some(self.first)
    }
}

/// `addr` as its peer would write it: an IPv4 address that a listener of IPv6 got mapped is the IPv4
/// one again.
pub fn unmapped(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        ip @ IpAddr::V4(_) => (ip, addr.port()).into(),
        // With the scope that it may have.
        IpAddr::V6(_) => addr,
    }
}

/// The first address of the network around `address`, if such have so many bits.
fn first_of(address: IpAddr, prefix: u32) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let others = u32::MAX.checked_shr(prefix).unwrap_or(0);
            (prefix <= Ipv4Addr::BITS)
                .then(|| Ipv4Addr::from_bits(address.to_bits() & !others))?
                .into()
        }
        IpAddr::V6(address) => {
            let others = u128::MAX.checked_shr(prefix).unwrap_or(0);
            (prefix <= Ipv6Addr::BITS)
                .then(|| Ipv6Addr::from_bits(address.to_bits() & !others))?
                .into()
        }
    })
}

impl FromStr for Network {
    type Err = NoNetwork;

    /// An address alone is a network of one. Blanks around it are dropped, as they stand in lists,
    /// and so are the bits behind the prefix.
    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let text = text.trim();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| NoNetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let bits = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        let prefix: u32 = prefix.unwrap_or(bits);
        let canonical = address.to_canonical();
        // The prefix of a mapped address counts the bits that make it one.
        let mapping = if canonical.is_ipv4() && address.is_ipv6() { 96 } else { 0 };
        let prefix = prefix.checked_sub(mapping).ok_or(NoNetwork)?;
        let first = first_of(canonical, prefix).ok_or(NoNetwork)?;
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_those_of_ipv4() {
        for (addr, expected) in [
            ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("[fe80::1%2]:80", "[fe80::1%2]:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(unmapped(addr.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn network_has_the_addresses_that_share_its_prefix() {
        let check = |network: &str, inside: &[&str], outside: &[&str]| {
            let network: Network = network.parse().unwrap();
            for (addresses, is_inside) in [(inside, true), (outside, false)] {
                for address in addresses {
                    assert_eq!(network.contains(address.parse().unwrap()), is_inside, "{address}");
                }
            }
        };
        check(
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["11.0.0.0", "::1"],
        );
        check("192.0.2.1", &["192.0.2.1"], &["192.0.2.0", "192.0.2.2"]);
        check("192.0.2.129/25", &["192.0.2.128"], &["192.0.2.127"]);
        check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::"]);
        check("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1", "10.0.0.1"]);
        check("::/0", &["::", "ffff::"], &["10.0.0.1"]);
        check("::1", &["::1"], &["::2"]);
        check("::ffff:10.0.0.0/104", &["10.1.2.3"], &["11.0.0.0"]);
    }

    #[test]
    fn network_is_read_and_shown() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                text.parse::<Network>().map(|network| network.to_string()),
                Ok(expected.to_owned())
            );
        };
        check(" 10.1.2.3/8 ", "10.0.0.0/8");
        check("2001:db8::1", "2001:db8::1/128");
        for bad in [
            "",
            "x",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "::ffff:10.0.0.0/8",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(NoNetwork), "{bad}");
        }
    }
}
