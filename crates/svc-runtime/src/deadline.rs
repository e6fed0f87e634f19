//! Waits that have an end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::sleep;

/// Waits for `future`, and for `time` at most from when it first has to wait; then there is none.
/// For what is mostly done at once: it costs no clock and no timer, which tokio's `timeout` does.
pub async fn within<F: Future + Unpin>(time: Duration, mut future: F) -> Option<F::Output> {
    let mut timer = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            timer.set(Some(sleep(time)));
        }
        if let Some(timer) = timer.as_mut().as_pin_mut() {
            // Who uses up all that tokio lets a task do in its turn has a deadline too.
            ready!(pin!(unconstrained(timer)).poll(cx));
        }
        Poll::Ready(None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::task::{consume_budget, yield_now};
    use tokio::time::Instant;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_given_back() {
        assert_eq!(within(Duration::ZERO, pin!(async { 1 })).await, Some(1), "at once");
        let slow = async {
            sleep(SECOND).await;
            2
        };
        assert_eq!(within(2 * SECOND, pin!(slow)).await, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn wait_ends_at_the_deadline() {
        let start = Instant::now();
        assert_eq!(within(SECOND, pin!(sleep(2 * SECOND))).await, None);
        assert_eq!(start.elapsed(), SECOND);
    }

    #[tokio::test]
    async fn who_uses_up_every_turn_has_a_deadline_too() {
        let greedy = async {
            loop {
                consume_budget().await;
            }
        };
        assert!(within(SECOND / 10, pin!(greedy)).await.is_none());
    }

    #[tokio::test]
    async fn who_yields_gives_others_a_turn() {
        let other = tokio::spawn(async {});
        let yields = async {
            yield_now().await;
            assert!(other.is_finished());
        };
        assert_eq!(within(SECOND, pin!(yields)).await, Some(()));
    }
}
