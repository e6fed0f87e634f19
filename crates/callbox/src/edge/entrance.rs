//! What a call waits for before it is in work, and who gives up waiting.

use std::future::pending;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::task::yield_now;

use super::admission::{Crowded, MAX_WAIT, Place, Places};
use super::rejection::Rejection;
use crate::registry::Caller;

/// Largest plain body of a call that is not a large one, in bytes.
const MAX_SMALL_BYTES: u64 = 4 * 1024;

/// Large calls for each core that are received or work. Further ones wait unread, or all that there
/// is time for were to receive those for which there is none.
const DESKS_A_CORE: usize = 8;

/// How long a large call has a desk while its body is on its way.
pub(super) const MAX_RECEIVING: Duration = Duration::from_millis(20);

/// Multicalls of more entries that are in work at once. They take turns, of which others wait for
/// all.
const MAX_LONG_MULTICALLS: usize = 64;

/// Whether a call with a body of so many bytes, compressed or not, keeps a thread busy.
pub(super) fn is_large(is_compressed: bool, body_bytes: u64) -> bool {
    is_compressed || body_bytes > MAX_SMALL_BYTES
}

/// The places that calls take of each other.
pub(super) struct Entrance {
    /// For all calls.
    places: Places,
    /// For the large ones, from before they are received. The others never wait for these.
    desks: Places,
    /// For those at desks, which keep a thread busy.
    cores: Places,
    multicalls: Places,
}

/// A large call at its desk.
pub(super) struct AtDesk {
    desk: Place,
    /// How long it still waits for others.
    patience: Duration,
}

/// The places of a call.
pub(super) struct Admitted {
    pub(super) _place: Place,
    /// Those of a large one.
    pub(super) large: Option<LargePlaces>,
}

/// The places that only large calls take.
pub(super) struct LargePlaces {
    _desk: Place,
    _core: Place,
}

impl Entrance {
    /// Lets in so many calls at once.
    pub(super) fn new(calls: usize) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            places: Places::new(calls),
            desks: Places::new(DESKS_A_CORE * cores),
            cores: Places::new(cores),
            multicalls: Places::new(MAX_LONG_MULTICALLS.min(calls)),
        }
    }

    /// Whether large calls wait for so long that a further one had better not be received.
    pub(super) fn is_overrun(&self) -> bool {
        self.desks.are_overrun()
    }

    /// A desk for a large call whose body has not been received.
    pub(super) async fn desk(&self, caller: &Caller) -> Result<AtDesk, Rejection> {
        let mut patience = MAX_WAIT;
        let desk = wait(&self.desks, caller, &mut patience).await?;
        Ok(AtDesk { desk, patience })
    }

    /// The places of a call whose body is there: who is slow to send takes nobody's place. A large
    /// one may be at a desk already.
    pub(super) async fn admit(
        &self,
        is_large: bool,
        at_desk: Option<AtDesk>,
        caller: &Caller,
    ) -> Result<Admitted, Rejection> {
        if let (false, Some(place)) = (is_large, self.places.try_take()) {
            return Ok(Admitted { _place: place, large: None });
        }
        if self.places.is_queue_full()
            || (is_large && at_desk.is_none() && self.desks.is_queue_full())
        {
            return Err(Rejection::NoPlace);
        }
        let places = self.wait_for_places(is_large, at_desk);
        // In a box, or every call had room for a wait that few have.
        Box::pin(unless(left_while_others_wait(caller), places)).await
    }

    async fn wait_for_places(
        &self,
        is_large: bool,
        at_desk: Option<AtDesk>,
    ) -> Result<Admitted, Rejection> {
        let mut patience = at_desk.as_ref().map_or(MAX_WAIT, |at_desk| at_desk.patience);
        if !is_large {
            return Ok(Admitted { _place: take(&self.places, &mut patience).await?, large: None });
        }
        let _desk = match at_desk {
            Some(at_desk) => at_desk.desk,
            None => take(&self.desks, &mut patience).await?,
        };
        let _core = take(&self.cores, &mut patience).await?;
        let _place = take(&self.places, &mut patience).await?;
        // Whatever is ready comes first, and so do packets: no queue grows behind large calls.
        yield_now().await;
        Ok(Admitted { _place, large: Some(LargePlaces { _desk, _core }) })
    }

    /// The turn of a long multicall.
    pub(super) async fn turn(&self, caller: &Caller) -> Result<Place, Rejection> {
        wait(&self.multicalls, caller, &mut MAX_WAIT.clone()).await
    }

    /// Ends where the caller of a call in work has left: no answer reaches it, or others wait for
    /// its place and it has ended its side. That alone may be one that still waits for its answer.
    pub(super) async fn is_left_by(&self, caller: &Caller) {
        let Some(presence) = &caller.connection().presence else { return pending().await };
        let ended_while_others_wait = async {
            presence.ended().await;
            self.places.are_wanted().await;
        };
        tokio::select! { () = presence.gone() => (), () = ended_while_others_wait => () }
    }
}

/// One of the `places`, for which nobody looks at the caller where one is free.
async fn wait(
    places: &Places,
    caller: &Caller,
    patience: &mut Duration,
) -> Result<Place, Rejection> {
    if let Some(place) = places.try_take() {
        return Ok(place);
    }
    if places.is_queue_full() {
        return Err(Rejection::NoPlace);
    }
    let place = async { Ok(places.wait(patience).await?) };
    unless(left_while_others_wait(caller), place).await
}

async fn take(places: &Places, patience: &mut Duration) -> Result<Place, Crowded> {
    match places.try_take() {
        Some(place) => Ok(place),
        None => places.wait(patience).await,
    }
}

/// Ends where a caller who waits for a place has left, or half of the way.
async fn left_while_others_wait(caller: &Caller) {
    match &caller.connection().presence {
        Some(presence) => presence.ended().await,
        None => pending().await,
    }
}

/// Does `work`, but for a caller who has left.
pub(super) async fn unless<T>(
    left: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, Rejection>>,
) -> Result<T, Rejection> {
    tokio::select! {
        biased;
        () = left => Err(Rejection::Left),
        done = work => done,
    }
}
