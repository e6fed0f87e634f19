//! A connection to a server, for one exchange after the other.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::body::{Body, Room};
use super::endpoint::Inner;
use super::error::{Error, Nonsense};
use super::message::{Request, Response};
use super::stream::{Idle, Stream};
use super::url::Scheme;
use super::{http, scgi};

/// A connection to a server, for one exchange after the other, as long as HTTP keeps it.
pub struct Connection {
    endpoint: Arc<Inner>,
    /// Nothing from where an exchange begins to where it ends well.
    open: Option<Open>,
    is_used: bool,
}

/// An open connection, by what is spoken on it.
enum Open {
    Http(Box<http::Session>),
    Scgi(Stream),
}

impl Connection {
    pub(crate) async fn new(endpoint: Arc<Inner>, stream: Stream) -> io::Result<Self> {
        let open = match endpoint.url.scheme {
            Scheme::Scgi => Open::Scgi(stream),
            Scheme::Http | Scheme::Https => {
                Open::Http(Box::new(http::Session::begin(stream).await?))
            }
        };
        Ok(Self { endpoint, open: Some(open), is_used: false })
    }

    /// Sends `request` and reads the answer, of at most `max_response_bytes`, inflated ones too. Has
    /// no deadline of its own: the socket is closed where the future is dropped before its end.
    /// Looks first whether the connection is quiet, and sends nothing where it is not.
    pub async fn post(
        &mut self,
        request: Request<'_>,
        max_response_bytes: usize,
    ) -> Result<Response, Error> {
        self.exchange(request, Body::new(max_response_bytes, self.endpoint.takes_gzip)).await
    }

    /// The same, where every byte of the answer is taken of `room` before it is kept.
    pub async fn post_within(
        &mut self,
        request: Request<'_>,
        max_response_bytes: usize,
        room: &mut dyn Room,
    ) -> Result<Response, Error> {
        let body = Body::new(max_response_bytes, self.endpoint.takes_gzip);
        self.exchange(request, body.within(room)).await
    }

    async fn exchange(&mut self, request: Request<'_>, body: Body<'_>) -> Result<Response, Error> {
        let mut open = self.open.take().ok_or(Error::Dead { is_sent: false })?;
        open.look(|stream| self.begin(stream))?;
        self.is_used = true;
        match &mut open {
            // The end of the connection is that of the exchange.
            Open::Scgi(stream) => scgi::exchange(stream, &self.endpoint, request, body).await,
            Open::Http(session) => {
                let (response, is_kept) = session.exchange(&self.endpoint, request, body).await?;
                self.open = Some(open).filter(|_| is_kept);
                Ok(response)
            }
        }
    }

    fn begin(&self, stream: &mut Stream) -> Result<(), Error> {
        let idle = if self.is_used { stream.idle() } else { stream.read_at_first() };
        stream.begin();
        match idle {
            Idle::Quiet => Ok(()),
            Idle::Spoken if !self.is_used => Err(Nonsense::Unasked.into()),
            Idle::Ended | Idle::Spoken => match stream.take_refusal() {
                Some(refusal) => Err(Error::Connect(refusal)),
                None => Err(Error::Dead { is_sent: false }),
            },
        }
    }

    /// Whether another exchange may follow: the last one ended well, and the server keeps the
    /// connection.
    pub fn is_kept(&self) -> bool {
        self.open.is_some()
    }

    /// Whether it is kept, and the server has neither closed it nor said what nobody asked for.
    pub fn is_quiet(&self) -> bool {
        let idle = |stream: &Stream| {
            if self.is_used { stream.idle() } else { stream.idle_at_first() }
        };
        let idle = self.open.as_ref().map(|open| match open {
            Open::Http(session) => idle(&session.stream()),
            Open::Scgi(stream) => idle(stream),
        });
        idle == Some(Idle::Quiet)
    }
}

impl Open {
    /// Lets `look` see the stream.
    fn look<T>(&mut self, look: impl FnOnce(&mut Stream) -> T) -> T {
        match self {
            Self::Http(session) => look(&mut session.stream()),
            Self::Scgi(stream) => look(stream),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.endpoint.url)
    }
}
