//! Waits that have an end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Waits for `future`, but no longer than `time`. As [`timeout`], for what is mostly done at
/// once: then no clock is asked and no timer made.
pub async fn within<F: Future + Unpin>(
    time: Duration,
    mut future: F,
) -> Result<F::Output, Elapsed> {
    let mut future = Pin::new(&mut future);
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => timeout(time, future).await,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::{Instant, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_given_back() {
        assert_eq!(within(Duration::ZERO, pin!(async { 1 })).await, Ok(1), "at once");
        let slow = async {
            sleep(SECOND).await;
            2
        };
        assert_eq!(within(2 * SECOND, pin!(slow)).await, Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn wait_ends_at_the_deadline() {
        let start = Instant::now();
        assert!(within(SECOND, pin!(sleep(2 * SECOND))).await.is_err());
        assert_eq!(start.elapsed(), SECOND);
    }
}
