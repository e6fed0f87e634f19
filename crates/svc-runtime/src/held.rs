//! What one connection makes us keep, and since when its peer is waited for.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::peer::Peer;

/// What the kernel keeps, at the most, for a peer that neither reads nor is read: both buffers of the
/// socket, by their real size.
const SOCKET_BYTES: usize = 256 * 1024;

/// Input that is a part of what every connection takes.
const MAX_SMALL_INPUT: usize = 1024;

/// Most that counts of unfinished input: beyond, what is received has a budget of its own.
const MAX_INPUT: usize = 64 * 1024;

/// How often unusual pieces of memory count: what the allocator had for them it gives back late.
const GIVEN_BACK_LATE: usize = 2;

/// The memory that all connections share, and the clock that they go by.
pub(crate) trait Room: Send + Sync {
    /// Microseconds after some moment.
    fn now(&self) -> u64;

    /// Whether what the kernel keeps for sockets is a part of the memory.
    fn counts_sockets(&self) -> bool;

    /// Takes `bytes` more. They are taken also where it says that there are not so many: whoever
    /// took them is to be closed then.
    fn take(&self, bytes: usize) -> bool;

    /// Takes `bytes` less.
    fn give_back(&self, bytes: usize);

    /// Tells that `peer` of the listener called `listener` is closed, since it took too many.
    fn tell(&self, peer: Peer, listener: &str);
}

/// What a connection makes us keep, and since when its peer is waited for; told by whoever runs it,
/// in one task. Clones are of the same connection. By default there is memory for everything.
#[derive(Clone, Default)]
pub struct Held(Option<Arc<State>>);

struct State {
    room: Arc<dyn Room>,
    peer: Peer,
    listener: &'static str,
    /// The moment, and what is waited for since then in the last two bits.
    wait: AtomicU64,
    /// Bytes that it takes when nothing is unusual.
    own: AtomicUsize,
    /// Bytes of unfinished input.
    input: AtomicUsize,
    /// Bytes of what the peer does not take.
    output: AtomicUsize,
    /// Whether some of what the peer says next is there.
    has_begun: AtomicBool,
    /// All of these bytes, as the room counts them; `None` once it takes nothing any more. What is
    /// left of a body may be read by another task, and later than that.
    counted: Mutex<Option<usize>>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Wait {
    /// Nothing: the peer waits for us.
    Nothing,
    /// That the peer says something.
    Silence,
    /// The rest of what it has begun to say.
    Rest,
    /// That it takes what was written.
    Blocked,
}

impl Held {
    /// What the connection of `peer` by `listener` holds, which takes `own` bytes that the room has
    /// counted.
    pub(crate) fn new(room: Arc<dyn Room>, peer: Peer, listener: &'static str, own: usize) -> Self {
        let wait = packed(Wait::Silence, room.now()).into();
        let (input, output, has_begun) = (0.into(), 0.into(), false.into());
        let (own, counted) = (own.into(), Mutex::new(Some(own)));
        Self(Some(Arc::new(State {
            room,
            peer,
            listener,
            wait,
            own,
            input,
            output,
            has_begun,
            counted,
        })))
    }

    /// The peer has sent `bytes`, which do not end what it says. An error where there is no memory
    /// for them: the connection is to be closed.
    pub fn received(&self, bytes: usize) -> io::Result<()> {
        let Some(state) = &self.0 else { return Ok(()) };
        state.has_input(state.input.load(Relaxed).saturating_add(bytes))
    }

    /// Of what the peer has sent, `bytes` are kept, which end nothing; of 0 it is waited for again.
    /// An error as for [`received`](Self::received).
    pub fn keeps(&self, bytes: usize) -> io::Result<()> {
        let Some(state) = &self.0 else { return Ok(()) };
        if bytes == 0 {
            state.has_begun.store(false, Relaxed);
            state.waits_on(Wait::Silence);
        }
        state.has_input(bytes)
    }

    /// All that the peer has sent was taken: now it waits for us.
    pub fn taken(&self) {
        let Some(state) = &self.0 else { return };
        state.has_begun.store(false, Relaxed);
        state.waits_on(Wait::Nothing);
        if state.input.swap(0, Relaxed) > MAX_SMALL_INPUT {
            // Less is always there.
            let _ = state.settle();
        }
    }

    /// The peer is waited for again, which `has_begun` to say the next.
    pub fn waits(&self, has_begun: bool) {
        let Some(state) = &self.0 else { return };
        state.has_begun.store(has_begun, Relaxed);
        if has_begun { state.waits_from_now(Wait::Rest) } else { state.waits_on(Wait::Silence) }
    }

    /// The peer does not take what was written, of which `bytes` are kept. An error as for
    /// [`received`](Self::received).
    pub fn blocked(&self, bytes: usize) -> io::Result<()> {
        let Some(state) = &self.0 else { return Ok(()) };
        if state.wait().0 != Wait::Blocked {
            state.waits_from_now(Wait::Blocked);
        }
        let sockets = if state.room.counts_sockets() { SOCKET_BYTES } else { 0 };
        state.output.store(GIVEN_BACK_LATE * bytes + sockets, Relaxed);
        state.settle()
    }

    /// The peer takes what is written again.
    pub fn flows(&self) {
        let Some(state) = &self.0 else { return };
        let has_begun = state.has_begun.load(Relaxed);
        state.waits_on(if has_begun { Wait::Rest } else { Wait::Silence });
        state.output.store(0, Relaxed);
        let _ = state.settle();
    }

    /// The connection takes `bytes` more from now on. An error as for [`received`](Self::received).
    pub(crate) fn grow(&self, bytes: usize) -> io::Result<()> {
        let Some(state) = &self.0 else { return Ok(()) };
        state.own.fetch_add(bytes, Relaxed);
        state.settle()
    }

    /// The connection is closed. Gives back how many bytes it will give back.
    pub(crate) fn leave(&self) -> usize {
        let Some(state) = &self.0 else { return 0 };
        state.counted().unwrap_or(0)
    }

    /// The connection takes nothing any more.
    pub(crate) fn release(&self) {
        let Some(state) = &self.0 else { return };
        let counted = state.counted().take();
        state.room.give_back(counted.unwrap_or(0));
    }

    /// What is waited for, and since when.
    pub(crate) fn wait(&self) -> (Wait, u64) {
        self.0.as_ref().map_or((Wait::Nothing, 0), |state| state.wait())
    }
}

fn packed(wait: Wait, since: u64) -> u64 {
    since << 2 | wait as u64
}

impl State {
    fn wait(&self) -> (Wait, u64) {
        let packed = self.wait.load(Relaxed);
        let wait = match packed & 3 {
            0 => Wait::Nothing,
            1 => Wait::Silence,
            2 => Wait::Rest,
            _ => Wait::Blocked,
        };
        (wait, packed >> 2)
    }

    fn waits_from_now(&self, wait: Wait) {
        self.wait.store(packed(wait, self.room.now()), Relaxed);
    }

    /// Without a look at the clock.
    fn waits_on(&self, wait: Wait) {
        let (_, since) = self.wait();
        self.wait.store(packed(wait, since), Relaxed);
    }

    fn has_input(&self, bytes: usize) -> io::Result<()> {
        if bytes > 0 && self.wait().0 == Wait::Silence {
            self.has_begun.store(true, Relaxed);
            self.waits_from_now(Wait::Rest);
        }
        let before = self.input.swap(bytes, Relaxed);
        if before.max(bytes) <= MAX_SMALL_INPUT { Ok(()) } else { self.settle() }
    }

    /// Counts `bytes`, and gives back how many it were before, where any still count.
    fn count(&self, bytes: usize) -> Option<usize> {
        self.counted().as_mut().map(|counted| std::mem::replace(counted, bytes))
    }

    fn counted(&self) -> MutexGuard<'_, Option<usize>> {
        // Whole at any time, whoever panicked.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the room count what is held now.
    fn settle(&self) -> io::Result<()> {
        let input = match self.input.load(Relaxed) {
            0..=MAX_SMALL_INPUT => 0,
            input => GIVEN_BACK_LATE * input.min(MAX_INPUT).next_power_of_two(),
        };
        let bytes = self.own.load(Relaxed) + input + self.output.load(Relaxed);
        // Not held while the room is asked, which may look at this.
        let Some(before) = self.count(bytes) else { return Ok(()) };
        if bytes <= before {
            self.room.give_back(before - bytes);
            return Ok(());
        }
        if self.room.take(bytes - before) {
            return Ok(());
        }
        self.room.tell(self.peer, self.listener);
        Err(io::Error::new(io::ErrorKind::OutOfMemory, "peers take all memory that is for them"))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.wait().0).finish()
    }
}
