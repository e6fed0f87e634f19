//! The same for programs without a runtime.

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use crate::error::Error;
use crate::multicall::Call;
use crate::params::Params;
use crate::settings::Settings;
use crate::transport::BadEndpoint;

/// A server to be called by a program without a runtime; every call blocks its thread. Clones share
/// the connections. Not for use inside a runtime, where a call panics: there the
/// [other one](crate::Client) is.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Runtime>,
}

impl Client {
    /// A client of the server at `url`, with the usual settings: see
    /// [`Client::new`](crate::Client::new).
    pub fn new(url: &str) -> Result<Self, NoClient> {
        Self::with(url, &Settings::default())
    }

    /// A client of the server at `url`, as `settings` say.
    pub fn with(url: &str, settings: &Settings) -> Result<Self, NoClient> {
        let client = crate::Client::with(url, settings).map_err(NoClient::Endpoint)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self { client, runtime: Arc::new(runtime.map_err(NoClient::Runtime)?) })
    }

    /// The same for calls that do no harm twice: see
    /// [`Client::repeatable`](crate::Client::repeatable).
    pub fn repeatable(&self) -> Self {
        Self { client: self.client.repeatable(), runtime: self.runtime.clone() }
    }

    /// Calls a method.
    pub fn call<P: Params, R: DeserializeOwned + 'static>(
        &self,
        method: &str,
        params: P,
    ) -> Result<R, Error> {
        self.runtime.block_on(self.client.call(method, params))
    }

    /// Makes several calls as one: see [`Client::multicall`](crate::Client::multicall).
    pub fn multicall<R: DeserializeOwned + 'static>(
        &self,
        calls: impl IntoIterator<Item = Call>,
    ) -> Result<Vec<Result<R, Error>>, Error> {
        self.runtime.block_on(self.client.multicall(calls))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// Why there is no client.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoClient {
    /// What of the URL or the settings cannot be used.
    Endpoint(BadEndpoint),
    /// The system has nothing left for a runtime.
    Runtime(io::Error),
}

impl fmt::Display for NoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(error) => error.fmt(f),
            Self::Runtime(error) => write!(f, "no runtime: {error}"),
        }
    }
}

impl std::error::Error for NoClient {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Endpoint(error) => Some(error),
            Self::Runtime(error) => Some(error),
        }
    }
}
