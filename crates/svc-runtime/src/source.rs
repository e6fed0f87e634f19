//! Where callers come from, as far as they are told apart.

use std::net::{IpAddr, Ipv6Addr};

/// An address, or in IPv6 the /64 of one, which is what a single peer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(addr: IpAddr) -> Self {
        match addr.to_canonical() {
            IpAddr::V4(addr) => Self(addr.into()),
            IpAddr::V6(addr) => {
                let network = addr.to_bits() & !u128::from(u64::MAX);
                Self(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one_source_in_ipv6_alone() {
        let check = |one: &str, other: &str, are_one: bool| {
            let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
            assert_eq!(source(one) == source(other), are_one, "{one} {other}");
        };
        check("2001:db8::1", "2001:db8::ffff:0:0:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
    }
}
