//! One peer over a stream in memory, in virtual time: what it is told, and when it is left.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::civil::date;
use protocol::command::Vocabulary;
use svc_runtime::access::AccessLog;
use svc_runtime::linger::MAX_LINGER;
use svc_runtime::metrics::Metrics;
use svc_runtime::stop::Stop;
use svc_runtime::stream::Origin;
use tcp_command_svc::commands::Commands;
use tcp_command_svc::config::Limits;
use tcp_command_svc::connection;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

const GRACE: Duration = Duration::from_millis(300);
const IDLE: Duration = Duration::from_secs(300);
const WRITE: Duration = Duration::from_secs(30);

const LIMITS: Limits = Limits {
    max_command_bytes: 100,
    grace_time: GRACE,
    idle_deadline: IDLE,
    write_deadline: WRITE,
};

/// Bytes that are on their way in each direction.
const IN_FLIGHT: usize = 64;

/// Lines that are in flight at once, and whose replies are not.
const LINES: usize = IN_FLIGHT / 6;

/// A peer of the service, from the moment that it has connected.
struct Peer {
    stream: DuplexStream,
    since: Instant,
    stop: Stop,
    service: JoinHandle<()>,
}

impl Peer {
    fn connect() -> Self {
        Self::connect_with(LIMITS)
    }

    fn connect_with(limits: Limits) -> Self {
        let (stream, far_end) = duplex(IN_FLIGHT);
        Self::on(stream, far_end, limits)
    }

    fn on(
        stream: DuplexStream,
        far_end: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        limits: Limits,
    ) -> Self {
        let stop = Stop::new();
        let addr: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let now = || date(2026, 11, 2).at(9, 4, 3, 0);
        let vocabulary = Vocabulary::builtin().clone();
        let commands = Commands::new(vocabulary, &Metrics::new(), "box".to_owned(), now);
        let run = connection::run(
            far_end,
            Origin::new(addr.into(), "command"),
            limits,
            commands,
            AccessLog::Off,
            stop.clone(),
        );
        let service = tokio::spawn(run);
        Self { stream, since: Instant::now(), stop, service }
    }

    async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    #[track_caller]
    fn hear(&mut self, expected: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let mut heard = vec![0; expected.len()];
            self.stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&heard), expected, "at {caller}");
        }
    }

    /// All that is still said, until the service closes.
    async fn hear_the_rest(&mut self) -> String {
        let mut heard = String::new();
        self.stream.read_to_string(&mut heard).await.unwrap();
        heard
    }

    /// How long the peer has been connected.
    fn time(&self) -> Duration {
        self.since.elapsed()
    }

    /// Waits until the service has left the connection and gives back how long it lasted.
    async fn outlast(&mut self) -> Duration {
        timeout(IDLE * 100, &mut self.service).await.unwrap().unwrap();
        self.since.elapsed()
    }

    /// Hangs up and gives back how long the connection lasted.
    async fn hang_up(mut self) -> Duration {
        self.stream = duplex(1).0;
        self.outlast().await
    }
}

#[tokio::test(start_paused = true)]
async fn bare_word_is_answered_at_once_and_closed_when_the_grace_time_passes() {
    for (word, reply) in [
        ("hello", "How do you do?"),
        ("time", "Mon Nov  2 09:04:03 2026"),
        ("goodbye", "It was nice hearing from you."),
        ("help", "hello time goodbye help"),
    ] {
        let mut peer = Peer::connect();
        peer.say(word).await;
        peer.hear(reply).await;
        assert_eq!(peer.time(), Duration::ZERO, "{word}");
        assert_eq!(peer.hear_the_rest().await, "", "{word}");
        assert_eq!(peer.time(), GRACE, "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_still_grow_is_judged_when_the_grace_time_passes() {
    for (text, reply) in
        [("h", "Invalid command."), ("hel", "Invalid command."), ("nonsense", "Invalid command.")]
    {
        let mut peer = Peer::connect();
        peer.say(text).await;
        assert_eq!(peer.hear_the_rest().await, reply, "{text:?}");
        assert_eq!(peer.time(), GRACE, "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn grace_time_runs_from_the_first_byte_and_is_not_renewed_by_the_next() {
    let mut peer = Peer::connect();
    peer.say("n").await;
    sleep(GRACE * 2 / 3).await;
    peer.say("o").await;
    assert_eq!(peer.hear_the_rest().await, "Invalid command.");
    assert_eq!(peer.time(), GRACE);
}

#[tokio::test(start_paused = true)]
async fn word_that_arrives_in_pieces_has_a_grace_time_of_its_own_for_its_line_end() {
    let mut peer = Peer::connect();
    peer.say("hel").await;
    sleep(GRACE * 2 / 3).await;
    peer.say("lo").await;
    peer.hear("How do you do?").await;
    sleep(GRACE * 2 / 3).await;
    peer.say("\n").await;
    peer.hear("\n").await;
}

#[tokio::test(start_paused = true)]
async fn line_end_within_the_grace_time_makes_a_line_session() {
    for end in ["\n", "\r\n"] {
        let mut peer = Peer::connect();
        peer.say("hello").await;
        peer.hear("How do you do?").await;
        sleep(GRACE - Duration::from_millis(1)).await;
        peer.say(end).await;
        peer.hear(end).await;
        sleep(GRACE * 10).await;
        peer.say("hel").await;
        sleep(GRACE * 10).await;
        peer.say("p\n").await;
        peer.hear("hello time goodbye help\n").await;
    }
}

#[tokio::test(start_paused = true)]
async fn carriage_return_alone_ends_a_command_when_the_grace_time_has_passed() {
    let mut peer = Peer::connect();
    peer.say("hello\r").await;
    peer.hear("How do you do?\r").await;
    assert_eq!(peer.time(), GRACE);
    sleep(GRACE * 10).await;
    let before = peer.time();
    peer.say("\nhelp\r\0hello\r").await;
    peer.hear("hello time goodbye help\rHow do you do?\r").await;
    assert_eq!(peer.time(), before);
    assert_eq!(peer.hear_the_rest().await, "");
    assert_eq!(peer.time(), before + IDLE);
}

#[tokio::test(start_paused = true)]
async fn carriage_return_has_a_grace_time_of_its_own_for_its_line_feed() {
    for (end, heard) in [("\n", "\r\n"), ("", "\r")] {
        let mut peer = Peer::connect();
        peer.say("hello").await;
        peer.hear("How do you do?").await;
        sleep(GRACE * 2 / 3).await;
        peer.say("\r").await;
        sleep(GRACE * 2 / 3).await;
        peer.say(end).await;
        peer.hear(heard).await;
        peer.say("help\r\n").await;
        peer.hear("hello time goodbye help").await;
        peer.hear(heard).await;
    }
}

#[tokio::test(start_paused = true)]
async fn session_by_carriage_returns_is_closed_when_it_was_idle_for_the_deadline() {
    let mut peer = Peer::connect();
    peer.say("hello\r").await;
    assert_eq!(peer.hear_the_rest().await, "How do you do?\r");
    assert_eq!(peer.time(), GRACE + IDLE);
}

#[tokio::test(start_paused = true)]
async fn line_end_after_the_grace_time_is_not_heard() {
    let mut peer = Peer::connect();
    peer.say("hello").await;
    peer.hear("How do you do?").await;
    sleep(GRACE + Duration::from_millis(1)).await;
    // It may still be sent: the last words of the service are out, and it reads for a while.
    peer.say("\nhelp\n").await;
    assert_eq!(peer.hear_the_rest().await, "");
    assert_eq!(peer.hang_up().await, GRACE + Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn end_of_the_stream_ends_the_connection_without_a_grace_time() {
    for (text, reply) in [
        ("", ""),
        ("hello", "How do you do?"),
        ("hel", "Invalid command."),
        ("help\nhello", "hello time goodbye help\nHow do you do?"),
        ("help\n", "hello time goodbye help\n"),
    ] {
        let mut peer = Peer::connect();
        peer.say(text).await;
        peer.stream.shutdown().await.unwrap();
        assert_eq!(peer.hear_the_rest().await, reply, "{text:?}");
        assert_eq!(peer.hang_up().await, Duration::ZERO, "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_says_nothing_is_closed_at_the_idle_deadline() {
    let mut peer = Peer::connect();
    assert_eq!(peer.hear_the_rest().await, "");
    assert_eq!(peer.time(), IDLE);
}

#[tokio::test(start_paused = true)]
async fn line_session_is_closed_when_it_was_idle_for_the_deadline() {
    let mut peer = Peer::connect();
    peer.say("hello\n").await;
    peer.hear("How do you do?\n").await;
    for _ in 0..3 {
        sleep(IDLE * 4 / 5).await;
        peer.say("help\n").await;
        peer.hear("hello time goodbye help\n").await;
    }
    sleep(IDLE * 4 / 5).await;
    // A piece of a line is activity too.
    peer.say("hel").await;
    let last_activity = peer.time();
    assert_eq!(peer.hear_the_rest().await, "");
    assert_eq!(peer.time() - last_activity, IDLE);
}

#[tokio::test(start_paused = true)]
async fn idle_deadline_counts_in_a_line_session_that_began_with_a_bare_word() {
    let mut peer = Peer::connect();
    peer.say("hello").await;
    sleep(GRACE / 2).await;
    peer.say("\n").await;
    assert_eq!(peer.hear_the_rest().await, "How do you do?\n");
    assert_eq!(peer.time(), GRACE / 2 + IDLE);
}

#[tokio::test(start_paused = true)]
async fn peer_that_reads_nothing_is_dropped_at_the_write_deadline() {
    let mut peer = Peer::connect();
    peer.say("hello\n".repeat(LINES)).await;
    assert_eq!(peer.outlast().await, WRITE);
    // What was on its way is still there, and not more.
    assert_eq!(peer.hear_the_rest().await.len(), IN_FLIGHT);
}

#[tokio::test(start_paused = true)]
async fn peer_that_reads_late_but_in_time_loses_nothing() {
    let mut peer = Peer::connect();
    peer.say("hello\n".repeat(LINES)).await;
    sleep(WRITE - Duration::from_millis(1)).await;
    for _ in 0..LINES {
        peer.hear("How do you do?\n").await;
    }
    peer.say("help\n").await;
    peer.hear("hello time goodbye help\n").await;
}

#[tokio::test(start_paused = true)]
async fn peer_that_sends_and_never_reads_is_held_back() {
    let limits = Limits { idle_deadline: WRITE * 100, write_deadline: WRITE * 100, ..LIMITS };
    let mut peer = Peer::connect_with(limits);
    let mut accepted = 0;
    while let Ok(sent) = timeout(WRITE, peer.stream.write(b"\n")).await {
        accepted += sent.unwrap();
        assert!(accepted < 1_000_000, "bytes are taken without end");
    }
    assert!(accepted < 3 * 4096, "{accepted} bytes taken from a peer that reads nothing");
    // Held back, not forgotten: once it reads, each of its lines is answered.
    for _ in 0..accepted {
        peer.hear("Invalid command.\n").await;
    }
    peer.say("hello\n").await;
    peer.hear("How do you do?\n").await;
}

#[tokio::test(start_paused = true)]
async fn stop_answers_the_lines_that_were_received_and_closes() {
    for (received, replies) in [
        ("", ""),
        ("hello", "How do you do?"),
        ("hello\nhelp\r\n", "How do you do?\nhello time goodbye help\r\n"),
        ("help\nhello\nhel", "hello time goodbye help\nHow do you do?\n"),
        ("hello\r", "How do you do?\r"),
        ("hello\rhelp\rhel", "How do you do?\rhello time goodbye help\r"),
    ] {
        let mut peer = Peer::connect();
        peer.say(received).await;
        peer.stop.tell();
        assert_eq!(peer.hear_the_rest().await, replies, "{received:?}");
        assert_eq!(peer.hang_up().await, Duration::ZERO, "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stop_closes_an_idle_line_session_at_once() {
    let mut peer = Peer::connect();
    peer.say("hello\n").await;
    peer.hear("How do you do?\n").await;
    sleep(IDLE / 2).await;
    peer.stop.tell();
    assert_eq!(peer.hear_the_rest().await, "");
    assert_eq!(peer.hang_up().await, IDLE / 2);
}

#[tokio::test(start_paused = true)]
async fn stop_waits_for_a_peer_that_reads_its_replies_slowly() {
    let mut peer = Peer::connect();
    peer.say("hello\n".repeat(LINES)).await;
    peer.stop.tell();
    for _ in 0..LINES {
        sleep(Duration::from_millis(10)).await;
        peer.hear("How do you do?\n").await;
    }
    assert_eq!(peer.hear_the_rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn stop_ends_a_connection_whose_peer_never_stops_sending() {
    const ENDLESS: usize = 10_000_000;
    let Peer { stream, stop, service, .. } = Peer::connect();
    let (mut replies, mut lines) = tokio::io::split(stream);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    tokio::spawn(async move {
        while count.load(Ordering::Relaxed) < ENDLESS && lines.write_all(b"hello\n").await.is_ok() {
            count.fetch_add(6, Ordering::Relaxed);
        }
    });
    tokio::spawn(async move { tokio::io::copy(&mut replies, &mut tokio::io::sink()).await });
    while sent.load(Ordering::Relaxed) < 100_000 {
        yield_now().await;
    }
    stop.tell();
    service.await.unwrap();
    assert!(sent.load(Ordering::Relaxed) < ENDLESS, "it was heard to its end");
}

#[tokio::test(start_paused = true)]
async fn goodbye_is_the_last_reply_and_closes_at_once() {
    let mut peer = Peer::connect();
    peer.say("hello\ngoodbye\r\nhelp\nhelp").await;
    let replies = "How do you do?\nIt was nice hearing from you.\r\n";
    assert_eq!(peer.hear_the_rest().await, replies);
    assert_eq!(peer.time(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn overlong_command_is_invalid_and_closes_at_once() {
    for (text, replies) in [
        ("x".repeat(101), "Invalid command."),
        ("x".repeat(101) + "\nhello\n", "Invalid command."),
        ("hello\n".to_owned() + &"x".repeat(5000), "How do you do?\nInvalid command."),
    ] {
        let mut peer = Peer::connect();
        peer.say(&text).await;
        assert_eq!(peer.hear_the_rest().await, replies, "{text}");
        assert_eq!(peer.time(), Duration::ZERO, "{text}");
    }
    let mut peer = Peer::connect();
    peer.say("x".repeat(100) + "\nhello\n").await;
    peer.hear("Invalid command.\nHow do you do?\n").await;
}

#[tokio::test(start_paused = true)]
async fn longest_command_is_a_setting() {
    let mut peer = Peer::connect_with(Limits { max_command_bytes: 7, ..LIMITS });
    peer.say("1234567\n12345678\nhello\n").await;
    assert_eq!(peer.hear_the_rest().await, "Invalid command.\nInvalid command.");
}

#[tokio::test(start_paused = true)]
async fn peer_that_stays_after_the_close_is_left_when_the_linger_is_over() {
    let mut peer = Peer::connect();
    peer.say("goodbye\n").await;
    assert_eq!(peer.outlast().await, MAX_LINGER.0);
    assert_eq!(peer.hear_the_rest().await, "It was nice hearing from you.\n");
}

#[tokio::test(start_paused = true)]
async fn peer_that_vanishes_ends_the_connection_at_once() {
    for said in ["", "hel", "hello", "hello\n", "hello\nhel"] {
        let mut peer = Peer::connect();
        peer.say(said).await;
        assert_eq!(peer.hang_up().await, Duration::ZERO, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn replies_to_all_lines_of_one_read_are_one_write() {
    let writes = Arc::new(AtomicUsize::new(0));
    let (stream, far_end) = duplex(4096);
    let mut peer = Peer::on(stream, Counted { stream: far_end, writes: writes.clone() }, LIMITS);
    for round in 1..=3 {
        peer.say("hello\n".repeat(100)).await;
        peer.hear(&"How do you do?\n".repeat(100)).await;
        assert_eq!(writes.load(Ordering::Relaxed), round);
    }
}

#[tokio::test]
async fn others_have_their_turn_where_a_peer_never_ceases() {
    let (mut stream, far_end) = duplex(1024 * 1024);
    stream.write_all(&b"\n".repeat(50_000)).await.unwrap();
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Counted { stream: far_end, writes: writes.clone() };
    let peer = Peer::on(stream, counted, LIMITS);
    // There is one thread, and this is the only other task.
    yield_now().await;
    let written = writes.load(Ordering::Relaxed);
    assert!((1..=8).contains(&written), "{written} writes");
    drop(peer);
}

/// A stream that counts the writes to it.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn replies_are_not_left_in_what_is_between() {
    let (stream, far_end) = duplex(IN_FLIGHT);
    let mut peer = Peer::on(stream, tokio::io::BufStream::new(far_end), LIMITS);
    peer.say("hello\n").await;
    peer.hear("How do you do?\n").await;
}
