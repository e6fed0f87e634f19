//! Work beside the threads that serve.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};
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

/// One for each core.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(cores))
});

/// Does `work` beside the threads that serve others, however much it is. Its place is taken until it
/// ends, also where nobody waits for it any more.
pub(super) async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let place = PLACES.clone().acquire_owned().await;
    let work = move || {
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};
    use tokio::task::JoinHandle;

    /// Work that ends when it is told, and has begun.
    async fn begun() -> (JoinHandle<bool>, Sender<()>) {
        let (end, ended) = channel();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let work = tokio::spawn(on_another_thread(move || {
            let _ = begin.send(());
            ended.recv().is_ok()
        }));
        begun.await.unwrap();
        (work, end)
    }

    #[tokio::test]
    async fn there_is_no_more_work_than_cores_also_where_nobody_waits_for_it() {
        let mut working = Vec::new();
        for _ in 0..available_parallelism().unwrap().get() {
            working.push(begun().await);
        }
        let (abandoned, end) = working.pop().unwrap();
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        assert_eq!(PLACES.available_permits(), 0);
        let next = begun();
        end.send(()).unwrap();
        working.push(next.await);
        for (work, end) in working {
            end.send(()).unwrap();
            assert!(work.await.unwrap());
        }
    }
}
