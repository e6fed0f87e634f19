//! One exchange, from the connect to the answer.

use std::time::Duration;

use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::error::Error;
use super::message::{Request, Response};

/// What one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time for resolving, and for connecting to each address.
    pub connect: Duration,
    /// Time for all of it.
    pub total: Duration,
    /// Longest answer, in bytes, inflated ones too.
    pub response_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let (connect, total) = (Duration::from_secs(10), Duration::from_secs(60));
        Self { connect, total, response_bytes: 16 * 1024 * 1024 }
    }
}

/// Connects, sends `request`, reads the answer and closes.
pub async fn post(
    endpoint: &Endpoint,
    request: Request<'_>,
    limits: &Limits,
) -> Result<Response, Error> {
    let exchange = async {
        let mut connection = endpoint.connect(limits.connect).await.map_err(Error::Connect)?;
        connection.post(request, limits.response_bytes).await
    };
    timeout(limits.total, exchange).await.unwrap_or(Err(Error::TimedOut))
}
