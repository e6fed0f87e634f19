//! Line services of the tests' own: they do as a closure says on each connection.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use svc_runtime::metrics::Metrics;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use xmlrpc_svc::gateway::answer_memory::AnswerMemory;
use xmlrpc_svc::gateway::framing::Framing;
use xmlrpc_svc::gateway::line::{Exchange, LineUpstream};
use xmlrpc_svc::gateway::reply::{Body, Reply};
use xmlrpc_svc::gateway::settings::{Address, LineEnd, LineSettings};
use xmlrpc_svc::gateway::trouble::Trouble;
use xmlrpc_svc::upstream_metrics::AllUpstreamMetrics;

/// What a call to these services may take.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(400);

/// The settings of a service at `addr`, as they are by default but for the timeout.
pub(crate) fn settings(addr: SocketAddr) -> LineSettings {
    LineSettings {
        name: "test".to_owned(),
        address: Address::Inet { host: addr.ip().to_string(), port: addr.port() },
        line_end: LineEnd::Lf,
        connections: NonZeroUsize::new(4).unwrap(),
        waiting: 64,
        timeout: TIMEOUT,
        pause: Duration::ZERO,
        greeting: None,
        login: None,
        error: vec!["ERR".to_owned()],
        skip: vec!["event ".to_owned()],
        encoding: encoding_rs::UTF_8,
        max_reply_bytes: 65_536,
    }
}

pub(crate) fn upstream(settings: LineSettings) -> LineUpstream {
    LineUpstream::new(
        settings,
        AnswerMemory::new(usize::MAX),
        AllUpstreamMetrics::new(&Metrics::new()).of("test"),
    )
}

pub(crate) fn exchange(line: &str, reply: Framing) -> Exchange {
    let send = line.as_bytes().to_vec();
    Exchange { send, reply, then: None, is_idempotent: false, is_last: false }
}

/// Asks for a line.
pub(crate) async fn ask(upstream: &LineUpstream, line: &str) -> Result<String, Trouble> {
    upstream.ask(&exchange(line, Framing::Line)).await.map(|reply| text(&reply))
}

pub(crate) fn text(reply: &Reply) -> String {
    match reply {
        Reply::Said(body) => String::from_utf8_lossy(body.as_bytes()).into_owned(),
        Reply::Refused(error) => format!("refused: {}", String::from_utf8_lossy(error)),
        Reply::Absent => "absent".to_owned(),
    }
}

pub(crate) fn lines(lines: &[&str]) -> Reply {
    Reply::Said(Body::Lines { text: lines.join("\n").into_bytes(), count: lines.len() })
}

/// A connection to a service of the tests', as the service sees it.
pub(crate) struct Peer {
    stream: BufReader<TcpStream>,
    /// How many were connected before.
    pub(crate) number: usize,
}

impl Peer {
    /// The next line that it is sent, without its end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await.ok()?;
        (read > 0).then(|| line.trim_end_matches('\n').to_owned())
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Waits until the other side closes, whatever it says before.
    pub(crate) async fn until_closed(&mut self) {
        let _ = self.stream.read_to_end(&mut Vec::new()).await;
    }

    /// Says so much, as far as it is taken, and tells how much was.
    pub(crate) async fn say_without_end(&mut self, bytes: &[u8], times: usize) -> usize {
        for said in 0..times {
            if self.stream.write_all(bytes).await.is_err() {
                return said * bytes.len();
            }
        }
        times * bytes.len()
    }

    /// Answers each line with `re: ` and itself, as a service does that behaves.
    pub(crate) async fn behave(&mut self) {
        while let Some(line) = self.line().await {
            self.say(format!("re: {line}\n")).await;
        }
    }
}

/// A service that does `conduct` on each connection.
pub(crate) struct Service {
    pub(crate) addr: SocketAddr,
    connected: Arc<AtomicUsize>,
}

impl Service {
    pub(crate) async fn start<F, Fut>(conduct: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, conduct)
    }

    pub(crate) fn on<F, Fut>(listener: TcpListener, conduct: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let addr = listener.local_addr().unwrap();
        let connected = Arc::new(AtomicUsize::new(0));
        let counter = connected.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(conduct(Peer { stream: BufReader::new(stream), number }));
            }
        });
        Self { addr, connected }
    }

    /// Connections that were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }
}
