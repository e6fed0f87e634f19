//! The signals that end a process, or have it read its files again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Handlers for SIGTERM, SIGINT and SIGHUP. They stand from the moment this is made, which is before
/// the service binds: as PID 1 of a container an unhandled SIGTERM would be ignored.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl StopSignals {
    /// Installs the handlers; needs a running tokio runtime.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that ends the process and names it; `hung_up` is called at each SIGHUP.
    pub async fn recv(&mut self, hung_up: impl Fn()) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => hung_up(),
            }
        }
    }
}

/// Waits for one more signal that ends the process; for ever, where none can be heard.
pub(crate) async fn again() {
    match StopSignals::install() {
        Ok(mut signals) => {
            signals.recv(|| ()).await;
        }
        Err(_) => std::future::pending().await,
    }
}
