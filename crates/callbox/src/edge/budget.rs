//! What bodies in work may take together of the memory for calls.

pub(crate) use svc_runtime::budget::{Budget, Exhausted, LaneBytes, Share};

/// Bytes of bodies in work, unless a service is told otherwise.
pub(crate) const MAX_BODIES_BYTES: usize = 64 * 1024 * 1024;

/// A body with the share that it takes, which is given back when the last of it was sent.
pub(crate) struct Held {
    body: Vec<u8>,
    _share: Share,
}

impl Held {
    /// `body`, which takes `share`.
    pub(crate) fn new(body: Vec<u8>, share: Share) -> Self {
        Self { body, _share: share }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}
