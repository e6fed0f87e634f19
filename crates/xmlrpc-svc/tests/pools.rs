//! Line services that are slow, frozen, moved or crowded: what that costs, on real sockets.
#![allow(clippy::unwrap_used, clippy::panic)]

mod upstream;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use svc_runtime::metrics::Metrics;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until};
use upstream::{Peer, Service, TIMEOUT, ask, exchange, settings, upstream};
use xmlrpc_svc::gateway::answer_memory::AnswerMemory;
use xmlrpc_svc::gateway::framing::Framing;
use xmlrpc_svc::gateway::line::{Exchange, LineUpstream};
use xmlrpc_svc::gateway::settings::LineSettings;
use xmlrpc_svc::gateway::trouble::Trouble;
use xmlrpc_svc::upstream_metrics::AllUpstreamMetrics;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A service that behaves until it is frozen, on the connections of that time only or on all.
async fn freezing(old_only: bool) -> (Service, Arc<AtomicBool>) {
    let frozen = Arc::new(AtomicBool::new(false));
    let is_frozen = frozen.clone();
    let service = Service::start(move |mut peer: Peer| {
        let is_frozen = is_frozen.clone();
        async move {
            let is_new = is_frozen.load(Ordering::Relaxed) && old_only;
            while let Some(line) = peer.line().await {
                if is_frozen.load(Ordering::Relaxed) && !is_new {
                    return peer.until_closed().await;
                }
                // Long enough that callers at the same time need connections of their own.
                sleep(millis(5)).await;
                peer.say(format!("re: {line}\n")).await;
            }
        }
    })
    .await;
    (service, frozen)
}

#[tokio::test]
async fn frozen_service_costs_a_multicall_about_one_deadline() {
    for kept in [0, 1, 4] {
        let (service, frozen) = freezing(false).await;
        let upstream = upstream(settings(service.addr));
        let warm: Vec<_> = (0..kept)
            .map(|_| {
                let upstream = upstream.clone();
                tokio::spawn(async move { ask(&upstream, "x").await })
            })
            .collect();
        for call in warm {
            call.await.unwrap().unwrap();
        }
        frozen.store(true, Ordering::Relaxed);
        let started = Instant::now();
        for _ in 0..20 {
            ask(&upstream, "x").await.unwrap_err();
        }
        assert!(started.elapsed() < TIMEOUT * 3 / 2, "{kept}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn frozen_service_is_tried_by_one_call_at_a_time_and_found_again() {
    let (service, frozen) = freezing(false).await;
    let upstream = upstream(settings(service.addr));
    ask(&upstream, "x").await.unwrap();
    frozen.store(true, Ordering::Relaxed);
    let until = Instant::now() + 3 * TIMEOUT;
    let (asked, slow) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let (upstream, asked, slow) = (upstream.clone(), asked.clone(), slow.clone());
            tokio::spawn(async move {
                while Instant::now() < until {
                    let started = Instant::now();
                    ask(&upstream, "x").await.unwrap_err();
                    asked.fetch_add(1, Ordering::Relaxed);
                    if started.elapsed() > millis(50) {
                        slow.fetch_add(1, Ordering::Relaxed);
                    }
                    sleep(millis(2)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let (asked, slow) = (asked.load(Ordering::Relaxed), slow.load(Ordering::Relaxed));
    // Those of the beginning, and one at a time from there on.
    assert!(slow <= 20 + 4 && asked > 1000, "{slow} of {asked}");
    frozen.store(false, Ordering::Relaxed);
    let started = Instant::now();
    while ask(&upstream, "x").await.is_err() {
        sleep(millis(1)).await;
    }
    assert!(started.elapsed() < millis(600), "{:?}", started.elapsed());
}

/// A timeout of which parts are longer than a busy machine stands still.
const LONG_TIMEOUT: Duration = Duration::from_millis(1600);

fn patient(addr: SocketAddr) -> LineSettings {
    LineSettings { timeout: LONG_TIMEOUT, ..settings(addr) }
}

/// A service that never answers `lost`, and others after as many milliseconds as they say.
async fn slow() -> Service {
    Service::start(async |mut peer: Peer| {
        while let Some(line) = peer.line().await {
            let Ok(time) = line.parse() else { return peer.until_closed().await };
            sleep(millis(time)).await;
            peer.say(format!("re: {line}\n")).await;
        }
    })
    .await
}

#[tokio::test]
async fn slow_service_that_was_silent_once_is_given_the_time_that_it_takes() {
    let upstream = upstream(patient(slow().await.addr));
    let usual = LONG_TIMEOUT.as_millis() * 3 / 8;
    for line in [usual.to_string(), "lost".to_owned(), usual.to_string()] {
        let answer = ask(&upstream, &line).await.ok();
        assert_eq!(answer.is_some(), line != "lost", "{answer:?}");
    }
}

#[tokio::test]
async fn pause_takes_nothing_of_the_time_of_a_call_that_tries_a_silent_service() {
    let mut settings = patient(slow().await.addr);
    let pause = LONG_TIMEOUT * 3 / 8;
    (settings.pause, settings.connections) = (pause, NonZeroUsize::MIN);
    let upstream = upstream(settings);
    // The first one rested. It is no longer what a call usually takes.
    for _ in 0..8 {
        ask(&upstream, "1").await.unwrap();
        sleep(pause).await;
    }
    for line in ["lost", "1"] {
        let answer = ask(&upstream, line).await.ok();
        assert_eq!(answer.is_some(), line != "lost", "{answer:?}");
    }
}

#[tokio::test]
async fn silence_to_a_call_that_had_little_time_says_nothing_of_the_service() {
    let upstream = upstream(patient(slow().await.addr));
    ask(&upstream, "1").await.unwrap();
    let slow = (LONG_TIMEOUT.as_millis() * 5 / 8).to_string();
    let soon = Instant::now() + LONG_TIMEOUT / 8;
    let hasty = upstream.ask_until(&exchange(&slow, Framing::Line), soon).await;
    assert!(matches!(hasty, Err(Trouble::TimedOut)));
    assert_eq!(ask(&upstream, &slow).await.unwrap(), format!("re: {slow}"));
}

#[tokio::test]
async fn service_that_moved_costs_one_call_and_not_one_a_kept_connection() {
    let (service, frozen) = freezing(true).await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::new(8).unwrap();
    let upstream = upstream(settings);
    let together: Vec<_> = (0..8)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { ask(&upstream, "x").await })
        })
        .collect();
    for call in together {
        call.await.unwrap().unwrap();
    }
    assert_eq!(service.connections(), 8);
    frozen.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(ask(&upstream, "x").await.is_err());
    }
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn one_of_kept_connections_that_is_dead_ends_the_others_and_no_call() {
    // All are closed at the first question after the others have been asked once.
    let closing = Arc::new(AtomicBool::new(false));
    let is_closing = closing.clone();
    let service = Service::start(move |mut peer: Peer| {
        let is_closing = is_closing.clone();
        async move {
            let is_old = !is_closing.load(Ordering::Relaxed);
            while let Some(line) = peer.line().await {
                if is_old && is_closing.load(Ordering::Relaxed) {
                    return;
                }
                sleep(millis(5)).await;
                peer.say(format!("re: {line}\n")).await;
            }
        }
    })
    .await;
    for is_idempotent in [true, false] {
        closing.store(false, Ordering::Relaxed);
        let upstream = upstream(settings(service.addr));
        let asked = Exchange { is_idempotent, ..exchange("x", Framing::Line) };
        let before = service.connections();
        tokio::join!(
            async { upstream.ask(&asked).await.unwrap() },
            async { upstream.ask(&asked).await.unwrap() },
            async { upstream.ask(&asked).await.unwrap() },
        );
        assert_eq!(service.connections() - before, 3);
        closing.store(true, Ordering::Relaxed);
        let first = upstream.ask(&asked).await;
        assert_eq!(first.is_ok(), is_idempotent, "what may do harm is never sent twice");
        for _ in 0..5 {
            assert!(upstream.ask(&asked).await.is_ok());
        }
        assert_eq!(service.connections() - before, 4);
    }
}

#[tokio::test]
async fn connection_that_closed_while_it_was_idle_costs_nothing() {
    let service = Service::start(async |mut peer: Peer| {
        if let Some(line) = peer.line().await {
            peer.say(format!("re: {line}\n")).await;
        }
    })
    .await;
    let upstream = upstream(settings(service.addr));
    for number in 0..20 {
        assert_eq!(ask(&upstream, &number.to_string()).await.unwrap(), format!("re: {number}"));
        sleep(millis(2)).await;
    }
}

#[tokio::test]
async fn no_more_wait_than_may_and_no_longer_than_the_deadline() {
    let service = Service::start(async |mut peer: Peer| peer.until_closed().await).await;
    let mut settings = settings(service.addr);
    (settings.connections, settings.waiting) = (NonZeroUsize::new(2).unwrap(), 5);
    let upstream = upstream(settings);
    let started = Instant::now();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { (ask(&upstream, "x").await.unwrap_err(), Instant::now()) })
        })
        .collect();
    let mut crowded = 0;
    for call in calls {
        let (trouble, ended) = call.await.unwrap();
        if matches!(trouble, Trouble::Crowded) {
            crowded += 1;
            assert!(ended - started < millis(100));
        }
        assert!(ended - started < TIMEOUT + millis(150));
    }
    assert_eq!(crowded, 50 - 2 - 5);
}

/// Asks a service that can do 80 calls a second 160 times a second, and gives back how many calls
/// were answered in each of these seconds, and the connections that were made.
async fn overload(connections: u32, seconds: u32) -> (Vec<usize>, usize) {
    let service = Service::start(move |mut peer: Peer| async move {
        while let Some(line) = peer.line().await {
            sleep(millis(1000) * connections / 80).await;
            peer.say(format!("re: {line}\n")).await;
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::new(connections as usize).unwrap();
    settings.timeout = millis(800);
    let upstream = upstream(settings);
    let started = Instant::now();
    let mut calls = Vec::new();
    for number in 0..160 * seconds {
        sleep_until(started + millis(1000) * number / 160).await;
        let upstream = upstream.clone();
        calls.push(tokio::spawn(async move {
            let line = number.to_string();
            let answer = ask(&upstream, &line).await.ok()?;
            assert_eq!(answer, format!("re: {line}"));
            Some(started.elapsed().as_secs())
        }));
    }
    let mut answered = vec![0; seconds as usize + 1];
    for call in calls {
        if let Some(second) = call.await.unwrap() {
            answered[second as usize] += 1;
        }
    }
    answered.truncate(seconds as usize);
    (answered, service.connections())
}

#[tokio::test]
async fn overloaded_service_answers_what_it_can() {
    for connections in [1, 8] {
        let (answered, made) = overload(connections, 4).await;
        let all: usize = answered.iter().sum();
        assert!(all >= 80 * 4 * 8 / 10, "{connections}: {answered:?}");
        assert!(answered.iter().all(|answered| *answered >= 80 * 6 / 10), "{answered:?}");
        assert!(made <= connections as usize + 2, "{connections}: {made} connections were made");
    }
}

#[tokio::test]
async fn callers_who_fit_are_all_served() {
    // 50 at a time need 250 ms each.
    let service = Service::start(async |mut peer: Peer| {
        while let Some(line) = peer.line().await {
            sleep(millis(5)).await;
            peer.say(format!("re: {line}\n")).await;
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::new(2).unwrap();
    let upstream = upstream(settings);
    let callers: Vec<_> = (0..50)
        .map(|caller| {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                for number in 0..5 {
                    let line = format!("{caller} {number}");
                    assert_eq!(ask(&upstream, &line).await.unwrap(), format!("re: {line}"));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(service.connections(), 2);
}

#[tokio::test]
async fn connect_that_is_not_answered_is_tried_again_before_the_deadline() {
    // A queue for connects that is full answers none; it has room after a while.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(0).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut full = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(millis(50), tokio::net::TcpStream::connect(addr)).await
    {
        full.push(stream);
    }
    let mut settings = settings(addr);
    settings.timeout = millis(800);
    let upstream = upstream(settings);
    let started = Instant::now();
    let asked = tokio::spawn(async move { ask(&upstream, "x").await });
    sleep(millis(100)).await;
    drop(full);
    let _service = Service::on(listener, async |mut peer: Peer| peer.behave().await);
    assert_eq!(asked.await.unwrap().unwrap(), "re: x");
    // The kernel sends a lost SYN again after a second.
    assert!(started.elapsed() < millis(700), "{:?}", started.elapsed());
}

#[tokio::test]
async fn service_that_is_down_is_a_trouble_at_once_and_healed_in_half_a_second() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let upstream = upstream(settings(addr));
    let started = Instant::now();
    let mut tried = 0;
    while started.elapsed() < millis(1500) {
        let before = Instant::now();
        let trouble = ask(&upstream, "x").await.unwrap_err();
        assert!(before.elapsed() < millis(100), "{trouble}");
        tried += usize::from(matches!(trouble, Trouble::Io(_)));
        sleep(millis(1)).await;
    }
    assert!((4..10).contains(&tried), "{tried} connects in 1.5 s");
    let _service = Service::on(TcpListener::bind(addr).await.unwrap(), async |mut peer: Peer| {
        peer.behave().await
    });
    let started = Instant::now();
    while ask(&upstream, "x").await.is_err() {
        sleep(millis(1)).await;
    }
    assert!(started.elapsed() < millis(550), "{:?}", started.elapsed());
}

#[tokio::test]
async fn connections_and_requests_are_counted_by_the_services_name() {
    let (service, frozen) = freezing(false).await;
    let metrics = Metrics::new();
    let all = AllUpstreamMetrics::new(&metrics);
    let upstream = LineUpstream::new(settings(service.addr), AnswerMemory::new(0), all.of("lamp"));
    let check = |series: &str, expected: usize| {
        let line = format!("callbox_upstream_{series} {expected}\n");
        assert!(metrics.text().contains(&line), "{line} {}", metrics.text());
    };
    let idle = "connections{upstream=\"lamp\",state=\"idle\"}";
    let busy = "connections{upstream=\"lamp\",state=\"busy\"}";
    let _ = tokio::join!(ask(&upstream, "a"), ask(&upstream, "b"), ask(&upstream, "c"));
    check("requests_total{upstream=\"lamp\",outcome=\"ok\"}", 3);
    check(idle, 3);
    check(busy, 0);
    {
        let left = ask(&upstream, "leaves");
        assert!(tokio::time::timeout(millis(1), left).await.is_err());
    }
    check(idle, 2);
    check(busy, 0);
    frozen.store(true, Ordering::Relaxed);
    ask(&upstream, "d").await.unwrap_err();
    check("requests_total{upstream=\"lamp\",outcome=\"timeout\"}", 1);
    check(idle, 0);
    frozen.store(false, Ordering::Relaxed);
    ask(&upstream, "e").await.unwrap();
    check(idle, 1);
    // It is read anew, by the same name.
    let again = LineUpstream::new(settings(service.addr), AnswerMemory::new(0), all.of("lamp"));
    ask(&again, "f").await.unwrap();
    check(idle, 2);
    drop(upstream);
    check(idle, 1);
}
