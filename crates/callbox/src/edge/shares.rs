//! The part of all calls in work that one account, or one address, may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use svc_runtime::network::Network;
use svc_runtime::share::{Part, Percent, Share};
use svc_runtime::source::Source;

use crate::registry::{Caller, Peer};

/// Addresses that are known before those are forgotten who have nothing in work.
const MAX_SOURCES: usize = 1024;

/// What accounts and addresses have of all calls in work.
pub(super) struct Shares {
    /// Most that one may have; `None` for all.
    most: Option<usize>,
    sources: Mutex<Sources>,
}

#[derive(Default)]
struct Sources {
    shares: HashMap<Source, Share>,
    /// How many it may have before it is swept.
    most: usize,
}

/// The caller has as many calls in work as one may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverShare;

impl Shares {
    /// Nothing of `calls` is in work, of which one may have a `part`.
    pub(super) fn new(calls: usize, part: Percent) -> Self {
        let most = (part != Percent::ALL).then(|| part.of(calls));
        Self { most, sources: Mutex::default() }
    }

    /// What `peer` has, if that is an address which has a share: not this machine's own, and none of
    /// `trusted`.
    pub(super) fn of(&self, peer: Peer, trusted: &[Network]) -> Option<Share> {
        self.most?;
        let address = peer.address()?;
        let is_exempt =
            address.is_loopback() || trusted.iter().any(|network| network.contains(address));
        (!is_exempt).then(|| self.of_address(address))
    }

    /// A call more for the caller, if it has not as many as it may.
    pub(super) fn take(&self, caller: &Caller) -> Result<Option<Part>, OverShare> {
        let Some(most) = self.most else { return Ok(None) };
        let take = |share: &Share| share.take(most).map(Some).ok_or(OverShare);
        if let Some(share) = caller.account_share() {
            return take(share);
        }
        let connection = caller.connection();
        match caller.peer() {
            peer @ Peer::Forwarded(_) => {
                self.of(peer, &connection.trusted).as_ref().map_or(Ok(None), take)
            }
            _ => connection.share.as_ref().map_or(Ok(None), take),
        }
    }

    fn of_address(&self, address: IpAddr) -> Share {
        // Whole at any time, whoever panicked.
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.of(address.into())
    }
}

impl Sources {
    fn of(&mut self, source: Source) -> Share {
        if self.shares.len() >= self.most {
            self.shares.retain(|_, share| share.is_shared());
            self.most = MAX_SOURCES.max(2 * self.shares.len());
        }
        self.shares.entry(source).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(address: &str) -> Peer {
        Peer::Forwarded(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_this_machine_and_of_proxies_have_no_share() {
        let shares = Shares::new(4, Percent::HALF);
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for peer in [inet("127.0.0.1"), inet("::1"), inet("10.1.2.3"), Peer::Unix, Peer::Unknown] {
            assert!(shares.of(peer, &trusted).is_none(), "{peer}");
        }
        assert!(shares.of(inet("192.0.2.1"), &trusted).is_some());
        assert!(Shares::new(4, Percent::ALL).of(inet("192.0.2.1"), &trusted).is_none());
    }

    #[test]
    fn share_is_the_addresss_own_as_long_as_it_has_something() {
        let shares = Shares::new(4, Percent::HALF);
        let share = |address| shares.of(inet(address), &[]).unwrap();
        let held = share("192.0.2.1").take(1);
        assert!(held.is_some());
        for number in 0..2 * MAX_SOURCES {
            let other = format!("2001:db8:0:{number:x}::1");
            assert!(shares.of(inet(&other), &[]).unwrap().take(1).is_some());
        }
        assert!(share("192.0.2.1").take(1).is_none(), "it was not forgotten");
        assert!(shares.sources.lock().unwrap().shares.len() <= MAX_SOURCES + 1);
        drop(held);
        assert!(share("192.0.2.1").take(1).is_some());
    }
}
