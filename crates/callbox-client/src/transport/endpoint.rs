//! A server, and what it takes to reach it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderMap, PROXY_AUTHORIZATION};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::connection::Connection;
use super::login::Login;
use super::lookups::Lookups;
use super::message;
use super::proxy::{Proxy, Way};
use super::stream::{Carrier, Stream};
use super::tls::Tls;
use super::traffic::Traffic;
use super::tunnel;
use super::url::{self, Place, Scheme, Url};

/// What a URL does not say of a server.
#[derive(Debug, Clone, Default)]
pub struct EndpointSettings {
    /// Who we are, where the URL does not say that.
    pub login: Option<Login>,
    /// Whether to ask for answers compressed by gzip.
    pub takes_gzip: bool,
    /// A file of the authorities that are believed instead of the system's, PEM.
    pub ca: Option<PathBuf>,
    /// A file of our certificate and its chain, PEM, in order.
    pub certificate: Option<PathBuf>,
    /// A file of the certificate's private key, PEM.
    pub key: Option<PathBuf>,
    /// By what way it is reached.
    pub way: Way,
}

/// A server, and what it takes to reach it. Clones share it; nothing shows the login.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

/// What an exchange needs to know of a server.
pub(crate) struct Inner {
    pub(crate) url: Url,
    /// The path as hyper takes it.
    pub(crate) uri: Uri,
    /// What goes with each request, the login too.
    pub(crate) headers: HeaderMap,
    pub(crate) takes_gzip: bool,
    tls: Option<Tls>,
    proxy: Option<Proxy>,
    lookups: Lookups,
    traffic: Arc<Traffic>,
}

impl Endpoint {
    /// The server at `url`, which may be `http://`, `https://`, `http+unix://`, `scgi://` or
    /// `scgi+unix://`. The path is `/RPC2` where it has none. A Unix socket is named by the path
    /// (`http+unix:///run/x.sock`), or percent-encoded by the host, and then the path is the
    /// server's (`http+unix://%2Frun%2Fx.sock/path`). Reads the files that `settings` name.
    pub fn new(url: &str, settings: &EndpointSettings) -> Result<Self, BadEndpoint> {
        let (url, user_info) =
            url::parse(url).map_err(|why| BadEndpoint::new(Setting::Url, why))?;
        let login = match (user_info, &settings.login) {
            (Some((user, password)), None) => Some(
                Login::basic(&user, &password)
                    .map_err(|error| BadEndpoint::new(Setting::Url, error))?,
            ),
            (None, login) => login.clone(),
            (Some(_), Some(_)) => {
                let why = "expected a login by the URL or beside it, and not both";
                return Err(BadEndpoint::new(Setting::Login, why));
            }
        };
        let tls = match (url.scheme, &url.place) {
            (Scheme::Https, Place::Host(name, _)) => Some(Tls::read(name, settings)?),
            _ => {
                settings.expect_no_files()?;
                None
            }
        };
        let proxy = settings.proxy(&url)?;
        let host = (url.scheme != Scheme::Scgi).then(|| url.host());
        let mut headers = message::headers(host, login, settings.takes_gzip)
            .map_err(|error| BadEndpoint::new(Setting::Url, error))?;
        let mut uri = url.path.clone().into();
        if let (Some(proxy), Scheme::Http) = (&proxy, url.scheme) {
            // The absolute form (RFC 9112, 3.2.2), as `Display` does not show it.
            uri = Uri::try_from(format!("http://{}{}", url.host(), url.path))
                .map_err(|why| BadEndpoint::new(Setting::Url, why))?;
            let login = proxy.login.clone().map(Login::into_value);
            headers.extend(login.map(|login| (PROXY_AUTHORIZATION, login)));
        }
        let (takes_gzip, lookups) = (settings.takes_gzip, Lookups::default());
        let traffic = Arc::default();
        Ok(Self(Arc::new(Inner { url, uri, headers, takes_gzip, tls, proxy, lookups, traffic })))
    }

    /// Resolves the name anew and connects to its addresses in turn, until one answers. `limit` is
    /// for resolving, and for each address: for the network and TLS together.
    pub async fn connect(&self, limit: Duration) -> io::Result<Connection> {
        self.connect_again(0, limit).await
    }

    /// The same for who did not wait to the end before: the `attempt`th begins with another
    /// address, where there are several.
    pub async fn connect_again(&self, attempt: usize, limit: Duration) -> io::Result<Connection> {
        let carrier = match &self.0.url.place {
            Place::Unix(path) => Carrier::Unix(timeout(limit, UnixStream::connect(path)).await??),
            Place::Host(name, port) => {
                let own = (name.as_str(), *port);
                let proxy = self.0.proxy.as_ref().map(|proxy| (proxy.name.as_str(), proxy.port));
                let (name, port) = proxy.unwrap_or(own);
                let addrs = timeout(limit, self.0.lookups.addresses(name, port)).await??;
                self.connect_to(addrs, attempt, limit).await?
            }
        };
        Connection::new(self.0.clone(), Stream::new(carrier, self.0.traffic.clone())).await
    }

    /// How much has gone over the wire.
    pub fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    async fn connect_to(
        &self,
        mut addrs: Vec<SocketAddr>,
        attempt: usize,
        limit: Duration,
    ) -> io::Result<Carrier> {
        let first = attempt % addrs.len().max(1);
        addrs.rotate_left(first);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for addr in addrs {
            let opened = timeout(limit, self.open(TcpStream::connect(addr))).await;
            match opened.map_err(io::Error::from).and_then(|opened| opened) {
                Ok(carrier) => return Ok(carrier),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn open(
        &self,
        connecting: impl Future<Output = io::Result<TcpStream>>,
    ) -> io::Result<Carrier> {
        let mut stream = connecting.await?;
        stream.set_nodelay(true)?;
        if let (Some(proxy), Some(_)) = (&self.0.proxy, &self.0.tls) {
            tunnel::open(&mut stream, &self.0.url.authority(), proxy.login.as_ref()).await?;
        }
        Ok(match &self.0.tls {
            Some(tls) => Carrier::Tls(Box::new(tls.connect(stream).await?)),
            None => Carrier::Tcp(stream),
        })
    }
}

impl EndpointSettings {
    fn proxy(&self, url: &Url) -> Result<Option<Proxy>, BadEndpoint> {
        let is_http = matches!(url.place, Place::Host(..)) && url.scheme != Scheme::Scgi;
        if matches!(self.way, Way::Proxy(_)) && !is_http {
            let why = "expected a URL of http:// or https:// for a proxy";
            return Err(BadEndpoint::new(Setting::Way, why));
        }
        let proxy = self.way.proxy(url, |name| std::env::var(name).ok());
        proxy.map_err(|error| BadEndpoint::new(Setting::Way, error))
    }

    fn expect_no_files(&self) -> Result<(), BadEndpoint> {
        let files = [
            (&self.ca, Setting::Ca),
            (&self.certificate, Setting::Certificate),
            (&self.key, Setting::Key),
        ];
        match files.into_iter().find(|(file, _)| file.is_some()) {
            Some((_, setting)) => {
                Err(BadEndpoint::new(setting, "expected a URL of https:// for this"))
            }
            None => Ok(()),
        }
    }
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(url: &str) -> Result<Self, BadEndpoint> {
        Self::new(url, &EndpointSettings::default())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.url.fmt(f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// What of an endpoint cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// The URL.
    Url,
    /// [`EndpointSettings::login`].
    Login,
    /// [`EndpointSettings::ca`], or that there is none.
    Ca,
    /// [`EndpointSettings::certificate`].
    Certificate,
    /// [`EndpointSettings::key`].
    Key,
    /// [`EndpointSettings::way`], or the variable that it stands for.
    Way,
}

/// A setting of an endpoint cannot be used. Has nothing of a URL, a login or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEndpoint {
    setting: Setting,
    why: String,
}

impl BadEndpoint {
    pub(crate) fn new(setting: Setting, why: impl fmt::Display) -> Self {
        Self { setting, why: why.to_string() }
    }

    pub(crate) fn of_file(setting: Setting, path: &Path, why: impl fmt::Display) -> Self {
        Self::new(setting, format_args!("{}: {why}", path.display()))
    }

    /// Which one it is.
    pub fn setting(&self) -> Setting {
        self.setting
    }
}

impl fmt::Display for BadEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for BadEndpoint {}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn each_attempt_begins_with_another_address() {
        let endpoint: Endpoint = "http://three".parse().unwrap();
        let mut listeners = Vec::new();
        for _ in 0..3 {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let addrs: Vec<_> = listeners.iter().map(|one| one.local_addr().unwrap()).collect();
        let connected = async |attempt| {
            let connected = endpoint.connect_to(addrs.clone(), attempt, PATIENCE).await;
            let Ok(Carrier::Tcp(stream)) = connected else { panic!("{connected:?}") };
            addrs.iter().position(|addr| *addr == stream.peer_addr().unwrap()).unwrap()
        };
        for (attempt, expected) in [0, 1, 2, 0, 1].into_iter().enumerate() {
            assert_eq!(connected(attempt).await, expected);
        }
        // Where nobody listens, the next one is asked.
        drop(listeners.pop());
        assert_eq!(connected(2).await, 0);
        assert!(endpoint.connect_to(Vec::new(), 1, PATIENCE).await.is_err());
    }
}
