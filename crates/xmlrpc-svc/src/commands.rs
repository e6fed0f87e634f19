//! The text commands: answered in this process, or by a `tcp-command-svc`, which is a line service
//! like others. What is special to it stands here.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use protocol::command::{Circumstances, Command, INVALID, MAX_COMMAND_BYTES, Vocabulary};
use protocol::xmlrpc::Fault;
use svc_runtime::clock::Clock;
use svc_runtime::seldom::Seldom;
use tracing::warn;

use crate::gateway::answer_memory::AnswerMemory;
use crate::gateway::framing::Framing;
use crate::gateway::line::{Exchange, LineUpstream};
use crate::gateway::manner::Manner;
use crate::gateway::reply::Reply;
use crate::gateway::settings::{Address, LineEnd, LineSettings};
use crate::gateway::trouble::Trouble;
use crate::upstream_metrics::AllUpstreamMetrics;

/// Connections to the text service at once.
pub const MAX_COMMAND_CONNECTIONS: usize = 8;

/// Calls that may wait for one of them.
pub const MAX_WAITING_COMMANDS: usize = 64;

/// For waiting, resolving, connecting, writing and reading together.
pub const COMMAND_DEADLINE: Duration = Duration::from_millis(800);

/// Longest reply that is read, in bytes.
pub const MAX_REPLY_BYTES: usize = 4096;

/// What the text service is called, in the log and in metrics.
pub const TEXT_SERVICE: &str = "command";

/// Who answers text commands. Clones are the same.
#[derive(Clone)]
pub enum Commands {
    /// This process.
    InProcess(Clock),
    /// A `tcp-command-svc`.
    Service(TextService),
}

/// A `tcp-command-svc`, asked over the network. Clones are of the same one.
#[derive(Clone)]
pub struct TextService {
    upstream: LineUpstream,
    /// Replies that are no text.
    nonsense: Arc<Seldom>,
}

impl Commands {
    /// The text service at `address`, asked over the network.
    pub fn over_network(address: Address, metrics: &AllUpstreamMetrics) -> Self {
        let settings = LineSettings {
            name: TEXT_SERVICE.to_owned(),
            address,
            line_end: LineEnd::Lf,
            connections: NonZeroUsize::new(MAX_COMMAND_CONNECTIONS).unwrap_or(NonZeroUsize::MIN),
            waiting: MAX_WAITING_COMMANDS,
            timeout: COMMAND_DEADLINE,
            pause: Duration::ZERO,
            greeting: None,
            login: None,
            error: Vec::new(),
            skip: Vec::new(),
            encoding: encoding_rs::UTF_8,
            max_reply_bytes: MAX_REPLY_BYTES,
        };
        // What is too long for a service that was told so is answered without a line end.
        let manner = Manner { bare: Some(INVALID.to_owned()), ..Manner::from(&settings) };
        // Its replies are too short to be counted.
        let (memory, metrics) = (AnswerMemory::new(0), metrics.of(TEXT_SERVICE));
        let upstream = LineUpstream::of_manner(settings, manner, memory, metrics);
        Self::Service(TextService { upstream, nonsense: Arc::new(Seldom::new()) })
    }

    /// The reply to the command of this name.
    pub async fn run(&self, name: &CommandName) -> Result<String, Fault> {
        let reply = self.reply(name).await?;
        reply.ok_or_else(|| Fault::invalid_params(INVALID))
    }

    /// The names of the commands.
    pub async fn list(&self) -> Result<Vec<String>, Fault> {
        let names = self.reply(&help()).await?.ok_or_else(unlisted)?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// Whether they are answered, whatever they are.
    pub async fn answer(&self) -> Result<(), Fault> {
        self.reply(&help()).await.map(drop)
    }

    /// What is said to the command of this name, if there is one.
    async fn reply(&self, name: &CommandName) -> Result<Option<String>, Fault> {
        let reply = match self {
            Self::InProcess(clock) => in_process(clock, name),
            Self::Service(service) => service.ask(name).await?,
        };
        Ok((reply != INVALID).then_some(reply))
    }
}

fn in_process(clock: &Clock, name: &CommandName) -> String {
    let now = || clock.now();
    let vocabulary = Vocabulary::builtin();
    let of = Circumstances { now: &now, host: "", peer: &"" };
    vocabulary.respond(vocabulary.parse(name.0.as_bytes()), &of).into_owned()
}

fn help() -> CommandName {
    CommandName("help".to_owned())
}

impl TextService {
    /// What it says to the command of this name.
    async fn ask(&self, name: &CommandName) -> Result<String, Fault> {
        let exchange = Exchange {
            send: name.0.as_bytes().to_vec(),
            reply: Framing::Line,
            then: None,
            is_idempotent: true,
            is_last: Vocabulary::builtin().parse(name.0.as_bytes()) == Command::Goodbye,
        };
        match self.upstream.ask(&exchange).await {
            Ok(Reply::Said(line)) => {
                self.text(line.as_bytes()).ok_or_else(|| self.no_text(line.as_bytes().len()))
            }
            Err(Trouble::Nonsense { .. }) => Err(nonsense()),
            _ => Err(unavailable()),
        }
    }

    fn text(&self, line: &[u8]) -> Option<String> {
        let line = self.upstream.manner().charset.decode(line)?;
        (!line.contains(char::is_control)).then(|| line.into_owned())
    }

    /// Tells of a reply that is no text by its size alone.
    fn no_text(&self, bytes: usize) -> Fault {
        if let Some(times) = self.nonsense.due() {
            let upstream = self.upstream.name();
            warn!(upstream, bytes, times, "an upstream service answered nonsense");
        }
        nonsense()
    }
}

fn unavailable() -> Fault {
    Fault::system("the text-command service does not answer")
}

fn nonsense() -> Fault {
    Fault::transport("the answer of the text-command service is not what it should be")
}

fn unlisted() -> Fault {
    Fault::application("the text-command service has no command help, which would list them")
}

/// The name of a command: one line without its end, of at most [`MAX_COMMAND_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandName(String);

impl CommandName {
    /// Refuses what cannot travel as one command.
    pub fn new(name: String) -> Result<Self, InvalidName> {
        if name.len() > MAX_COMMAND_BYTES || name.contains(char::is_control) {
            return Err(InvalidName);
        }
        Ok(Self(name))
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
