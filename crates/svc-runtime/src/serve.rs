//! The accept loop: a cap on connections, back-off when `accept` fails, and a drain with a
//! deadline. Our own, since released axum's `serve` has neither a cap nor a header deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::access::AccessLog;
use crate::handshake::{self, HandshakeTerms};
use crate::linger::turn_away;
use crate::listener::{Listener, MAX_WAITING};
use crate::metrics::{ConnectionMetrics, ListenerMetrics};
use crate::roll::{Admission, Roll};
use crate::seldom::Trouble;
use crate::stop::Stop;
use crate::stream::{Origin, Peer, Stream};
use crate::transport::Transport;

/// First and longest pause after `accept` failed for want of something (descriptors, memory).
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Peers that still count as connected before the stop: as many as the kernel keeps waiting.
const MAX_ACCEPTS_AFTER_STOP: u32 = MAX_WAITING;

/// Refused peers that are lingered with at once: half of the descriptors that are not for peers.
/// More are told and closed, and may miss it where they have said something themselves.
const MAX_REFUSALS: usize = 32;

/// Longest time that the tasks have to end once they were cut.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How a service's listeners are served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Whom they let in.
    pub admission: Admission,
    /// What a peer that is not let in is told before it is closed.
    pub refusal: &'static [u8],
    /// What a peer may do where TLS is spoken.
    pub handshake: HandshakeTerms,
    /// How long connections may take to end after the stop.
    pub drain: Duration,
    /// What is counted of them.
    pub metrics: ConnectionMetrics,
    /// What is logged of them.
    pub access_log: AccessLog,
}

/// Runs `connection` for every peer of `listeners` until `stop`. Then the listeners are closed
/// and the connections drained: each sees `stop` too. Gives back how many of them were cut
/// because the drain deadline passed.
pub async fn serve<F, Fut>(
    listeners: Vec<Listener>,
    options: ServeOptions,
    stop: Stop,
    connection: F,
) -> usize
where
    F: Fn(Stream, Origin, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (admission, metrics) = (options.admission.clone(), options.metrics.clone());
    let peers = Peers {
        roll: Roll::new(admission, metrics, options.access_log),
        refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
        options: options.clone(),
        tasks: TaskTracker::new(),
        stop: stop.clone(),
        cut: Stop::new(),
    };
    let acceptors = TaskTracker::new();
    for listener in listeners {
        acceptors.spawn(peers.clone().accept(listener, connection.clone()));
    }
    acceptors.close();
    acceptors.wait().await;
    peers.drain(options.drain).await
}

#[derive(Clone)]
struct Peers {
    roll: Roll,
    refusals: Arc<Semaphore>,
    options: ServeOptions,
    tasks: TaskTracker,
    stop: Stop,
    cut: Stop,
}

impl Peers {
    async fn accept<F, Fut>(self, listener: Listener, connection: F)
    where
        F: Fn(Stream, Origin, Stop) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let (mut back_off, mut after_stop) = (BACK_OFF.0, 0);
        let trouble = Trouble::new();
        let counts = self.options.metrics.listener(listener.role());
        while after_stop < MAX_ACCEPTS_AFTER_STOP {
            if let Some(pause) = self.roll.pause() {
                sleep(pause).await;
            }
            let accepted = tokio::select! {
                // Accepting first, so that who was connected by the time of the stop is answered.
                biased;
                accepted = listener.accept() => accepted,
                () = self.stop.told() => return,
            };
            after_stop += u32::from(self.stop.is_told());
            match accepted {
                Ok((transport, peer)) => {
                    back_off = BACK_OFF.0;
                    if trouble.is_over() {
                        info!("accepting again");
                    }
                    self.admit(transport, peer, &listener, &counts, &connection);
                }
                Err(error) if is_the_peers(&error) => {
                    debug!(%error, "peer left before it was accepted")
                }
                Err(error) => {
                    if let Some(times) = trouble.occurred() {
                        warn!(%error, times, "cannot accept");
                    }
                    debug!(pause = ?back_off, "nobody is accepted for a while");
                    tokio::select! { () = sleep(back_off) => (), () = self.stop.told() => return }
                    back_off = (back_off * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    fn admit<F, Fut>(
        &self,
        transport: Transport,
        peer: Peer,
        listener: &Listener,
        counts: &ListenerMetrics,
        connection: &F,
    ) where
        F: Fn(Stream, Origin, Stop) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let entry = match self.roll.admit(peer, listener.role()) {
            Ok(entry) => entry,
            Err(refusal) => {
                self.roll.refused(peer, listener.role(), refusal);
                return self.turn_away(transport, listener);
            }
        };
        let held = entry.held().clone();
        let (origin, stop) =
            (Origin { held, ..Origin::new(peer, listener.role()) }, self.stop.clone());
        let id = entry.id();
        let holds = (entry, counts.opened());
        let Some(tls) = listener.tls().cloned() else {
            let task = self.spawn(holds, connection(transport.into(), origin, stop));
            return self.roll.runs(id, task);
        };
        let (peers, connection) = (self.clone(), connection.clone());
        let task = self.spawn(holds, async move {
            let (terms, role) = (peers.options.handshake, origin.listener);
            let refused = |refusal| peers.roll.refused(peer, role, refusal);
            // In a box, which is gone when the connection begins.
            let shaken = Box::pin(handshake::make(tls, transport, origin, terms, &stop, refused));
            if let Some((stream, origin)) = shaken.await {
                connection(stream, origin, stop).await;
            }
        });
        self.roll.runs(id, task);
    }

    /// Tells a peer that there is no place for it, where it can read that.
    fn turn_away(&self, transport: Transport, listener: &Listener) {
        let refusal = if listener.tls().is_some() { b"" } else { self.options.refusal };
        if let Ok(permit) = self.refusals.clone().try_acquire_owned() {
            self.spawn(permit, turn_away(transport.into(), refusal, None));
        } else {
            let _ = transport.try_write(refusal);
        }
    }

    /// Runs `task`, and keeps what it `holds` until its end.
    fn spawn(
        &self,
        holds: impl Send + 'static,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let cut = self.cut.clone();
        let task = self.tasks.spawn(async move {
            let _holds = holds;
            tokio::select! { biased; () = task => (), () = cut.told() => () }
        });
        task.abort_handle()
    }

    async fn drain(self, deadline: Duration) -> usize {
        self.tasks.close();
        if timeout(deadline, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let cut = self.tasks.len();
        self.cut.tell();
        // A task that does not yield can't be cut; the process ends all the same.
        let _ = timeout(CUT_GRACE, self.tasks.wait()).await;
        cut
    }
}

/// Errors of `accept` that say something of one peer and nothing of the listener.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
