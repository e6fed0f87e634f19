//! Exchanges by HTTP/1.1, or 1.0 where the server speaks that.

use std::error::Error as _;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use hyper::http::response::Parts;
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::Body;
use super::endpoint::Inner;
use super::error::{Error, Nonsense};
use super::message::{MAX_HEAD_BYTES, Request, Response};
use super::stream::Stream;

/// A connection as hyper keeps it from one exchange to the next. Nobody drives it in between.
pub(crate) struct Session {
    stream: Shared,
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Shared>, Full<Bytes>>,
}

impl Session {
    /// Begins one. Nothing is sent for that.
    pub(crate) async fn begin(stream: Stream) -> io::Result<Self> {
        let stream = Shared(Arc::new(Mutex::new(stream)));
        let mut builder = Builder::new();
        // Some old servers know the names of headers in this case alone.
        builder.title_case_headers(true).max_header_size(MAX_HEAD_BYTES);
        let begun = builder.handshake(TokioIo::new(stream.clone())).await;
        let (sender, connection) = begun.map_err(io::Error::other)?;
        Ok(Self { stream, sender, connection })
    }

    /// Its stream, to be looked at.
    pub(crate) fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock()
    }

    /// Sends `request` and reads the answer into `body`. Also tells whether the connection is kept.
    pub(crate) async fn exchange(
        &mut self,
        endpoint: &Inner,
        request: Request<'_>,
        body: Body<'_>,
    ) -> Result<(Response, bool), Error> {
        let takes_refusals = request.takes_refusals;
        let answer = answer(&mut self.sender, outgoing(endpoint, request), body, takes_refusals);
        let (answered, is_open) = beside(&mut self.connection, answer).await;
        let mut stream = self.stream.lock();
        let response = answered.map_err(|trouble| trouble.told(&mut stream))?;
        // Who answered early may have a request half read, and hyper is not ready for another one.
        Ok((response, is_open && self.sender.is_ready() && !stream.has_rest()))
    }
}

/// A stream that hyper reads and writes, and that is looked at in between.
#[derive(Clone)]
struct Shared(Arc<Mutex<Stream>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_shutdown(cx)
    }
}

type Outgoing = hyper::Request<Full<Bytes>>;

fn outgoing(endpoint: &Inner, request: Request<'_>) -> Outgoing {
    let headers = request.headers(&endpoint.headers);
    let mut outgoing = hyper::Request::new(Full::new(request.body));
    *outgoing.method_mut() = Method::POST;
    *outgoing.uri_mut() = endpoint.uri.clone();
    *outgoing.headers_mut() = headers;
    outgoing
}

/// Lets `talk` and the `connection` that it goes by take turns in one task. Also tells whether the
/// connection is open at the end.
async fn beside<T>(
    connection: &mut (impl Future + Unpin),
    talk: impl Future<Output = T>,
) -> (T, bool) {
    let (mut talk, mut is_open) = (pin!(talk), true);
    let mut turn = |cx: &mut Context<'_>| {
        is_open = is_open && Pin::new(&mut *connection).poll(cx).is_pending();
        is_open
    };
    let said = poll_fn(|cx| {
        // Head and body of an answer that came at once are a turn each.
        for _ in 0..2 {
            if let Poll::Ready(said) = talk.as_mut().poll(cx) {
                return Poll::Ready(said);
            }
            turn(cx);
        }
        talk.as_mut().poll(cx)
    });
    let said = said.await;
    // The last word on whether the server keeps it.
    let is_open = turn(&mut Context::from_waker(Waker::noop()));
    (said, is_open)
}

async fn answer(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Outgoing,
    body: Body<'_>,
    takes_refusals: bool,
) -> Result<Response, Trouble> {
    let (head, incoming) = sender.send_request(request).await?.into_parts();
    if head.status == StatusCode::OK {
        return read(head, incoming, body).await;
    }
    let refusal = Error::Status(head.status.as_u16());
    if !takes_refusals {
        return Err(refusal.into());
    }
    read(head, incoming, body).await.map_err(|_| refusal.into())
}

async fn read(head: Parts, incoming: Incoming, body: Body<'_>) -> Result<Response, Trouble> {
    let coding = single(&head.headers, CONTENT_ENCODING).map_err(Error::from)?;
    let body = body.begin(coding, incoming.size_hint().exact()).map_err(Error::from)?;
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_redirect = head.status.is_redirection();
    Ok(Response {
        status: head.status.as_u16(),
        content_type: text(CONTENT_TYPE).map(str::to_owned),
        location: if is_redirect { text(LOCATION).map(str::to_owned) } else { None },
        body: gather(incoming, body).await?,
    })
}

/// The value of a header that may be there once.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&[u8]>, Nonsense> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|value| value.as_bytes())),
        _ => Err(Nonsense::Coding),
    }
}

async fn gather(mut incoming: Incoming, mut body: Body<'_>) -> Result<Bytes, Trouble> {
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame?.into_data() {
            body.push(&data).await?;
        }
    }
    Ok(body.finish().map_err(Error::from)?)
}

/// Why an exchange came to nothing, as far as is known before the socket is looked at.
enum Trouble {
    Ours(Error),
    Hypers(hyper::Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<hyper::Error> for Trouble {
    fn from(error: hyper::Error) -> Self {
        Self::Hypers(error)
    }
}

impl Trouble {
    fn told(self, stream: &mut Stream) -> Error {
        let error = match self {
            Self::Ours(error) => return error,
            Self::Hypers(error) => error,
        };
        if !stream.is_read() {
            // TLS 1.3 tells a client that it is refused after the handshake.
            let dead = Error::Dead { is_sent: stream.is_written() };
            return stream.take_refusal().map_or(dead, Error::Connect);
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        let is_invalid = cause.is_some_and(|cause| is_invalid(cause.kind()));
        match error {
            error if error.is_parse_too_large() => Nonsense::LongHead.into(),
            error if error.is_parse() || is_invalid => Nonsense::Framing.into(),
            _ => Error::Cut,
        }
    }
}

/// Whether an error is of what was read, and not of the network.
fn is_invalid(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
}
