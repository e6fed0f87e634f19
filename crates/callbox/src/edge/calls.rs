//! The steps of a call, from its head to its answer, and what calls take of each other.

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::response::Response;
use hyper::body::Body as _;
use protocol::xmlrpc::{Limits, Value};
use svc_runtime::metrics::{Metrics, ReadSeries};
use svc_runtime::share::{Percent, Share};
use tokio::time::{timeout, timeout_at};

use super::access::{Access, Entries};
use super::aside::{MAX_INLINE_BYTES, aside};
use super::body::{self, BodyLimits};
use super::budget::{self, Budget};
use super::coding::Coding;
use super::entrance::{Admitted, AtDesk, Entrance, LargePlaces, MAX_RECEIVING, is_large, unless};
use super::head::Head;
use super::memory::CallMemory;
use super::progress::{self, Ended, Progress};
use super::reading::{self, ReadLimits};
use super::rejection::Rejection;
use super::response::{self, MAX_PLAIN_BYTES, Responses};
use super::shares::Shares;
use super::unread::{RequestBody, Unread};
use crate::accounts::Accounts;
use crate::doors::jsonrpc::{self, Batch};
use crate::doors::{Answer, Asked, Call, Form};
use crate::registry::multicall::batch;
use crate::registry::{
    Called, Caller, Connection, Entry, Failure, Label, Made, Published, Running, Started,
};

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
    /// Calls in a batch.
    pub(crate) batch: usize,
    /// Whether there are the doors of JSON.
    pub(crate) is_json_open: bool,
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
    entrance: Entrance,
    shares: Shares,
}

/// What a call ended with.
struct Answered {
    answer: Answer,
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
            entrance: Entrance::new(limits.calls),
            shares: Shares::new(limits.calls, limits.share),
        }
    }

    /// Who may call, where anybody is asked.
    pub(super) fn accounts(&self) -> Option<&Accounts> {
        self.accounts.as_deref()
    }

    /// Whether calls are taken by JSON too.
    pub(super) fn is_json_open(&self) -> bool {
        self.limits.is_json_open
    }

    /// The memory for responses.
    pub(super) fn responses(&self) -> &Responses {
        &self.responses
    }

    /// What can be called.
    pub(super) fn published(&self) -> &Arc<Published> {
        &self.published
    }

    /// What the peer of `connection` has of all calls in work, if it has a share.
    pub(super) fn share(&self, connection: &Connection) -> Option<Share> {
        self.shares.of(connection.peer, &connection.trusted)
    }

    /// Whether large calls wait for so long that a further one had better not be received.
    pub(super) fn are_overrun(&self) -> bool {
        self.entrance.is_overrun()
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
    pub(super) fn answer<'a>(
        &'a self,
        caller: &mut Caller,
        head: &mut Head,
        body: Unread<impl RequestBody>,
        access: &mut Access<'a>,
    ) -> impl Future<Output = Result<Response, Rejection>> {
        let is_compressed = head.coding != Coding::Identity;
        // A block, since a function's parameters would be there twice.
        async move {
            let is_large = is_large(is_compressed, body.size_hint().lower());
            if is_large && self.are_overrun() {
                // Nobody asked who calls, it costs least.
                return Err(self.unread(body, caller));
            }
            if let Some(accounts) = &self.accounts {
                let verdict = accounts.identify(caller.headers(), caller.connection()).await;
                access.identified(&verdict);
                caller.identify(verdict?);
            }
            let mut body_share = self.bodies.share();
            let (document, at_desk) = if is_large {
                // In a box, or every call had room for waits that few have.
                Box::pin(self.receive_large(body, caller, &mut body_share, access)).await?
            } else {
                let body = body::receive(body, self.limits.body, &mut body_share, access).await?;
                (body, None)
            };
            let _part = self.shares.take(caller)?;
            let is_large = self::is_large(is_compressed, document.len() as u64);
            let admitted = self.entrance.admit(is_large, at_desk, caller).await?;
            let document = match head.coding {
                Coding::Identity => document,
                coding => {
                    let limit = self.limits.body.bytes;
                    body::inflate(coding, document, limit, &mut body_share).await?
                }
            };
            let answered = self.within_limits(document, admitted, head, caller, access).await?;
            let Answer { document, kind, fault, .. } = answered.answer;
            access.fault = fault;
            if document.len() > MAX_PLAIN_BYTES {
                // There may be a wait, and work.
                access.ended = None;
            }
            response::respond(document, kind, caller.headers(), &self.responses).await
        }
    }

    /// Refuses a call whose body has not been received.
    fn unread(&self, body: Unread<impl RequestBody>, caller: &Caller) -> Rejection {
        if caller.connection().presence.is_some() {
            body.leave();
        }
        Rejection::Overloaded
    }

    /// Waits for a desk and receives a body there. One that is slow to come has none in the end.
    async fn receive_large(
        &self,
        body: Unread<impl RequestBody>,
        caller: &Caller,
        share: &mut budget::Share,
        access: &mut Access<'_>,
    ) -> Result<(Bytes, Option<AtDesk>), Rejection> {
        let at_desk = match self.entrance.desk(caller).await {
            Ok(at_desk) => at_desk,
            Err(Rejection::NoPlace) => return Err(self.unread(body, caller)),
            Err(rejection) => return Err(rejection),
        };
        let mut receiving = pin!(body::receive(body, self.limits.body, share, access));
        if let Ok(received) = timeout(MAX_RECEIVING, &mut receiving).await {
            return Ok((received?, Some(at_desk)));
        }
        drop(at_desk);
        Ok((receiving.await?, None))
    }

    async fn within_limits<'a>(
        &'a self,
        document: Bytes,
        admitted: Admitted,
        head: &mut Head,
        caller: &mut Caller,
        access: &mut Access<'a>,
    ) -> Result<Answered, Rejection> {
        let Admitted { _place, large } = admitted;
        // Ends the wait for a method that does not end.
        let now = Instant::now();
        let deadline = now + self.limits.deadline;
        caller.wait_until(deadline);
        let is_xml = head.form.is_xml();
        match self.begin(&document, mem::take(&mut head.form), caller, now, access) {
            Progress::Ended(ended) => written(ended.write(), caller, access, self.reading.share()),
            begun => {
                let kept = begun.is_read().then(|| reading::kept_bytes(&document, is_xml));
                drop(document);
                let goes_on = self.go_on(begun, kept, large, caller, access);
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
        document: &Bytes,
        form: Form,
        caller: &Caller,
        now: Instant,
        access: &mut Access<'a>,
    ) -> Progress<'a> {
        if document.len() > MAX_INLINE_BYTES {
            return Progress::Large(document.clone(), form);
        }
        let asked = form.read(document, &self.limits.document, self.limits.batch);
        self.begin_read(asked, caller, now, access)
    }

    fn begin_read<'a>(
        &'a self,
        asked: Asked,
        caller: &Caller,
        now: Instant,
        access: &mut Access<'a>,
    ) -> Progress<'a> {
        if progress::is_long(&asked) {
            Progress::Long(asked)
        } else {
            self.start(asked, caller, now, access)
        }
    }

    fn start<'a>(
        &'a self,
        asked: Asked,
        caller: &Caller,
        now: Instant,
        access: &mut Access<'a>,
    ) -> Progress<'a> {
        let Call { name, params, manner } = match asked {
            Asked::Call(call) => call,
            Asked::Batch(batch) => return Progress::Batch(batch),
            Asked::Nothing(fault, manner) => return Progress::Ended(Ended::refused(fault, manner)),
        };
        match self.published.start(&name, params, caller, now) {
            Started::Ended(method, result, ended, returns) => {
                if method.as_deref().is_some_and(Label::is_multicall) {
                    access.entries = result.as_ref().ok().and_then(Entries::of);
                }
                (access.method, access.ended) = (method, ended);
                Progress::Ended(Ended { result, returns, manner })
            }
            Started::Running(method, running, returns) => {
                access.method = Some(method.clone());
                Progress::Running(method, running, returns, manner)
            }
        }
    }

    /// Takes what was begun to its end, with all waits on the way. What was read has values that are
    /// `kept` meanwhile.
    async fn go_on<'a>(
        &'a self,
        mut begun: Progress<'a>,
        kept: Option<usize>,
        mut large: Option<LargePlaces>,
        caller: &Caller,
        access: &mut Access<'a>,
    ) -> Result<Answered, Rejection> {
        let (mut share, mut length, mut _turn) = (self.reading.share(), 0, None);
        if let Some(bytes) = kept {
            reading::keep(bytes, &mut share, &self.reading).await?;
        }
        loop {
            begun = match begun {
                Progress::Large(document, form) => {
                    length = document.len();
                    let CallLimits { document: limits, batch, .. } = self.limits;
                    let limits = ReadLimits { document: limits, batch };
                    let asked =
                        reading::read(document, form, limits, &mut share, &self.reading).await?;
                    self.begin_read(asked, caller, Instant::now(), access)
                }
                Progress::Long(asked) => {
                    _turn = Some(self.entrance.turn(caller).await?);
                    self.start(asked, caller, Instant::now(), access)
                }
                // What follows waits more than it works.
                Progress::Batch(Batch { ids, entries }) => {
                    drop(large.take());
                    // In a box, or every method that waits had room for it.
                    let made = Box::pin(self.make_all(entries, caller)).await?;
                    access.entries = Some(Entries::of_batch(&made));
                    let answer = aside(length, move || jsonrpc::write_batch(ids, made)).await;
                    return written(Some(answer), caller, access, share);
                }
                Progress::Running(method, running, returns, manner) => {
                    drop(large.take());
                    let result = self.finish(&method, running, caller).await?;
                    if method.is_multicall() {
                        access.entries = result.as_ref().ok().and_then(Entries::of);
                    }
                    Progress::Ended(Ended { result, returns, manner })
                }
                Progress::Ended(ended) => {
                    // There is work after it.
                    access.ended = None;
                    let answer = aside(length, move || ended.write()).await;
                    return written(answer, caller, access, share);
                }
            };
        }
    }

    /// Makes the calls of a batch, unless their caller leaves.
    async fn make_all(&self, entries: Vec<Entry>, caller: &Caller) -> Result<Vec<Made>, Rejection> {
        let made = async { Ok(batch(&self.published, entries, caller).await) };
        unless(self.entrance.is_left_by(caller), made).await
    }

    /// Takes a method to its end, unless its caller leaves.
    async fn finish(
        &self,
        method: &Called<'_>,
        running: Running,
        caller: &Caller,
    ) -> Result<Result<Value, Failure>, Rejection> {
        let result = async { Ok(method.finish(running, caller).await) };
        unless(self.entrance.is_left_by(caller), result).await
    }
}

/// Ends with what was written of a call.
fn written(
    answer: Option<Answer>,
    caller: &Caller,
    access: &Access<'_>,
    share: budget::Share,
) -> Result<Answered, Rejection> {
    let answer = answer.ok_or(Rejection::NoPlace)?;
    if let (Some(cause), Some(method)) = (&answer.unwritable, &access.method) {
        method.log_unwritable(caller, cause);
    }
    Ok(Answered { answer, _share: share })
}
