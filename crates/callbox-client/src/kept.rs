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
