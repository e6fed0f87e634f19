//! What stands before every door, in its order: the routes, the limits on bodies, calls and time.

mod aside;
pub(crate) mod body;
pub(crate) mod budget;
mod coding;
mod head;
mod rejection;
mod response;
mod service;
mod unread;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{ALLOW, HeaderMap};
use axum::http::{Method, Request, StatusCode, Version};
use axum::response::Response;
use axum::routing::any;
use protocol::xmlrpc::{Dialect, Limits, MethodCall, decode_call};
use svc_runtime::admin::Health;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tower::Service as _;
use tracing::{Level, debug, enabled};

pub use service::CallService;

use crate::doors::xmlrpc;
use crate::registry::{Caller, Connection, Door, Failure, Published};
use aside::{MAX_INLINE_BYTES, aside};
use body::BodyLimits;
use budget::{Budget, Share, reading_bytes};
use head::Head;
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

/// `POST /` and `POST /RPC2` call the methods of a registry; `GET /healthz` and `GET /readyz`,
/// where it was told of the health, tell that. Another path is 404, another method 405.
pub(crate) struct Edge {
    calls: Calls,
    others: Router,
}

impl Edge {
    /// The edge before `published`. Without `health` it is a part of another program.
    pub(crate) fn new(
        published: Arc<Published>,
        limits: CallLimits,
        health: Option<&Health>,
    ) -> Arc<Self> {
        let memory = || Budget::new(limits.bodies_bytes);
        let calls = Calls {
            published,
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
        Arc::new(Self { calls, others })
    }

    /// Answers a request, with a log line.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<impl RequestBody>,
        connection: Connection,
    ) -> Result<Response, Infallible> {
        let started = enabled!(Level::DEBUG).then(Instant::now);
        // An early answer reaches only a peer that may finish sending.
        let request = request.map(Unread::new);
        // In boxes, or every kept connection had room for all that a call ever waits for.
        let response = match request.method() {
            // Not by way of the router, which costs as much as reading the call.
            &Method::POST if is_call_path(request.uri().path()) => {
                let (head, body) = request.into_parts();
                let version = head.version;
                match Head::read(&head.headers) {
                    Ok(read) => {
                        let origin = Origin { connection, headers: head.headers };
                        Box::pin(self.calls.answer(read, origin, body, version)).await
                    }
                    Err(rejection) => rejection.into_response(version),
                }
            }
            _ => Box::pin(self.others.clone().call(request.map(Body::new))).await?,
        };
        if let Some(started) = started {
            let fault = response.extensions().get().map(|FaultCode(code)| *code);
            debug!(status = response.status().as_u16(), fault, elapsed = ?started.elapsed(), "answered");
        }
        Ok(response)
    }
}

/// Where calls are posted; clients that join an empty path to `/`, or end it with one, post to the
/// latter three.
const CALL_PATHS: [&str; 5] = ["/", "/RPC2", "//", "//RPC2", "/RPC2/"];

fn is_call_path(path: &str) -> bool {
    CALL_PATHS.contains(&path)
}

/// Tells [`Edge::answer`] what is in a response's body.
#[derive(Clone, Copy)]
struct FaultCode(i32);

/// Where a call comes from.
struct Origin {
    connection: Connection,
    headers: HeaderMap,
}

struct Calls {
    published: Arc<Published>,
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
    async fn answer(
        &self,
        head: Head,
        origin: Origin,
        body: Unread<impl RequestBody>,
        version: Version,
    ) -> Response {
        let answered = self.try_answer(head, origin, body).await;
        answered.unwrap_or_else(|rejection| rejection.into_response(version))
    }

    /// The steps of a call, outermost first.
    async fn try_answer(
        &self,
        head: Head,
        origin: Origin,
        body: Unread<impl RequestBody>,
    ) -> Result<Response, Rejection> {
        let mut body_share = self.bodies.share();
        let document = body::receive(body, head.coding, self.limits.body, &mut body_share).await?;
        let called = self.within_limits(document, head.charset, origin).await?;
        let xmlrpc::Answer { document, fault, .. } = called.answer;
        let mut response = response::respond(document, head.takes_gzip, &self.responses).await?;
        if let Some(code) = fault {
            response.extensions_mut().insert(FaultCode(code));
        }
        Ok(response)
    }

    async fn within_limits(
        &self,
        document: Bytes,
        charset: Option<String>,
        origin: Origin,
    ) -> Result<Called, Rejection> {
        // Bounds what calls take of each other. Their bodies are there by now: who is slow to send
        // takes nobody's place. Who finds none is turned away, since a wait helps no caller.
        let _place = self.places.try_acquire().map_err(|_| Rejection::Overloaded)?;
        // Ends the wait for a method that does not end.
        let deadline = Instant::now() + self.limits.deadline;
        let caller = Caller::new(origin.connection, Door::XmlRpc, origin.headers, Some(deadline));
        timeout_at(deadline.into(), self.call(document, charset, &caller))
            .await
            .unwrap_or(Err(Rejection::SlowMethod))
    }

    async fn call(
        &self,
        document: Bytes,
        charset: Option<String>,
        caller: &Caller,
    ) -> Result<Called, Rejection> {
        let (length, mut share) = (document.len(), self.reading.share());
        if length > MAX_INLINE_BYTES {
            share.grow(reading_bytes(&document)).await?;
        }
        let limits = self.limits.document;
        let decode = move || decode_call(&document, charset.as_deref(), &limits);
        let call = aside(length, decode).await;
        // The tree is gone, and the method may be slow.
        share.shrink_to(length);
        let answer = match call {
            Ok(call) => self.run(call, caller, length).await?,
            Err(error) => xmlrpc::write(Err(error.into()), Dialect::default()),
        };
        Ok(Called { answer, _share: share })
    }

    async fn run(
        &self,
        call: MethodCall,
        caller: &Caller,
        length: usize,
    ) -> Result<xmlrpc::Answer, Rejection> {
        let dialect = call.dialect;
        let result = match self.published.call(&call.name, call.params, caller).await {
            Err(Failure::Overloaded) => return Err(Rejection::Overloaded),
            result => result.map_err(Failure::into_fault),
        };
        let answer = aside(length, move || xmlrpc::write(result, dialect)).await;
        if let (Some(cause), Ok(method)) = (&answer.unwritable, self.published.method(&call.name)) {
            method.log_unwritable(cause);
        }
        Ok(answer)
    }
}
