//! The steps of a call, from its head to its answer, and what calls take of each other.

use std::future::pending;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::response::Response;
use hyper::body::Body as _;
use protocol::xmlrpc::{DecodeError, Limits, MethodCall, decode_call};
use svc_runtime::metrics::{Metrics, ReadSeries};
use svc_runtime::share::{Percent, Share};
use tokio::task::yield_now;
use tokio::time::timeout_at;

use super::access::{Access, Entries};
use super::admission::{Crowded, MAX_WAIT, Place, Places};
use super::aside::{MAX_INLINE_BYTES, aside};
use super::body::{self, BodyLimits};
use super::budget::{self, Budget};
use super::coding::Coding;
use super::head::Head;
use super::memory::CallMemory;
use super::progress::{self, Ended, Progress, Written};
use super::reading;
use super::rejection::Rejection;
use super::response::{self, MAX_PLAIN_BYTES, Responses};
use super::shares::Shares;
use super::unread::{RequestBody, Unread};
use crate::accounts::Accounts;
use crate::doors::xmlrpc;
use crate::registry::{Caller, Connection, Method, Published, Started};

/// What a caller may take of the service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallLimits {
    /// Calls in work at once.
    pub(crate) calls: usize,
    /// Most of those that one account or address may have.
    pub(crate) share: Percent,
    /// For all calls.
    pub(crate) memory: CallMemory,
    /// For the body.
    pub(crate) body: BodyLimits,
    /// For the document in the body.
    pub(crate) document: Limits,
    /// For a method to end.
    pub(crate) deadline: Duration,
}

/// What can be called, and what is shared out among the calls of it.
pub(super) struct Calls {
    published: Arc<Published>,
    accounts: Option<Arc<Accounts>>,
    limits: CallLimits,
    bodies: Budget,
    reading: Budget,
    responses: Responses,
    /// For all calls.
    places: Places,
    /// For the large ones, which keep a thread busy. The others never wait for these.
    cores: Places,
    multicalls: Places,
    shares: Shares,
}

/// Largest plain body that is read without a place among the large ones.
const MAX_SMALL_BYTES: usize = 4 * 1024;

/// Multicalls of more entries that are in work at once. They take turns, of which others wait for all.
const MAX_LONG_MULTICALLS: usize = 64;

/// The places of a call.
struct Admitted {
    _place: Place,
    /// That of a large one.
    core: Option<Place>,
}

/// What a call ended with.
struct Called {
    answer: xmlrpc::Answer,
    /// What the document and its result took. Given back when the body has a share of its own.
    _share: budget::Share,
}

impl Calls {
    /// Calls of what is `published`. Without `accounts` nobody is asked who they are.
    pub(super) fn new(
        published: Arc<Published>,
        accounts: Option<Arc<Accounts>>,
        limits: CallLimits,
    ) -> Self {
        let memory = limits.memory;
        Self {
            published,
            accounts,
            limits,
            bodies: Budget::new(memory.bodies),
            reading: Budget::new(memory.reading),
            responses: Responses::new(Budget::new(memory.responses)),
            multicalls: Places::new(MAX_LONG_MULTICALLS.min(limits.calls)),
            shares: Shares::new(limits.calls, limits.share),
            places: Places::new(limits.calls),
            cores: Places::new(available_parallelism().map_or(1, NonZero::get)),
        }
    }

    /// What can be called.
    pub(super) fn published(&self) -> &Published {
        &self.published
    }

    /// What the peer of `connection` has of all calls in work, if it has a share.
    pub(super) fn share(&self, connection: &Connection) -> Option<Share> {
        self.shares.of(connection.peer, &connection.trusted)
    }

    /// The memory that bodies take is a metric.
    pub(super) fn tell_budgets(&self, metrics: &Metrics) {
        let budgets = [
            ("bodies", &self.bodies),
            ("reading", &self.reading),
            ("responses", self.responses.budget()),
        ];
        let series =
            |(name, budget): (_, &Budget)| ReadSeries::new([("budget", name)], budget.taken());
        let help = "Memory that bodies in work have taken of their budgets";
        let series = budgets.map(series).into_iter().collect();
        metrics.read_gauges("callbox_body_budget_bytes", help, series);
    }

    /// The steps of a call, outermost first. What there is to tell of it goes to `access`.
    pub(super) async fn answer<'a>(
        &'a self,
        caller: &mut Caller,
        body: Unread<impl RequestBody>,
        access: &mut Access<'a>,
    ) -> Result<Response, Rejection> {
        let mut head = Head::read(caller.headers())?;
        if body.size_hint().lower() > MAX_SMALL_BYTES as u64 && self.cores.are_overrun() {
            // Not received, and nobody asked who calls, it costs least.
            if caller.connection().presence.is_some() {
                body.leave();
            }
            return Err(Rejection::Overloaded);
        }
        if let Some(accounts) = &self.accounts {
            let verdict = accounts.identify(caller.headers(), caller.connection()).await;
            access.identified(&verdict);
            caller.identify(verdict?);
        }
        let mut body_share = self.bodies.share();
        let document = body::receive(body, self.limits.body, &mut body_share, access).await?;
        let _part = self.shares.take(caller)?;
        let admitted = self.admit(&document, head.coding, caller).await?;
        let document = match head.coding {
            Coding::Identity => document,
            coding => {
                let limit = self.limits.body.bytes;
                body::inflate(coding, document, limit, &mut body_share).await?
            }
        };
        let called = self.within_limits(document, admitted, &mut head, caller, access).await?;
        let xmlrpc::Answer { document, fault, .. } = called.answer;
        access.fault = fault;
        if document.len() > MAX_PLAIN_BYTES {
            // There may be a wait, and work.
            access.ended = None;
        }
        response::respond(document, caller.headers(), &self.responses).await
    }

    /// Bounds what calls take of each other. Their bodies are there by now: who is slow to send
    /// takes nobody's place.
    async fn admit(
        &self,
        body: &[u8],
        coding: Coding,
        caller: &Caller,
    ) -> Result<Admitted, Rejection> {
        let is_small = coding == Coding::Identity && body.len() <= MAX_SMALL_BYTES;
        if let (true, Some(place)) = (is_small, self.places.try_take()) {
            return Ok(Admitted { _place: place, core: None });
        }
        if self.places.is_queue_full() || (!is_small && self.cores.is_queue_full()) {
            return Err(Rejection::NoPlace);
        }
        let places = self.wait_for_places(is_small);
        // In a box, or every call had room for a wait that few have.
        Box::pin(unless(left_while_others_wait(caller), places)).await
    }

    async fn wait_for_places(&self, is_small: bool) -> Result<Admitted, Rejection> {
        let mut patience = MAX_WAIT;
        let core = if is_small { None } else { Some(take(&self.cores, &mut patience).await?) };
        let place = take(&self.places, &mut patience).await?;
        if core.is_some() {
            // Whatever is ready comes first, and so do packets: no queue grows behind large calls.
            yield_now().await;
        }
        Ok(Admitted { _place: place, core })
    }

    async fn within_limits<'a>(
        &'a self,
        document: Bytes,
        admitted: Admitted,
        head: &mut Head,
        caller: &mut Caller,
        access: &mut Access<'a>,
    ) -> Result<Called, Rejection> {
        let Admitted { _place, core } = admitted;
        // Ends the wait for a method that does not end.
        let now = Instant::now();
        let deadline = now + self.limits.deadline;
        caller.wait_until(deadline);
        match self.begin(document, head.charset.take(), caller, now, access) {
            Progress::Ended(ended) => self.written(ended.write(), caller, self.reading.share()),
            begun => {
                let goes_on = self.go_on(begun, core, caller, access);
                // In a box, or every call had room for what few need.
                Box::pin(timeout_at(deadline.into(), goes_on))
                    .await
                    .unwrap_or(Err(Rejection::SlowMethod))
            }
        }
    }

    /// Reads a call and starts it, as far as that takes no wait.
    fn begin<'a>(
        &'a self,
        document: Bytes,
        charset: Option<String>,
        caller: &Caller,
        now: Instant,
        access: &mut Access<'a>,
    ) -> Progress<'a> {
        if document.len() > MAX_INLINE_BYTES {
            return Progress::Large(document, charset);
        }
        let call = decode_call(&document, charset.as_deref(), &self.limits.document);
        self.begin_read(call, caller, now, access)
    }

    fn begin_read<'a>(
        &'a self,
        call: Result<MethodCall, DecodeError>,
        caller: &Caller,
        now: Instant,
        access: &mut Access<'a>,
    ) -> Progress<'a> {
        match call {
            Ok(call) if progress::is_long(&call) => Progress::Long(call),
            Ok(call) => self.start(call, caller, now, access),
            Err(error) => Progress::Ended(Ended::unread(error)),
        }
    }

    fn start<'a>(
        &'a self,
        call: MethodCall,
        caller: &Caller,
        now: Instant,
        access: &mut Access<'a>,
    ) -> Progress<'a> {
        let MethodCall { name, params, dialect } = call;
        match self.published.start(&name, params, caller, now) {
            Started::Ended(method, result, ended) => {
                (access.method, access.ended) = (method, ended);
                if method.is_some_and(Method::is_multicall) {
                    access.entries = result.as_ref().ok().and_then(Entries::of);
                }
                Progress::Ended(Ended { result, name, dialect })
            }
            Started::Running(method, running) => {
                access.method = Some(method);
                Progress::Running(method, running, name, dialect)
            }
        }
    }

    /// Takes what was begun to its end, with all waits on the way.
    async fn go_on<'a>(
        &'a self,
        mut begun: Progress<'a>,
        mut core: Option<Place>,
        caller: &Caller,
        access: &mut Access<'a>,
    ) -> Result<Called, Rejection> {
        let (mut share, mut length, mut _turn) = (self.reading.share(), 0, None);
        loop {
            begun = match begun {
                Progress::Large(document, charset) => {
                    length = document.len();
                    let (limits, memory) = (self.limits.document, &self.reading);
                    let call = reading::read(document, charset, limits, &mut share, memory).await?;
                    self.begin_read(call, caller, Instant::now(), access)
                }
                Progress::Long(call) => {
                    _turn = Some(self.turn(caller).await?);
                    self.start(call, caller, Instant::now(), access)
                }
                Progress::Running(method, running, name, dialect) => {
                    // It waits more than it works.
                    drop(core.take());
                    let result = async { Ok(method.finish(running, caller).await) };
                    let result = unless(self.has_left(caller), result).await?;
                    if method.is_multicall() {
                        access.entries = result.as_ref().ok().and_then(Entries::of);
                    }
                    Progress::Ended(Ended { result, name, dialect })
                }
                Progress::Ended(ended) => {
                    // There is work after it.
                    access.ended = None;
                    let written = aside(length, move || ended.write()).await;
                    return self.written(written, caller, share);
                }
            };
        }
    }

    /// Ends with what was written of a call.
    fn written(
        &self,
        written: Option<Written>,
        caller: &Caller,
        share: budget::Share,
    ) -> Result<Called, Rejection> {
        let Written { answer, name } = written.ok_or(Rejection::NoPlace)?;
        if let Some(cause) = &answer.unwritable {
            self.published.log_unwritable(&name, caller, cause);
        }
        Ok(Called { answer, _share: share })
    }

    async fn turn(&self, caller: &Caller) -> Result<Place, Rejection> {
        if self.multicalls.is_queue_full() {
            return Err(Rejection::NoPlace);
        }
        let place = async { Ok(take(&self.multicalls, &mut MAX_WAIT.clone()).await?) };
        unless(left_while_others_wait(caller), place).await
    }

    /// Ends where the caller of a call in work has left: no answer reaches it, or others wait for
    /// its place and it has ended its side. That alone may be one that still waits for its answer.
    async fn has_left(&self, caller: &Caller) {
        let Some(presence) = &caller.connection().presence else { return pending().await };
        let ended_while_others_wait = async {
            presence.ended().await;
            self.places.are_wanted().await;
        };
        tokio::select! { () = presence.gone() => (), () = ended_while_others_wait => () }
    }
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
async fn unless<T>(
    left: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, Rejection>>,
) -> Result<T, Rejection> {
    tokio::select! {
        biased;
        () = left => Err(Rejection::Left),
        done = work => done,
    }
}
