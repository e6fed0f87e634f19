//! A service that is asked in lines.

use std::io;
use std::sync::Arc;

use callbox_client::transport::{Lookups, NoRoom};
use svc_runtime::budget::Share;
use tokio::time::Instant;

use super::answer_memory::{AnswerMemory, Arriving};
use super::framing::Framing;
use super::line_connection::{Asked, LineConnection};
use super::manner::Manner;
use super::pool::{Answered, Pool, PoolSettings, Upstream};
use super::reply::Reply;
use super::settings::LineSettings;
use super::socket::Socket;
use super::trouble::{Broken, Stage, Trouble};
use crate::upstream_metrics::UpstreamMetrics;

/// A service that is asked in lines. Clones are of the same one.
#[derive(Clone)]
pub struct LineUpstream(Arc<Pool<Lines>>);

/// What is asked of a service, and on one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The line, in the service's charset and without its end.
    pub send: Vec<u8>,
    /// Where the reply ends.
    pub reply: Framing,
    /// What is asked afterwards.
    pub then: Option<Then>,
    /// Whether it does no harm to send it twice.
    pub is_idempotent: bool,
    /// Whether the service closes the connection afterwards.
    pub is_last: bool,
}

impl Exchange {
    /// Whether nothing more comes that belongs to it, as far as its `reply` tells.
    fn is_over(&self, reply: &Reply) -> bool {
        match self.reply {
            Framing::Close => false,
            // A blank line after an error may still come.
            Framing::Blank => !matches!(reply, Reply::Refused(_)),
            // What was taken for the answer to the question afterwards may be a late word to the
            // line, and the answer still to come.
            _ => self.then.is_none() || !matches!(reply, Reply::Refused(_)),
        }
    }
}

/// What is asked afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Then {
    /// The line, in the service's charset and without its end.
    pub send: Vec<u8>,
    /// How the answer begins, a line, where all is well.
    pub ok: String,
}

impl LineUpstream {
    /// Nothing is connected yet. Its long replies take of `memory`.
    pub fn new(settings: LineSettings, memory: AnswerMemory, metrics: UpstreamMetrics) -> Self {
        let manner = Manner::from(&settings);
        Self::of_manner(settings, manner, memory, metrics)
    }

    /// The same for a service whose manner is more than the settings say.
    pub fn of_manner(
        settings: LineSettings,
        manner: Manner,
        memory: AnswerMemory,
        metrics: UpstreamMetrics,
    ) -> Self {
        let pool_settings = PoolSettings {
            name: settings.name.clone(),
            connections: settings.connections.get(),
            waiting: settings.waiting,
            timeout: settings.timeout,
            pause: settings.pause,
        };
        let lines = Lines { settings, manner, memory, lookups: Lookups::default() };
        Self(Arc::new(Pool::new(lines, pool_settings, metrics)))
    }

    /// Asks within the service's timeout.
    pub async fn ask(&self, exchange: &Exchange) -> Result<Reply, Trouble> {
        self.ask_until(exchange, self.deadline()).await
    }

    /// Asks, and waits no longer than until `deadline`.
    pub async fn ask_until(
        &self,
        exchange: &Exchange,
        deadline: Instant,
    ) -> Result<Reply, Trouble> {
        Ok(self.ask_at_length(exchange, deadline).await?.0)
    }

    /// Asks for what may be long, and gives back what it takes with it.
    pub(super) async fn ask_at_length(
        &self,
        exchange: &Exchange,
        deadline: Instant,
    ) -> Result<(Reply, Arriving), Trouble> {
        match self.0.ask(exchange, deadline).await {
            Err(Trouble::NoMemory) => Err(self.lacks_memory()),
            asked => asked,
        }
    }

    /// When a call that is made now has to have its answer.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.0.upstream().settings.timeout
    }

    /// Takes what it needs to make a value of a reply, so many bytes, and waits for it until
    /// `deadline`.
    pub(super) async fn room_for_value(
        &self,
        bytes: usize,
        deadline: Instant,
    ) -> Result<Share, Trouble> {
        let Lines { settings, memory, .. } = self.0.upstream();
        let share = memory.reading(bytes, settings.timeout, deadline).await;
        share.map_err(|NoRoom| self.lacks_memory())
    }

    fn lacks_memory(&self) -> Trouble {
        self.0.upstream().memory.lacked(self.name())
    }

    /// What is alike in all that the service says.
    pub fn manner(&self) -> &Manner {
        &self.0.upstream().manner
    }

    /// What the service is called here.
    pub fn name(&self) -> &str {
        &self.0.upstream().settings.name
    }
}

/// How a line service is connected to and asked.
pub(super) struct Lines {
    settings: LineSettings,
    manner: Manner,
    memory: AnswerMemory,
    lookups: Lookups,
}

impl Upstream for Lines {
    type Connection = LineConnection;
    type Question = Exchange;
    /// With what it takes.
    type Answer = (Reply, Arriving);

    async fn connect(&self, attempt: usize) -> io::Result<LineConnection> {
        let socket = Socket::connect(&self.settings.address, &self.lookups, attempt).await?;
        Ok(LineConnection::new(socket, &self.manner))
    }

    async fn welcome(&self, connection: &mut LineConnection) -> Result<(), Trouble> {
        if let Some(greeting) = &self.settings.greeting {
            self.greeted(connection, greeting).await?;
        }
        for line in self.settings.login.iter().flat_map(|login| &login.0) {
            let asked = self.asked(line, &Framing::Line);
            let asked = connection.ask(asked, &mut self.arriving()).await;
            if let Reply::Refused(_) = asked.map_err(|broken| broken.trouble)? {
                return Err(io::Error::other("the login was refused").into());
            }
        }
        connection.rest(self.settings.pause);
        Ok(())
    }

    fn is_rested(&self, connection: &LineConnection) -> bool {
        connection.is_rested()
    }

    fn is_quiet(&self, connection: &mut LineConnection) -> bool {
        connection.is_quiet(&self.manner)
    }

    async fn ask(
        &self,
        connection: &mut LineConnection,
        exchange: &Exchange,
    ) -> Result<Answered<(Reply, Arriving)>, Broken> {
        let mut arriving = self.arriving();
        let asked = self.asked(&exchange.send, &exchange.reply);
        let reply = connection.ask(asked, &mut arriving).await?;
        let reply = match (&exchange.then, reply) {
            (Some(then), reply @ (Reply::Said(_) | Reply::Absent)) => {
                let asked = self.asked(&then.send, &Framing::Line);
                let said = connection.ask(asked, &mut self.arriving()).await;
                let said = said.map_err(|broken| Broken { stage: Stage::Answering, ..broken })?;
                self.agreed(reply, said, &then.ok)
            }
            (_, reply) => reply,
        };
        let is_open = !exchange.is_last && exchange.is_over(&reply);
        let is_kept = is_open && connection.is_in_step(&self.manner);
        Ok(Answered { answer: (reply, arriving), is_kept })
    }

    fn is_idempotent(&self, exchange: &Exchange) -> bool {
        exchange.is_idempotent
    }
}

impl Lines {
    fn arriving(&self) -> Arriving {
        self.memory.arriving(self.settings.timeout)
    }

    fn asked<'a>(&'a self, line: &'a [u8], framing: &'a Framing) -> Asked<'a> {
        Asked { line, framing, manner: &self.manner, pause: self.settings.pause }
    }

    async fn greeted(
        &self,
        connection: &mut LineConnection,
        greeting: &str,
    ) -> Result<(), Trouble> {
        match connection.greeting(&self.manner, &mut self.arriving()).await? {
            Reply::Said(line) if self.manner.begins(line.as_bytes(), greeting) => Ok(()),
            _ => Err(io::Error::other("the greeting is another").into()),
        }
    }

    /// The reply, if what was `said` afterwards is that all is well.
    fn agreed(&self, reply: Reply, said: Reply, ok: &str) -> Reply {
        match said {
            Reply::Said(line) if self.manner.begins(line.as_bytes(), ok) => reply,
            Reply::Said(line) => Reply::Refused(line.as_bytes().to_vec()),
            other => other,
        }
    }
}
