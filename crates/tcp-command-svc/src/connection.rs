//! One peer: its bytes in, its replies out, and the times that it may take.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use protocol::command::framing::{Action, Framing};
use protocol::command::{Command, Vocabulary};
use svc_runtime::access::AccessLog;
use svc_runtime::held::Held;
use svc_runtime::linger::linger;
use svc_runtime::stop::Stop;
use svc_runtime::stream::{Origin, Peer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use crate::commands::Commands;
use crate::config::Limits;
use crate::traffic::Said;

/// Read at once. It also bounds the replies that wait to be written: one for two bytes at the most,
/// or `Invalid command.` for an empty line.
const READ_BYTES: usize = 1024;

/// Reads of a peer that never ceases, until others have their turn: where there are thousands of
/// them, who asks for the health waits for one turn of each.
const READS_A_TURN: u32 = 8;

/// Bytes that count as arrived before the stop: more than the kernel keeps for a connection.
const MAX_ARRIVED: u64 = 8 * 1024 * 1024;

/// Reply buffer that an idle connection keeps.
const KEPT_REPLY_BYTES: usize = 512;

/// Serves one peer until it, a deadline, or `stop` ends the connection. After `stop` the commands
/// that were received in full are answered first. What is said is counted in
/// `traffic`; `now` gives the local time.
pub async fn run<S>(
    mut stream: S,
    origin: Origin,
    limits: Limits,
    commands: Commands,
    log: AccessLog,
    stop: Stop,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let peer = origin.peer;
    let mut session = Session::new(origin, limits, commands);
    let conversed = converse(&mut stream, &mut session, &stop).await;
    session.said.ended(peer, log);
    match conversed {
        Ok(()) => linger(&mut stream).await,
        Err(error) => debug!(%peer, %error, "connection broke"),
    }
}

async fn converse<S>(stream: &mut S, session: &mut Session, stop: &Stop) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut timer = pin!(sleep(session.limits.idle_deadline));
    let mut stopped = pin!(stop.told());
    let mut reads = 0;
    while !session.is_over {
        tokio::select! {
            // Reading first, so that what has arrived by the time of the stop is answered.
            biased;
            read = receive(stream, session) => read?,
            () = timer.as_mut() => session.timer_fired(),
            () = stopped.as_mut() => return answer_what_has_arrived(stream, session).await,
        }
        send(stream, session).await?;
        if session.due < timer.deadline() || timer.is_elapsed() {
            timer.as_mut().reset(session.due);
        }
        reads = (reads + 1) % READS_A_TURN;
        if reads == 0 {
            yield_now().await;
        }
        // Reading never gives way to the word where the peer never ceases.
        if stop.is_told() {
            return answer_what_has_arrived(stream, session).await;
        }
    }
    Ok(())
}

/// Answers without a wait for more, and no more than can have arrived.
async fn answer_what_has_arrived<S>(stream: &mut S, session: &mut Session) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let received = session.said.received;
    while !session.is_over && session.said.received - received < MAX_ARRIVED {
        tokio::select! {
            biased;
            read = receive(stream, session) => read?,
            // Done after the runtime has asked the kernel, and the stream was looked at once more.
            () = yield_now() => break,
        }
        send(stream, session).await?;
    }
    session.stopped();
    send(stream, session).await
}

/// Reads once. The buffer is on the stack, so that a peer which says nothing costs none.
async fn receive<S>(stream: &mut S, session: &mut Session) -> io::Result<()>
where
    S: AsyncRead + Unpin,
{
    poll_fn(|cx| {
        let mut storage = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut storage);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        session.received(buffer.filled()).into()
    })
    .await
}

async fn send<S>(stream: &mut S, session: &mut Session) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    if session.replies.is_empty() {
        return Ok(());
    }
    timeout(
        session.limits.write_deadline,
        write(stream, &session.replies, session.replies.capacity(), &session.held),
    )
    .await??;
    session.said.sent += session.replies.len() as u64;
    session.replies.clear();
    session.replies.shrink_to(KEPT_REPLY_BYTES);
    Ok(())
}

/// Writes all of `replies`, and tells that `kept` bytes are while the peer does not take them.
async fn write<S>(stream: &mut S, mut replies: &[u8], kept: usize, held: &Held) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let is_sent = poll_fn(|cx| {
        while !replies.is_empty() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, replies))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => replies = &replies[bytes..],
            }
        }
        // By TLS something may still be there.
        Pin::new(&mut *stream).poll_flush(cx)
    });
    let (mut is_sent, mut is_blocked) = (pin!(is_sent), false);
    let sent = poll_fn(|cx| {
        let sent = is_sent.as_mut().poll(cx);
        if sent.is_pending() {
            is_blocked = true;
            held.blocked(kept)?;
        }
        sent
    });
    sent.await?;
    if is_blocked {
        held.flows();
    }
    Ok(())
}

/// What is known of the peer between two reads.
struct Session {
    peer: Peer,
    held: Held,
    limits: Limits,
    commands: Commands,
    said: Said,
    framing: Framing,
    replies: Vec<u8>,
    /// When the grace time or the idle deadline passes.
    due: Instant,
    is_over: bool,
}

impl Session {
    fn new(origin: Origin, limits: Limits, commands: Commands) -> Self {
        let framing = Framing::new(limits.max_command_bytes);
        let due = Instant::now() + limits.idle_deadline;
        let (said, replies) = (Said::nothing(), Vec::new());
        let Origin { peer, held, .. } = origin;
        Self { peer, held, limits, commands, said, framing, replies, due, is_over: false }
    }

    fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.said.received += bytes.len() as u64;
        if bytes.is_empty() {
            self.advance(Framing::end);
            return Ok(());
        }
        let answered = self.said.commands;
        self.advance(|framing, known, act| framing.bytes(bytes, known, act));
        if self.framing.is_line_session() {
            self.due = Instant::now() + self.limits.idle_deadline;
        }
        let unfinished = self.framing.unfinished_bytes();
        if unfinished > 0 && self.said.commands > answered {
            // Of another command, which is waited for since now.
            self.held.waits(true);
        }
        self.held.keeps(unfinished)
    }

    fn timer_fired(&mut self) {
        if Instant::now() < self.due {
            return;
        }
        if self.framing.is_in_grace() {
            self.advance(Framing::grace_over);
            // A session by CR goes on.
            self.due = Instant::now() + self.limits.idle_deadline;
        } else {
            debug!(peer = %self.peer, "idle deadline passed");
            self.is_over = true;
        }
    }

    /// Nothing more is waited for. A command that a CR ends has arrived whole.
    fn stopped(&mut self) {
        if self.framing.is_after_first_cr() {
            self.advance(Framing::grace_over);
        }
    }

    fn advance(&mut self, event: impl FnOnce(&mut Framing, &Vocabulary, &mut dyn FnMut(Action))) {
        let Self { peer, limits, commands, said, framing, replies, due, is_over, .. } = self;
        let known = commands.known();
        // Counted where another command follows: all connections count in one place.
        let (mut last, mut times) = (Command::Unknown, 0);
        event(framing, &known.vocabulary, &mut |action| match action {
            Action::Reply(command, end) => {
                debug!(%peer, ?command, "answered");
                said.commands += 1;
                if command != last {
                    known.answered(last, std::mem::take(&mut times));
                    last = command;
                }
                times += 1;
                replies.extend_from_slice(commands.reply(&known, command, peer).as_bytes());
                replies.extend_from_slice(end.as_bytes());
            }
            Action::Finish(end) => replies.extend_from_slice(end.as_bytes()),
            Action::ArmGrace => *due = Instant::now() + limits.grace_time,
            Action::Close => *is_over = true,
        });
        known.answered(last, times);
    }
}
