//! A registry as a whole process, as a task on a runtime of one's own, or as a service in a program
//! of one's own.

mod error;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use clap::Parser;
use svc_runtime::address::Bound;
use svc_runtime::admin::Health;
use svc_runtime::check::Check;
use svc_runtime::file::FileError;
use svc_runtime::handshake::HandshakeTerms;
use svc_runtime::listener::{Listener, bind_all, bind_tls};
use svc_runtime::memory::Memory;
use svc_runtime::metrics::Metrics;
use svc_runtime::network::Network;
use svc_runtime::process::{self, StartError};
use svc_runtime::reload::Reload;
use svc_runtime::roll::Admission;
use svc_runtime::service::Service;
use svc_runtime::signal::StopSignals;
use tokio::net::{TcpListener, UnixListener};

use crate::accounts::Accounts;
use crate::connections::{HttpConnections, REFUSAL};
use crate::edge::hosts::Hosts;
use crate::edge::{AllowedHost, CallService, Edge, Front};
use crate::registry::{Program, Published, Registry};
use crate::reloader::Reloader;
use crate::settings::{AccountsSettings, Settings, Switch, parse};
pub use error::ServerError;
use error::start_error;

/// The roles that listeners are announced with.
const ROLE: &str = "xmlrpc";
const ROLE_TLS: &str = "xmlrpc-tls";
const ADMIN: &str = "admin";

/// What a connection takes on which nothing unusual is said, the kernel's part with it, in bytes.
const CONNECTION_BYTES: usize = 20 * 1024;

/// What is spoken by TLS (ALPN, RFC 7301).
const PROTOCOLS: &[&[u8]] = &[b"http/1.1"];

/// What a peer is told that sends HTTP as it is where it is to be sent by TLS.
const NOT_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    Content-Length: 32\r\n\r\nThis port speaks HTTPS, not HTTP";

/// Publishes functions over XML-RPC (HTTP POST)
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    settings: Settings,
}

/// Publishes `registry` until a signal stops the process, whose exit code is given back. The
/// command line and the environment say where, within which limits, and how to log. Not to be
/// called inside a tokio runtime, where [`Server::run`] is the way.
pub fn serve(registry: Registry) -> ExitCode {
    let options: Options = parse();
    serve_with(&options.settings, || Ok(registry))
}

/// Publishes what `build` makes, a [`Registry`] or a [`Server`], as `settings` say, until a signal
/// stops the process, whose exit code is given back. `build` is called inside the tokio runtime and
/// may end the start: every error becomes a [`StartError`] by `?`.
pub fn serve_with<S: Into<Server>>(
    settings: &Settings,
    build: impl FnOnce() -> Result<S, StartError>,
) -> ExitCode {
    process::run(&settings.process, async || {
        let server: Server = build()?.into();
        server.settings(settings.clone()).into_service().await.map_err(start_error)
    })
}

/// Ends when SIGTERM or SIGINT arrives, from now on: what [`Server::run`] may wait for. Needs a
/// running tokio runtime; the error is that of a handler which cannot be installed.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut signals = StopSignals::install()?;
    Ok(async move {
        // Who reads files again has a handler of its own.
        signals.recv(|| ()).await;
    })
}

/// Published methods and what they are served with.
pub struct Server {
    registry: Registry,
    program: Program,
    settings: Settings,
    listeners: Vec<Listener>,
    admin: Vec<Listener>,
    checks: Vec<Check>,
    metrics: Metrics,
    reserved: usize,
    reloads: Vec<Reload>,
    reloader: Reloader,
}

impl From<Registry> for Server {
    fn from(registry: Registry) -> Self {
        Self::new(registry)
    }
}

impl Server {
    /// Serves the methods of `registry` with the default settings.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            program: Program::default(),
            settings: Settings::default(),
            listeners: Vec::new(),
            admin: Vec::new(),
            checks: Vec::new(),
            metrics: Metrics::new(),
            reserved: 0,
            reloads: Vec::new(),
            reloader: Reloader::new(),
        }
    }

    /// The same with these settings.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The same, called by this name and version where it is told what it is: on the page, and by
    /// `rpc.discover`. Without it that is `callbox` and its version. A crate's own are
    /// `env!("CARGO_PKG_NAME")` and `env!("CARGO_PKG_VERSION")`; the version may be empty.
    pub fn program(
        self,
        name: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { program: Program { name: name.into(), version: version.into() }, ..self }
    }

    /// The same on a listener that was brought along; may be called several times. Then the
    /// addresses of the settings, that of the admin port too, are not listened on.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listeners.push(Listener::tcp(ROLE, listener));
        self
    }

    /// The same on a Unix socket that was brought along, as [`listener`](Self::listener) has it.
    pub fn unix_listener(mut self, listener: UnixListener) -> Self {
        self.listeners.push(Listener::unix(ROLE, listener));
        self
    }

    /// The same with an admin port that was brought along.
    pub fn admin_listener(self, listener: TcpListener) -> Self {
        Self { admin: vec![Listener::tcp(ADMIN, listener)], ..self }
    }

    /// The same with something that it leans on, told in the body of `/readyz`.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// The same, counting in `metrics`, which no other server has: a program can add its own counts,
    /// and tell them where there is no admin port. They are told at `GET /metrics` on that.
    pub fn metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// The same, where so many bytes of the memory for peers are left to what its methods keep:
    /// answers of other services, for instance. Connections and calls have half each of the rest.
    pub fn reserve(self, bytes: usize) -> Self {
        Self { reserved: bytes, ..self }
    }

    /// The same with its files read again when `reloader` says so, which is of no other server. For
    /// [`run`](Self::run) and [`service`](Self::service): a process does it at a SIGHUP.
    pub fn reloader(self, reloader: &Reloader) -> Self {
        Self { reloader: reloader.clone(), ..self }
    }

    /// The same with something of one's own that is read again when the files are: at a SIGHUP in a
    /// process, or when the [`Reloader`] says so. It takes all that `what` names, or changes nothing
    /// and says why; either is logged and counted as for the other files. They are read in the order
    /// of these calls, before the accounts, whose patterns are then held against the new methods.
    ///
    /// ```
    /// # use callbox::{Catalog, Registry, Server};
    /// # fn publish_file(catalog: &Catalog) -> Result<(), String> { Ok(()) }
    /// let catalog = Catalog::new();
    /// let mut registry = Registry::new();
    /// registry.add_catalog(&catalog);
    /// let server = Server::new(registry).on_reload("methods", move || publish_file(&catalog));
    /// ```
    pub fn on_reload<E: fmt::Display>(
        mut self,
        what: &'static str,
        read: impl FnMut() -> Result<(), E> + Send + 'static,
    ) -> Self {
        let read = Mutex::new(read);
        self.reloads.push(Reload::new(what, move || {
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            (*read)().map_err(|error| error.to_string())
        }));
        self
    }

    /// Serves on the runtime that this is awaited on until `stop` ends; then the listeners are
    /// closed and the calls under way answered, up to the drain deadline.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let (reloader, metrics) = (self.reloader.clone(), self.metrics.clone());
        let mut service = self.into_service().await?;
        reloader.takes(std::mem::take(&mut service.reloads), metrics);
        service.run(stop, std::future::pending()).await;
        Ok(())
    }

    /// The methods as a router, to be nested in an axum application: calls are posted to where it
    /// is nested, and under that as [`CallService`] has it. Where it is to answer a slash at the end
    /// too, nest the [`service`](Self::service).
    ///
    /// ```
    /// let mut registry = callbox::Registry::new();
    /// registry.add("twice", "A number doubled.", |number: i32| number * 2);
    /// let methods = callbox::Server::new(registry).router()?;
    /// let app: axum::Router = axum::Router::new().nest("/rpc", methods);
    /// # Ok::<_, callbox::ServerError>(())
    /// ```
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Result<Router<S>, ServerError> {
        Ok(Router::new().fallback_service(self.service()?))
    }

    /// The methods as a [`tower::Service`], to be nested by axum's `nest_service`.
    pub fn service(self) -> Result<CallService, ServerError> {
        let (limits, metrics, process) =
            (self.settings.limits, self.metrics, &self.settings.process);
        // As much as it would have as a process of its own.
        let memory = Memory::of_process(process.max_memory);
        let memory = limits.memory(half(memory, self.reserved));
        let published = self.registry.publish(&self.program, limits.publish(memory), &metrics)?;
        let (accounts, reload_accounts) = read_accounts(&self.settings.accounts, &published)?;
        let reloads = self.reloads.into_iter().chain(reload_accounts).collect();
        self.reloader.takes(reloads, metrics.clone());
        let watch = self.settings.watch(&metrics);
        // Who reaches it, the other program alone knows.
        let hosts = listed(self.settings.allow_host).unwrap_or(Hosts::Any);
        let calls = limits.call(memory, process.max_share, self.settings.json);
        let front = Front::new(shown(self.settings.page, self.program), None);
        let edge = Edge::new(published, hosts, accounts, calls, watch, &metrics, front);
        Ok(CallService::new(edge, self.settings.trust_forwarded.into()))
    }

    async fn into_service(self) -> Result<Service<HttpConnections>, ServerError> {
        let (limits, settings, metrics) = (self.settings.limits, self.settings, self.metrics);
        let watch = settings.watch(&metrics);
        // Before anything is listened on.
        let memory = Memory::of_process(settings.process.max_memory);
        // For connections, and as much for calls.
        let half = half(memory, self.reserved);
        let trusted: Arc<[Network]> = settings.trust_forwarded.into();
        let admission = Admission {
            trusted: trusted.clone(),
            ..Admission::new(&settings.process, memory, half, CONNECTION_BYTES)?
        };
        let memory = limits.memory(half);
        let published = self.registry.publish(&self.program, limits.publish(memory), &metrics)?;
        let (accounts, reload_accounts) = read_accounts(&settings.accounts, &published)?;
        let (mut listeners, mut admin, mut reload) = (self.listeners, self.admin, None);
        if listeners.is_empty() {
            let unix_mode = settings.process.unix_mode;
            listeners = bind_all(ROLE, &settings.listen, unix_mode).await?;
            let secure = bind_tls(ROLE_TLS, &settings.tls, PROTOCOLS, unix_mode).await?;
            listeners.extend(secure.0);
            reload = secure.1;
            if admin.is_empty() {
                admin = bind_all(ADMIN, &[settings.admin_listen], unix_mode).await?;
            }
        }
        let hosts = hosts(settings.allow_host, &listeners);
        let health = Health::with_checks(self.checks);
        let calls = limits.call(memory, settings.process.max_share, settings.json);
        let front = Front::new(shown(settings.page, self.program), Some(health.clone()));
        let edge = Edge::new(published, hosts, accounts, calls, watch, &metrics, front);
        Ok(Service {
            listeners,
            datagrams: Vec::new(),
            admin,
            admission,
            handshake: HandshakeTerms { deadline: limits.http().header, plain_answer: NOT_TLS },
            drain_delay: settings.process.drain_delay,
            drain_deadline: settings.process.drain_deadline,
            refusal: REFUSAL,
            health,
            metrics,
            access_log: settings.process.access_log,
            reloads: reload.into_iter().chain(self.reloads).chain(reload_accounts).collect(),
            connections: HttpConnections { edge, deadlines: limits.http(), trusted },
        })
    }
}

/// Half of what is left for peers.
fn half(memory: Memory, reserved: usize) -> usize {
    memory.for_peers().saturating_sub(reserved) / 2
}

/// The program that there is a page of.
fn shown(page: Switch, program: Program) -> Option<Program> {
    (page == Switch::On).then_some(program)
}

/// What requests may be for: what is listed, else this machine where nobody else can reach it.
fn hosts(allowed: Vec<AllowedHost>, listeners: &[Listener]) -> Hosts {
    listed(allowed).unwrap_or_else(|| usual_hosts(listeners))
}

fn listed(allowed: Vec<AllowedHost>) -> Option<Hosts> {
    (!allowed.is_empty()).then_some(Hosts::Listed(allowed))
}

fn usual_hosts(listeners: &[Listener]) -> Hosts {
    let is_local = |listener: &Listener| match listener.addr() {
        Ok(Bound::Inet(addr)) => addr.ip().to_canonical().is_loopback(),
        Ok(Bound::Unix(_)) => true,
        Err(_) => false,
    };
    if listeners.iter().all(is_local) { Hosts::Local } else { Hosts::Any }
}

/// The accounts of what is `published`, if anybody is to be asked, and how they are read again.
fn read_accounts(
    settings: &AccountsSettings,
    published: &Arc<Published>,
) -> Result<(Option<Arc<Accounts>>, Option<Reload>), FileError> {
    let Some(accounts) = settings.read()?.map(Arc::new) else { return Ok((None, None)) };
    accounts.tell_of_misfits(published);
    let (again, published) = (accounts.clone(), published.clone());
    let reload = Reload::new("accounts", move || {
        again.reload().map_err(|error| error.to_string())?;
        again.tell_of_misfits(&published);
        Ok(())
    });
    Ok((Some(accounts), Some(reload)))
}
