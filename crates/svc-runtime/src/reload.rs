//! What can be read again while the process runs, and is at a SIGHUP.

use tracing::{error, info};

use crate::metrics::Metrics;

type Read = dyn Fn() -> Result<(), String> + Send + Sync;

/// Something that can be read again while the process runs.
pub struct Reload {
    what: &'static str,
    read: Box<Read>,
}

impl Reload {
    /// `read` takes what `what` names whole, or changes nothing and says why.
    pub fn new(
        what: &'static str,
        read: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { what, read: Box::new(read) }
    }
}

/// Reads all of them again, each for itself, and logs and counts how that went.
pub fn read_again(all: &[Reload], metrics: &Metrics) {
    if all.is_empty() {
        info!("nothing to reload");
    }
    for Reload { what, read } in all {
        match read() {
            Ok(()) => {
                info!(what, "reloaded");
                metrics.reloaded("ok");
            }
            Err(error) => {
                error!(what, error, "not reloaded, nothing is changed");
                metrics.reloaded("error");
            }
        }
    }
}
