//! The routes, and the layers before the methods, in their order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::post;
use protocol::xmlrpc::{Fault, Limits, Value, decode_call};
use svc_runtime::admin::Health;
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tracing::debug;

use crate::budget::{Budget, reading_bytes};
use crate::codec::{self, BodyLimits, Document, MAX_INLINE_BYTES, Rejection};
use crate::coding::takes_gzip;
use crate::registry::Registry;
use crate::unread;

/// What a caller may take of the service.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Calls in work at once.
    pub calls: usize,
    /// Bytes of all bodies in work, and as many again for reading them.
    pub bodies_bytes: usize,
    /// For the body.
    pub body: BodyLimits,
    /// For the document in the body.
    pub document: Limits,
    /// For a method to end.
    pub deadline: Duration,
}

#[derive(Clone)]
struct Edge {
    registry: Arc<Registry>,
    limits: CallLimits,
    bodies: Budget,
    reading: Budget,
}

/// `POST /` and `POST /RPC2` call the methods of `registry`; `GET /healthz` and `GET /readyz` tell
/// `health`. Another path is 404, another method 405.
pub fn router(registry: Arc<Registry>, limits: CallLimits, health: &Health) -> Router {
    let layers = ServiceBuilder::new()
        // The layers below it fail; a router's services may not.
        .layer(HandleErrorLayer::new(async |_| Rejection::Overloaded))
        // Turns away what the limit below would let wait, since a wait helps no caller.
        .load_shed()
        // Bounds the memory and the time that calls take of each other.
        .layer(GlobalConcurrencyLimitLayer::new(limits.calls));
    let memory = || Budget::new(limits.bodies_bytes);
    let edge = Edge { registry, limits, bodies: memory(), reading: memory() };
    let call = post(answer).with_state(edge).route_layer(layers);
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

async fn answer(State(edge): State<Edge>, request: Request) -> Result<Response, Rejection> {
    let takes_gzip = takes_gzip(request.headers());
    let mut body_share = edge.bodies.share();
    let document = codec::receive(request, edge.limits.body, &mut body_share).await?;
    let mut reading_share = edge.reading.share();
    if document.bytes.len() > MAX_INLINE_BYTES {
        reading_share.grow(reading_bytes(&document.bytes)).await?;
    }
    let result = timeout(edge.limits.deadline, edge.call(document))
        .await
        .map_err(|_| Rejection::SlowMethod)?;
    let fault = result.as_ref().err().map(|fault| FaultCode(fault.code));
    let mut response = codec::respond(codec::encode(result), takes_gzip).await;
    if let Some(fault) = fault {
        response.extensions_mut().insert(fault);
    }
    Ok(response)
}

impl Edge {
    async fn call(&self, document: Document) -> Result<Value, Fault> {
        let (length, limits) = (document.bytes.len(), self.limits.document);
        let decode = move || decode_call(&document.bytes, document.charset.as_deref(), &limits);
        let call = codec::aside(length, decode).await?;
        self.registry.call(&call.name, call.params).await
    }
}
