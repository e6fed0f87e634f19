//! Callers with no patience: calls that arrive whether or not the ones before were answered, or
//! callers who each ask again once they are answered; whoever waits for too long hangs up.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Poll, Token};

use crate::client::connected;
use crate::samples::Samples;
use callbox_bench::proc_files::own_cpu_seconds;

/// How long a caller waits for an answer before hanging up.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Most connections of the generator, where it may have as many descriptors; a call that would need
/// a further one is not made.
const MAX_CONNECTIONS: usize = 24_000;

/// Descriptors of the generator that are no connections of callers.
const OTHER_DESCRIPTORS: usize = 64;

/// Longest sleep, so that what has become due is seen.
const TICK: Duration = Duration::from_millis(1);

/// How calls come.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many a second, evenly, on a connection that is free or a new one.
    Open(f64),
    /// From so many callers, each of whom asks again once answered, and one second after a refusal.
    Closed(usize),
}

/// What came of the calls.
#[derive(Debug, Default)]
pub struct Told {
    pub seconds: f64,
    /// Calls made.
    pub made: usize,
    /// Seconds to each answer, sorted.
    pub answered: Vec<f64>,
    /// Seconds to each 503, sorted.
    pub refused: Vec<f64>,
    /// Calls whose callers hung up.
    pub given_up: usize,
    /// Calls whose connection broke, or which could not have one.
    pub broken: usize,
    /// CPU seconds that this process took a second. Near 1 it is the limit, and what it tells of
    /// times is its own doing.
    pub busy: f64,
}

impl Told {
    pub fn answered_per_second(&self) -> f64 {
        self.answered.len() as f64 / self.seconds
    }

    pub fn refused_p99(&self) -> f64 {
        Samples::quantile(&self.refused, 0.99)
    }
}

/// Has `addr` asked with `request` at that pace for so long.
pub fn call(addr: SocketAddr, request: &[u8], pace: Pace, time: Duration) -> io::Result<Told> {
    let mut callers = Callers::new(addr, request, pace)?;
    let (started, before) = (Instant::now(), own_cpu_seconds()?);
    callers.run(started, time)?;
    let mut told = callers.told;
    told.seconds = started.elapsed().as_secs_f64();
    told.busy = (own_cpu_seconds()? - before) / told.seconds;
    told.answered.sort_by(f64::total_cmp);
    told.refused.sort_by(f64::total_cmp);
    Ok(told)
}

struct Callers<'a> {
    addr: SocketAddr,
    request: &'a [u8],
    pace: Pace,
    poll: Poll,
    max_connections: usize,
    slots: Vec<Option<Caller>>,
    empty: Vec<usize>,
    /// Connections kept after an answer.
    free: Vec<usize>,
    /// Calls in the order in which their callers lose patience.
    waiting: VecDeque<(Instant, usize, u64)>,
    /// When callers who were refused ask again.
    pausing: VecDeque<Instant>,
    calls: u64,
    told: Told,
    scratch: Vec<u8>,
}

impl<'a> Callers<'a> {
    fn new(addr: SocketAddr, request: &'a [u8], pace: Pace) -> io::Result<Self> {
        let descriptors = rlimit::increase_nofile_limit(u64::MAX)? as usize;
        Ok(Self {
            addr,
            request,
            pace,
            poll: Poll::new()?,
            max_connections: MAX_CONNECTIONS.min(descriptors.saturating_sub(OTHER_DESCRIPTORS)),
            slots: Vec::new(),
            empty: Vec::new(),
            free: Vec::new(),
            waiting: VecDeque::new(),
            pausing: VecDeque::new(),
            calls: 0,
            told: Told::default(),
            scratch: vec![0; 256 * 1024],
        })
    }

    fn run(&mut self, started: Instant, time: Duration) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        if let Pace::Closed(callers) = self.pace {
            // They come within a second: all at once would be another question.
            let gap = PATIENCE.div_f64(callers.max(1) as f64);
            self.pausing.extend((0..callers as u32).map(|nth| started + gap * nth));
        }
        let mut arrived = 0;
        loop {
            let now = Instant::now();
            if now - started >= time {
                return Ok(());
            }
            if let Pace::Open(rate) = self.pace {
                let due = (now - started).as_secs_f64() * rate;
                // What is late by more than a bit is not made up for: the generator is the limit.
                let due = due as usize;
                for _ in arrived..due.min(arrived + 64) {
                    self.ask()?;
                    arrived += 1;
                }
            }
            while self.pausing.front().is_some_and(|until| *until <= now) {
                self.pausing.pop_front();
                self.ask()?;
            }
            self.hang_up(now);
            match self.poll.poll(&mut events, Some(self.sleep(started, arrived))) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.advance(event.token().0)?;
            }
        }
    }

    fn sleep(&self, started: Instant, arrived: usize) -> Duration {
        let Pace::Open(rate) = self.pace else { return TICK };
        let next = started + Duration::from_secs_f64((arrived + 1) as f64 / rate);
        next.saturating_duration_since(Instant::now()).min(TICK)
    }

    fn ask(&mut self) -> io::Result<()> {
        self.calls += 1;
        self.told.made += 1;
        let index = match self.free.pop() {
            Some(index) => index,
            None => match self.connect()? {
                Some(index) => index,
                None => return Ok(()),
            },
        };
        let now = Instant::now();
        self.waiting.push_back((now + PATIENCE, index, self.calls));
        let Some(caller) = &mut self.slots[index] else { return Ok(()) };
        caller.begin(self.calls, now);
        self.advance(index)
    }

    fn connect(&mut self) -> io::Result<Option<usize>> {
        let index = self.empty.pop().unwrap_or(self.slots.len());
        if index == self.max_connections {
            self.told.broken += 1;
            return Ok(None);
        }
        if index == self.slots.len() {
            self.slots.push(None);
        }
        let source = (self.calls % 200) as u16;
        let stream = connected(self.addr, source, self.poll.registry(), Token(index))?;
        self.slots[index] = Some(Caller::new(stream));
        Ok(Some(index))
    }

    fn hang_up(&mut self, now: Instant) {
        while let Some((until, index, call)) = self.waiting.front().copied() {
            let asks = self.slots[index].as_ref().is_some_and(|caller| caller.call == Some(call));
            if asks && until > now {
                return;
            }
            self.waiting.pop_front();
            if asks {
                self.told.given_up += 1;
                self.close(index);
                self.once_more(Duration::ZERO);
            }
        }
    }

    fn close(&mut self, index: usize) {
        self.slots[index] = None;
        self.empty.push(index);
    }

    /// A caller of a closed loop asks again: at once, or after the pause that a refusal tells.
    fn once_more(&mut self, pause: Duration) {
        if !matches!(self.pace, Pace::Closed(_)) {
            return;
        }
        let again = Instant::now() + pause;
        let place = self.pausing.partition_point(|other| *other <= again);
        self.pausing.insert(place, again);
    }

    fn advance(&mut self, index: usize) -> io::Result<()> {
        let Some(caller) = self.slots.get_mut(index).and_then(Option::as_mut) else {
            return Ok(());
        };
        let was_asked = caller.call.is_some();
        match caller.advance(self.request, &mut self.scratch) {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => {
                let (kept, refused) = (answer.kept, answer.status != 200);
                let list = if refused { &mut self.told.refused } else { &mut self.told.answered };
                list.push(answer.seconds);
                if kept {
                    self.free.push(index);
                } else {
                    self.close(index);
                }
                self.once_more(if refused { PATIENCE } else { Duration::ZERO });
                Ok(())
            }
            Err(_) if was_asked => {
                self.told.broken += 1;
                self.close(index);
                self.once_more(PATIENCE);
                Ok(())
            }
            Err(_) => {
                self.free.retain(|free| *free != index);
                self.close(index);
                Ok(())
            }
        }
    }
}

/// One connection.
struct Caller {
    stream: TcpStream,
    call: Option<u64>,
    asked: Instant,
    sent: usize,
    received: Vec<u8>,
    body_left: Option<usize>,
}

struct Answer {
    status: u16,
    seconds: f64,
    kept: bool,
}

impl Caller {
    fn new(stream: TcpStream) -> Self {
        let asked = Instant::now();
        Self { stream, call: None, asked, sent: 0, received: Vec::new(), body_left: None }
    }

    fn begin(&mut self, call: u64, now: Instant) {
        (self.call, self.asked, self.sent, self.body_left) = (Some(call), now, 0, None);
        self.received.clear();
    }

    fn advance(&mut self, request: &[u8], scratch: &mut [u8]) -> io::Result<Option<Answer>> {
        if self.call.is_some() {
            // Where the answer is there already, the peer may have stopped reading.
            let _ = self.send(request);
        }
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) if self.call.is_none() => return Err(ErrorKind::InvalidData.into()),
                Ok(bytes) => self.take(&scratch[..bytes])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.body_left == Some(0) {
                return self.answer(request).map(Some);
            }
        }
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        while let Some(rest @ [_, ..]) = request.get(self.sent..) {
            self.sent += self.stream.write(rest)?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(left) = &mut self.body_left {
            *left = left.saturating_sub(bytes.len());
            return Ok(());
        }
        self.received.extend_from_slice(bytes);
        let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(());
        };
        let length =
            field(&self.received[..end], "content-length").and_then(|text| text.parse().ok());
        let length: usize = length.ok_or(ErrorKind::InvalidData)?;
        self.body_left = Some(length.saturating_sub(self.received.len() - end - 4));
        Ok(())
    }

    fn answer(&mut self, request: &[u8]) -> io::Result<Answer> {
        let status = self.received.get(9..12).and_then(|word| std::str::from_utf8(word).ok());
        let status = status.and_then(|word| word.parse().ok()).ok_or(ErrorKind::InvalidData)?;
        if status != 200 && status != 503 {
            return Err(ErrorKind::InvalidData.into());
        }
        let closes = field(&self.received, "connection").is_some_and(|word| word == "close");
        let kept = !closes && self.sent == request.len();
        self.call = None;
        Ok(Answer { status, seconds: self.asked.elapsed().as_secs_f64(), kept })
    }
}

fn field(head: &[u8], name: &str) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, text)| text.into()).next()
}
