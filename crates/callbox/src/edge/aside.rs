//! Work beside the threads that serve.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// Largest body that is read, or compressed, on the thread that serves other peers too.
pub(super) const MAX_INLINE_BYTES: usize = 64 * 1024;

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
    static PLACES: LazyLock<Semaphore> =
        LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));
    let _place = PLACES.acquire().await;
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}
