//! `create_connection`: whether, and how fast, a service answers from here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callbox::{Fault, Registry, Reply};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::destination::Destination;
use super::failure;
use super::lookups::Lookups;

/// Connections that are made at once. A further one waits as long as it may take.
const MAX_CONNECTING: usize = 16;

/// Longest time for a connection, unless the caller has said less, in seconds.
const MAX_SECONDS: f64 = 5.0;

/// A connection that was made, and closed at once.
#[derive(Serialize, Deserialize, Reply)]
struct Made {
    /// The other end, as host and port.
    address: String,
    /// This end.
    local_address: String,
    /// How long it took, without the look-up of the host's name.
    milliseconds: f64,
}

struct Connector {
    lookups: Arc<Lookups>,
    allowed: Vec<Destination>,
    turns: Semaphore,
}

/// Publishes the function, for the destinations that are `allowed`.
pub(super) fn add(registry: &mut Registry, lookups: Arc<Lookups>, allowed: Vec<Destination>) {
    registry
        .with(Connector::new(lookups, allowed))
        .add(
            "socket.create_connection",
            "Connects to a host's TCP port and closes at once, within so many seconds (5 at the \
             most): tells both addresses, and how long it took. For destinations that are allowed.",
            create_connection,
        )
        .names(["host", "port", "timeout"]);
}

async fn create_connection(
    connector: &Connector,
    host: String,
    port: i64,
    timeout: Option<f64>,
) -> Result<Made, Fault> {
    let port = u16::try_from(port).ok().filter(|&port| port > 0);
    let port = port.ok_or_else(|| Fault::invalid_params("params[1]: expected a port"))?;
    let seconds = timeout.unwrap_or(MAX_SECONDS).min(MAX_SECONDS);
    if seconds <= 0.0 {
        return Err(Fault::invalid_params("params[2]: expected a number over 0"));
    }
    let deadline = Instant::now() + Duration::from_secs_f64(seconds);
    let made = timeout_at(deadline, connector.connect(&host, port)).await;
    made.unwrap_or_else(|_| Err(failure("the connection took too long")))
}

impl Connector {
    fn new(lookups: Arc<Lookups>, allowed: Vec<Destination>) -> Self {
        Self { lookups, allowed, turns: Semaphore::new(MAX_CONNECTING) }
    }

    /// Connects to the first address of `host` that is allowed and answers.
    async fn connect(&self, host: &str, port: u16) -> Result<Made, Fault> {
        let addresses = self.lookups.addresses(host).await?.into_iter();
        let is_allowed = |addr: &SocketAddr| {
            self.allowed.iter().any(|allowed| allowed.contains(addr.ip(), addr.port()))
        };
        let addresses = addresses.map(|address| SocketAddr::new(address.to_canonical(), port));
        let allowed: Vec<_> = addresses.filter(is_allowed).collect();
        if allowed.is_empty() {
            return Err(failure("not a destination that is allowed"));
        }
        let _turn = self.turns.acquire().await.map_err(|_| Fault::internal())?;
        let mut trouble = String::new();
        for addr in allowed {
            match measured(addr).await {
                Ok(made) => return Ok(made),
                Err(error) => trouble = error.kind().to_string(),
            }
        }
        Err(failure(trouble))
    }
}

async fn measured(addr: SocketAddr) -> std::io::Result<Made> {
    let started = Instant::now();
    let stream = TcpStream::connect(addr).await?;
    let milliseconds = started.elapsed().as_secs_f64() * 1_000.0;
    let (address, local_address) = (stream.peer_addr()?, stream.local_addr()?);
    Ok(Made {
        address: address.to_string(),
        local_address: local_address.to_string(),
        milliseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn no_more_connections_than_that_are_made_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let allowed = vec![format!("127.0.0.1:{port}").parse().unwrap()];
        let connector = Connector::new(Arc::new(Lookups::new()), allowed);
        let connect = async |seconds| {
            let host = "127.0.0.1".to_owned();
            create_connection(&connector, host, port.into(), Some(seconds)).await
        };
        let last = connector.turns.acquire_many(MAX_CONNECTING as u32 - 1).await.unwrap();
        assert!(connect(MAX_SECONDS).await.is_ok());
        let all = connector.turns.acquire().await.unwrap();
        let late = connect(0.01).await.err().unwrap();
        assert_eq!(late.message, "the connection took too long");
        drop((last, all));
        assert!(connect(MAX_SECONDS).await.is_ok());
    }
}
