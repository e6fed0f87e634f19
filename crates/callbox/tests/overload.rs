//! More is asked than the service can do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use callbox::{Registry, Value};
use edge::{Client, Response, array, ask, call, entry, exchange, multicall, post, start};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longest wait for what is bound to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Large calls for each core that are received or work.
const LARGE_PLACES: usize = 8;

fn request(method: &str) -> Vec<u8> {
    post("/", "Content-Type: text/xml\r\n", &call(method, &[]))
}

/// `hold`, which ends once it is let go, `wait`, which takes ten milliseconds, and how many hold.
fn waiting() -> (Registry, Arc<Semaphore>, Arc<AtomicUsize>) {
    let (gate, holding) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut registry = Registry::new();
    let (inner, count) = (gate.clone(), holding.clone());
    registry.add("hold", "Holds its place.", move || {
        let (gate, holding) = (inner.clone(), Held::new(&count));
        async move {
            let _holding = holding;
            gate.acquire().await.map(|permit| permit.forget()).is_ok()
        }
    });
    registry.add("wait", "Takes ten milliseconds.", async || {
        sleep(Duration::from_millis(10)).await;
        true
    });
    (registry, gate, holding)
}

/// Counts calls that hold, until they are dropped.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

#[tokio::test]
async fn call_waits_a_little_for_a_place() {
    let (registry, _gate, _) = waiting();
    let addr = start(registry, |limits| limits.max_calls = 1).await;
    let calls =
        [(); 2].map(|()| tokio::spawn(async move { exchange(addr, &request("wait")).await }));
    for call in calls {
        assert_eq!(call.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn refused_call_is_told_when_to_come_again_and_its_connection_goes_on() {
    let (registry, gate, holding) = waiting();
    let addr = start(registry, |limits| limits.max_calls = 1).await;
    let holder = tokio::spawn(async move { exchange(addr, &request("hold")).await });
    wait_until("the place is taken", || holding.load(Relaxed) == 1).await;
    let mut client = Client::connect(addr).await;
    client.send(&request("wait")).await;
    let refused: Response = client.receive().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.header("connection"), None);
    gate.add_permits(1);
    assert_eq!(holder.await.unwrap().status, 200);
    client.send(&request("wait")).await;
    assert_eq!(client.receive().await.status, 200);
}

#[tokio::test]
async fn caller_who_resets_the_connection_leaves_its_place() {
    let (registry, _gate, holding) = waiting();
    let addr = start(registry, |limits| limits.max_calls = 1).await;
    let mut client = Client::connect(addr).await;
    client.send(&request("hold")).await;
    wait_until("the place is taken", || holding.load(Relaxed) == 1).await;
    client.reset();
    wait_until("the place is free", || holding.load(Relaxed) == 0).await;
    assert_eq!(exchange(addr, &request("wait")).await.status, 200);
}

#[tokio::test]
async fn caller_who_ends_its_side_is_answered_where_nobody_wants_its_place() {
    let (registry, gate, holding) = waiting();
    let addr = start(registry, |limits| limits.max_calls = 2).await;
    let mut client = Client::connect(addr).await;
    client.send(&request("hold")).await;
    client.shut_down().await;
    wait_until("the place is taken", || holding.load(Relaxed) == 1).await;
    assert_eq!(exchange(addr, &request("wait")).await.status, 200);
    gate.add_permits(1);
    assert_eq!(client.receive().await.status, 200);
}

#[tokio::test]
async fn caller_who_hung_up_leaves_its_place_to_one_who_waits() {
    let (registry, _gate, holding) = waiting();
    let addr = start(registry, |limits| limits.max_calls = 1).await;
    let mut client = Client::connect(addr).await;
    client.send(&request("hold")).await;
    wait_until("the place is taken", || holding.load(Relaxed) == 1).await;
    drop(client);
    let answered = timeout(PATIENCE, async {
        // The first may be turned away before the end of the other's stream has arrived.
        while exchange(addr, &request("wait")).await.status != 200 {}
    });
    assert!(answered.await.is_ok());
    assert_eq!(holding.load(Relaxed), 0);
}

/// A request for `method` that is a large one by what it is padded with.
fn large(method: &str) -> Vec<u8> {
    let document =
        call(method, &[]).replace("<params>", &format!("<!--{}--><params>", "x".repeat(8192)));
    assert!(document.len() > 8192);
    post("/", "Content-Type: text/xml\r\n", &document)
}

#[tokio::test]
async fn large_call_whose_method_waits_leaves_its_desk() {
    let (registry, gate, holding) = waiting();
    let addr = start(registry, |_| ()).await;
    let most = 2 * LARGE_PLACES * std::thread::available_parallelism().unwrap().get();
    let mut calls = Vec::new();
    for number in 1..=most {
        calls.push(tokio::spawn(async move { exchange(addr, &large("hold")).await.status }));
        wait_until("it is in work", || holding.load(Relaxed) == number).await;
    }
    assert_eq!(exchange(addr, &large("wait")).await.status, 200);
    gate.add_permits(most);
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn large_call_that_is_slow_to_come_leaves_its_desk() {
    let (registry, _gate, _) = waiting();
    let addr = start(registry, |_| ()).await;
    let most = 2 * LARGE_PLACES * std::thread::available_parallelism().unwrap().get();
    let mut slow = Vec::new();
    for _ in 0..most {
        let mut client = Client::connect(addr).await;
        client.send(&large("wait")[..4096]).await;
        slow.push(client);
    }
    let answered = timeout(PATIENCE, async {
        // Until their time is over it may be turned away.
        while exchange(addr, &large("wait")).await.status != 200 {}
    });
    assert!(answered.await.is_ok());
    let mut first = slow.swap_remove(0);
    first.send(&large("wait")[4096..]).await;
    assert_eq!(first.receive().await.status, 200);
}

/// Callers of `work`, a large call, who ask again and again, until this is dropped.
struct Crowd(Vec<JoinHandle<()>>);

impl Crowd {
    fn of(callers: usize, addr: SocketAddr) -> Self {
        let caller = move |_| {
            tokio::spawn(async move {
                loop {
                    exchange(addr, &large("work")).await;
                }
            })
        };
        Self((0..callers).map(caller).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn large_calls_are_turned_away_unread_where_others_wait_and_small_ones_are_not() {
    let mut registry = Registry::new();
    registry.add("work", "Keeps a thread busy.", || std::thread::sleep(Duration::from_millis(20)));
    registry.add("add", "The sum.", |a: i32, b: i32| a + b);
    let addr = start(registry, |_| ()).await;
    let crowd = Crowd::of(100, addr);
    // What is turned away by a look at its head was no request, and so has no id.
    let is_unread = |response: &Response| {
        response.status == 503
            && response.header("connection") == Some("close")
            && response.header("x-request-id").is_none()
    };
    let turned_away =
        timeout(PATIENCE, async { while !is_unread(&exchange(addr, &large("work")).await) {} });
    assert!(turned_away.await.is_ok());
    assert_eq!(ask(addr, "add", &["<int>2</int>", "<int>3</int>"]).await, Ok(5.into()));
    let answered =
        timeout(PATIENCE, async { while exchange(addr, &large("work")).await.status != 200 {} });
    assert!(answered.await.is_ok(), "some are answered all the same");
    drop(crowd);
    let answered =
        timeout(PATIENCE, async { while exchange(addr, &large("work")).await.status != 200 {} });
    assert!(answered.await.is_ok());
}

/// How many calls of `callers` are answered, who ask for a second: again at once where they are
/// answered, and a little later where they are not within a second.
async fn answered(addr: SocketAddr, callers: usize) -> usize {
    let end = Instant::now() + Duration::from_secs(1);
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            tokio::spawn(async move {
                let mut answered = 0;
                while Instant::now() < end {
                    let request = request("wait");
                    let asked = timeout(Duration::from_secs(1), exchange(addr, &request));
                    if asked.await.is_ok_and(|told| told.status == 200) {
                        answered += 1;
                    } else {
                        sleep(Duration::from_millis(100)).await;
                    }
                }
                answered
            })
        })
        .collect();
    let mut sum = 0;
    for caller in callers {
        sum += caller.await.unwrap();
    }
    sum
}

#[tokio::test]
async fn service_does_not_collapse_where_more_is_asked_than_it_can_do() {
    let (registry, _gate, _) = waiting();
    let addr = start(registry, |limits| limits.max_calls = 4).await;
    let capacity = answered(addr, 4).await;
    let overloaded = answered(addr, 60).await;
    assert!(overloaded * 10 > capacity * 3, "{overloaded} of {capacity}");
    assert_eq!(ask(addr, "wait", &[]).await, Ok(true.into()));
}

#[tokio::test]
async fn multicall_whose_results_take_too_much_memory_ends_with_faults() {
    let made = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::new();
    let count = made.clone();
    registry.add("large", "A megabyte.", move || {
        count.fetch_add(1, Relaxed);
        "x".repeat(1024 * 1024)
    });
    let addr = start(registry, edge::DEFAULTS).await;
    let calls = vec![entry("large", ""); 20];
    let Ok(Value::Array(results)) = multicall(addr, &calls).await else {
        panic!("no array");
    };
    let results: Vec<Value> = results.into_iter().collect();
    let one = array(["x".repeat(1024 * 1024)]);
    assert_eq!((results.len(), made.load(Relaxed)), (20, 16));
    assert!(results[..15].iter().all(|result| *result == one));
    let reason = "the results of this multicall take more than 16 MiB of memory";
    let left_out = format!("the call was made, but its result is left out: {reason}");
    assert_eq!(results[15], edge::fault(-32400, &left_out));
    let rest = edge::fault(-32400, &format!("the call was not made: {reason}"));
    assert!(results[16..].iter().all(|result| *result == rest));
}

#[tokio::test]
async fn long_multicalls_leave_room_for_each_other_and_for_small_calls() {
    let (registry, gate, holding) = waiting();
    let addr = start(registry, |_| ()).await;
    let multicall_of = |entries: usize| {
        let entries = format!("<array><data>{}</data></array>", entry("hold", "").repeat(entries));
        post("/", "Content-Type: text/xml\r\n", &call("system.multicall", &[&entries]))
    };
    let long = multicall_of(33);
    let mut calls = Vec::new();
    for number in 1..=64 {
        let call = long.clone();
        calls.push(tokio::spawn(async move { exchange(addr, &call).await.status }));
        wait_until("it is in work", || holding.load(Relaxed) == number).await;
    }
    assert_eq!(exchange(addr, &long).await.status, 503);
    assert_eq!(exchange(addr, &request("wait")).await.status, 200);
    let short = multicall_of(2);
    calls.push(tokio::spawn(async move { exchange(addr, &short).await.status }));
    wait_until("a short one is in work", || holding.load(Relaxed) == 65).await;
    gate.add_permits(64 * 33 + 2);
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
}

/// The method `keep`, which holds its values until the gate opens, and word of each call of it.
fn keeping() -> (Registry, Arc<Semaphore>, UnboundedReceiver<()>) {
    let (gate, mut registry) = (Arc::new(Semaphore::new(0)), Registry::new());
    let (begun, seen) = unbounded_channel();
    let inner = gate.clone();
    registry.add("keep", "Holds its values.", move |values: Vec<i32>| {
        let (gate, begun) = (inner.clone(), begun.clone());
        async move {
            let _ = begun.send(());
            gate.acquire().await.is_ok() && values.len() == 100
        }
    });
    (registry, gate, seen)
}

/// Sends `request` again and again until one is refused: those that are in work, and the refusal.
async fn fill(
    addr: SocketAddr,
    request: &[u8],
    seen: &mut UnboundedReceiver<()>,
) -> (Vec<JoinHandle<Response>>, Response) {
    let mut kept = Vec::new();
    loop {
        let request = request.to_vec();
        let mut call = tokio::spawn(async move { exchange(addr, &request).await });
        tokio::select! {
            answered = &mut call => return (kept, answered.unwrap()),
            _ = seen.recv() => kept.push(call),
        }
        assert!(kept.len() < 10, "all are kept");
    }
}

fn hundred_values() -> String {
    format!("<array><data>{}</data></array>", "<value><int>1</int></value>".repeat(100))
}

#[tokio::test]
async fn values_of_calls_that_wait_take_no_more_memory_than_there_is() {
    let (registry, gate, mut seen) = keeping();
    let addr = start(registry, |limits| limits.max_bodies_bytes = 64 * 1024).await;
    let xml = call("keep", &[&hundred_values()]);
    let numbers = vec!["1"; 100].join(",");
    let json =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"keep\",\"params\":[[{numbers}]]}}");
    for request in [
        post("/", "Content-Type: text/xml\r\n", &xml),
        post("/jsonrpc", "Content-Type: application/json\r\n", &json),
        post("/jsonrpc", "Content-Type: application/json\r\n", &format!("[{json}]")),
    ] {
        let (kept, refused) = fill(addr, &request, &mut seen).await;
        assert_eq!(refused.status, 503);
        // Its body was received, and the next request can be.
        assert_eq!(refused.header("connection"), None);
        assert!(!kept.is_empty());
        gate.add_permits(1);
        for call in kept {
            assert_eq!(call.await.unwrap().status, 200);
        }
        gate.acquire().await.unwrap().forget();
    }
}

#[tokio::test]
async fn blocking_method_for_whose_values_there_is_no_memory_was_not_made() {
    let (mut registry, gate, mut seen) = keeping();
    let made = AtomicUsize::new(0);
    registry.add_blocking("insert", "Which it is.", move |_: Vec<i32>| {
        i32::try_from(made.fetch_add(1, Relaxed)).unwrap()
    });
    let addr = start(registry, |limits| limits.max_bodies_bytes = 64 * 1024).await;
    let request =
        |method| post("/", "Content-Type: text/xml\r\n", &call(method, &[&hundred_values()]));
    let (kept, _) = fill(addr, &request("keep"), &mut seen).await;
    assert_eq!(exchange(addr, &request("insert")).await.status, 503);
    gate.add_permits(1);
    for call in kept {
        assert_eq!(call.await.unwrap().status, 200);
    }
    let insert = ask(addr, "insert", &[&hundred_values()]).await;
    assert_eq!(insert, Ok(Value::from(0)), "the one that was refused was made");
}
