//! What of a caller's request goes on to the services behind it.

use callbox::Caller;
use callbox_client::transport::Request;

/// What of a caller's request goes on to the services behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `traceparent`.
    pub traceparent: Option<String>,
}

impl Trail {
    /// That of a call by `caller`.
    pub fn of(caller: &Caller) -> Self {
        Self {
            request_id: Some(caller.request_id().into_owned()),
            traceparent: caller.traceparent().map(str::to_owned),
        }
    }

    /// The request, on this trail.
    pub fn on<'a>(&'a self, request: Request<'a>) -> Request<'a> {
        Request {
            request_id: self.request_id.as_deref(),
            traceparent: self.traceparent.as_deref(),
            ..request
        }
    }
}
