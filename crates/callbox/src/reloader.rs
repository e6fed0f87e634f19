//! The word to read files again, where a server runs on somebody else's runtime.

use std::fmt;
use std::sync::{Arc, OnceLock};

use svc_runtime::metrics::Metrics;
use svc_runtime::reload::{Reload, read_again};

/// Has a [`Server`](crate::Server) read its certificates, its accounts and what it was told by
/// [`on_reload`](crate::Server::on_reload) again, as a SIGHUP does where the server is the whole
/// process. Clones are of the same server.
///
/// ```no_run
/// # async fn run(server: callbox::Server) -> Result<(), Box<dyn std::error::Error>> {
/// use tokio::signal::unix::{SignalKind, signal};
///
/// let reloader = callbox::Reloader::new();
/// let (stop, mut hangups) = (callbox::stop_signal()?, signal(SignalKind::hangup())?);
/// let hung_up = reloader.clone();
/// tokio::spawn(async move {
///     while hangups.recv().await.is_some() {
///         hung_up.reload();
///     }
/// });
/// server.reloader(&reloader).run(stop).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Reloader(Arc<OnceLock<Files>>);

struct Files {
    reloads: Vec<Reload>,
    metrics: Metrics,
}

impl Reloader {
    /// One of no server yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads each file again: whole, or, with an error in the log, not at all. It is read on this
    /// thread. Before the server has begun to listen there is nothing to read.
    pub fn reload(&self) {
        if let Some(Files { reloads, metrics }) = self.0.get() {
            read_again(reloads, metrics);
        }
    }

    /// From now on these are read again; a second server's are not.
    pub(crate) fn takes(&self, reloads: Vec<Reload>, metrics: Metrics) {
        let _ = self.0.set(Files { reloads, metrics });
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reloader")
    }
}
