//! Much work beside the threads that serve, and on no more of these at once than there are cores.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Largest document, in bytes, that is read or compressed on the thread that serves other peers too.
pub const MAX_INLINE_BYTES: usize = 64 * 1024;

/// One for each core.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(cores))
});

/// A place for work that is much.
#[derive(Debug)]
pub struct Place {
    /// An error never, since nobody closes the semaphore.
    _permit: Result<OwnedSemaphorePermit, AcquireError>,
}

impl Place {
    /// Waits for a place.
    pub async fn take() -> Self {
        Self { _permit: PLACES.clone().acquire_owned().await }
    }

    /// Does `work` on a thread of its own, and panics where that does. The place is taken until it
    /// ends, also where nobody waits for it any more.
    pub async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let work = move || {
            let _place = self;
            work()
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(broken) => std::panic::resume_unwind(broken.into_panic()),
        }
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
        let work = tokio::spawn(async {
            let work = move || {
                let _ = begin.send(());
                ended.recv().is_ok()
            };
            Place::take().await.run(work).await
        });
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
