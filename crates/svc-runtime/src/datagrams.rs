//! Datagrams by UDP: each is answered by one to where it came from, or by none.

use std::collections::BTreeSet;
use std::io;
use std::net::{self, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::address::{Bound, ListenAddr};
use crate::listener::{ListenError, each_of};
use crate::seldom::Trouble;
use crate::stop::Stop;

/// More bytes than a datagram can have.
const MAX_DATAGRAM_BYTES: usize = 64 * 1024;

/// Datagrams that still count as arrived before the stop: more than the kernel keeps for a socket.
const MAX_AFTER_STOP: u32 = 4096;

/// Pause after nothing could be received for want of something.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What answers the datagrams of one socket.
pub trait Answerer: Send + 'static {
    /// The reply to what `peer` sent, if it gets one.
    fn answer(&mut self, datagram: &[u8], peer: SocketAddr) -> Option<&[u8]>;
}

/// A socket for datagrams, and what answers them.
pub struct Datagrams {
    socket: UdpSocket,
    role: &'static str,
    answerer: Box<dyn Answerer>,
}

impl Datagrams {
    /// Receives at each of `addrs`, addresses or names, as `role`; each socket has an `answerer`.
    pub async fn bind_all<A: Answerer>(
        role: &'static str,
        addrs: &[ListenAddr],
        answerer: impl Fn() -> A,
    ) -> Result<Vec<Self>, ListenError> {
        let mut all = Vec::new();
        for addr in addrs {
            let sockets = bind(addr).await;
            let sockets = sockets.map_err(|cause| ListenError::Addr(addr.clone(), cause))?;
            let datagrams = |socket| Self { socket, role, answerer: Box::new(answerer()) };
            all.extend(sockets.into_iter().map(datagrams));
        }
        Ok(all)
    }

    /// What it is for, such as `command-udp`.
    pub fn role(&self) -> &'static str {
        self.role
    }

    /// Where it receives.
    pub fn addr(&self) -> io::Result<Bound> {
        self.socket.local_addr().map(Bound::Inet)
    }

    /// Answers until `stop`, and then what has arrived.
    pub(crate) async fn serve(mut self, stop: Stop) {
        let (mut buffer, mut after_stop) = (vec![0; MAX_DATAGRAM_BYTES], 0);
        let mut stopped = pin!(stop.told());
        let trouble = Trouble::new();
        while after_stop < MAX_AFTER_STOP {
            let received = tokio::select! {
                // Receiving first, so that what has arrived by the time of the stop is answered.
                biased;
                received = self.socket.recv_from(&mut buffer) => received,
                () = stopped.as_mut() => return,
            };
            after_stop += u32::from(stop.is_told());
            match received {
                Ok((bytes, peer)) => {
                    if trouble.is_over() {
                        info!(role = self.role, "receiving again");
                    }
                    self.answer(&buffer[..bytes], peer);
                }
                Err(error) => {
                    if let Some(times) = trouble.occurred() {
                        warn!(role = self.role, %error, times, "cannot receive");
                    }
                    tokio::select! { () = sleep(BACK_OFF) => (), () = stop.told() => return }
                }
            }
        }
    }

    /// A reply that cannot be sent at once is lost, as datagrams are.
    fn answer(&mut self, datagram: &[u8], peer: SocketAddr) {
        if let Some(reply) = self.answerer.answer(datagram, peer) {
            if let Err(error) = self.socket.try_send_to(reply, peer) {
                debug!(%peer, %error, "reply is lost");
            }
        }
    }
}

async fn bind(addr: &ListenAddr) -> io::Result<Vec<UdpSocket>> {
    match addr {
        ListenAddr::Inet(addr) => Ok(vec![receive(*addr)?]),
        ListenAddr::Host(name, port) => {
            let addrs: BTreeSet<_> = lookup_host((name.as_str(), *port)).await?.collect();
            each_of(addrs.into_iter(), receive)
        }
        ListenAddr::Unix(_) | ListenAddr::Inherit(_) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "expected an address for UDP"))
        }
    }
}

fn receive(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = net::UdpSocket::bind(addr)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}
