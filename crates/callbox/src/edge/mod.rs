//! The routes, and what stands before the methods, in its order.

pub mod budget;
pub mod codec;
pub mod coding;
pub mod head;
pub mod unread;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::ALLOW;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hyper::body::Incoming;
use protocol::xmlrpc::{Limits, decode_call};
use svc_runtime::admin::Health;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::Service as _;
use tracing::{Level, debug, enabled};

use self::budget::{Budget, Share, reading_bytes};
use self::codec::{BodyLimits, MAX_INLINE_BYTES, Rejection};
use self::head::Head;
use self::unread::Unread;
use crate::registry::Registry;

/// What a caller may take of the service.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Calls in work at once.
    pub calls: usize,
    /// Bytes of all bodies in work; as many for reading them, and for responses that are not sent yet.
    pub bodies_bytes: usize,
    /// For the body.
    pub body: BodyLimits,
    /// For the document in the body.
    pub document: Limits,
    /// For a method to end.
    pub deadline: Duration,
}

/// `POST /` and `POST /RPC2` call the methods of a registry; `GET /healthz` and `GET /readyz` tell
/// its health. Another path is 404, another method 405.
pub struct Edge {
    caller: Caller,
    others: Router,
}

impl Edge {
    /// The edge before `registry`.
    pub fn new(registry: Arc<Registry>, limits: CallLimits, health: &Health) -> Arc<Self> {
        let memory = || Budget::new(limits.bodies_bytes);
        let caller = Caller {
            registry,
            limits,
            bodies: memory(),
            reading: memory(),
            responses: memory(),
            places: Semaphore::new(limits.calls),
        };
        let post_only = any((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]));
        let others = Router::new()
            .route("/", post_only.clone())
            .route("/RPC2", post_only)
            // Health is asked here too, past the limit on calls: it must not be turned away.
            .merge(health.routes());
        Arc::new(Self { caller, others })
    }

    /// Answers a request, with a log line.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let started = enabled!(Level::DEBUG).then(Instant::now);
        // An early answer reaches only a peer that may finish sending.
        let request = request.map(Unread::new);
        // In boxes, or every kept connection had room for all that a call ever waits for.
        let response = match (request.method(), request.uri().path()) {
            // Not by way of the router, which costs as much as reading the call.
            (&Method::POST, "/" | "/RPC2") => match Head::read(request.headers()) {
                Ok(head) => {
                    let body = request.into_body();
                    Box::pin(self.caller.answer(head, body)).await.into_response()
                }
                Err(rejection) => rejection.into_response(),
            },
            _ => Box::pin(self.others.clone().call(request.map(Body::new))).await?,
        };
        if let Some(started) = started {
            let fault = response.extensions().get().map(|FaultCode(code)| *code);
            debug!(status = response.status().as_u16(), fault, elapsed = ?started.elapsed(), "answered");
        }
        Ok(response)
    }
}

/// Tells [`Edge::answer`] what is in a response's body.
#[derive(Clone, Copy)]
struct FaultCode(i32);

struct Caller {
    registry: Arc<Registry>,
    limits: CallLimits,
    bodies: Budget,
    reading: Budget,
    responses: Budget,
    places: Semaphore,
}

/// What a call ended with.
struct Called {
    /// The response's body.
    body: Vec<u8>,
    fault: Option<i32>,
    /// What the document and its result took. Given back when the body has a share of its own.
    _share: Share,
}

impl Caller {
    /// The steps of a call, outermost first.
    async fn answer(&self, head: Head, body: Unread) -> Result<Response, Rejection> {
        let mut body_share = self.bodies.share();
        let document = codec::receive(body, head.coding, self.limits.body, &mut body_share).await?;
        let called = self.within_limits(document, head.charset).await?;
        let mut response = codec::respond(called.body, head.takes_gzip, &self.responses).await?;
        if let Some(code) = called.fault {
            response.extensions_mut().insert(FaultCode(code));
        }
        Ok(response)
    }

    async fn within_limits(
        &self,
        document: Bytes,
        charset: Option<String>,
    ) -> Result<Called, Rejection> {
        // Bounds what calls take of each other. Their bodies are there by now: who is slow to send
        // takes nobody's place. Who finds none is turned away, since a wait helps no caller.
        let _place = self.places.try_acquire().map_err(|_| Rejection::Overloaded)?;
        // Ends the wait for a method that does not end.
        timeout(self.limits.deadline, self.call(document, charset))
            .await
            .unwrap_or(Err(Rejection::SlowMethod))
    }

    async fn call(&self, document: Bytes, charset: Option<String>) -> Result<Called, Rejection> {
        let (length, mut share) = (document.len(), self.reading.share());
        if length > MAX_INLINE_BYTES {
            share.grow(reading_bytes(&document)).await?;
        }
        let limits = self.limits.document;
        let decode = move || decode_call(&document, charset.as_deref(), &limits);
        let call = codec::aside(length, decode).await;
        // The tree is gone, and the method may be slow.
        share.shrink_to(length);
        let result = match call {
            Ok(call) => self.registry.call(&call.name, call.params).await,
            Err(error) => Err(error.into()),
        };
        let fault = result.as_ref().err().map(|fault| fault.code);
        let body = codec::aside(length, move || codec::encode(result)).await;
        Ok(Called { body, fault, _share: share })
    }
}
