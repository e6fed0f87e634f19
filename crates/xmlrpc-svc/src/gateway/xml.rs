//! An XML-RPC server, asked: a call becomes a document, and the answer a value.

use std::io;
use std::time::Duration;

use callbox_client::transport::{Connection, Endpoint, Error, NoRoom, Nonsense, Request, Response};
use protocol::xmlrpc::{Array, Fault, MethodCall, MethodResponse, Value, encode_call};
use svc_runtime::seldom::Seldom;
use tokio::time::Instant;
use tracing::warn;

use super::answer_memory::{AnswerMemory, Arriving};
use super::framing::Misframed;
use super::pool::{Answered, Pool, PoolSettings, Upstream};
use super::reading::read;
use super::settings::XmlrpcSettings;
use super::together::{self, MULTICALL};
use super::trail::Trail;
use super::trouble::{Broken, Stage, Trouble, nonsense};
use crate::upstream_metrics::UpstreamMetrics;

/// An XML-RPC server, and the connections to it.
pub struct XmlUpstream {
    pool: Pool<Server>,
    timeout: Duration,
    name: String,
    memory: AnswerMemory,
    /// Answers that are no XML-RPC.
    nonsense: Seldom,
}

impl XmlUpstream {
    /// Nothing is connected yet. Its answers take of `memory`.
    pub fn new(settings: XmlrpcSettings, memory: AnswerMemory, metrics: UpstreamMetrics) -> Self {
        let XmlrpcSettings { name, endpoint, timeout, max_response_bytes, .. } = settings;
        let pool_settings = PoolSettings {
            name: name.clone(),
            connections: settings.connections.get(),
            waiting: settings.waiting,
            timeout,
            pause: Duration::ZERO,
        };
        let server = Server { endpoint, timeout, max_response_bytes, memory: memory.clone() };
        let pool = Pool::new(server, pool_settings, metrics);
        Self { pool, timeout, name, memory, nonsense: Seldom::new() }
    }

    /// What the file calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the other one is the same server, called the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let place = |upstream: &Self| upstream.pool.upstream().endpoint.to_string();
        self.name == other.name && place(self) == place(other)
    }

    /// Makes a call, by the name that the method has over there.
    pub async fn call(
        &self,
        name: &str,
        params: Vec<Value>,
        trail: &Trail,
    ) -> Result<Value, Fault> {
        let call = MethodCall::new(name, params);
        let document = encode_call(&call)
            .map_err(|cause| Fault::invalid_params(format!("params: {cause}")))?;
        drop(call);
        let question = Question { request: Request::new(document), trail: trail.clone() };
        let deadline = Instant::now() + self.timeout;
        match self.pool.ask(&question, deadline).await {
            Ok(Said::Document(response, _arrived)) => self.read(response, deadline).await,
            Ok(Said::Status(status)) => Err(self.refused(status)),
            Err(trouble) => Err(self.in_trouble(trouble)),
        }
    }

    async fn read(&self, response: Response, deadline: Instant) -> Result<Value, Fault> {
        let bytes = response.body.len();
        match read(response, &self.memory, self.timeout, deadline).await {
            Ok(Ok(MethodResponse::Success(value))) => Ok(value),
            Ok(Ok(MethodResponse::Fault(fault))) => Err(fault),
            Ok(Err(error)) => Err(self.no_answer(bytes, &error)),
            Err(trouble) => Err(self.in_trouble(trouble)),
        }
    }

    /// Tells of a lack of memory.
    fn in_trouble(&self, trouble: Trouble) -> Fault {
        match trouble {
            Trouble::NoMemory => self.memory.lacked(&self.name).into(),
            trouble => trouble.into(),
        }
    }

    /// Makes several calls as one, and gives a result for each, in order.
    pub async fn call_together(
        &self,
        calls: Vec<(String, Vec<Value>)>,
        trail: &Trail,
    ) -> Vec<Result<Value, Fault>> {
        let (entries, places) = together::entries(calls);
        let number = entries.len();
        let asked = match number {
            0 => Ok(Vec::new()),
            _ => self.multicall(entries, trail).await,
        };
        let refused = |fault| together::refused(fault, number);
        let mut results = asked.unwrap_or_else(refused).into_iter();
        let mut result = |()| results.next().unwrap_or_else(|| Err(nonsense()));
        places.into_iter().map(|place| place.and_then(&mut result)).collect()
    }

    async fn multicall(
        &self,
        entries: Vec<Value>,
        trail: &Trail,
    ) -> Result<Vec<Result<Value, Fault>>, Fault> {
        let number = entries.len();
        let deep = |_| Fault::invalid_params("params: too deep for a multicall");
        let entries = Array::try_from(entries).map_err(deep)?;
        let answer = self.call(MULTICALL, vec![entries.into()], trail).await?;
        together::results(answer, number).ok_or_else(|| self.no_answer(0, &"miscounted results"))
    }

    /// The server refused. What stands before one says by some statuses that it is down.
    fn refused(&self, status: u16) -> Fault {
        let fault = self.no_answer(0, &format_args!("status {status}"));
        match status {
            502..=504 => Trouble::Io(gone()).into(),
            _ => fault,
        }
    }

    /// Tells of an answer that is none, by its size alone.
    fn no_answer(&self, bytes: usize, cause: &dyn std::fmt::Display) -> Fault {
        if let Some(times) = self.nonsense.due() {
            warn!(upstream = self.name, bytes, %cause, times, "an upstream service answered nonsense");
        }
        nonsense()
    }
}

/// A server, and how much of its answers is read.
struct Server {
    endpoint: Endpoint,
    timeout: Duration,
    max_response_bytes: usize,
    memory: AnswerMemory,
}

/// The parts of its whole time that connecting to one address may take: at first all that the pool
/// allows, which the network or TLS may need, then half of it, so that another address has its turn.
const ADDRESS_PARTS: (u32, u32) = (4, 8);

struct Question {
    request: Request<'static>,
    trail: Trail,
}

/// What a server says.
enum Said {
    /// With what it takes.
    Document(Response, Arriving),
    /// That it does not want to.
    Status(u16),
}

impl Upstream for Server {
    type Connection = Connection;
    type Question = Question;
    type Answer = Said;

    async fn connect(&self, attempt: usize) -> io::Result<Connection> {
        let part = if attempt == 0 { ADDRESS_PARTS.0 } else { ADDRESS_PARTS.1 };
        self.endpoint.connect_again(attempt, self.timeout / part).await
    }

    /// It looks for itself before it sends anything.
    fn is_quiet(&self, connection: &mut Connection) -> bool {
        connection.is_kept()
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        question: &Question,
    ) -> Result<Answered<Said>, Broken> {
        let request = question.trail.on(question.request.clone());
        let mut arriving = self.memory.arriving(self.timeout);
        let posted = connection.post_within(request, self.max_response_bytes, &mut arriving);
        let said = match posted.await {
            Ok(response) => Said::Document(response, arriving),
            Err(Error::Status(status)) => Said::Status(status),
            Err(error) => return Err(broken(error)),
        };
        Ok(Answered { answer: said, is_kept: connection.is_kept() })
    }

    fn is_refusal(&self, said: &Said) -> bool {
        matches!(said, Said::Status(_))
    }

    /// What a method does over there is not known here.
    fn is_idempotent(&self, _question: &Question) -> bool {
        false
    }
}

fn broken(error: Error) -> Broken {
    let misframed = |what| Broken::at(Stage::Answering, Trouble::Nonsense { what, bytes: 0 });
    match error {
        Error::Connect(error) => Broken::at(Stage::Unanswered, error),
        Error::Dead { is_sent: false } => Broken::at(Stage::Unsent, gone()),
        Error::Dead { is_sent: true } => Broken::at(Stage::Unanswered, gone()),
        Error::Cut => Broken::at(Stage::Answering, io::Error::from(io::ErrorKind::UnexpectedEof)),
        Error::NoRoom(NoRoom) => Broken::at(Stage::Answering, Trouble::NoMemory),
        Error::TimedOut => Broken::at(Stage::Unanswered, Trouble::TimedOut),
        Error::Nonsense(Nonsense::LongHead | Nonsense::LongBody(_)) => {
            misframed(Misframed::TooLong)
        }
        Error::Nonsense(Nonsense::Unasked) => misframed(Misframed::Unasked),
        _ => misframed(Misframed::Malformed),
    }
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
