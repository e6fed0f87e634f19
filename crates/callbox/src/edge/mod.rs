//! What stands before every door: the routes, the hosts that are answered, then the steps of a call.

pub(crate) mod access;
mod admission;
mod aside;
pub(crate) mod body;
pub(crate) mod budget;
mod calls;
mod coding;
mod counts;
mod head;
pub(crate) mod hosts;
pub(crate) mod memory;
mod progress;
mod reading;
mod rejection;
mod response;
mod service;
mod shares;
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
use tower::Service as _;

pub(crate) use calls::CallLimits;
pub use hosts::{AllowedHost, NoHost};
pub use service::CallService;

use crate::accounts::Accounts;
use crate::registry::{Caller, Connection, Door, Peer, Published};
use access::Watch;
use calls::Calls;
use hosts::Hosts;
use rejection::Rejection;
use unread::{RequestBody, Unread};

/// An answer on its way. In a box, or every kept connection had room for all that a call ever waits for.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// `POST` to one of [`CALL_PATHS`] calls a method; `GET /healthz` and `GET /readyz`,
/// where it was told of the health, tell that. Another path is 404, another method 405.
pub(crate) struct Edge {
    hosts: Hosts,
    calls: Calls,
    watch: Watch,
    others: Router,
}

impl Edge {
    /// The edge before `published`, for requests to `hosts`, whose calls are told to `watch` and
    /// counted in `metrics`. Without `accounts` nobody is asked who they are; without `health` it is
    /// a part of another program.
    pub(crate) fn new(
        published: Arc<Published>,
        hosts: Hosts,
        accounts: Option<Arc<Accounts>>,
        limits: CallLimits,
        watch: Watch,
        metrics: &Metrics,
        health: Option<&Health>,
    ) -> Arc<Self> {
        let calls = Calls::new(published, accounts, limits);
        calls.tell_budgets(metrics);
        let post_only = any((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]));
        let others = CALL_PATHS
            .iter()
            .fold(Router::new(), |router, path| router.route(path, post_only.clone()));
        // Health is asked here too, past the limit on calls: it must not be turned away.
        let others = health.map(Health::routes).into_iter().fold(others, Router::merge);
        Arc::new(Self { hosts, calls, watch, others })
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
        match request.method() {
            // Not by way of the router, which costs as much as reading the call.
            &Method::POST if is_call_path(request.uri().path()) => self.call(request, connection),
            _ => Box::pin(self.answer_other(request, connection)),
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

    /// What came over `connection` was answered with `status` before it was a request.
    pub(crate) fn refused(&self, connection: Arc<Connection>, status: StatusCode) {
        self.watch.head(&Caller::new(connection, Door::XmlRpc, HeaderMap::new()), status);
    }

    /// Begins with a call.
    fn call(
        self: Arc<Self>,
        mut request: Request<Unread<impl RequestBody>>,
        connection: Arc<Connection>,
    ) -> Answer {
        let is_meant = self.is_meant(&request, &connection);
        let (version, headers) = (request.version(), std::mem::take(request.headers_mut()));
        let mut caller = Caller::new(connection, Door::XmlRpc, headers);
        let body = request.into_body();
        // A block, since a function's parameters would be there twice.
        Box::pin(async move {
            let mut access = self.watch.call(self.calls.published());
            let answered = if is_meant {
                self.calls.answer(&mut caller, body, &mut access).await
            } else {
                Err(Rejection::Host)
            };
            if access.method.is_some_and(|method| method.is_multicall()) {
                // However it ended: an answer has a share of its own.
                caller.connection().keep_room(None);
            }
            let mut response =
                answered.unwrap_or_else(|rejection| rejection.into_response(version));
            access.end(&caller, &mut response);
            Ok(response)
        })
    }

    async fn answer_other(
        self: Arc<Self>,
        request: Request<Unread<impl RequestBody>>,
        connection: Arc<Connection>,
    ) -> Result<Response, Infallible> {
        let started = Instant::now();
        let is_meant = is_health_path(request.uri().path()) || self.is_meant(&request, &connection);
        let caller = Caller::new(connection, Door::XmlRpc, request.headers().clone());
        let mut response = if is_meant {
            self.others.clone().call(request.map(Body::new)).await?
        } else {
            Rejection::Host.into_response(request.version())
        };
        self.watch.other(started, &caller, &mut response);
        Ok(response)
    }
}

/// Where calls are posted; clients that join an empty path to `/`, or end it with one, post to the
/// latter three.
const CALL_PATHS: [&str; 5] = ["/", "/RPC2", "//", "//RPC2", "/RPC2/"];

/// Whether the path is one of [`CALL_PATHS`], the usual ones first and without a search.
fn is_call_path(path: &str) -> bool {
    matches!(path, "/" | "/RPC2") || CALL_PATHS.contains(&path)
}

/// Whether health is asked there, by whatever name the asker knows this machine.
fn is_health_path(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}
