//! The accept loop over real sockets: who is let in, who is refused, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::time::Duration;

use svc_runtime::access::AccessLog;
use svc_runtime::handshake::HandshakeTerms;
use svc_runtime::linger::{MAX_LINGER, linger};
use svc_runtime::listener::Listener;
use svc_runtime::metrics::Metrics;
use svc_runtime::roll::{Admission, Closes};
use svc_runtime::serve::{ServeOptions, serve};
use svc_runtime::stop::Stop;
use svc_runtime::stream::{Origin, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Longest wait for anything that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(30);

const REFUSAL: &str = "Full house.";

/// Longer than a test runs, unless its time is virtual.
const DRAIN: Duration = Duration::from_secs(3600);

struct Serving {
    addrs: Vec<SocketAddr>,
    stop: Stop,
    cut: JoinHandle<usize>,
}

/// Serves `connection` on `listeners` free ports, for as many peers as `cap`.
async fn start<F, Fut>(listeners: usize, cap: usize, connection: F) -> Serving
where
    F: Fn(Stream, Origin, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    start_for(listeners, Admission::up_to(cap), connection).await
}

/// Serves `connection` on `listeners` free ports, for those whom the admission lets in.
async fn start_for<F, Fut>(listeners: usize, admission: Admission, connection: F) -> Serving
where
    F: Fn(Stream, Origin, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (mut bound, mut addrs) = (Vec::new(), Vec::new());
    for _ in 0..listeners {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addrs.push(listener.local_addr().unwrap());
        bound.push(Listener::tcp("test", listener));
    }
    let handshake = HandshakeTerms { deadline: PATIENCE, plain_answer: b"" };
    let options = ServeOptions {
        admission,
        refusal: REFUSAL.as_bytes(),
        handshake,
        drain: DRAIN,
        metrics: Metrics::new().connections().clone(),
        access_log: AccessLog::Off,
    };
    let stop = Stop::new();
    let cut = tokio::spawn(serve(bound, options, stop.clone(), connection));
    Serving { addrs, stop, cut }
}

/// Says hi, and stays until the peer ends its stream.
async fn greet(mut stream: Stream, _: Origin, _: Stop) {
    let _ = stream.write_all(b"hi").await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// As [`greet`], and says bye when it is stopped, `after` a while.
async fn greet_and_part(mut stream: Stream, stop: Stop, after: Duration) {
    let _ = stream.write_all(b"hi").await;
    stop.told().await;
    sleep(after).await;
    let _ = stream.write_all(b"bye").await;
}

async fn admitted(addr: SocketAddr) -> TcpStream {
    let mut peer = TcpStream::connect(addr).await.unwrap();
    let mut heard = [0; 2];
    within(peer.read_exact(&mut heard)).await.unwrap();
    assert_eq!(&heard, b"hi");
    peer
}

/// All that the peer is told until a clean end of the stream; a reset fails the test.
async fn told(mut peer: TcpStream) -> String {
    let mut heard = String::new();
    within(peer.read_to_string(&mut heard)).await.unwrap();
    heard
}

#[track_caller]
fn within<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("waited in vain at {caller}"),
        }
    }
}

#[tokio::test]
async fn peer_over_the_cap_is_told_the_refusal_and_closed() {
    let serving = start(1, 2, greet).await;
    let _stay = [admitted(serving.addrs[0]).await, admitted(serving.addrs[0]).await];
    for _ in 0..100 {
        let peer = TcpStream::connect(serving.addrs[0]).await.unwrap();
        assert_eq!(told(peer).await, REFUSAL);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_one_of_many_refused_peers_hears_the_refusal_whatever_it_has_said() {
    let serving = start(1, 1, greet).await;
    let _stays = admitted(serving.addrs[0]).await;
    let mut refused = Vec::new();
    for _ in 0..32 {
        let mut peer = TcpStream::connect(serving.addrs[0]).await.unwrap();
        peer.write_all(b"hello, is there room for one more?").await.unwrap();
        refused.push(peer);
    }
    for peer in refused {
        assert_eq!(told(peer).await, REFUSAL);
    }
}

#[tokio::test]
async fn send_buffer_of_a_connection_is_small() {
    let tell_its_size = async |mut stream: Stream, _: Origin, _: Stop| {
        let size = stream.socket().send_buffer_size().unwrap();
        let _ = stream.write_all(size.to_string().as_bytes()).await;
    };
    let serving = start(1, 1, tell_its_size).await;
    let peer = TcpStream::connect(serving.addrs[0]).await.unwrap();
    let size: usize = told(peer).await.parse().unwrap();
    // As asked for, and doubled by Linux.
    assert!((64 * 1024..=128 * 1024).contains(&size), "{size}");
}

#[tokio::test]
async fn more_refused_peers_than_are_lingered_with_are_told_all_the_same() {
    let serving = start(1, 1, greet).await;
    let _stays = admitted(serving.addrs[0]).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(serving.addrs[0]).await.unwrap());
    }
    for peer in silent {
        assert_eq!(told(peer).await, REFUSAL);
    }
}

#[tokio::test]
async fn place_that_is_freed_can_be_taken() {
    let serving = start(1, 1, greet).await;
    for _ in 0..10 {
        let peer = within(async {
            loop {
                let mut peer = TcpStream::connect(serving.addrs[0]).await.unwrap();
                let mut heard = [0; 2];
                peer.read_exact(&mut heard).await.unwrap();
                if &heard == b"hi" {
                    return peer;
                }
            }
        })
        .await;
        drop(peer);
    }
}

#[tokio::test]
async fn each_of_a_crowd_is_listened_to_before_it_is_closed_for_the_next() {
    let admission = Admission { closes: Closes::Waiting, ..Admission::up_to(2) };
    let serving = start_for(1, admission, greet).await;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(std::net::TcpStream::connect(serving.addrs[0]).unwrap());
    }
    for peer in crowd {
        peer.set_nonblocking(true).unwrap();
        let mut heard = [0; 2];
        within(TcpStream::from_std(peer).unwrap().read_exact(&mut heard)).await.unwrap();
        assert_eq!(&heard, b"hi");
    }
}

#[tokio::test]
async fn panic_in_one_connection_frees_its_place_and_harms_no_other() {
    let serving = start(1, 1, |_, _, _| async { panic!("a test's connection panics") }).await;
    for _ in 0..10 {
        within(async {
            // A place that is not free yet shows as a refusal.
            while told(TcpStream::connect(serving.addrs[0]).await.unwrap()).await == REFUSAL {}
        })
        .await;
    }
}

#[tokio::test]
async fn cap_is_over_all_listeners_together() {
    let serving = start(3, 2, greet).await;
    let _stay = [admitted(serving.addrs[0]).await, admitted(serving.addrs[1]).await];
    for addr in &serving.addrs {
        assert_eq!(told(TcpStream::connect(addr).await.unwrap()).await, REFUSAL);
    }
}

#[tokio::test]
async fn nagles_delay_is_off() {
    let (sender, mut options) = tokio::sync::mpsc::unbounded_channel();
    let serving = start(1, 1, move |stream, _, _| {
        sender.send(stream.socket().tcp_nodelay().unwrap()).unwrap();
        async {}
    })
    .await;
    let _peer = TcpStream::connect(serving.addrs[0]).await.unwrap();
    assert_eq!(within(options.recv()).await, Some(true));
}

#[tokio::test]
async fn stop_closes_every_listener_while_connections_go_on() {
    let serving = start(2, 10, greet).await;
    let peer = admitted(serving.addrs[0]).await;
    serving.stop.tell();
    for addr in &serving.addrs {
        within(async { while TcpStream::connect(addr).await.is_ok() {} }).await;
    }
    assert!(!serving.cut.is_finished());
    drop(peer);
    assert_eq!(within(serving.cut).await.unwrap(), 0);
}

#[tokio::test]
async fn stop_without_connections_ends_at_once() {
    let serving = start(2, 10, greet).await;
    serving.stop.tell();
    assert_eq!(within(serving.cut).await.unwrap(), 0);
}

#[tokio::test]
async fn connection_that_ends_in_time_is_not_cut() {
    let nearly = DRAIN - Duration::from_secs(1);
    let serving = start(1, 10, move |stream, _, stop| greet_and_part(stream, stop, nearly)).await;
    let peers = [admitted(serving.addrs[0]).await, admitted(serving.addrs[0]).await];
    tokio::time::pause();
    serving.stop.tell();
    assert_eq!(serving.cut.await.unwrap(), 0);
    tokio::time::resume();
    for peer in peers {
        assert_eq!(told(peer).await, "bye");
    }
}

#[tokio::test]
async fn connections_past_the_drain_deadline_are_cut_and_counted() {
    let too_long = DRAIN + Duration::from_secs(1);
    let serving = start(1, 10, move |stream, _, stop| greet_and_part(stream, stop, too_long)).await;
    let peers = [admitted(serving.addrs[0]).await, admitted(serving.addrs[0]).await];
    tokio::time::pause();
    let stopped = Instant::now();
    serving.stop.tell();
    assert_eq!(serving.cut.await.unwrap(), 2);
    assert_eq!(stopped.elapsed().as_secs(), DRAIN.as_secs());
    tokio::time::resume();
    for peer in peers {
        assert_eq!(told(peer).await, "");
    }
}

#[tokio::test]
async fn last_words_survive_what_the_peer_sent_and_nobody_read() {
    let serving = start(1, 10, |mut stream, _, _| async move {
        // By then there is something to be read, which a plain close would answer with a reset.
        stream.spoken().await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        linger(&mut stream).await;
    })
    .await;
    for _ in 0..20 {
        let mut peer = TcpStream::connect(serving.addrs[0]).await.unwrap();
        peer.write_all(&[b'x'; 60_000]).await.unwrap();
        assert_eq!(told(peer).await, "bye");
    }
}

#[tokio::test(start_paused = true)]
async fn linger_ends_with_the_stream() {
    let (mut peer, mut stream) = duplex(64);
    peer.write_all(b"some more").await.unwrap();
    peer.shutdown().await.unwrap();
    let begun = Instant::now();
    linger(&mut stream).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn linger_ends_after_a_second_with_a_silent_peer() {
    let (mut peer, mut stream) = duplex(64);
    let begun = Instant::now();
    let lingering = tokio::spawn(async move { linger(&mut stream).await });
    // The peer sees the end of the stream at once, not when the linger is over.
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    within(lingering).await.unwrap();
    assert_eq!(begun.elapsed().as_secs_f32(), 1.0);
    assert_eq!(MAX_LINGER.0.as_secs_f32(), 1.0);
}

#[tokio::test(start_paused = true)]
async fn linger_discards_64_kib_and_no_more() {
    let (mut peer, mut stream) = duplex(64);
    let begun = Instant::now();
    let lingering = tokio::spawn(async move {
        linger(&mut stream).await;
        stream
    });
    let mut sent = 0;
    while let Ok(Ok(bytes)) = timeout(MAX_LINGER.0 / 2, peer.write(b"x")).await {
        sent += bytes;
        assert!(sent < 1_000_000, "discards without end");
    }
    let _stream = within(lingering).await.unwrap();
    assert_eq!(sent, 64 * 1024 + 64, "what was discarded and what is in flight");
    assert!(begun.elapsed() < MAX_LINGER.0);
}
