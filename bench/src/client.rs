//! One connection of the load generator.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

use crate::exchange::Exchange;
use crate::wire::Wire;

/// Addresses of the loopback that connections start from in turn: each has 28,000 ports, and a
/// closed connection keeps its own for a minute.
const SOURCES: u16 = 200;

/// Linux's word for a connection under way.
const EINPROGRESS: i32 = 115;

/// Whether a connection is kept for the next exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    Kept,
    OneExchange,
}

/// What an advance led to.
pub enum Step {
    Waits,
    Answered(Duration),
    TooMuch,
}

pub struct Client<'a> {
    wire: Wire<TcpStream>,
    addr: SocketAddr,
    exchange: &'a Exchange,
    source: u16,
    sent: usize,
    received: usize,
    asked: Instant,
}

impl<'a> Client<'a> {
    pub fn connect(
        addr: SocketAddr,
        exchange: &'a Exchange,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Client<'a>> {
        let source = token.0 as u16 % SOURCES;
        let asked = Instant::now();
        let wire = Wire::new(connected(addr, source, registry, token)?, exchange.carrier)?;
        Ok(Client { wire, addr, exchange, source, sent: 0, received: 0, asked })
    }

    /// Starts over on a new connection, from another address.
    pub fn reconnect(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source = (self.source + 1) % SOURCES;
        (self.sent, self.received, self.asked) = (0, 0, Instant::now());
        let socket = connected(self.addr, self.source, registry, token)?;
        self.wire = Wire::new(socket, self.exchange.carrier)?;
        Ok(())
    }

    /// Sends the request once more.
    pub fn ask_again(&mut self) -> io::Result<()> {
        (self.sent, self.received, self.asked) = (0, 0, Instant::now());
        // What is wrong is told again, and dealt with, when the connection is next advanced.
        let _ = self.send();
        Ok(())
    }

    /// Sends and receives what there is to send and to receive now.
    pub fn advance(&mut self, scratch: &mut [u8]) -> io::Result<Step> {
        if self.exchange.is_handshake() {
            return self.shake(scratch);
        }
        self.send()?;
        loop {
            match self.wire.read(scratch) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => self.received += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Step::Waits),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.received > self.exchange.response_bytes {
                return Ok(Step::TooMuch);
            }
            if self.received == self.exchange.response_bytes {
                return Ok(Step::Answered(self.asked.elapsed()));
            }
        }
    }

    /// Makes the handshake and waits for the end of the stream, which it asks for.
    fn shake(&mut self, scratch: &mut [u8]) -> io::Result<Step> {
        let ended = self.wire.greet_and_leave().map(|()| self.wire.read(scratch));
        match ended {
            Ok(Ok(0)) => Ok(Step::Answered(self.asked.elapsed())),
            Ok(Ok(_)) => Ok(Step::TooMuch),
            // nginx takes leave without a word.
            Ok(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                Ok(Step::Answered(self.asked.elapsed()))
            }
            Ok(Err(error)) | Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Step::Waits),
            Ok(Err(error)) | Err(error) => Err(error),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while let Some(rest @ [_, ..]) = self.exchange.request.get(self.sent..) {
            match self.wire.write(rest) {
                Ok(bytes) => self.sent += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A connection under way; its first event tells that it stands.
pub fn connected(
    addr: SocketAddr,
    source: u16,
    registry: &Registry,
    token: Token,
) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_reuse_address(true)?;
    let from = Ipv4Addr::new(127, 0, 1, source as u8 + 1);
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    match socket.connect(&addr.into()) {
        Err(error) if error.raw_os_error() != Some(EINPROGRESS) => return Err(error),
        _ => {}
    }
    let mut stream = TcpStream::from_std(socket.into());
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}
