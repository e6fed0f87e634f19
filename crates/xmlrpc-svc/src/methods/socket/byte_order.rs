//! `ntohs`, `ntohl`, `htons`, `htonl`: integers in the order of this machine and of networks.

use callbox::{Fault, Registry};

use super::failure;

/// Publishes the functions.
pub(super) fn add(registry: &mut Registry) {
    let help = "Converts an integer of 16 bits from the network's byte order to this machine's.";
    registry.add("socket.ntohs", help, |x| short(x, u16::from_be)).names(["x"]);
    let help = "Converts an integer of 32 bits from the network's byte order to this machine's.";
    registry.add("socket.ntohl", help, |x| long(x, u32::from_be)).names(["x"]);
    let help = "Converts an integer of 16 bits from this machine's byte order to the network's.";
    registry.add("socket.htons", help, |x| short(x, u16::to_be)).names(["x"]);
    let help = "Converts an integer of 32 bits from this machine's byte order to the network's.";
    registry.add("socket.htonl", help, |x| long(x, u32::to_be)).names(["x"]);
}

fn short(x: i64, convert: fn(u16) -> u16) -> Result<i64, Fault> {
    let x = u16::try_from(x).map_err(|_| failure("expected an integer of 16 bits without sign"))?;
    Ok(convert(x).into())
}

fn long(x: i64, convert: fn(u32) -> u32) -> Result<i64, Fault> {
    let x = u32::try_from(x).map_err(|_| failure("expected an integer of 32 bits without sign"))?;
    Ok(convert(x).into())
}
