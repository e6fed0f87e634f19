//! A server to be called.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use protocol::xmlrpc::{MethodCall, Value, encode_call, from_value};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::answer;
use crate::error::{Error, ErrorKind};
use crate::kept::Kept;
use crate::multicall::{Call, Manner};
use crate::params::{BadParams, Params};
use crate::settings::Settings;
use crate::transport::{
    self, BadEndpoint, Connection, Endpoint, Limits, Request, Response, Traffic,
};

/// A server to be called. Clones share its connections. Belongs to the runtime that it is used on:
/// connections of another one that has ended are made anew.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    is_repeatable: bool,
}

struct Inner {
    endpoint: Endpoint,
    limits: Limits,
    gzip_from: Option<usize>,
    kept: Kept,
    /// How the server takes several calls as one, once that is known.
    manner: OnceLock<Manner>,
}

impl Client {
    /// A client of the server at `url`, which may be `http://`, `https://`, `http+unix://`, `scgi://`
    /// or `scgi+unix://`, with the usual [`Settings`]. Nothing is connected yet.
    pub fn new(url: &str) -> Result<Self, BadEndpoint> {
        Self::with(url, &Settings::default())
    }

    /// A client of the server at `url`, as `settings` say. Reads the files that they name, and the
    /// environment where they say so.
    pub fn with(url: &str, settings: &Settings) -> Result<Self, BadEndpoint> {
        let inner = Inner {
            endpoint: Endpoint::new(url, &settings.endpoint())?,
            limits: settings.limits,
            gzip_from: settings.gzip_from,
            kept: Kept::new(settings.kept_connections),
            manner: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner), is_repeatable: false })
    }

    /// The same for calls that do no harm twice: where the server closes a kept connection before the
    /// first byte of its answer, the call is made again. Others are made again only where nothing of
    /// them was sent.
    pub fn repeatable(&self) -> Self {
        Self { is_repeatable: true, ..self.clone() }
    }

    /// Calls a method. Its result is of any type that serde can read, [`Value`] among them.
    pub async fn call<P: Params, R: DeserializeOwned + 'static>(
        &self,
        method: &str,
        params: P,
    ) -> Result<R, Error> {
        let called = match params.into_values() {
            Ok(params) => self.call_until(self.deadline(), method, params).await,
            Err(error) => Err(error.into()),
        };
        called.and_then(typed).map_err(|kind| self.error(method, kind))
    }

    /// Makes several calls as one `system.multicall`, and gives each one's own result, in order.
    /// Where the server does not take several as one they are made one by one. The time limit is
    /// for all.
    pub async fn multicall<R: DeserializeOwned + 'static>(
        &self,
        calls: impl IntoIterator<Item = Call>,
    ) -> Result<Vec<Result<R, Error>>, Error> {
        let calls: Vec<Call> = calls.into_iter().collect();
        let methods: Vec<String> = calls.iter().map(|call| call.method().to_owned()).collect();
        let results = self.call_together(calls).await?;
        let typed = |(result, method): (Result<Value, ErrorKind>, String)| {
            result.and_then(typed).map_err(|kind| self.error(&method, kind))
        };
        Ok(results.into_iter().zip(methods).map(typed).collect())
    }

    /// Sends a document, and gives back what is answered, as it is: for those who write and read
    /// XML-RPC themselves, or want to show it.
    pub async fn post(&self, document: impl Into<Bytes>) -> Result<Response, transport::Error> {
        self.post_until(self.deadline(), document.into()).await
    }

    /// Reads what [`post`](Self::post) gave back as the answer to a call of `method`.
    pub async fn read(&self, method: &str, response: Response) -> Result<Value, Error> {
        let result = answer::read(response, self.inner.limits.response_bytes).await;
        result.map_err(|kind| self.error(method, kind))
    }

    /// How much has gone over the wire, of all calls.
    pub fn traffic(&self) -> &Traffic {
        self.inner.endpoint.traffic()
    }

    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.inner.limits.total).unwrap_or_else(|| now + MAX_TOTAL)
    }

    pub(crate) fn manner(&self) -> &OnceLock<Manner> {
        &self.inner.manner
    }

    pub(crate) fn error(&self, method: &str, kind: ErrorKind) -> Error {
        Error::new(method, &self.inner.endpoint, kind)
    }

    pub(crate) async fn call_until(
        &self,
        deadline: Instant,
        method: &str,
        params: Vec<Value>,
    ) -> Result<Value, ErrorKind> {
        let document = encode_call(&MethodCall::new(method, params)).map_err(BadParams::new)?;
        let response = self.post_until(deadline, document.into()).await?;
        answer::read(response, self.inner.limits.response_bytes).await
    }

    async fn post_until(
        &self,
        deadline: Instant,
        document: Bytes,
    ) -> Result<Response, transport::Error> {
        let is_gzip = self.inner.gzip_from.is_some_and(|from| document.len() >= from);
        let document = if is_gzip { gzip(&document).unwrap_or(document) } else { document };
        let request = Request { is_gzip, takes_refusals: true, ..Request::new(document) };
        let posted = timeout_at(deadline, self.exchange(request)).await;
        posted.unwrap_or(Err(transport::Error::TimedOut))
    }

    async fn exchange(&self, request: Request<'_>) -> Result<Response, transport::Error> {
        while let Some(connection) = self.inner.kept.take() {
            match self.talk(connection, request.clone()).await {
                Err(transport::Error::Dead { is_sent: false }) => {}
                Err(transport::Error::Dead { .. }) if self.is_repeatable => self.inner.kept.clear(),
                answered => return answered,
            }
        }
        let connected = self.inner.endpoint.connect(self.inner.limits.connect).await;
        self.talk(connected.map_err(transport::Error::Connect)?, request).await
    }

    async fn talk(
        &self,
        mut connection: Connection,
        request: Request<'_>,
    ) -> Result<Response, transport::Error> {
        let response = connection.post(request, self.inner.limits.response_bytes).await?;
        self.inner.kept.put(connection);
        Ok(response)
    }
}

/// Longest time that is waited where the limit is beyond all clocks.
const MAX_TOTAL: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 60 * 60);

fn typed<R: DeserializeOwned + 'static>(value: Value) -> Result<R, ErrorKind> {
    from_value(value).map_err(ErrorKind::Result)
}

fn gzip(document: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(document.len() / 4), Compression::fast());
    encoder.write_all(document)?;
    encoder.finish().map(Bytes::from)
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.endpoint.fmt(f)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({self})")
    }
}
