//! A text service that is frozen, moved or slow: what that costs the callers of others, and its own.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../callbox/tests/edge/mod.rs"]
mod edge;
mod upstream;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use callbox::{Registry, Value};
use edge::{Client, DEFAULTS, array, ask, call, entry, fault, multicall, post, start};
use protocol::xmlrpc::code;
use svc_runtime::metrics::Metrics;
use tokio::time::{Instant, sleep, sleep_until};
use upstream::{Peer, Service};
use xmlrpc_svc::commands::{COMMAND_DEADLINE, Commands, MAX_COMMAND_CONNECTIONS};
use xmlrpc_svc::gateway::settings::Address;
use xmlrpc_svc::methods::{arithmetic, command};
use xmlrpc_svc::upstream_metrics::AllUpstreamMetrics;

const HELLO: &str = "<string>hello</string>";
const SUM: [&str; 2] = ["<int>2</int>", "<int>3</int>"];

/// The service of the card, with the text service at `addr`.
async fn edge_to(addr: SocketAddr) -> SocketAddr {
    let address = Address::Inet { host: addr.ip().to_string(), port: addr.port() };
    let commands = Commands::over_network(address, &AllUpstreamMetrics::new(&Metrics::new()));
    let mut registry = Registry::new();
    arithmetic::add(&mut registry);
    command::add(&mut registry, commands);
    start(registry, DEFAULTS).await
}

/// A text service that takes `time` for each answer, and stops to answer on the connections of before
/// it is frozen, or on all.
async fn text_service(time: Duration, old_only: bool) -> (Service, Arc<AtomicBool>) {
    let frozen = Arc::new(AtomicBool::new(false));
    let is_frozen = frozen.clone();
    let service = Service::start(move |mut peer: Peer| {
        let is_frozen = is_frozen.clone();
        async move {
            let is_spared = old_only && is_frozen.load(Ordering::Relaxed);
            while peer.line().await.is_some() {
                if is_frozen.load(Ordering::Relaxed) && !is_spared {
                    return peer.until_closed().await;
                }
                sleep(time).await;
                peer.say("How do you do?\n").await;
            }
        }
    })
    .await;
    (service, frozen)
}

async fn run(addr: SocketAddr) -> Result<Value, (i32, String)> {
    ask(addr, "command.run", &[HELLO]).await
}

/// Keeps as many connections as are kept.
async fn warm(addr: SocketAddr) {
    let calls: Vec<_> = (0..MAX_COMMAND_CONNECTIONS)
        .map(|_| tokio::spawn(async move { run(addr).await }))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok("How do you do?".into()));
    }
}

#[tokio::test]
async fn multicall_to_a_frozen_service_ends_in_about_one_deadline() {
    for is_warm in [false, true] {
        let (service, frozen) = text_service(Duration::from_millis(5), false).await;
        let addr = edge_to(service.addr).await;
        if is_warm {
            warm(addr).await;
        }
        frozen.store(true, Ordering::Relaxed);
        let mut entries = vec![entry("command.run", &format!("<value>{HELLO}</value>")); 20];
        entries.push(entry("addition", &SUM.map(|term| format!("<value>{term}</value>")).concat()));
        let started = Instant::now();
        let results = multicall(addr, &entries).await.unwrap();
        let took = started.elapsed();
        assert!(took < COMMAND_DEADLINE * 3 / 2, "{took:?}");
        let unavailable = fault(code::SYSTEM_ERROR, "the text-command service does not answer");
        let mut expected = vec![unavailable; 20];
        expected.push(array([5]));
        assert_eq!(results, array(expected));
    }
}

#[tokio::test]
async fn service_that_moved_costs_one_call_and_not_one_a_connection() {
    let (service, frozen) = text_service(Duration::from_millis(5), true).await;
    let addr = edge_to(service.addr).await;
    warm(addr).await;
    assert_eq!(service.connections(), MAX_COMMAND_CONNECTIONS);
    frozen.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(run(addr).await.is_err());
    }
    assert_eq!(failed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_frozen_service_take_no_places_of_others() {
    const CALLERS: usize = 1500;
    let (service, frozen) = text_service(Duration::ZERO, false).await;
    let addr = edge_to(service.addr).await;
    frozen.store(true, Ordering::Relaxed);
    let mut other = Client::connect(addr).await;
    let until = Instant::now() + Duration::from_secs(4);
    let refused = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let refused = refused.clone();
            tokio::spawn(async move {
                let request =
                    post("/", "Content-Type: text/xml\r\n", &call("command.run", &[HELLO]));
                let mut client = Client::connect(addr).await;
                while Instant::now() < until {
                    client.send(&request).await;
                    let response = client.receive().await;
                    if response.status == 200 {
                        assert!(response.result().is_err());
                    } else {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                    sleep(Duration::from_millis(500)).await;
                }
            })
        })
        .collect();
    let addition = post("/", "Content-Type: text/xml\r\n", &call("addition", &SUM));
    let mut took = Vec::new();
    while Instant::now() < until {
        let started = Instant::now();
        other.send(&addition).await;
        assert_eq!(other.receive().await.result(), Ok(5.into()));
        took.push(started.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(refused.load(Ordering::Relaxed), 0, "calls without a place");
    took.sort();
    let (most, slowest) = (took[took.len() * 9 / 10], took[took.len() - 1]);
    assert!(most < Duration::from_millis(250), "{most:?}, {slowest:?} of {}", took.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_that_is_asked_twice_what_it_can_answers_what_it_can() {
    // Eight connections, each good for ten calls a second.
    let (service, _) = text_service(Duration::from_millis(100), false).await;
    let addr = edge_to(service.addr).await;
    let started = Instant::now();
    let mut calls = Vec::new();
    for number in 0..160 * 4 {
        sleep_until(started + Duration::from_secs(1) * number / 160).await;
        calls.push(tokio::spawn(async move { run(addr).await.is_ok() }));
    }
    let mut answered = 0;
    for call in calls {
        answered += usize::from(call.await.unwrap());
    }
    assert!(answered >= 80 * 4 * 8 / 10, "{answered} of {}", 80 * 4);
    let connections = NonZeroUsize::new(service.connections()).unwrap();
    assert!(connections.get() <= MAX_COMMAND_CONNECTIONS + 2, "{connections} were made");
}
