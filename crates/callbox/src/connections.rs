//! Connections by HTTP, whose calls the edge answers.

use std::sync::Arc;

use axum::http::StatusCode;
use svc_runtime::http::{self, HttpDeadlines};
use svc_runtime::linger::turn_away;
use svc_runtime::network::Network;
use svc_runtime::presence::Presence;
use svc_runtime::service::Connections;
use svc_runtime::stop::Stop;
use svc_runtime::stream::{Origin, Stream};

use crate::edge::Edge;
use crate::registry::Connection;

/// What a peer is told for whom there is no place.
pub(crate) const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Runs connections by HTTP, whose calls the edge answers.
#[derive(Clone)]
pub(crate) struct HttpConnections {
    pub(crate) edge: Arc<Edge>,
    pub(crate) deadlines: HttpDeadlines,
    pub(crate) trusted: Arc<[Network]>,
}

impl Connections for HttpConnections {
    async fn run(self, stream: Stream, origin: Origin, stop: Stop) {
        let Self { edge, deadlines, trusted } = self;
        let spoken = http::spoken(stream, deadlines.header, &stop).await;
        let Some(stream) = spoken else { return };
        let presence = Arc::new(Presence::default());
        let connection = Connection::new(&origin, presence.clone()).trusting(trusted);
        let connection = edge.connection(connection);
        let refused = |status| edge.refused(connection.clone(), status);
        if let Some(call) = edge.untimely(&stream) {
            refused(StatusCode::SERVICE_UNAVAILABLE);
            return turn_away(stream, REFUSAL, call.request_bytes).await;
        }
        let answer = |request| edge.clone().answer(request, connection.clone());
        // In a box, or whoever is turned away had room for all that others need.
        Box::pin(http::run(stream, origin, presence, answer, refused, deadlines, stop)).await;
    }
}
