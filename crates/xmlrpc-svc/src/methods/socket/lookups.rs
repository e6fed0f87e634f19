//! Names and addresses, asked of the system, whose look-ups block and cannot be ended.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use callbox::Fault;
use dns_lookup::LookupError;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::failure;

/// Look-ups at once. A further one waits for its turn as long as it may take.
const MAX_LOOKUPS: usize = 16;

/// Longest time for a look-up.
const MAX_LOOKUP_TIME: Duration = Duration::from_secs(5);

/// Longest name (RFC 1035, 2.3.4) and a point at its end.
const MAX_NAME_BYTES: usize = 254;

/// The look-ups of all calls.
pub(super) struct Lookups {
    turns: Arc<Semaphore>,
}

impl Lookups {
    /// None is in work.
    pub(super) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }

    /// The addresses of the host `name`, at least one.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Fault> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(failure("not a name of a host"));
        }
        if let Ok(address) = name.parse() {
            // Not behind the names that are looked up.
            return Ok(vec![address]);
        }
        let name = name.to_owned();
        let addresses = self.ask(move || Ok(dns_lookup::lookup_host(&name)?.collect())).await?;
        let addresses: Vec<IpAddr> = addresses;
        if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
    }

    /// The IPv4 address of the host `name`, as Python tells it: there is one for no name too.
    pub(super) async fn ipv4(&self, name: &str) -> Result<Ipv4Addr, Fault> {
        match name {
            "" => return Ok(Ipv4Addr::UNSPECIFIED),
            "<broadcast>" => return Ok(Ipv4Addr::BROADCAST),
            _ => {}
        }
        let addresses = self.addresses(name).await?.into_iter();
        let mut addresses = addresses.filter_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        addresses.next().ok_or_else(|| failure("the host has no IPv4 address"))
    }

    /// The name of the host at `address`.
    pub(super) async fn name(&self, address: IpAddr) -> Result<String, Fault> {
        self.ask(move || dns_lookup::lookup_addr(&address)).await
    }

    /// Its turn is over when the system has answered, also where nobody waits for that any more.
    async fn ask<T: Send + 'static>(
        &self,
        look_up: impl FnOnce() -> Result<T, LookupError> + Send + 'static,
    ) -> Result<T, Fault> {
        let asked = timeout(MAX_LOOKUP_TIME, async {
            let turn = self.turns.clone().acquire_owned().await.map_err(|_| Fault::internal())?;
            let asked = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                look_up()
            });
            asked.await.map_err(|_| Fault::internal())
        });
        let looked_up = asked.await.map_err(|_| failure("the look-up took too long"))??;
        looked_up.map_err(|_| unknown())
    }
}

fn unknown() -> Fault {
    failure("unknown host")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[tokio::test]
    async fn no_more_look_ups_than_that_are_made_at_once_and_others_wait_in_vain() {
        let lookups = Arc::new(Lookups::new());
        let begun = Arc::new(Barrier::new(MAX_LOOKUPS + 1));
        let ended = Arc::new(Barrier::new(MAX_LOOKUPS + 1));
        let (turns, mut asked) = (lookups.turns.clone(), Vec::new());
        for _ in 0..MAX_LOOKUPS {
            let (lookups, begun, ended) = (lookups.clone(), begun.clone(), ended.clone());
            asked.push(tokio::spawn(async move {
                let look_up = move || {
                    begun.wait();
                    ended.wait();
                    Ok(1)
                };
                lookups.ask(look_up).await
            }));
        }
        tokio::task::spawn_blocking(move || begun.wait()).await.unwrap();
        assert_eq!(turns.available_permits(), 0);
        tokio::time::pause();
        let late = tokio::spawn(async move { lookups.ask(|| Ok(2)).await });
        tokio::task::yield_now().await;
        tokio::time::advance(2 * MAX_LOOKUP_TIME).await;
        assert_eq!(late.await.unwrap().unwrap_err().message, "the look-up took too long");
        ended.wait();
        for asked in asked {
            // Their time is over too.
            let _ = asked.await.unwrap();
        }
        drop(turns.acquire_many(MAX_LOOKUPS as u32).await.unwrap());
    }
}
