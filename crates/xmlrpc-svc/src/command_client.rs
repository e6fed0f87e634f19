//! From a text command to its reply: in this process, or over the network by kept connections
//! to a `tcp-command-svc`. Either way it is a [`CommandService`].

use std::borrow::Cow;
use std::fmt;
use std::future::ready;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::command::{Command, INVALID, MAX_COMMAND_BYTES, Reply, respond};
use protocol::xmlrpc::Fault;
use svc_runtime::clock::Clock;
use svc_runtime::metrics::Metrics;
use svc_runtime::seldom::Trouble;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tower::service_fn;
use tower::util::BoxCloneSyncService;
use tracing::{debug, info, warn};

use crate::upstream_metrics::{Outcome, UpstreamMetrics};

/// Connections to the text service at once.
pub const MAX_COMMAND_CONNECTIONS: usize = 8;

/// For resolving, connecting, writing and reading together.
pub const COMMAND_DEADLINE: Duration = Duration::from_millis(800);

/// Longest reply that is read, in bytes.
pub const MAX_REPLY_BYTES: u64 = 4096;

/// First and longest time for which nobody connects after a connect that failed.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// A command's way to its reply, whatever that way is.
pub type CommandService = BoxCloneSyncService<CommandName, Reply, Unavailable>;

/// The name of a command: one line without its end, of at most [`MAX_COMMAND_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandName(Cow<'static, str>);

impl CommandName {
    /// The command that lists the others.
    pub const HELP: Self = Self(Cow::Borrowed("help"));

    /// Refuses what cannot travel as one command.
    pub fn new(name: String) -> Result<Self, InvalidName> {
        if name.len() > MAX_COMMAND_BYTES || name.contains(char::is_control) {
            return Err(InvalidName);
        }
        Ok(Self(name.into()))
    }
}

/// A command's name that cannot travel as one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidName;

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected at most {MAX_COMMAND_BYTES} bytes without control characters")
    }
}

/// The text service did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text-command service does not answer")
    }
}

impl From<Unavailable> for Fault {
    fn from(unavailable: Unavailable) -> Self {
        Fault::system(unavailable.to_string())
    }
}

/// Answers commands in this process.
pub fn in_process(clock: Clock) -> CommandService {
    BoxCloneSyncService::new(service_fn(move |name: CommandName| {
        ready(Ok(respond(Command::parse(name.0.as_bytes()), || clock.now())))
    }))
}

/// Sends commands to the text service at `addr`, a host's name or address with a port, and counts
/// that in `metrics`.
pub fn over_network(addr: String, metrics: &Metrics) -> CommandService {
    let client = Arc::new(CommandClient::new(addr, metrics));
    BoxCloneSyncService::new(service_fn(move |name: CommandName| {
        let client = client.clone();
        async move { client.ask(&name).await.map(Cow::Owned) }
    }))
}

type Connection = BufReader<TcpStream>;

struct CommandClient {
    addr: String,
    places: Arc<Semaphore>,
    kept: Arc<Mutex<Vec<Connection>>>,
    back_off: Mutex<BackOff>,
    trouble: Trouble,
    metrics: UpstreamMetrics,
}

impl CommandClient {
    fn new(addr: String, metrics: &Metrics) -> Self {
        let places = Arc::new(Semaphore::new(MAX_COMMAND_CONNECTIONS));
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (free, idle) = (places.clone(), kept.clone());
        let metrics = UpstreamMetrics::new(
            metrics,
            "command",
            move || lock(&idle).len() as u64,
            move || (MAX_COMMAND_CONNECTIONS - free.available_permits()) as u64,
        );
        let (back_off, trouble) = (Mutex::default(), Trouble::new());
        Self { addr, places, kept, back_off, trouble, metrics }
    }

    async fn ask(&self, name: &CommandName) -> Result<String, Unavailable> {
        let started = Instant::now();
        let deadline = started + COMMAND_DEADLINE;
        let asked = timeout_at(deadline, self.ask_until(deadline, name)).await;
        let asked = asked.map_err(io::Error::from).and_then(|asked| asked);
        self.metrics.observe(Outcome::of(&asked), started.elapsed());
        asked.map_err(|error| {
            debug!(%error, "the text service does not answer");
            Unavailable
        })
    }

    async fn ask_until(&self, deadline: Instant, name: &CommandName) -> io::Result<String> {
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        if let Some(connection) = self.kept_connection() {
            // It may have died since: one retry, on a new one.
            if let Ok(reply) = self.talk(connection, name).await {
                return Ok(reply);
            }
        }
        self.talk(self.connect(deadline).await?, name).await
    }

    async fn talk(&self, mut connection: Connection, name: &CommandName) -> io::Result<String> {
        connection.write_all(format!("{}\n", name.0).as_bytes()).await?;
        let mut reply = String::new();
        (&mut connection).take(MAX_REPLY_BYTES).read_line(&mut reply).await?;
        // What is too long for a service that was told so is answered without a line end.
        if reply == INVALID {
            return Ok(reply);
        }
        if reply.pop() != Some('\n') || reply.contains(char::is_control) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if Command::parse(name.0.as_bytes()) != Command::Goodbye {
            lock(&self.kept).push(connection);
        }
        Ok(reply)
    }

    fn kept_connection(&self) -> Option<Connection> {
        let mut kept = lock(&self.kept);
        std::iter::from_fn(|| kept.pop()).find(is_quiet)
    }

    /// Resolves the name anew and connects, unless the last attempt failed just now.
    async fn connect(&self, deadline: Instant) -> io::Result<Connection> {
        if lock(&self.back_off).is_on() {
            return Err(io::Error::other("backing off"));
        }
        let connected = timeout_at(deadline, TcpStream::connect(&self.addr)).await;
        match connected.map_err(io::Error::from).and_then(|connected| connected) {
            Ok(stream) => {
                *lock(&self.back_off) = BackOff::default();
                if self.trouble.is_over() {
                    info!(addr = self.addr, "connected to the text service again");
                }
                stream.set_nodelay(true)?;
                Ok(BufReader::with_capacity(512, stream))
            }
            Err(error) => {
                lock(&self.back_off).extend();
                if let Some(times) = self.trouble.occurred() {
                    warn!(addr = self.addr, %error, times, "cannot connect to the text service");
                }
                Err(error)
            }
        }
    }
}

/// How long nobody connects, since connecting failed.
#[derive(Default)]
struct BackOff {
    last: Duration,
    until: Option<Instant>,
}

impl BackOff {
    fn is_on(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    fn extend(&mut self) {
        if !self.is_on() {
            self.last = (self.last * 2).clamp(BACK_OFF.0, BACK_OFF.1);
            self.until = Some(Instant::now() + self.last);
        }
    }
}

/// Whether the peer has neither closed nor said what nobody asked for.
fn is_quiet(connection: &Connection) -> bool {
    let unread = connection.buffer().is_empty().then(|| connection.get_ref().try_read(&mut [0]));
    matches!(unread, Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing panics while it holds one of these, and what they guard is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn back_off_grows_with_each_failure_up_to_its_longest() {
        let mut back_off = BackOff::default();
        assert!(!back_off.is_on());
        for milliseconds in [20, 40, 80, 160, 320, 500, 500] {
            back_off.extend();
            // A second attempt that fails at the same time makes it no longer.
            back_off.extend();
            tokio::time::advance(Duration::from_millis(milliseconds - 1)).await;
            assert!(back_off.is_on(), "{milliseconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(!back_off.is_on(), "{milliseconds}");
        }
    }
}
