//! The load generator: one thread, so many connections, each of which asks again as soon as it is
//! answered.

use std::io::{self, Error};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::client::{Client, Lifetime, Step};
use crate::exchange::Exchange;
use crate::process::Server;
use crate::samples::Samples;

/// Before the measurement, a share of its time, for caches, allocators and branch predictors.
pub const WARM_UP: f64 = 0.25;

/// Read at once.
const READ_BYTES: usize = 256 * 1024;

/// Broken connections in one measurement beyond which it is given up.
const MAX_BROKEN: usize = 1000;

/// How a server is asked.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub connections: usize,
    pub lifetime: Lifetime,
    pub time: Duration,
}

impl Load {
    pub fn kept(connections: usize, time: Duration) -> Load {
        Load { connections, lifetime: Lifetime::Kept, time }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Calls or commands.
    pub calls: f64,
    pub seconds: f64,
    pub server_cpu_seconds: f64,
    /// Seconds from sending to having the whole answer.
    pub p50: f64,
    pub p99: f64,
}

impl Outcome {
    /// Of exchanges of `calls` each, one latency an exchange.
    pub fn new(
        mut latencies: Vec<f64>,
        calls: usize,
        seconds: f64,
        server_cpu_seconds: f64,
    ) -> io::Result<Outcome> {
        if latencies.is_empty() {
            return Err(Error::other("nothing was answered"));
        }
        latencies.sort_by(f64::total_cmp);
        Ok(Outcome {
            calls: (latencies.len() * calls) as f64,
            seconds,
            server_cpu_seconds,
            p50: Samples::quantile(&latencies, 0.5),
            p99: Samples::quantile(&latencies, 0.99),
        })
    }

    pub fn per_second(&self) -> f64 {
        self.calls / self.seconds
    }

    /// Infinite where the server used less than what the clock of processes tells.
    pub fn per_cpu_second(&self) -> f64 {
        self.calls / self.server_cpu_seconds
    }
}

/// Has `server` answer `exchange` as `load` says.
pub fn run(server: &Server, exchange: &Exchange, load: Load) -> io::Result<Outcome> {
    let mut generator = Generator::new(server, exchange, load)?;
    generator.run_for(load.time.mul_f64(WARM_UP))?;
    generator.latencies.clear();
    let (before, started) = (server.usage()?, Instant::now());
    generator.run_for(load.time)?;
    let (seconds, after) = (started.elapsed().as_secs_f64(), server.usage()?);

    let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
    Outcome::new(generator.latencies, exchange.calls, seconds, cpu_seconds)
}

struct Generator<'a> {
    poll: Poll,
    clients: Vec<Client<'a>>,
    lifetime: Lifetime,
    latencies: Vec<f64>,
    broken: usize,
    scratch: Vec<u8>,
}

impl<'a> Generator<'a> {
    fn new(server: &Server, exchange: &'a Exchange, load: Load) -> io::Result<Generator<'a>> {
        let poll = Poll::new()?;
        let clients = (0..load.connections)
            .map(|index| Client::connect(server.addr, exchange, poll.registry(), Token(index)))
            .collect::<io::Result<_>>()?;
        Ok(Generator {
            poll,
            clients,
            lifetime: load.lifetime,
            latencies: Vec::new(),
            broken: 0,
            scratch: vec![0; READ_BYTES],
        })
    }

    fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let deadline = Instant::now() + time;
        let mut events = Events::with_capacity(1024);
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                self.advance(event.token())?;
            }
        }
        Ok(())
    }

    fn advance(&mut self, token: Token) -> io::Result<()> {
        let client = &mut self.clients[token.0];
        match client.advance(&mut self.scratch) {
            Ok(Step::Waits) => return Ok(()),
            Ok(Step::Answered(latency)) => self.latencies.push(latency.as_secs_f64()),
            Ok(Step::TooMuch) => return Err(Error::other("an answer is longer than the others")),
            Err(error) if self.broken == MAX_BROKEN => return Err(error),
            // Abyss ends a kept connection now and then.
            Err(_) => {
                self.broken += 1;
                return client.reconnect(self.poll.registry(), token);
            }
        }
        match self.lifetime {
            Lifetime::Kept => client.ask_again(),
            Lifetime::OneExchange => client.reconnect(self.poll.registry(), token),
        }
    }
}
