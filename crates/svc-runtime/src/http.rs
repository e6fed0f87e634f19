//! One HTTP/1 connection, whoever answers on it.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::serve::linger;

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

/// Serves `router` on `stream` until the peer or a deadline ends it. After `stop` an idle
/// connection is closed at once; a request under way is answered first.
pub async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    deadlines: HttpDeadlines,
    stop: CancellationToken,
) {
    // Most of a connection's memory is the parser's: none for a peer that says nothing.
    let said = tokio::select! {
        biased;
        said = timeout(deadlines.header, stream.readable()) => matches!(said, Ok(Ok(()))),
        () = stop.cancelled() => false,
    };
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(deadlines.write));
    let mut stream = pin!(stream);
    if said {
        let conversation = Box::pin(converse(stream.as_mut(), router, deadlines, stop));
        if let Err(error) = conversation.await {
            debug!(%peer, %error, "connection broke");
        }
    }
    // The peer may still be sending a body that was answered without being read.
    linger(&mut stream).await;
}

async fn converse(
    stream: Pin<&mut TimeoutStream<TcpStream>>,
    router: Router,
    deadlines: HttpDeadlines,
    stop: CancellationToken,
) -> hyper::Result<()> {
    // Without `pipeline_flush`: it withholds an answer while a piece of the next request is there.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(deadlines.header)
        .max_buf_size(MAX_HEAD_BYTES)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        // The connection first, so that what has arrived by the time of the stop counts as received.
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}
