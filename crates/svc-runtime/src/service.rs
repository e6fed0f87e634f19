//! A service in its process, or as a part of another: it serves its listeners until it is told to
//! stop, and is drained.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use crate::admin::{Health, MAX_ADMIN_CONNECTIONS, Phase};
use crate::descriptors;
use crate::http::{self, HttpDeadlines};
use crate::serve::{ServeOptions, serve};
use crate::stop::Stop;

/// How long the admin port has to answer what it was asked before the service ends.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// A service and what it listens on.
pub struct Service<C> {
    /// The role that its listeners are announced with.
    pub role: &'static str,
    /// Where it is spoken to.
    pub listeners: Vec<TcpListener>,
    /// Where its health is asked.
    pub admin: Option<TcpListener>,
    /// Connections at once, over all listeners.
    pub max_connections: u32,
    /// How long a stop waits for what is in flight.
    pub drain_deadline: Duration,
    /// What a peer over the connection cap is told.
    pub refusal: &'static [u8],
    /// Its health.
    pub health: Health,
    /// Runs its connections.
    pub connections: C,
}

/// What runs a service's connections.
pub trait Connections: Clone + Send + 'static {
    /// Runs one connection; it is to end soon after the stop.
    fn run(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        stop: Stop,
    ) -> impl Future<Output = ()> + Send + 'static;
}

impl<F, Fut> Connections for F
where
    F: Fn(TcpStream, SocketAddr, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn run(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        stop: Stop,
    ) -> impl Future<Output = ()> + Send + 'static {
        self(stream, peer, stop)
    }
}

impl<C: Connections> Service<C> {
    /// Each listener's role and address.
    pub fn listening(&self) -> Vec<(&'static str, SocketAddr)> {
        let admin = self.admin.iter().map(|listener| ("admin", listener));
        let own = self.listeners.iter().map(|listener| (self.role, listener));
        let addr = |(role, listener): (_, &TcpListener)| Some((role, listener.local_addr().ok()?));
        admin.chain(own).filter_map(addr).collect()
    }

    /// Serves until `stop` ends, and drains. `stop` is awaited from the moment of readiness. Where
    /// this is dropped, no more peers are accepted and the others are drained all the same.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let health = self.health;
        let (stop_admin, stop_peers) = (Stop::new(), Stop::new());
        // Where nobody waits for this any more, nobody is served any more.
        let _unless_dropped = TellOnDrop([stop_peers.clone(), stop_admin.clone()]);
        let admin = self.admin.map(|listener| {
            tokio::spawn(serve_admin(listener, health.clone(), stop_admin.clone()))
        });
        let options = ServeOptions {
            cap: descriptors::connection_cap(self.max_connections),
            refusal: self.refusal,
            drain: self.drain_deadline,
        };
        let connections = self.connections;
        let connection = move |stream, peer, stop| connections.clone().run(stream, peer, stop);
        let served = tokio::spawn(serve(self.listeners, options, stop_peers.clone(), connection));
        health.enter(Phase::Ready);
        stop.await;
        health.enter(Phase::Draining);
        stop_peers.tell();
        match served.await {
            Ok(0) => info!("drained"),
            Ok(cut) => warn!(cut, "drain deadline passed, connections cut"),
            Err(error) => warn!(%error, "drain failed"),
        }
        stop_admin.tell();
        if let Some(admin) = admin {
            let _ = admin.await;
        }
    }
}

/// Tells to stop, also where what it stands in is dropped or panics.
struct TellOnDrop([Stop; 2]);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        self.0.iter().for_each(Stop::tell);
    }
}

async fn serve_admin(listener: TcpListener, health: Health, stop: Stop) {
    let options = ServeOptions { cap: MAX_ADMIN_CONNECTIONS, refusal: b"", drain: ADMIN_DRAIN };
    let answer = http::routed(health.routes());
    let connection = move |stream, peer, stop| {
        http::run(stream, peer, answer.clone(), HttpDeadlines::default(), stop)
    };
    serve(vec![listener], options, stop, connection).await;
}
