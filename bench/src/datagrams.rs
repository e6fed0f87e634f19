//! The load generator for datagrams: one thread, so many sockets, each of which asks again as soon as
//! it is answered.

use std::io::{self, Error, ErrorKind};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::load::{Load, Outcome, WARM_UP};
use crate::process::Server;

/// After as long a silence every datagram is sent anew: some were lost.
const SILENCE: Duration = Duration::from_millis(100);

/// Longer than any datagram that is asked or answered here.
const MAX_BYTES: usize = 2048;

/// Has `server` answer `datagram` as `load` says.
pub fn run(server: &Server, datagram: &[u8], load: Load) -> io::Result<Outcome> {
    let mut generator = Generator::new(server, datagram, load.connections)?;
    generator.run_for(load.time.mul_f64(WARM_UP))?;
    generator.latencies.clear();
    let (before, started) = (server.usage()?, Instant::now());
    generator.run_for(load.time)?;
    let (seconds, after) = (started.elapsed().as_secs_f64(), server.usage()?);
    Outcome::new(generator.latencies, 1, seconds, after.cpu_seconds - before.cpu_seconds)
}

struct Generator<'a> {
    poll: Poll,
    datagram: &'a [u8],
    /// Each with the time at which it asked.
    sockets: Vec<(UdpSocket, Instant)>,
    latencies: Vec<f64>,
}

impl<'a> Generator<'a> {
    fn new(server: &Server, datagram: &'a [u8], count: usize) -> io::Result<Generator<'a>> {
        let poll = Poll::new()?;
        let mut sockets = Vec::with_capacity(count);
        for index in 0..count {
            let mut socket = UdpSocket::bind(([127, 0, 0, 1], 0).into())?;
            socket.connect(server.addr)?;
            poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            sockets.push((socket, Instant::now()));
        }
        Ok(Generator { poll, datagram, sockets, latencies: Vec::new() })
    }

    fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let deadline = Instant::now() + time;
        let mut events = Events::with_capacity(1024);
        self.ask_all()?;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.poll.poll(&mut events, Some(left.min(SILENCE))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() && left > SILENCE {
                self.ask_all()?;
            }
            for event in &events {
                self.advance(event.token().0)?;
            }
        }
        Ok(())
    }

    fn ask_all(&mut self) -> io::Result<()> {
        (0..self.sockets.len()).try_for_each(|index| self.ask(index))
    }

    fn ask(&mut self, index: usize) -> io::Result<()> {
        let (socket, asked) = &mut self.sockets[index];
        *asked = Instant::now();
        match socket.send(self.datagram) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    fn advance(&mut self, index: usize) -> io::Result<()> {
        let mut scratch = [0; MAX_BYTES];
        loop {
            let (socket, asked) = &self.sockets[index];
            match socket.recv(&mut scratch) {
                Ok(0) => return Err(Error::other("an empty answer")),
                Ok(_) => self.latencies.push(asked.elapsed().as_secs_f64()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            self.ask(index)?;
        }
    }
}
