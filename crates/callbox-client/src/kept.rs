//! Connections that are kept from one call to the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Connection;

/// How long a connection is kept that nobody uses: what stands in between may forget it.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Connections that are kept from one call to the next, the one that was used last on top.
pub(crate) struct Kept {
    idle: Mutex<Vec<(Connection, Instant)>>,
    most: usize,
}

impl Kept {
    pub(crate) fn new(most: usize) -> Self {
        Self { idle: Mutex::default(), most }
    }

    /// The one that was used last, if it was not too long ago. It looks for itself whether it is
    /// quiet before it sends anything.
    pub(crate) fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        let (connection, since) = idle.pop()?;
        if since.elapsed() > MAX_IDLE {
            // Those below are older still.
            idle.clear();
            return None;
        }
        Some(connection)
    }

    /// Keeps one, where it may be used again and there is room.
    pub(crate) fn put(&self, connection: Connection) {
        let mut idle = self.idle();
        if connection.is_kept() && idle.len() < self.most {
            idle.push((connection, Instant::now()));
        }
    }

    /// Closes all of them.
    pub(crate) fn clear(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        // Whole at any time, whoever panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Endpoint;
    use tokio::net::TcpListener;

    /// Connections to somebody who listens as long as the first of these is there.
    async fn connected(number: usize) -> (TcpListener, Vec<Connection>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let endpoint: Endpoint = url.parse().unwrap();
        let mut connections = Vec::new();
        for _ in 0..number {
            connections.push(endpoint.connect(MAX_IDLE).await.unwrap());
        }
        (listener, connections)
    }

    #[tokio::test]
    async fn no_more_connections_are_kept_than_may() {
        let (_listener, connections) = connected(3).await;
        let kept = Kept::new(2);
        connections.into_iter().for_each(|connection| kept.put(connection));
        assert_eq!(kept.idle().len(), 2);
        let (_listener, connections) = connected(1).await;
        let none = Kept::new(0);
        connections.into_iter().for_each(|connection| none.put(connection));
        assert!(none.take().is_none());
    }

    #[tokio::test]
    async fn connection_that_was_idle_for_long_is_closed_with_those_that_were_longer() {
        let (_listener, connections) = connected(3).await;
        let kept = Kept::new(8);
        connections.into_iter().for_each(|connection| kept.put(connection));
        assert!(kept.take().is_some());
        for (_, since) in kept.idle().iter_mut() {
            *since -= MAX_IDLE + Duration::from_millis(1);
        }
        assert!(kept.take().is_none());
        assert_eq!(kept.idle().len(), 0);
    }
}
