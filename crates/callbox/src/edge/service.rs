//! The edge as a service that another program mounts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use svc_runtime::network::Network;
use tower::Service;

use super::unread::RequestBody;
use super::{Answer, Edge};
use crate::registry::{Connection, Peer};

/// Published methods as a [`tower::Service`], with all the limits of a call: `POST` to where it is
/// mounted, or to `/RPC2`, `/jsonrpc` and `/json/` with a method's name under that. What only a
/// server's own accept loop can give, the deadline for a request's head, the cap on connections and
/// the drain, is the other program's.
#[derive(Clone)]
pub struct CallService {
    edge: Arc<Edge>,
    /// Networks whose peers are believed in whose name they call.
    trusted: Arc<[Network]>,
}

impl CallService {
    pub(crate) fn new(edge: Arc<Edge>, trusted: Arc<[Network]>) -> Self {
        Self { edge, trusted }
    }
}

impl<B> Service<Request<B>> for CallService
where
    B: RequestBody,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = info.map_or(Peer::Unknown, |ConnectInfo(addr)| Peer::Inet(*addr));
        let connection = Connection::foreign(peer).trusting(self.trusted.clone());
        let connection = self.edge.connection(connection);
        self.edge.clone().answer(request, connection)
    }
}
