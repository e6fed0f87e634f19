//! What stands before every door, in its order: the routes, who calls, the limits on bodies, calls and time.

mod aside;
pub(crate) mod body;
pub(crate) mod budget;
mod coding;
mod head;
pub(crate) mod hosts;
mod rejection;
mod response;
mod service;
mod unread;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::ALLOW;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use axum::routing::any;
use protocol::xmlrpc::{Dialect, Limits, MethodCall, decode_call};
use svc_runtime::admin::Health;
use svc_runtime::http;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tower::Service as _;
use tracing::{Level, debug, enabled};

pub use hosts::{AllowedHost, NoHost};
pub use service::CallService;

use crate::accounts::Accounts;
use crate::doors::xmlrpc;
use crate::registry::{Caller, Connection, Door, Failure, Peer, Published, Started};
use aside::{MAX_INLINE_BYTES, aside};
use body::BodyLimits;
use budget::{Budget, Share, reading_bytes};
use head::Head;
use hosts::Hosts;
use rejection::Rejection;
use unread::{RequestBody, Unread};

/// What a caller may take of the service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallLimits {
    /// Calls in work at once.
    pub(crate) calls: usize,
    /// Bytes of all bodies in work; as many for reading them, and for responses that are not sent yet.
    pub(crate) bodies_bytes: usize,
    /// For the body.
    pub(crate) body: BodyLimits,
    /// For the document in the body.
    pub(crate) document: Limits,
    /// For a method to end.
    pub(crate) deadline: Duration,
}

/// `POST` to one of [`CALL_PATHS`] calls a method; `GET /healthz` and `GET /readyz`,
/// where it was told of the health, tell that. Another path is 404, another method 405.
pub(crate) struct Edge {
    hosts: Hosts,
    calls: Calls,
    others: Router,
}

impl Edge {
    /// The edge before `published`, for requests to `hosts`. Without `accounts` nobody is asked who
    /// they are. Without `health` it is a part of another program.
    pub(crate) fn new(
        published: Arc<Published>,
        hosts: Hosts,
        accounts: Option<Arc<Accounts>>,
        limits: CallLimits,
        health: Option<&Health>,
    ) -> Arc<Self> {
        let memory = || Budget::new(limits.bodies_bytes);
        let calls = Calls {
            published,
            accounts,
            limits,
            bodies: memory(),
            reading: memory(),
            responses: memory(),
            places: Semaphore::new(limits.calls),
        };
        let post_only = any((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]));
        let others = CALL_PATHS
            .iter()
            .fold(Router::new(), |router, path| router.route(path, post_only.clone()));
        // Health is asked here too, past the limit on calls: it must not be turned away.
        let others = health.map(Health::routes).into_iter().fold(others, Router::merge);
        Arc::new(Self { hosts, calls, others })
    }

    /// Answers a request, with a log line.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<impl RequestBody>,
        connection: Arc<Connection>,
    ) -> Result<Response, Infallible> {
        let started = enabled!(Level::DEBUG).then(Instant::now);
        // An early answer reaches only a peer that may finish sending.
        let request = request.map(Unread::new);
        let response = match request.method() {
            // Not by way of the router, which costs as much as reading the call.
            &Method::POST if is_call_path(request.uri().path()) => {
                let version = request.version();
                let answered = match self.begin_call(request, connection) {
                    Ok(call) => call.await,
                    Err(rejection) => Err(rejection),
                };
                answered.unwrap_or_else(|rejection| rejection.into_response(version))
            }
            _ if !is_health_path(request.uri().path()) && !self.is_meant(&request, &connection) => {
                Rejection::Host.into_response(request.version())
            }
            // In a box, or every kept connection had room for all that this ever waits for.
            _ => Box::pin(self.others.clone().call(request.map(Body::new))).await?,
        };
        if let Some(started) = started {
            let fault = response.extensions().get().map(|FaultCode(code)| *code);
            debug!(status = response.status().as_u16(), fault, elapsed = ?started.elapsed(), "answered");
        }
        Ok(response)
    }

    /// Whether the request is for a host that is answered. A Unix socket has no name in the DNS.
    fn is_meant<B>(&self, request: &Request<B>, connection: &Connection) -> bool {
        match &self.hosts {
            Hosts::Any => true,
            _ if connection.peer == Peer::Unix => true,
            hosts => hosts.allow(http::host(request.uri(), request.headers())),
        }
    }

    /// Reads the head of a call and begins with the rest.
    fn begin_call(
        &self,
        mut request: Request<Unread<impl RequestBody>>,
        connection: Arc<Connection>,
    ) -> Result<impl Future<Output = Result<Response, Rejection>>, Rejection> {
        if !self.is_meant(&request, &connection) {
            return Err(Rejection::Host);
        }
        let mut head = Head::read(request.headers())?;
        let headers = std::mem::take(request.headers_mut());
        let mut caller = Caller::new(connection, Door::XmlRpc, headers);
        let body = request.into_body();
        // In a box, or every kept connection had room for all that a call ever waits for. A block,
        // since a function's parameters would be there twice.
        Ok(Box::pin(async move { self.calls.answer(&mut head, &mut caller, body).await }))
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

/// Tells [`Edge::answer`] what is in a response's body.
#[derive(Clone, Copy)]
struct FaultCode(i32);

struct Calls {
    published: Arc<Published>,
    accounts: Option<Arc<Accounts>>,
    limits: CallLimits,
    bodies: Budget,
    reading: Budget,
    responses: Budget,
    places: Semaphore,
}

/// What a call ended with.
struct Called {
    answer: xmlrpc::Answer,
    /// What the document and its result took. Given back when the body has a share of its own.
    _share: Share,
}

impl Calls {
    /// The steps of a call, outermost first.
    async fn answer(
        &self,
        head: &mut Head,
        caller: &mut Caller,
        body: Unread<impl RequestBody>,
    ) -> Result<Response, Rejection> {
        if let Some(accounts) = &self.accounts {
            caller.identify(accounts.identify(caller.headers(), caller.connection()).await?);
        }
        let mut body_share = self.bodies.share();
        let document = body::receive(body, head.coding, self.limits.body, &mut body_share).await?;
        let called = self.within_limits(document, head, caller).await?;
        let xmlrpc::Answer { document, fault, .. } = called.answer;
        let mut response = response::respond(document, caller.headers(), &self.responses).await?;
        if let Some(code) = fault {
            response.extensions_mut().insert(FaultCode(code));
        }
        Ok(response)
    }

    async fn within_limits(
        &self,
        document: Bytes,
        head: &mut Head,
        caller: &mut Caller,
    ) -> Result<Called, Rejection> {
        // Bounds what calls take of each other. Their bodies are there by now: who is slow to send
        // takes nobody's place. Who finds none is turned away, since a wait helps no caller.
        let _place = self.places.try_acquire().map_err(|_| Rejection::Overloaded)?;
        // Ends the wait for a method that does not end.
        let now = Instant::now();
        let deadline = now + self.limits.deadline;
        caller.wait_until(deadline);
        timeout_at(deadline.into(), self.call(document, head, caller, now))
            .await
            .unwrap_or(Err(Rejection::SlowMethod))
    }

    async fn call(
        &self,
        document: Bytes,
        head: &mut Head,
        caller: &Caller,
        now: Instant,
    ) -> Result<Called, Rejection> {
        let (length, mut share) = (document.len(), self.reading.share());
        let is_large = length > MAX_INLINE_BYTES;
        if is_large {
            share.grow(reading_bytes(&document)).await?;
        }
        let (charset, limits) = (head.charset.take(), self.limits.document);
        let decode = move || decode_call(&document, charset.as_deref(), &limits);
        let MethodCall { name, params, dialect } = match aside(length, decode).await {
            Ok(call) => call,
            Err(error) => {
                let answer = xmlrpc::write(Err(error.into()), Dialect::default());
                return Ok(Called { answer, _share: share });
            }
        };
        let mut now = now;
        if is_large {
            // The tree is gone, and the method may be slow.
            share.shrink_to(length);
            now = Instant::now();
        }
        let result = match self.published.start(&name, params, caller, now) {
            Started::Ended(result) => result,
            Started::Running(method, running) => method.finish(running).await,
        };
        let result = match result {
            Err(Failure::Overloaded) => return Err(Rejection::Overloaded),
            result => result.map_err(Failure::into_fault),
        };
        let answer = aside(length, move || xmlrpc::write(result, dialect)).await;
        if let Some(cause) = &answer.unwritable {
            self.published.log_unwritable(&name, cause);
        }
        Ok(Called { answer, _share: share })
    }
}
