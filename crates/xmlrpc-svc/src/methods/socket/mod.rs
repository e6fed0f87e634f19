//! `socket.*`: what Python's module of that name tells of hosts, services and addresses, by the same
//! names, parameters and results.

mod byte_order;
mod connect;
mod destination;
mod host;
mod inet;
mod lookups;
mod netdb;

use std::sync::Arc;

use callbox::{Fault, Registry};

pub use destination::{Destination, NoDestination};
use lookups::Lookups;
use netdb::Netdb;

/// Publishes the group. Without destinations that are `allowed` there is nothing that connects.
pub fn add(registry: &mut Registry, allowed: &[Destination]) {
    let lookups = Arc::new(Lookups::new());
    byte_order::add(registry);
    inet::add(registry);
    netdb::add(registry, Netdb::of_system());
    host::add(registry, lookups.clone());
    if !allowed.is_empty() {
        connect::add(registry, lookups, allowed.to_vec());
    }
}

/// What Python tells by an exception.
fn failure(text: impl Into<String>) -> Fault {
    Fault::application(text.into())
}
