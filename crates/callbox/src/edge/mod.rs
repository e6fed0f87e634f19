//! What stands before every door: the routes, the hosts that are answered, then the steps of a call.

pub(crate) mod access;
mod admission;
mod aside;
pub(crate) mod body;
pub(crate) mod budget;
mod calls;
mod coding;
mod counts;
mod entrance;
mod head;
pub(crate) mod hosts;
pub(crate) mod memory;
mod page;
mod progress;
mod reading;
mod rejection;
mod response;
mod route;
mod service;
mod shares;
mod turnstile;
mod unread;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use axum::routing::any;
use svc_runtime::admin::Health;
use svc_runtime::http;
use svc_runtime::metrics::Metrics;
use svc_runtime::stream::Stream;
use tower::Service as _;

pub(crate) use calls::CallLimits;
pub use hosts::{AllowedHost, NoHost};
pub(crate) use page::Front;
pub use service::CallService;

use crate::accounts::Accounts;
use crate::registry::{Caller, Connection, Door, Peer, Published};
use access::{Ongoing, Watch};
use calls::Calls;
use head::Head;
use hosts::Hosts;
use page::Page;
use rejection::Rejection;
use route::Route;
use turnstile::{LOOK_BYTES, Large};
use unread::{RequestBody, Unread};

/// An answer on its way. In a box, or every kept connection had room for all that a call ever waits
/// for.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// `POST` to the path of a door calls a method; `GET /healthz` and `GET /readyz`,
/// where it was told of the health, tell that, and `GET /` by a browser is shown the page. Another
/// path is 404, another method 405.
pub(crate) struct Edge {
    hosts: Hosts,
    calls: Calls,
    is_json_open: bool,
    watch: Watch,
    page: Option<Page>,
    others: Router,
}

impl Edge {
    /// The edge before `published`, for requests to `hosts`, whose calls are told to `watch` and
    /// counted in `metrics`. Without `accounts` nobody is asked who they are; `front` says what is
    /// told without a call.
    pub(crate) fn new(
        published: Arc<Published>,
        hosts: Hosts,
        accounts: Option<Arc<Accounts>>,
        limits: CallLimits,
        watch: Watch,
        metrics: &Metrics,
        front: Front,
    ) -> Arc<Self> {
        let is_json_open = limits.is_json_open;
        let calls = Calls::new(published, accounts, limits);
        calls.tell_budgets(metrics);
        let post_only = any((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]));
        let others = route::others(post_only, is_json_open);
        // Health is asked here too, past the limit on calls: it must not be turned away.
        let health = front.health.as_ref().map(Health::routes).into_iter();
        let others = health.fold(others, Router::merge);
        Arc::new(Self { hosts, calls, is_json_open, watch, page: Page::new(front), others })
    }

    /// What is known of a connection, whose calls have a share where its peer has one.
    pub(crate) fn connection(&self, connection: Connection) -> Arc<Connection> {
        let share = self.calls.share(&connection);
        Arc::new(connection.sharing(share))
    }

    /// Answers a request. It ends here: it is counted, and logged where that is due.
    pub(crate) fn answer(
        self: Arc<Self>,
        request: Request<impl RequestBody>,
        connection: Arc<Connection>,
    ) -> Answer {
        // An early answer reaches only a peer that may finish sending.
        let request = request.map(Unread::new);
        // Not by way of the router, which costs as much as reading the call.
        match Route::of(request.uri().path(), self.is_json_open) {
            Some(route) if request.method() == Method::POST => {
                let (door, head) = (route.door(), self.head(route, &request, &connection));
                self.call(door, head, request, connection)
            }
            _ if self.page.is_some() && page::is_asked(&request) => {
                Box::pin(self.show(request, connection))
            }
            _ => Box::pin(self.answer_other(request, connection)),
        }
    }

    /// The head of a call by `route`.
    fn head<B>(
        &self,
        route: Route<'_>,
        request: &Request<B>,
        connection: &Connection,
    ) -> Result<Head, Rejection> {
        if self.is_meant(request, connection) {
            Head::read(route, request.headers())
        } else {
            Err(Rejection::Host)
        }
    }

    /// Whether the request is for a host that is answered. A Unix socket has no name in the DNS.
    fn is_meant<B>(&self, request: &Request<B>, connection: &Connection) -> bool {
        match &self.hosts {
            Hosts::Any => true,
            _ if connection.peer == Peer::Unix => true,
            hosts => hosts.allow(http::host(request.uri(), request.headers())),
        }
    }

    /// The large call for which there is no time, by a look at the first bytes of a connection.
    pub(crate) fn untimely(&self, stream: &Stream) -> Option<Large> {
        if !self.calls.are_overrun() {
            return None;
        }
        let mut head = [0; LOOK_BYTES];
        let bytes = stream.peek(&mut head)?;
        turnstile::large(&head[..bytes])
    }

    /// What came over `connection` was answered with `status` before it was a request.
    pub(crate) fn refused(&self, connection: Arc<Connection>, status: StatusCode) {
        self.watch.head(&Caller::new(connection, Door::XmlRpc, HeaderMap::new()), status);
    }

    /// Begins with a call by `door`.
    fn call(
        self: Arc<Self>,
        door: Door,
        mut head: Result<Head, Rejection>,
        mut request: Request<Unread<impl RequestBody>>,
        connection: Arc<Connection>,
    ) -> Answer {
        let (version, headers) = (request.version(), std::mem::take(request.headers_mut()));
        let caller = Caller::new(connection, door, headers);
        let body = request.into_body();
        // A block, since a function's parameters would be there twice.
        Box::pin(async move {
            let mut call = self.watch.call(self.calls.published(), caller);
            let Ongoing { caller, access } = &mut call;
            let answered = match &mut head {
                Ok(head) => self.calls.answer(caller, head, body, access).await,
                Err(rejection) => Err(*rejection),
            };
            let mut response = answered.unwrap_or_else(|rejection| {
                access.fault = None;
                rejection.into_response(version)
            });
            call.end(&mut response);
            Ok(response)
        })
    }

    /// Answers with the page.
    async fn show(
        self: Arc<Self>,
        request: Request<Unread<impl RequestBody>>,
        connection: Arc<Connection>,
    ) -> Result<Response, Infallible> {
        let started = Instant::now();
        let is_meant = self.is_meant(&request, &connection);
        let mut caller = Caller::new(connection, Door::XmlRpc, request.headers().clone());
        let shown = match &self.page {
            Some(page) if is_meant => page.answer(&self.calls, &mut caller, &self.watch).await,
            _ => Err(Rejection::Host),
        };
        let mut response = shown.unwrap_or_else(|refused| refused.into_response(request.version()));
        self.watch.other(started, &caller, &mut response);
        Ok(response)
    }

    async fn answer_other(
        self: Arc<Self>,
        request: Request<Unread<impl RequestBody>>,
        connection: Arc<Connection>,
    ) -> Result<Response, Infallible> {
        let started = Instant::now();
        let is_health = is_health_path(request.uri().path());
        let is_meant = is_health || self.is_meant(&request, &connection);
        let caller = Caller::new(connection, Door::XmlRpc, request.headers().clone());
        let mut response = if is_meant {
            self.others.clone().call(request.map(Body::new)).await?
        } else {
            Rejection::Host.into_response(request.version())
        };
        if is_health && !response.status().is_client_error() {
            self.watch.health(started, &caller, &mut response);
        } else {
            self.watch.other(started, &caller, &mut response);
        }
        Ok(response)
    }
}

/// Whether health is asked there, by whatever name the asker knows this machine.
fn is_health_path(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}
