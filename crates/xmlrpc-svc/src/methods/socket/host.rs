//! `gethostname`, `gethostbyname`, `gethostbyaddr`: hosts by name and address.

use std::net::IpAddr;
use std::sync::Arc;

use callbox::{Fault, Registry};

use super::failure;
use super::lookups::Lookups;

/// A host's name, its other names, and its addresses.
type Host = (String, Vec<String>, Vec<String>);

/// Publishes the functions.
pub(super) fn add(registry: &mut Registry, lookups: Arc<Lookups>) {
    registry.add("socket.gethostname", "Tells the name of the machine that this runs on.", || {
        dns_lookup::get_hostname().map_err(|_| failure("this machine has no name"))
    });
    let mut lookups = registry.with_shared(lookups);
    lookups
        .add("socket.gethostbyname", "Tells the IPv4 address of a host.", by_name)
        .names(["hostname"]);
    lookups
        .add(
            "socket.gethostbyaddr",
            "Tells the name of the host at an address, its other names as far as they are known, \
             and its addresses.",
            by_addr,
        )
        .names(["ip_address"]);
}

async fn by_name(lookups: &Lookups, hostname: String) -> Result<String, Fault> {
    lookups.ipv4(&hostname).await.map(|address| address.to_string())
}

async fn by_addr(lookups: &Lookups, ip_address: String) -> Result<Host, Fault> {
    let address = match ip_address.parse::<IpAddr>() {
        Ok(address) => address,
        // A name, of which Python takes the first address too.
        Err(_) => lookups.addresses(&ip_address).await?[0],
    };
    let name = lookups.name(address).await?;
    Ok((name, Vec::new(), vec![address.to_string()]))
}
