//! Functions that block: on threads beside those that serve, counted, within the deadline.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::SocketAddr;
use std::sync::mpsc as blocking_mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox::{Fault, PeerLimits, Registry, Value, code, methods};
use edge::start;
use edge::{Client, DEFAULTS, Response, array, ask, call, entry, exchange, fault, multicall, post};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longest time that a test waits for what is bound to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service whose method `block` says that it was entered, and ends when it is let go.
struct Blocking {
    addr: SocketAddr,
    entered: mpsc::UnboundedReceiver<()>,
    /// Each message lets one function go; all when it is dropped.
    gate: blocking_mpsc::Sender<()>,
}

struct Gate {
    entered: mpsc::UnboundedSender<()>,
    left: Mutex<blocking_mpsc::Receiver<()>>,
}

#[methods]
impl Gate {
    #[method(blocking)]
    fn block(&self, number: i64) -> i64 {
        self.entered.send(()).unwrap();
        let _ = self.left.lock().unwrap().recv();
        number
    }

    #[method(blocking)]
    fn panic(&self) -> i64 {
        panic!("as it was told")
    }

    #[method(blocking)]
    fn quick(self: Arc<Self>, number: Option<i64>) -> Result<i64, &'static str> {
        number.ok_or("no number")
    }

    fn here(&self) -> &'static str {
        "here"
    }
}

impl Blocking {
    async fn start(limit: impl FnOnce(&mut PeerLimits)) -> Self {
        let (gate, left) = blocking_mpsc::channel();
        let (notify, entered) = mpsc::unbounded_channel();
        let mut registry = Registry::new();
        registry.add_methods(Gate { entered: notify, left: Mutex::new(left) });
        registry.add_blocking("panic.by_hand", "", || -> i32 { panic!("as it was told") });
        Self { addr: start(registry, limit).await, entered, gate }
    }

    /// Begins a call of `block` and returns when the function runs.
    async fn enter(&mut self, number: i64) -> Client {
        let mut client = Client::connect(self.addr).await;
        client.send(&post("/", "", &call("block", &[&format!("<int>{number}</int>")]))).await;
        timeout(PATIENCE, self.entered.recv()).await.unwrap().unwrap();
        client
    }

    fn let_go(&self) {
        self.gate.send(()).unwrap();
    }

    async fn quick(&self) -> Response {
        exchange(self.addr, &post("/", "", &call("quick", &["<int>7</int>"]))).await
    }

    /// Calls until there is a place, which is given back right after the function's end.
    async fn quick_when_there_is_a_place(&self) -> Response {
        let asked = async {
            loop {
                let response = self.quick().await;
                if response.status != 503 {
                    return response;
                }
            }
        };
        timeout(PATIENCE, asked).await.unwrap()
    }
}

#[tokio::test]
async fn others_are_answered_while_functions_block() {
    let mut service = Blocking::start(DEFAULTS).await;
    let (mut first, mut second) = (service.enter(1).await, service.enter(2).await);
    let health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(service.addr, health).await.status, 200);
    assert_eq!(ask(service.addr, "here", &[]).await, Ok("here".into()));
    assert_eq!(service.quick().await.result(), Ok(7.into()));
    service.let_go();
    service.let_go();
    assert_eq!(first.receive().await.result(), Ok(1.into()));
    assert_eq!(second.receive().await.result(), Ok(2.into()));
}

#[tokio::test]
async fn calls_over_the_limit_are_turned_away() {
    let mut service = Blocking::start(|limits| limits.max_blocking_calls = 2).await;
    let (mut first, mut second) = (service.enter(1).await, service.enter(2).await);
    let refused = service.quick().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(ask(service.addr, "here", &[]).await, Ok("here".into()));

    let seven = "<value><int>7</int></value>";
    let entries = [entry("here", ""), entry("quick", seven), entry("here", "")];
    let results = multicall(service.addr, &entries).await;
    let overloaded = fault(code::SYSTEM_ERROR, "too many calls are in work");
    assert_eq!(results, Ok(array([array(["here"]), overloaded, array(["here"])])));

    service.let_go();
    service.let_go();
    assert_eq!(first.receive().await.result(), Ok(1.into()));
    assert_eq!(second.receive().await.result(), Ok(2.into()));
    assert_eq!(service.quick_when_there_is_a_place().await.result(), Ok(7.into()));
}

/// What is wrong with a call is told though all threads are taken: it needs none.
#[tokio::test]
async fn wrong_call_is_told_over_the_limit_too() {
    let mut service = Blocking::start(|limits| limits.max_blocking_calls = 1).await;
    let mut first = service.enter(1).await;
    let wrong_number = "expected 0 to 1 parameter, found 2";
    let expected = Err((code::INVALID_PARAMS, wrong_number.to_owned()));
    let two = ["<int>1</int>", "<int>2</int>"];
    assert_eq!(ask(service.addr, "quick", &two).await, expected);
    service.let_go();
    assert_eq!(first.receive().await.result(), Ok(1.into()));
}

#[tokio::test]
async fn place_is_taken_until_the_function_ends() {
    let limit = |limits: &mut PeerLimits| {
        limits.max_blocking_calls = 1;
        limits.method_deadline = Duration::from_millis(100);
    };
    let mut service = Blocking::start(limit).await;
    let mut late = service.enter(1).await;
    assert_eq!(late.receive().await.status, 504);
    assert_eq!(service.quick().await.status, 503, "its thread still runs");
    let health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(service.addr, health).await.status, 200);
    service.let_go();
    assert_eq!(service.quick_when_there_is_a_place().await.result(), Ok(7.into()));
}

#[tokio::test]
async fn place_of_a_caller_who_left_is_given_back_when_the_function_ends() {
    let mut service = Blocking::start(|limits| limits.max_blocking_calls = 1).await;
    drop(service.enter(1).await);
    assert_eq!(service.quick().await.status, 503);
    service.let_go();
    assert_eq!(service.quick_when_there_is_a_place().await.result(), Ok(7.into()));
}

#[tokio::test]
async fn function_that_panics_is_an_internal_error_and_gives_its_place_back() {
    let service = Blocking::start(|limits| limits.max_blocking_calls = 1).await;
    for method in ["panic", "panic.by_hand"] {
        for _ in 0..3 {
            let internal = Err((code::INTERNAL_ERROR, "internal error".to_owned()));
            assert_eq!(ask(service.addr, method, &[]).await, internal, "{method}");
            assert_eq!(service.quick().await.result(), Ok(7.into()), "{method}");
        }
        let results = multicall(service.addr, &[entry(method, ""), entry("here", "")]).await;
        let expected = [fault(code::INTERNAL_ERROR, "internal error"), array(["here"])];
        assert_eq!(results, Ok(array(expected)));
    }
}

#[tokio::test]
async fn entries_of_a_multicall_block_one_after_the_other() {
    let service = Blocking::start(|limits| limits.max_blocking_calls = 1).await;
    let seven = entry("quick", "<value><int>7</int></value>");
    let results = multicall(service.addr, &vec![seven; 50]).await;
    assert_eq!(results, Ok(array(vec![array([7]); 50])));
    let results = multicall(service.addr, &[entry("quick", "")]).await;
    assert_eq!(results, Ok(array([fault(code::APPLICATION_ERROR, "no number")])));
}

/// One that is among several functions of its name is on its own where it runs.
#[tokio::test]
async fn overloads_block_or_not_each_for_itself() {
    let thread = || std::thread::current().id();
    let serving = thread();
    let mut registry = Registry::new();
    registry
        .add("where", "", move |_: i64| thread() == serving)
        .or_blocking(move |_: String| thread() == serving)
        .or(async move |_: bool| Ok::<_, Fault>(true));
    let addr = start(registry, DEFAULTS).await;
    assert_eq!(ask(addr, "where", &["<int>1</int>"]).await, Ok(Value::Boolean(true)));
    assert_eq!(ask(addr, "where", &["a"]).await, Ok(Value::Boolean(false)));
}
