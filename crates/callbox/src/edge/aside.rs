//! Work beside the threads that serve.

use svc_runtime::aside::Place;

pub(super) use svc_runtime::aside::MAX_INLINE_BYTES;

/// Does `work` on so many bytes where it stalls no other peer: beside the threads that serve them,
/// and on no more of it at once than there are cores.
pub(super) async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= MAX_INLINE_BYTES {
        return work();
    }
    // In a box, or every call had room for what large ones alone need.
    Box::pin(on_another_thread(work)).await
}

/// Does `work` beside the threads that serve others, however much it is.
pub(super) async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    Place::take().await.run(work).await
}
