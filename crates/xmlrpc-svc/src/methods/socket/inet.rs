//! `inet_aton`, `inet_ntoa`: IPv4 addresses as text and as four bytes.

use std::net::Ipv4Addr;

use callbox::{Base64, Fault, Registry};

use super::failure;

/// Bits of the last part of an address, by how many parts stand before it.
const LAST_BITS: [u32; 4] = [32, 24, 16, 8];

/// Publishes the functions.
pub(super) fn add(registry: &mut Registry) {
    registry
        .add(
            "socket.inet_aton",
            "Converts an IPv4 address, such as 127.0.0.1, to four bytes.",
            |ip_string: String| {
                let address = aton(&ip_string);
                let address = address.ok_or_else(|| failure("illegal IP address string"))?;
                Ok::<_, Fault>(Base64(address.octets().to_vec()))
            },
        )
        .names(["ip_string"]);
    registry
        .add(
            "socket.inet_ntoa",
            "Converts four bytes to an IPv4 address as text.",
            |packed_ip: Base64| {
                let octets = <[u8; 4]>::try_from(&*packed_ip.0);
                let octets = octets.map_err(|_| failure("packed IP wrong length"))?;
                Ok::<_, Fault>(Ipv4Addr::from(octets).to_string())
            },
        )
        .names(["packed_ip"]);
}

/// The address that a text says as the C library's `inet_aton` reads it: one to four parts, each
/// decimal, octal after a 0 or hexadecimal after 0x; the last fills what is left. What follows a
/// blank does not matter.
fn aton(text: &str) -> Option<Ipv4Addr> {
    if text.contains('\0') {
        return None;
    }
    let text = text.split(|c: char| c.is_ascii_whitespace() || c == '\u{b}').next()?;
    let mut parts = text.split('.').map(number);
    let mut address: u32 = 0;
    for bits in LAST_BITS {
        let part = parts.next()??;
        if parts.clone().next().is_none() {
            let fits = u64::from(part) < 1 << bits;
            return fits.then(|| Ipv4Addr::from(address.checked_shl(bits).unwrap_or(0) | part));
        }
        address = address << 8 | u32::from(u8::try_from(part).ok()?);
    }
    None
}

/// A part of an address.
fn number(part: &str) -> Option<u32> {
    let (digits, radix) = match part.strip_prefix('0') {
        None => (part, 10),
        Some("") => ("0", 10),
        Some(rest) => rest.strip_prefix(['x', 'X']).map_or((rest, 8), |digits| (digits, 16)),
    };
    // A sign would be read too.
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_c_library_does() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                aton(text).map(|address| address.to_string()),
                Some(expected.into()),
                "{text}"
            );
        };
        check("127.0.0.1", "127.0.0.1");
        check("127.1", "127.0.0.1");
        check("1.2.65535", "1.2.255.255");
        check("1.16777215", "1.255.255.255");
        check("4294967295", "255.255.255.255");
        check("0x7f.010.0.0X1", "127.8.0.1");
        check("0", "0.0.0.0");
        check("1.2.3.4 and more", "1.2.3.4");
        check("1.2.3.4\u{b}", "1.2.3.4");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            " 1.2.3.4",
            ".",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "1.2.3.256",
            "256.1",
            "1.2.65536",
            "4294967296",
            "08",
            "0x",
            "0xg",
            "+1",
            "-1",
            "1.2.3.4x",
            "1.2.3.4\0",
            "a",
            "1.2.3.+4",
        ] {
            assert_eq!(aton(text), None, "{text:?}");
        }
    }
}
