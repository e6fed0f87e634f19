//! The addresses of a host, asked of the system, whose look-ups block and cannot be ended.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};

use tokio::sync::Semaphore;

/// Look-ups at once for one server. One whose name nobody answers for keeps none from the others.
const MAX_FOR_ONE: usize = 4;

/// Look-ups at once of the process: each has a thread until the system has answered.
const MAX_LOOKUPS: usize = 64;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MAX_LOOKUPS)));

/// The look-ups of the addresses of one server. A further one waits for its turn as long as its
/// caller does.
#[derive(Debug)]
pub struct Lookups {
    turns: Arc<Semaphore>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(MAX_FOR_ONE)) }
    }
}

impl Lookups {
    /// The addresses of `host`, a name or an address, with this port.
    pub async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            // Not behind the names that are looked up.
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let host = host.to_owned();
        self.ask(move || Ok((host.as_str(), port).to_socket_addrs()?.collect())).await
    }

    /// Its turn is over when the system has answered, also where nobody waits for that any more.
    async fn ask(
        &self,
        look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> io::Result<Vec<SocketAddr>> {
        let own = self.turns.clone().acquire_owned().await.map_err(io::Error::other)?;
        let turn = TURNS.clone().acquire_owned().await.map_err(io::Error::other)?;
        let asked = tokio::task::spawn_blocking(move || {
            let _turns = (own, turn);
            look_up()
        });
        asked.await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::mpsc::channel;

    #[tokio::test]
    async fn look_ups_have_a_greatest_number_whether_somebody_waits_for_them_or_not() {
        let lookups = Arc::new(Lookups::default());
        let begun = Arc::new(Barrier::new(MAX_FOR_ONE + 1));
        let mut answers = Vec::new();
        for _ in 0..MAX_FOR_ONE {
            let (lookups, begun) = (lookups.clone(), begun.clone());
            let (answer, answered) = channel::<()>();
            answers.push(answer);
            let asked = tokio::spawn(async move {
                let look_up = move || {
                    begun.wait();
                    let _ = answered.recv();
                    Ok(Vec::new())
                };
                lookups.ask(look_up).await
            });
            // It has begun to wait.
            tokio::task::yield_now().await;
            asked.abort();
        }
        tokio::task::spawn_blocking(move || begun.wait()).await.unwrap();
        assert_eq!(lookups.turns.available_permits(), 0);
        let other = Lookups::default().addresses("localhost", 1).await.unwrap();
        assert_eq!(lookups.addresses("127.0.0.1", 1).await.unwrap()[0].port(), 1);
        assert!(other[0].ip().is_loopback());
        drop(answers);
        assert!(!lookups.addresses("localhost", 1).await.unwrap().is_empty());
        drop(lookups.turns.acquire_many(MAX_FOR_ONE as u32).await.unwrap());

        let all = TURNS.acquire_many(MAX_LOOKUPS as u32).await.unwrap();
        let lookups = Arc::new(Lookups::default());
        let waits = lookups.clone();
        let asked = tokio::spawn(async move { waits.addresses("localhost", 1).await });
        while lookups.turns.available_permits() == MAX_FOR_ONE {
            tokio::task::yield_now().await;
        }
        assert!(!asked.is_finished());
        drop(all);
        assert!(!asked.await.unwrap().unwrap().is_empty());
    }
}
