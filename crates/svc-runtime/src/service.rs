//! A service in its process, or as a part of another: it serves its listeners until it is told to
//! stop, and is drained.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::access::AccessLog;
use crate::address::Bound;
use crate::admin::{Health, MAX_ADMIN_CONNECTIONS, Phase};
use crate::datagrams::Datagrams;
use crate::handshake::HandshakeTerms;
use crate::http::{self, HttpDeadlines};
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::reload::Reload;
use crate::roll::{Admission, Closes};
use crate::serve::{ServeOptions, serve};
use crate::stop::Stop;
use crate::stream::{Origin, Stream};

/// How long the admin port has to answer what it was asked before the service ends.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// How long whoever asks for the health may take to say so, and say nothing on a kept connection.
const ADMIN_HEAD_DEADLINE: Duration = Duration::from_secs(2);

/// A service and what it listens on.
pub struct Service<C> {
    /// Where it is spoken to.
    pub listeners: Vec<Listener>,
    /// Where datagrams are answered.
    pub datagrams: Vec<Datagrams>,
    /// Where its health is asked.
    pub admin: Vec<Listener>,
    /// Whom it lets in.
    pub admission: Admission,
    /// What a peer may do where TLS is spoken.
    pub handshake: HandshakeTerms,
    /// How long it is told not to be ready, and accepts all the same, before it stops.
    pub drain_delay: Duration,
    /// How long a stop waits for what is in flight.
    pub drain_deadline: Duration,
    /// What a peer that is not let in is told.
    pub refusal: &'static [u8],
    /// Its health.
    pub health: Health,
    /// What it counts, told on the admin port.
    pub metrics: Metrics,
    /// What is logged of its connections.
    pub access_log: AccessLog,
    /// What a process reads again at a SIGHUP.
    pub reloads: Vec<Reload>,
    /// Runs its connections.
    pub connections: C,
}

/// What runs a service's connections.
pub trait Connections: Clone + Send + 'static {
    /// Runs one connection; it is to end soon after the stop.
    fn run(
        self,
        stream: Stream,
        origin: Origin,
        stop: Stop,
    ) -> impl Future<Output = ()> + Send + 'static;
}

impl<F, Fut> Connections for F
where
    F: Fn(Stream, Origin, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn run(
        self,
        stream: Stream,
        origin: Origin,
        stop: Stop,
    ) -> impl Future<Output = ()> + Send + 'static {
        self(stream, origin, stop)
    }
}

impl<C: Connections> Service<C> {
    /// Each listener's role and address.
    pub fn listening(&self) -> Vec<(&'static str, Bound)> {
        let listeners = self.admin.iter().chain(&self.listeners);
        let listeners =
            listeners.filter_map(|listener| Some((listener.role(), listener.addr().ok()?)));
        let datagrams = self.datagrams.iter();
        let datagrams = datagrams.filter_map(|socket| Some((socket.role(), socket.addr().ok()?)));
        listeners.chain(datagrams).collect()
    }

    /// Serves until `stop` ends, and drains. `stop` is awaited from the moment of readiness, `hurry`
    /// from the stop: it ends the drain delay before its time. Where this is dropped, no more peers
    /// are accepted and the others are drained all the same.
    pub async fn run(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let health = self.health;
        let (stop_admin, stop_peers) = (Stop::new(), Stop::new());
        // Where nobody waits for this any more, nobody is served any more.
        let _unless_dropped = TellOnDrop([stop_peers.clone(), stop_admin.clone()]);
        let routes = health.routes().merge(self.metrics.routes());
        let admin = ServeOptions {
            admission: Admission {
                closes: Closes::Waiting,
                ..Admission::up_to(MAX_ADMIN_CONNECTIONS)
            },
            refusal: b"",
            handshake: HandshakeTerms { deadline: ADMIN_HEAD_DEADLINE, plain_answer: b"" },
            drain: ADMIN_DRAIN,
            metrics: self.metrics.connections().clone(),
            access_log: self.access_log,
        };
        let admin = tokio::spawn(serve_admin(self.admin, routes, admin, stop_admin.clone()));
        let options = ServeOptions {
            admission: self.admission,
            refusal: self.refusal,
            handshake: self.handshake,
            drain: self.drain_deadline,
            metrics: self.metrics.connections().clone(),
            access_log: self.access_log,
        };
        let connections = self.connections;
        let connection = move |stream, origin, stop| connections.clone().run(stream, origin, stop);
        let served = tokio::spawn(serve(self.listeners, options, stop_peers.clone(), connection));
        let answered = self.datagrams.into_iter().map(|socket| socket.serve(stop_peers.clone()));
        let mut answered: JoinSet<()> = answered.collect();
        health.enter(Phase::Ready);
        stop.await;
        health.enter(Phase::Draining);
        stop_peers.announce();
        // An error says that all of it has passed.
        let _ = timeout(self.drain_delay, hurry).await;
        stop_peers.tell();
        match served.await {
            Ok(0) => info!("drained"),
            Ok(cut) => warn!(cut, "drain deadline passed, connections cut"),
            Err(error) => warn!(%error, "drain failed"),
        }
        while answered.join_next().await.is_some() {}
        stop_admin.tell();
        let _ = admin.await;
    }
}

/// Tells to stop, also where what it stands in is dropped or panics.
struct TellOnDrop([Stop; 2]);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        self.0.iter().for_each(Stop::tell);
    }
}

async fn serve_admin(listeners: Vec<Listener>, routes: Router, options: ServeOptions, stop: Stop) {
    let deadlines = HttpDeadlines { header: ADMIN_HEAD_DEADLINE, ..HttpDeadlines::default() };
    let answer = http::routed(routes);
    let connection = move |stream, origin: Origin, stop| {
        let answer = answer.clone();
        async move {
            let spoken = http::spoken(stream, deadlines.header, &stop).await;
            let Some(stream) = spoken else { return };
            http::run(stream, origin, Arc::default(), answer, |_| (), deadlines, stop).await;
        }
    };
    serve(listeners, options, stop, connection).await;
}
