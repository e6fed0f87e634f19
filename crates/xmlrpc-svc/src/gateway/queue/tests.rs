//! Who gets a place, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Waits for a place for a second and notes when it got one by pushing its name.
fn waits(queue: &Arc<Queue>, got: &Arc<Mutex<Vec<usize>>>, name: usize) -> JoinHandle<bool> {
    let (queue, got) = (queue.clone(), got.clone());
    tokio::spawn(async move {
        let Ok(_place) = queue.place(Instant::now() + SECOND).await else { return false };
        got.lock().unwrap().push(name);
        true
    })
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_first_is_served_first() {
    let (queue, got) = (Arc::new(Queue::new(1, 9)), Arc::default());
    let place = queue.place(Instant::now() + SECOND).await.unwrap();
    let waiting: Vec<_> = (0..5).map(|name| waits(&queue, &got, name)).collect();
    settle().await;
    drop(place);
    for waiter in waiting {
        assert!(waiter.await.unwrap());
    }
    assert_eq!(*got.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn where_that_is_too_late_the_newest_is_served_first() {
    let (queue, got) = (Arc::new(Queue::new(1, 9)), Arc::default());
    let place = queue.place(Instant::now() + SECOND).await.unwrap();
    let old: Vec<_> = (0..3).map(|name| waits(&queue, &got, name)).collect();
    settle().await;
    advance(SECOND * 6 / 10).await;
    let new: Vec<_> = (3..6).map(|name| waits(&queue, &got, name)).collect();
    settle().await;
    drop(place);
    for waiter in old.into_iter().chain(new) {
        assert!(waiter.await.unwrap());
    }
    assert_eq!(*got.lock().unwrap(), [5, 4, 3, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may() {
    let (queue, got) = (Arc::new(Queue::new(1, 2)), Arc::default());
    let _place = queue.place(Instant::now() + SECOND).await.unwrap();
    let _waiting = [waits(&queue, &got, 0), waits(&queue, &got, 1)];
    settle().await;
    let before = Instant::now();
    assert!(matches!(queue.place(before + SECOND).await, Err(Trouble::Crowded)));
    assert_eq!(Instant::now(), before);
}

#[tokio::test(start_paused = true)]
async fn wait_ends_at_the_deadline() {
    let queue = Queue::new(1, 2);
    let _place = queue.place(Instant::now() + SECOND).await.unwrap();
    let before = Instant::now();
    assert!(matches!(queue.place(before + SECOND).await, Err(Trouble::TimedOut)));
    assert!((SECOND..SECOND + Duration::from_millis(2)).contains(&before.elapsed()));
    assert_eq!(queue.state().waiting.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_left_too_little_time_is_sent_away_instead_of_served() {
    let (queue, got) = (Arc::new(Queue::new(1, 9)), Arc::default());
    let place = queue.place(Instant::now() + SECOND).await.unwrap();
    sleep(Duration::from_millis(400)).await;
    (0..50).for_each(|_| place.answered());
    let late = waits(&queue, &got, 0);
    settle().await;
    advance(Duration::from_millis(700)).await;
    let fresh = waits(&queue, &got, 1);
    settle().await;
    drop(place);
    assert!(!late.await.unwrap() && fresh.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn places_are_never_lost_nor_made() {
    let queue = Arc::new(Queue::new(3, 50));
    let (used, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let calls: Vec<_> = (0..500_u64)
        .map(|number| {
            let (queue, used, most) = (queue.clone(), used.clone(), most.clone());
            tokio::spawn(async move {
                sleep(Duration::from_millis(number * 7 % 400)).await;
                let call = async {
                    let Ok(_place) = queue.place(Instant::now() + SECOND / 20).await else {
                        return;
                    };
                    most.fetch_max(used.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    sleep(Duration::from_millis(number % 5)).await;
                    used.fetch_sub(1, Ordering::Relaxed);
                };
                // Some leave: while they wait, at the moment of the grant, or before.
                if number % 3 == 0 {
                    let _ = tokio::time::timeout(Duration::from_millis(number % 10), async {
                        let _place = queue.place(Instant::now() + SECOND).await;
                        std::future::pending::<()>().await;
                    })
                    .await;
                } else {
                    call.await;
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(most.load(Ordering::Relaxed), 3);
    let state = queue.state();
    assert_eq!((state.free, state.waiting.len()), (3, 0));
}
