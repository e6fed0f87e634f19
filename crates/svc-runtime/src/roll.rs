//! Who is connected: each has a place and a share of the memory for peers. Where either runs out,
//! whoever has kept us waiting longest is closed, and else nobody is let in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;
use tracing::info;

use crate::access::AccessLog;
use crate::descriptors::{TooFewDescriptors, connection_cap};
use crate::held::{Held, Room, Wait};
use crate::memory::Memory;
use crate::metrics::{ConnectionMetrics, Refusal};
use crate::network::Network;
use crate::peer::Peer;
use crate::settings::ProcessSettings;
use crate::share::{Part, Percent, Share};
use crate::source::Source;

/// Who has kept us waiting for longer may be closed before it has to be, up to [`MAX_CLOSED`] at
/// once.
const LONG: Duration = Duration::from_secs(5);

/// Least time that everybody has to say something where [`Closes::Waiting`] holds: of a crowd that
/// comes at once, none is closed for the next before it was listened to.
const PATIENCE: Duration = Duration::from_millis(10);

/// Most that are closed in one look at all: a look takes as long as there are connections.
const MAX_CLOSED: usize = 32;

/// The part of the memory for peers that those have who are closed and still hold it.
const LEAVING_PART: usize = 8;

/// The part of those for which there is a pause that are closed in one look, for all who come in
/// the pause.
const SPARE_PART: usize = 256;

/// Least time between two looks at more than so many, for each of them: a fifth of the time goes into
/// looks at the most.
const LOOK_PAUSE: (usize, Duration) = (1024, Duration::from_nanos(500));

/// Whom a listener lets in.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Connections at once, over all listeners.
    pub cap: usize,
    /// Memory for all of them, in bytes.
    pub memory: usize,
    /// Whether the kernel's buffers are a part of it.
    pub counts_sockets: bool,
    /// What one takes that sends nothing unusual, in bytes.
    pub connection_bytes: usize,
    /// Most that one address may have, or in IPv6 one /64: not this machine's own.
    pub share: Percent,
    /// Proxies, which have no share either.
    pub trusted: Arc<[Network]>,
    /// Who is closed for others.
    pub closes: Closes,
}

/// Who is closed where there is no room for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closes {
    /// Who has begun to say something, or does not take what is answered.
    Unfinished,
    /// Whoever is waited for.
    Waiting,
}

impl Closes {
    fn closes(self, wait: Wait) -> bool {
        match wait {
            Wait::Nothing => false,
            Wait::Silence => self == Self::Waiting,
            Wait::Rest | Wait::Blocked => true,
        }
    }
}

impl Admission {
    /// As the settings have it, with `bytes` of `memory`, where a connection takes
    /// `connection_bytes`. It is logged where that is less than the settings want.
    pub fn new(
        settings: &ProcessSettings,
        memory: Memory,
        bytes: usize,
        connection_bytes: usize,
    ) -> Result<Self, TooFewDescriptors> {
        let cap = connection_cap(settings.max_connections)?;
        let admission = Self {
            memory: bytes,
            counts_sockets: memory.counts_sockets(),
            connection_bytes,
            share: settings.max_share,
            ..Self::up_to(cap)
        };
        let connections = admission.connections();
        if connections < cap {
            info!(
                wanted = cap,
                cap = connections,
                bytes,
                "connection cap lowered to what the memory for connections allows"
            );
        }
        Ok(admission)
    }

    /// As many as `cap`, whatever they take.
    pub fn up_to(cap: usize) -> Self {
        Self {
            cap,
            memory: usize::MAX,
            counts_sockets: false,
            connection_bytes: 0,
            share: Percent::ALL,
            trusted: Arc::default(),
            closes: Closes::Unfinished,
        }
    }

    /// How many connections there may be, by memory too.
    pub fn connections(&self) -> usize {
        self.cap.min(self.usable() / self.connection_bytes.max(1))
    }

    /// The memory that those can have who stay.
    fn usable(&self) -> usize {
        self.memory - self.memory / LEAVING_PART
    }

    /// Where `peer` is, if others there share with it.
    fn source(&self, peer: Peer) -> Option<Source> {
        let Peer::Inet(addr) = peer else { return None };
        let address = addr.ip().to_canonical();
        let has_share = !address.is_loopback()
            && self.share != Percent::ALL
            && !self.trusted.iter().any(|network| network.contains(address));
        has_share.then(|| address.into())
    }
}

/// All connections of a service. Clones are the same.
#[derive(Clone)]
pub(crate) struct Roll(Arc<Inner>);

struct Inner {
    admission: Admission,
    metrics: ConnectionMetrics,
    access_log: AccessLog,
    start: Instant,
    /// Bytes of all connections. Less than none for a moment, where a connection that takes more
    /// ends in between.
    kept: AtomicIsize,
    /// Those of them whose connections are closed, and which are free as soon as their tasks end.
    leaving: AtomicUsize,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    connections: HashMap<u64, Listed>,
    /// The bytes of those that are closed, and whose tasks have not ended.
    leaving: HashMap<u64, usize>,
    sources: HashMap<Source, Share>,
    next: u64,
    /// When it was last looked at all, in microseconds after the start.
    looked: u64,
}

struct Listed {
    held: Held,
    peer: Peer,
    listener: &'static str,
    source: Option<(Source, Part)>,
    /// What runs it, once that is known.
    task: Option<AbortHandle>,
}

impl Roll {
    /// Nobody is connected.
    pub(crate) fn new(
        admission: Admission,
        metrics: ConnectionMetrics,
        access_log: AccessLog,
    ) -> Self {
        Self(Arc::new(Inner {
            admission,
            metrics,
            access_log,
            start: Instant::now(),
            kept: AtomicIsize::new(0),
            leaving: AtomicUsize::new(0),
            list: Mutex::default(),
        }))
    }

    /// Counts and logs a peer of the listener called `listener` that is not served.
    pub(crate) fn refused(&self, peer: Peer, listener: &str, refusal: Refusal) {
        self.0.refused(peer, listener, refusal);
    }

    /// A place for `peer`, if there is one or can be made.
    pub(crate) fn admit(&self, peer: Peer, listener: &'static str) -> Result<Entry, Refusal> {
        let (roll, bytes) = (&self.0, self.0.admission.connection_bytes);
        let mut list = roll.list();
        let mut source = match roll.admission.source(peer) {
            Some(source) => Some((source, roll.part(&mut list, source)?)),
            None => None,
        };
        let has_place = |list: &List| roll.has_place(list, bytes);
        if !has_place(&list) && !roll.make_room(&mut list, has_place) {
            list.leave(source.take());
            let is_full = list.connections.len() >= roll.admission.cap;
            drop(list);
            return Err(if is_full { Refusal::Cap } else { Refusal::Memory });
        }
        roll.kept.fetch_add(signed(bytes), Relaxed);
        let held = Held::new(roll.clone(), peer, listener, bytes);
        let id = list.next;
        list.next += 1;
        let listed = Listed { held: held.clone(), peer, listener, source, task: None };
        list.connections.insert(id, listed);
        Ok(Entry { roll: self.clone(), id, held })
    }

    /// How long the next peer had better wait to be accepted, since whoever would be closed for it
    /// has only just come.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let roll = &self.0;
        if roll.admission.closes != Closes::Waiting {
            return None;
        }
        let list = roll.list();
        if roll.has_place(&list, roll.admission.connection_bytes) {
            return None;
        }
        let (since, _) = *roll.longest(&list).first()?;
        let waited = Duration::from_micros(roll.now().saturating_sub(since));
        PATIENCE.checked_sub(waited)
    }

    /// What runs the connection `id`, if it still does.
    pub(crate) fn runs(&self, id: u64, task: AbortHandle) {
        if let Some(listed) = self.0.list().connections.get_mut(&id) {
            listed.task = Some(task);
        }
    }
}

/// No connection takes more than half of all addresses.
fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

impl Inner {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, peer: Peer, listener: &str, refusal: Refusal) {
        self.metrics.refused(refusal);
        self.access_log.refused(peer, listener, refusal);
    }

    fn part(&self, list: &mut List, source: Source) -> Result<Part, Refusal> {
        let most = self.admission.share.of(self.admission.connections());
        list.sources.entry(source).or_default().take(most).ok_or(Refusal::Share)
    }

    /// Whether there is a place, and memory for the `bytes` of one more.
    fn has_place(&self, list: &List, bytes: usize) -> bool {
        list.connections.len() < self.admission.cap && self.has_memory(bytes)
    }

    /// What is about to be free counts as free, up to a part of all.
    fn has_memory(&self, bytes: usize) -> bool {
        let kept = usize::try_from(self.kept.load(Relaxed)).unwrap_or(0).saturating_add(bytes);
        kept <= self.admission.memory
            && kept.saturating_sub(self.leaving.load(Relaxed)) <= self.admission.usable()
    }

    /// Closes whoever has kept us waiting longest, until there `is_room`.
    fn make_room(&self, list: &mut List, is_room: impl Fn(&List) -> bool) -> bool {
        let now = self.now();
        let many = list.connections.len().saturating_sub(LOOK_PAUSE.0);
        let pause = LOOK_PAUSE.1 * u32::try_from(many).unwrap_or(u32::MAX);
        if Duration::from_micros(now - list.looked.min(now)) < pause {
            return false;
        }
        list.looked = now;
        let (mut closed, spare) = (0, many / SPARE_PART);
        for (since, id) in self.longest(list) {
            let is_long = Duration::from_micros(now - since.min(now)) > LONG;
            if !is_long && closed >= spare && is_room(list) {
                break;
            }
            self.close(list, id);
            closed += 1;
        }
        is_room(list)
    }

    /// Since when those have been waited for longest that may be closed, in this order.
    fn longest(&self, list: &List) -> Vec<(u64, u64)> {
        let running = list.connections.iter().filter(|(_, listed)| listed.task.is_some());
        let waits = running.map(|(id, listed)| (listed.held.wait(), *id));
        let closable = waits.filter(|((wait, _), _)| self.admission.closes.closes(*wait));
        let mut waiting: Vec<_> = closable.map(|((_, since), id)| (since, id)).collect();
        if waiting.len() > MAX_CLOSED {
            waiting.select_nth_unstable(MAX_CLOSED);
            waiting.truncate(MAX_CLOSED);
        }
        waiting.sort_unstable();
        waiting
    }

    /// The same for a connection that takes more.
    fn make_memory(&self) -> bool {
        self.make_room(&mut self.list(), |_| self.has_memory(0))
    }

    fn close(&self, list: &mut List, id: u64) {
        let Some(listed) = list.remove(id) else { return };
        let bytes = listed.held.leave();
        self.leaving.fetch_add(bytes, Relaxed);
        list.leaving.insert(id, bytes);
        if let Some(task) = listed.task {
            task.abort();
        }
        self.refused(listed.peer, listed.listener, Refusal::Longest);
    }
}

impl Room for Inner {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn counts_sockets(&self) -> bool {
        self.admission.counts_sockets
    }

    fn take(&self, bytes: usize) -> bool {
        self.kept.fetch_add(signed(bytes), Relaxed);
        self.has_memory(0) || self.make_memory()
    }

    fn give_back(&self, bytes: usize) {
        self.kept.fetch_sub(signed(bytes), Relaxed);
    }

    fn tell(&self, peer: Peer, listener: &str) {
        self.refused(peer, listener, Refusal::Memory);
    }
}

impl List {
    fn remove(&mut self, id: u64) -> Option<Listed> {
        let mut listed = self.connections.remove(&id)?;
        self.leave(listed.source.take());
        Some(listed)
    }

    /// Gives back a part, and forgets an address that has none any more.
    fn leave(&mut self, part: Option<(Source, Part)>) {
        let Some((source, part)) = part else { return };
        drop(part);
        if self.sources.get(&source).is_some_and(Share::is_empty) {
            self.sources.remove(&source);
        }
    }
}

/// The place of a connection, given back when dropped.
pub(crate) struct Entry {
    roll: Roll,
    id: u64,
    held: Held,
}

impl Entry {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let roll = &self.roll.0;
        let mut list = roll.list();
        self.held.release();
        if let Some(bytes) = list.leaving.remove(&self.id) {
            roll.leaving.fetch_sub(bytes, Relaxed);
        }
        let removed = list.remove(self.id);
        drop(list);
        drop(removed);
    }
}

#[cfg(test)]
mod tests;
