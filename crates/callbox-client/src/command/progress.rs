//! A line on a terminal that tells how far a call has come.

use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::Duration;

use callbox_client::Client;
use tokio::time::{Instant, timeout};

/// How often the line is written anew.
const TICK: Duration = Duration::from_millis(250);

/// How long nothing is said of a server that thinks.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of a body from which on it is worth a line.
const LARGE: u64 = 1_000_000;

/// A call on its way.
pub(crate) struct Progress<'a> {
    client: &'a Client,
    /// What goes to the server, in bytes.
    to_send: u64,
    /// What had gone and come before.
    before: (u64, u64),
    started: Instant,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(client: &'a Client, to_send: usize) -> Self {
        let before = (client.traffic().sent(), client.traffic().received());
        Self { client, to_send: to_send as u64, before, started: Instant::now() }
    }

    /// Does `work`, and says meanwhile how far it is where stderr is a terminal.
    pub(crate) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        if !stderr().is_terminal() {
            return work.await;
        }
        let (mut work, mut is_shown) = (pin!(work), false);
        loop {
            if let Ok(done) = timeout(TICK, work.as_mut()).await {
                if is_shown {
                    write("");
                }
                return done;
            }
            let line = self.line();
            is_shown |= line.is_some();
            line.iter().for_each(|line| write(line));
        }
    }

    fn line(&self) -> Option<String> {
        let sent = self.client.traffic().sent() - self.before.0;
        let received = self.client.traffic().received() - self.before.1;
        if self.to_send > LARGE && sent < self.to_send {
            return Some(format!("sent {} of {}", megabytes(sent), megabytes(self.to_send)));
        }
        if received > LARGE {
            return Some(format!("received {}", megabytes(received)));
        }
        let waited = self.started.elapsed();
        (waited >= PATIENCE).then(|| format!("waiting for {}, {} s", self.client, waited.as_secs()))
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// Writes the line in the place of the last one.
fn write(line: &str) {
    let mut stderr = stderr();
    // A terminal that is gone needs no line.
    let _ = write!(stderr, "\r\u{1b}[K{line}").and_then(|()| stderr.flush());
}
