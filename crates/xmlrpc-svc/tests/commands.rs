//! `command.*`: in this process, and over the network to a real text service, one that dies and
//! comes back, and ones that misbehave.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../callbox/tests/edge/mod.rs"]
mod edge;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox::Registry;
use edge::{DEFAULTS, ask, start};
use protocol::command::{Command, MAX_COMMAND_BYTES, ReplyText, Vocabulary};
use protocol::xmlrpc::{Array, Value, code};
use svc_runtime::access::AccessLog;
use svc_runtime::clock::Clock;
use svc_runtime::handshake::HandshakeTerms;
use svc_runtime::listener::Listener;
use svc_runtime::metrics::Metrics;
use svc_runtime::roll::Admission;
use svc_runtime::serve::{ServeOptions, serve};
use svc_runtime::stop::Stop;
use svc_runtime::stream::{Origin, Stream};
use tcp_command_svc::commands::Commands as TextCommands;
use tcp_command_svc::config::Limits;
use tcp_command_svc::connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use xmlrpc_svc::commands::{Commands, MAX_COMMAND_CONNECTIONS};
use xmlrpc_svc::gateway::settings::Address;
use xmlrpc_svc::methods::command;
use xmlrpc_svc::upstream_metrics::AllUpstreamMetrics;

async fn edge(commands: Commands) -> SocketAddr {
    let mut registry = Registry::new();
    command::add(&mut registry, commands);
    start(registry, DEFAULTS).await
}

async fn edge_to(text_service: SocketAddr) -> SocketAddr {
    edge(over_network(&text_service.to_string())).await
}

fn over_network(addr: &str) -> Commands {
    Commands::over_network(Address::parse(addr).unwrap(), &AllUpstreamMetrics::new(&Metrics::new()))
}

async fn run(addr: SocketAddr, name: &str) -> Result<Value, (i32, String)> {
    ask(addr, "command.run", &[&format!("<string>{name}</string>")]).await
}

fn unavailable() -> Result<Value, (i32, String)> {
    Err((code::SYSTEM_ERROR, "the text-command service does not answer".to_owned()))
}

fn nonsense() -> Result<Value, (i32, String)> {
    let what = "the answer of the text-command service is not what it should be";
    Err((code::TRANSPORT_ERROR, what.to_owned()))
}

/// A real text service that counts its peers.
struct TextService {
    addr: SocketAddr,
    peers: Arc<AtomicUsize>,
    stop: Stop,
    served: JoinHandle<usize>,
}

impl TextService {
    async fn start(addr: &str) -> Self {
        Self::start_with(addr, Vocabulary::builtin().clone()).await
    }

    async fn start_with(addr: &str, vocabulary: Vocabulary) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (peers, stop) = (Arc::new(AtomicUsize::new(0)), Stop::new());
        let counter = peers.clone();
        let limits = Limits {
            max_command_bytes: MAX_COMMAND_BYTES,
            grace_time: Duration::from_millis(300),
            idle_deadline: Duration::from_secs(300),
            write_deadline: Duration::from_secs(30),
        };
        let clock = Clock::from_env().unwrap();
        let metrics = Metrics::new();
        let commands =
            TextCommands::new(vocabulary, &metrics, "box".to_owned(), move || clock.now());
        let connection = move |stream: Stream, origin: Origin, stop| {
            counter.fetch_add(1, Ordering::Relaxed);
            connection::run(stream, origin, limits, commands.clone(), AccessLog::Off, stop)
        };
        let five = Duration::from_secs(5);
        let handshake = HandshakeTerms { deadline: five, plain_answer: b"" };
        let options = ServeOptions {
            admission: Admission::up_to(100),
            refusal: b"",
            handshake,
            drain: five,
            metrics: metrics.connections().clone(),
            access_log: AccessLog::Off,
        };
        let served = tokio::spawn(serve(
            vec![Listener::tcp("command", listener)],
            options,
            stop.clone(),
            connection,
        ));
        Self { addr, peers, stop, served }
    }

    async fn stop(self) {
        self.stop.tell();
        self.served.await.unwrap();
    }
}

/// A text service that does `misbehave` to every peer, each on a task of its own.
async fn fake<F, Fut>(misbehave: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(misbehave(stream));
        }
    });
    addr
}

async fn check_commands(addr: SocketAddr) {
    assert_eq!(run(addr, "hello").await, Ok("How do you do?".into()));
    assert_eq!(run(addr, "goodbye").await, Ok("It was nice hearing from you.".into()));
    let Ok(Value::String(time)) = run(addr, "time").await else { panic!("no time") };
    assert_eq!(time.len(), "Sun Nov 22 10:14:03 2026".len(), "{time}");
    let names = ["hello", "time", "goodbye", "help"].map(Value::from).to_vec();
    assert_eq!(ask(addr, "command.list", &[]).await, Ok(Array::try_from(names).unwrap().into()));
    assert_eq!(run(addr, "foo").await, Err((code::INVALID_PARAMS, "Invalid command.".to_owned())));
    assert_eq!(run(addr, "").await, Err((code::INVALID_PARAMS, "Invalid command.".to_owned())));
}

#[tokio::test]
async fn commands_are_answered_in_process() {
    check_commands(edge(Commands::InProcess(Clock::from_env().unwrap())).await).await;
}

#[tokio::test]
async fn commands_of_the_text_services_own_are_listed_and_run() {
    let mut vocabulary = Vocabulary::empty();
    vocabulary.add_builtin("help", Command::Help).unwrap();
    vocabulary.add_builtin("bye", Command::Goodbye).unwrap();
    let reply = |text| ReplyText::parse(text).unwrap();
    vocabulary.add_own("*IDN?", reply("Callbox at {host}"), false).unwrap();
    vocabulary.add_own("off", reply("Switched off."), true).unwrap();
    let text = TextService::start_with("127.0.0.1:0", vocabulary).await;
    let addr = edge_to(text.addr).await;
    let names = ["help", "bye", "*IDN?", "off"].map(Value::from).to_vec();
    assert_eq!(ask(addr, "command.list", &[]).await, Ok(Array::try_from(names).unwrap().into()));
    for _ in 0..3 {
        assert_eq!(run(addr, "*IDN?").await, Ok("Callbox at box".into()));
        assert_eq!(run(addr, "off").await, Ok("Switched off.".into()));
        assert_eq!(run(addr, "bye").await, Ok("It was nice hearing from you.".into()));
    }
    assert!(run(addr, "hello").await.is_err());
}

#[tokio::test]
async fn service_without_help_cannot_be_listed_and_is_asked_all_the_same() {
    let mut vocabulary = Vocabulary::empty();
    vocabulary.add_own("status", ReplyText::parse("fine").unwrap(), false).unwrap();
    let text = TextService::start_with("127.0.0.1:0", vocabulary).await;
    let commands = over_network(&text.addr.to_string());
    assert_eq!(commands.answer().await, Ok(()));
    let addr = edge(commands).await;
    assert_eq!(run(addr, "status").await, Ok("fine".into()));
    let told = "the text-command service has no command help, which would list them";
    assert_eq!(
        ask(addr, "command.list", &[]).await,
        Err((code::APPLICATION_ERROR, told.to_owned()))
    );
}

#[tokio::test]
async fn commands_are_answered_over_the_network() {
    let text = TextService::start("127.0.0.1:0").await;
    check_commands(edge_to(text.addr).await).await;
}

#[tokio::test]
async fn connection_is_kept_until_goodbye() {
    let text = TextService::start("127.0.0.1:0").await;
    let addr = edge_to(text.addr).await;
    for _ in 0..10 {
        run(addr, "hello").await.unwrap();
    }
    assert_eq!(text.peers.load(Ordering::Relaxed), 1);
    run(addr, "goodbye").await.unwrap();
    run(addr, "hello").await.unwrap();
    assert_eq!(text.peers.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn many_callers_share_the_kept_connections() {
    let text = TextService::start("127.0.0.1:0").await;
    let addr = edge_to(text.addr).await;
    let callers: Vec<_> =
        (0..50).map(|_| tokio::spawn(async move { run(addr, "hello").await })).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok("How do you do?".into()));
    }
    assert!(text.peers.load(Ordering::Relaxed) <= MAX_COMMAND_CONNECTIONS);
}

#[tokio::test]
async fn name_that_cannot_travel_as_one_command_is_never_sent() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let text = fake(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async {}
    })
    .await;
    let addr = edge_to(text).await;
    let text = "params[0]: expected at most 100 bytes without control characters";
    for name in ["hello\nhello", "hello&#13;", "\t", "&#x85;", &"x".repeat(101), &"é".repeat(51)] {
        assert_eq!(run(addr, name).await, Err((code::INVALID_PARAMS, text.to_owned())), "{name}");
    }
    assert_eq!(sent.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn text_service_that_goes_and_comes_back_is_found_again() {
    let text = TextService::start("127.0.0.1:0").await;
    let (text_addr, addr) = (text.addr, edge_to(text.addr).await);
    assert_eq!(run(addr, "hello").await, Ok("How do you do?".into()));
    text.stop().await;
    assert_eq!(run(addr, "hello").await, unavailable());

    let _text = TextService::start(&text_addr.to_string()).await;
    let healed = async { while run(addr, "hello").await != Ok("How do you do?".into()) {} };
    tokio::time::timeout(Duration::from_secs(10), healed).await.unwrap();
}

#[tokio::test]
async fn kept_connection_that_died_is_retried_on_a_new_one() {
    // Says one reply a connection, then resets it: to the next command a kept one is dead.
    let text = fake(async |mut stream: TcpStream| {
        let mut command = [0; 6];
        stream.read_exact(&mut command).await.unwrap();
        stream.write_all(b"How do you do?\n").await.unwrap();
        // Waits for the next command, so that the connection looks alive until then.
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let addr = edge_to(text).await;
    for _ in 0..5 {
        assert_eq!(run(addr, "hello").await, Ok("How do you do?".into()));
    }
}

#[tokio::test]
async fn text_service_that_says_nothing_is_a_fault_at_the_deadline() {
    let text = fake(async |mut stream: TcpStream| {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_eq!(run(edge_to(text).await, "hello").await, unavailable());
}

#[tokio::test]
async fn reply_that_is_no_line_is_a_fault() {
    for (reply, expected) in [
        (&b"Server busy."[..], unavailable()),
        (b"", unavailable()),
        (b"\xff\xfe\n", nonsense()),
        (b"a\x1b[2Jb\n", nonsense()),
        (&[b'x'; 10_000], nonsense()),
    ] {
        let text = fake(move |mut stream: TcpStream| async move {
            let _ = stream.read(&mut [0; 100]).await;
            let _ = stream.write_all(reply).await;
        })
        .await;
        assert_eq!(run(edge_to(text).await, "hello").await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn command_that_is_too_long_for_the_text_service_is_an_invalid_one() {
    let text = fake(|mut stream: TcpStream| async move {
        let _ = stream.read(&mut [0; 100]).await;
        let _ = stream.write_all(b"Invalid command.").await;
    })
    .await;
    let invalid = Err((code::INVALID_PARAMS, "Invalid command.".to_owned()));
    assert_eq!(run(edge_to(text).await, "12345678").await, invalid);
}

#[tokio::test]
async fn connection_that_says_more_than_was_asked_is_not_used_again() {
    // Every reply tells which connection it came over.
    let connections = Arc::new(AtomicUsize::new(0));
    let text = fake(move |mut stream: TcpStream| {
        let number = connections.fetch_add(1, Ordering::Relaxed);
        async move {
            while stream.read(&mut [0; 100]).await.is_ok_and(|read| read > 0) {
                stream.write_all(format!("{number}\nmore\n").as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let addr = edge_to(text).await;
    for number in 0..3 {
        assert_eq!(run(addr, "hello").await, Ok(number.to_string().into()));
    }
}

#[tokio::test]
async fn name_that_cannot_be_resolved_is_a_fault() {
    let commands = over_network("no-such-host.invalid:5004");
    assert_eq!(run(edge(commands).await, "hello").await, unavailable());
}
