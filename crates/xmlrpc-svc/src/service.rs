//! The routes, and the layers before the methods, in their order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::post;
use axum::{BoxError, Router};
use protocol::xmlrpc::{Limits, decode_call};
use svc_runtime::admin::Health;
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::debug;

use crate::budget::{Budget, Share, reading_bytes};
use crate::codec::{self, BodyLimits, Document, MAX_INLINE_BYTES, Rejection};
use crate::coding::takes_gzip;
use crate::registry::Registry;
use crate::unread;

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

/// `POST /` and `POST /RPC2` call the methods of `registry`; `GET /healthz` and `GET /readyz` tell
/// `health`. Another path is 404, another method 405.
pub fn router(registry: Arc<Registry>, limits: CallLimits, health: &Health) -> Router {
    let memory = || Budget::new(limits.bodies_bytes);
    let caller = Caller { registry, limits: limits.document, reading: memory() };
    let calls = ServiceBuilder::new()
        // Turns away what the limit below would let wait, since a wait helps no caller.
        .load_shed()
        // Bounds what calls take of each other. Their bodies are there by now: who is slow to send
        // takes nobody's place.
        .concurrency_limit(limits.calls)
        // Ends the wait for a method that does not end.
        .timeout(limits.deadline)
        .service(service_fn(move |document| caller.clone().call(document)));
    let edge = Edge {
        body: limits.body,
        bodies: memory(),
        responses: memory(),
        calls: BoxCloneSyncService::new(calls),
    };
    let call = post(answer).with_state(edge);
    Router::new()
        .route("/", call.clone())
        .route("/RPC2", call)
        // Health is asked here too, past the limit on calls: it must not be turned away.
        .merge(health.routes())
        // Outermost, so that whatever is answered is logged, and reaches its peer.
        .layer(axum::middleware::from_fn(observe))
}

/// One log line a request. An early answer reaches only a peer that may finish sending.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let response = next.run(unread::discard_what_is_left(request)).await;
    let fault = response.extensions().get().map(|FaultCode(code)| *code);
    debug!(status = response.status().as_u16(), fault, elapsed = ?started.elapsed(), "answered");
    response
}

/// Tells [`observe`] what is in a response's body.
#[derive(Clone, Copy)]
struct FaultCode(i32);

#[derive(Clone)]
struct Edge {
    body: BodyLimits,
    bodies: Budget,
    responses: Budget,
    calls: BoxCloneSyncService<Document, Called, BoxError>,
}

async fn answer(State(edge): State<Edge>, request: Request) -> Result<Response, Rejection> {
    let takes_gzip = takes_gzip(request.headers());
    let mut body_share = edge.bodies.share();
    let document = codec::receive(request, edge.body, &mut body_share).await?;
    let called = edge.calls.oneshot(document).await.map_err(rejection)?;
    let mut response = codec::respond(called.body, takes_gzip, edge.responses.share()).await?;
    if let Some(code) = called.fault {
        response.extensions_mut().insert(FaultCode(code));
    }
    Ok(response)
}

/// What the layers before a call, or the call itself, ended with.
fn rejection(error: BoxError) -> Rejection {
    match error.downcast::<Rejection>() {
        Ok(rejection) => *rejection,
        Err(error) if error.is::<Elapsed>() => Rejection::SlowMethod,
        Err(_) => Rejection::Overloaded,
    }
}

#[derive(Clone)]
struct Caller {
    registry: Arc<Registry>,
    limits: Limits,
    reading: Budget,
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
    async fn call(self, document: Document) -> Result<Called, BoxError> {
        let (length, mut share) = (document.bytes.len(), self.reading.share());
        if length > MAX_INLINE_BYTES {
            share.grow(reading_bytes(&document.bytes)).await.map_err(Rejection::from)?;
        }
        let limits = self.limits;
        let decode = move || decode_call(&document.bytes, document.charset.as_deref(), &limits);
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
