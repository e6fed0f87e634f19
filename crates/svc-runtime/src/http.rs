//! One HTTP/1 connection, whoever answers on it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::Service as _;
use tracing::debug;

use crate::presence::{Presence, Watched};
use crate::serve::linger;
use crate::stop::Stop;
use crate::stream::{Peer, Stream};

/// Largest request head in bytes; a larger one is answered with 431.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long an HTTP peer may let us wait.
#[derive(Debug, Clone, Copy)]
pub struct HttpDeadlines {
    /// For a whole request head, and for the next request on a kept connection.
    pub header: Duration,
    /// For a peer that takes nothing of its response.
    pub write: Duration,
}

impl Default for HttpDeadlines {
    fn default() -> Self {
        Self { header: Duration::from_secs(30), write: Duration::from_secs(30) }
    }
}

/// Answers by `router`.
pub fn routed(router: Router) -> impl Fn(Request<Incoming>) -> RouteFuture<Infallible> + Clone {
    move |request| router.clone().call(request)
}

/// Has every request that comes over `stream` answered by `answer`, until the peer or a deadline
/// ends it. `presence` tells `answer` whether the peer is there. After `stop` an idle connection is closed at once; a request under way is answered first.
pub async fn run<A, Fut>(
    stream: Stream,
    peer: Peer,
    presence: Arc<Presence>,
    answer: A,
    deadlines: HttpDeadlines,
    stop: Stop,
) where
    A: Fn(Request<Incoming>) -> Fut,
    Fut: Future<Output = Result<Response, Infallible>>,
{
    // Most of a connection's memory is the parser's: none for a peer that says nothing.
    let said = tokio::select! {
        biased;
        said = timeout(deadlines.header, stream.spoken()) => matches!(said, Ok(Ok(_))),
        () = stop.told() => false,
    };
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(deadlines.write));
    let mut stream = pin!(stream);
    if said {
        let stream = Watched { stream: stream.as_mut(), presence };
        let conversation = Box::pin(converse(stream, answer, deadlines, stop));
        if let Err(error) = conversation.await {
            debug!(%peer, %error, "connection broke");
        }
    }
    // The peer may still be sending a body that was answered without being read.
    linger(&mut stream).await;
}

async fn converse<A, Fut>(
    stream: Watched<'_>,
    answer: A,
    deadlines: HttpDeadlines,
    stop: Stop,
) -> hyper::Result<()>
where
    A: Fn(Request<Incoming>) -> Fut,
    Fut: Future<Output = Result<Response, Infallible>>,
{
    // Without `pipeline_flush`: it withholds an answer while a piece of the next request is there.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(deadlines.header)
        .max_buf_size(MAX_HEAD_BYTES)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    let mut connection = pin!(connection);
    tokio::select! {
        // The connection first, so that what has arrived by the time of the stop counts as received.
        biased;
        ended = connection.as_mut() => ended,
        () = stop.told() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}
