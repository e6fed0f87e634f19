//! One HTTP/1 connection, whoever answers on it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::Service as _;
use tracing::debug;

use crate::head::{self, BadHead};
use crate::inbox::{Inbox, Watched};
use crate::linger::end;
use crate::presence::Presence;
use crate::stop::Stop;
use crate::stream::{Origin, Stream};

pub use crate::head::host;
pub use crate::inbox::Received;

/// Largest request head in bytes; a larger one is answered with 431.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long an HTTP peer may let us wait.
#[derive(Debug, Clone, Copy)]
pub struct HttpDeadlines {
    /// For a whole request head, and for the next request on a kept connection.
    pub header: Duration,
    /// For a peer that takes nothing of its response.
    pub write: Duration,
    /// How long a connection is kept, give or take a tenth: an older one is closed after an answer.
    pub age: Option<Duration>,
}

impl Default for HttpDeadlines {
    fn default() -> Self {
        Self { header: Duration::from_secs(30), write: Duration::from_secs(30), age: None }
    }
}

/// Answers by `router`.
pub fn routed(router: Router) -> impl Fn(Request<Received>) -> RouteFuture<Infallible> + Clone {
    move |request| router.clone().call(request)
}

/// `stream`, once its peer has said something or ended its own. `None` where it said nothing by the
/// `deadline` for a head, or the `stop`: then the connection is over. Most of a connection's memory
/// is the parser's: none for a peer that says nothing.
pub async fn spoken(mut stream: Stream, deadline: Duration, stop: &Stop) -> Option<Stream> {
    let has_spoken = tokio::select! {
        biased;
        said = timeout(deadline, stream.spoken()) => matches!(said, Ok(Ok(_))),
        () = stop.told() => stream.has_unread(),
    };
    if !has_spoken {
        end(&mut stream).await;
        return None;
    }
    Some(stream)
}

/// Has every request that comes over `stream`, from `origin`, answered by `answer`, until the peer
/// or a deadline ends it. What is no request is refused here, and `refused` told its status. After
/// `stop` what has arrived is answered, with `Connection: close` where nothing has arrived behind
/// it, and an idle connection is closed at once, one with half a head too. Where the stop is only
/// announced, all that is answered says so and nothing is closed. `presence` tells `answer` whether
/// the peer is there.
pub async fn run<A, Fut>(
    stream: Stream,
    origin: Origin,
    presence: Arc<Presence>,
    answer: A,
    refused: impl Fn(StatusCode),
    deadlines: HttpDeadlines,
    stop: Stop,
) where
    A: Fn(Request<Received>) -> Fut,
    Fut: Future<Output = Result<Response, Infallible>>,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(deadlines.write));
    let mut stream = pin!(stream);
    let inbox = Inbox::new(origin.held);
    let watched = Watched::new(stream.as_mut(), inbox.clone(), presence, stop.clone());
    let conversation = converse(watched, inbox, answer, &refused, deadlines, stop);
    if let Err(error) = Box::pin(conversation).await {
        debug!(peer = %origin.peer, %error, "connection broke");
        own_answer(&error).into_iter().for_each(refused);
    }
    // The peer may still be sending a body that was answered without being read.
    end(stream.get_pin_mut().get_mut()).await;
}

/// What hyper answered by itself to what it could not read. A path that is too long (414) is always
/// part of a head that is.
fn own_answer(error: &hyper::Error) -> Option<StatusCode> {
    match error {
        error if error.is_parse_too_large() => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        error if error.is_parse_version_h2() => None,
        error if error.is_parse() => Some(StatusCode::BAD_REQUEST),
        _ => None,
    }
}

async fn converse<A, Fut>(
    stream: Watched<'_>,
    inbox: Inbox,
    answer: A,
    refused: &impl Fn(StatusCode),
    deadlines: HttpDeadlines,
    stop: Stop,
) -> hyper::Result<()>
where
    A: Fn(Request<Received>) -> Fut,
    Fut: Future<Output = Result<Response, Infallible>>,
{
    let age = Age::new(deadlines.age);
    let is_last = || inbox.is_empty() && (stop.is_announced() || age.is_over());
    let service = service_fn(|request: Request<Incoming>| {
        let answered = head::check(&request)
            .inspect_err(|bad| refused(bad.status()))
            .map(|()| answer(request.map(|body| inbox.take(body))));
        respond(answered, &inbox, &is_last)
    });
    // Without `pipeline_flush`: it withholds an answer while a piece of the next request is there.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(deadlines.header)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, &inbox, &stop).await
}

async fn respond<Fut>(
    answered: Result<Fut, BadHead>,
    inbox: &Inbox,
    is_last: &impl Fn() -> bool,
) -> Result<Response, Infallible>
where
    Fut: Future<Output = Result<Response, Infallible>>,
{
    let answered = match answered {
        Ok(answered) => answered.await,
        Err(bad) => return Ok(bad.into_response()),
    };
    inbox.answered();
    let mut response = answered?;
    if is_last() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Runs `connection` to its end, and ends it itself where nothing more comes, or is to come.
async fn drive<S>(
    connection: http1::Connection<TokioIo<Watched<'_>>, S>,
    inbox: &Inbox,
    stop: &Stop,
) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    let (mut connection, mut told) = (pin!(connection), pin!(stop.told()));
    let mut is_ending = false;
    poll_fn(|cx| {
        loop {
            // The connection first, so that what has arrived by the time of the stop is read.
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            let is_told = stop.is_told() || told.as_mut().poll(cx).is_ready();
            if is_ending || !inbox.is_empty() || !(is_told || inbox.is_ended()) {
                return Poll::Pending;
            }
            if !inbox.has_begun() {
                return Poll::Ready(Ok(()));
            }
            // Answers what is in work, if anything is. Before, it would forget what has arrived.
            connection.as_mut().graceful_shutdown();
            is_ending = true;
        }
    })
    .await
}

/// How long a connection is kept.
struct Age(Option<Instant>);

impl Age {
    /// The age of a connection that begins now and is kept for so long, give or take a tenth, lest
    /// all that began together end together.
    fn new(limit: Option<Duration>) -> Self {
        let tenths = |part: u64| 0.9 + 0.2 * (part as f64 / u64::MAX as f64);
        let limit = limit.map(|limit| limit.mul_f64(tenths(RandomState::new().hash_one(()))));
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    fn is_over(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}
