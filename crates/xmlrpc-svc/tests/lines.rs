//! Line services over real sockets: what they are sent.
#![allow(clippy::unwrap_used, clippy::panic)]

mod upstream;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use upstream::{Peer, Service, TIMEOUT, ask, exchange, lines, settings, upstream};
use xmlrpc_svc::gateway::framing::Framing;
use xmlrpc_svc::gateway::line::{Exchange, Then};
use xmlrpc_svc::gateway::reply::{Body, Reply};
use xmlrpc_svc::gateway::settings::{Address, LineEnd, LoginLines};
use xmlrpc_svc::gateway::trouble::Trouble;

#[tokio::test]
async fn line_goes_out_with_its_end_and_the_reply_comes_in() {
    for (line_end, expected) in
        [(LineEnd::Lf, "a b\n"), (LineEnd::CrLf, "a b\r\n"), (LineEnd::Cr, "a b\r")]
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = settings(listener.local_addr().unwrap());
        settings.line_end = line_end;
        let service = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = vec![0; expected.len()];
            stream.read_exact(&mut sent).await.unwrap();
            stream.write_all(expected.replace('a', "x").as_bytes()).await.unwrap();
            sent
        });
        assert_eq!(ask(&upstream(settings), "a b").await.unwrap(), "x b");
        assert_eq!(service.await.unwrap(), expected.as_bytes());
    }
}

#[tokio::test]
async fn replies_end_as_their_framing_says() {
    let cases: [(Framing, &'static str, Reply); 7] = [
        (Framing::Line, "event 1\na\n", lines(&["a"])),
        (Framing::Until("END".to_owned()), "a\nb\nEND\n", lines(&["a", "b"])),
        (Framing::Blank, "a\r\nb\r\n\r\n", lines(&["a", "b"])),
        (Framing::Count, "2\na\nb\n", lines(&["a", "b"])),
        (Framing::Status, "250-a\n250 b\n", lines(&["250-a", "250 b"])),
        (
            Framing::Length("$".to_owned()),
            "$3\r\na\nb\r\n",
            Reply::Said(Body::Blob(b"a\nb".to_vec())),
        ),
        (Framing::Length("$".to_owned()), "$-1\r\n", Reply::Absent),
    ];
    let said = Arc::new(Mutex::new(""));
    let says = said.clone();
    let service = Service::start(move |mut peer| {
        let says = says.clone();
        async move {
            while peer.line().await.is_some() {
                let bytes = *says.lock().unwrap();
                peer.say(bytes).await;
            }
        }
    })
    .await;
    let upstream = upstream(settings(service.addr));
    for (framing, bytes, expected) in cases {
        *said.lock().unwrap() = bytes;
        let reply = upstream.ask(&exchange("x", framing.clone())).await.unwrap();
        assert_eq!(reply, expected, "{framing:?}");
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn all_until_the_close_is_a_reply_and_the_next_question_goes_out_anew() {
    let service = Service::start(async |mut peer: Peer| {
        peer.line().await;
        peer.say("a\nb\n").await;
    })
    .await;
    let upstream = upstream(settings(service.addr));
    for _ in 0..3 {
        let reply = upstream.ask(&exchange("x", Framing::Close)).await.unwrap();
        assert_eq!(reply, Reply::Said(Body::Rest(b"a\nb\n".to_vec())));
    }
}

#[tokio::test]
async fn unix_socket_is_asked() {
    let path = std::env::temp_dir().join(format!("lines-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.read(&mut [0; 100]).await.is_ok_and(|read| read > 0) {
            stream.write_all(b"yes\n").await.unwrap();
        }
    });
    let mut settings = settings("127.0.0.1:1".parse().unwrap());
    settings.address = Address::Unix(path.clone());
    let upstream = upstream(settings);
    for _ in 0..3 {
        assert_eq!(ask(&upstream, "x").await.unwrap(), "yes");
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn error_is_told_in_the_services_own_words() {
    let service = Service::start(async |mut peer: Peer| {
        while peer.line().await.is_some() {
            peer.say("ERR no such thing\n").await;
        }
    })
    .await;
    let upstream = upstream(settings(service.addr));
    for _ in 0..3 {
        let reply = upstream.ask(&exchange("x", Framing::Count)).await.unwrap();
        assert_eq!(reply, Reply::Refused(b"ERR no such thing".to_vec()));
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn service_is_greeted_and_logged_in_to_once_a_connection() {
    let (said, mut heard) = mpsc::unbounded_channel();
    let service = Service::start(move |mut peer| {
        let said = said.clone();
        async move {
            peer.say("OK MPD 0.23\n").await;
            while let Some(line) = peer.line().await {
                said.send(line.clone()).unwrap();
                peer.say(if line == "password wrong" { "ERR\n" } else { "OK\n" }).await;
            }
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.greeting = Some("OK MPD".to_owned());
    settings.login = Some(LoginLines(vec![b"user a".to_vec(), b"password b".to_vec()]));
    let one = upstream(settings.clone());
    for _ in 0..2 {
        assert_eq!(ask(&one, "status").await.unwrap(), "OK");
    }
    for expected in ["user a", "password b", "status", "status"] {
        assert_eq!(heard.recv().await.unwrap(), expected);
    }
    settings.login = Some(LoginLines(vec![b"password wrong".to_vec()]));
    assert!(matches!(ask(&upstream(settings.clone()), "status").await, Err(Trouble::Io(_))));
    settings.greeting = Some("OK GPSD".to_owned());
    assert!(matches!(ask(&upstream(settings), "status").await, Err(Trouble::Io(_))));
    assert_eq!(heard.recv().await.unwrap(), "password wrong");
    assert!(heard.try_recv().is_err(), "nothing is asked of who is not who it should be");
}

#[tokio::test]
async fn question_afterwards_tells_whether_all_is_well() {
    let service = Service::start(async |mut peer: Peer| {
        let mut last = String::new();
        while let Some(line) = peer.line().await {
            match (&*line, &*last) {
                ("SYST:ERR?", "VOLT 5") => peer.say("0,\"No error\"\n").await,
                ("SYST:ERR?", _) => peer.say("-222,\"Data out of range\"\n").await,
                _ => {}
            }
            last = line;
        }
    })
    .await;
    let upstream = upstream(settings(service.addr));
    let set = |line: &str| Exchange {
        then: Some(Then { send: b"SYST:ERR?".to_vec(), ok: "0,".to_owned() }),
        ..exchange(line, Framing::None)
    };
    assert_eq!(upstream.ask(&set("VOLT 5")).await.unwrap(), Reply::Said(Body::EMPTY));
    let refused = Reply::Refused(b"-222,\"Data out of range\"".to_vec());
    assert_eq!(upstream.ask(&set("VOLT 500")).await.unwrap(), refused);
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn pause_is_kept_between_two_questions() {
    let (said, mut heard) = mpsc::unbounded_channel();
    let service = Service::start(move |mut peer| {
        let said = said.clone();
        async move {
            while let Some(line) = peer.line().await {
                said.send(Instant::now()).unwrap();
                peer.say(format!("re: {line}\n")).await;
            }
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.pause = Duration::from_millis(50);
    settings.connections = NonZeroUsize::MIN;
    let upstream = upstream(settings);
    let mut last = None;
    for line in ["a", "b", "c"] {
        assert_eq!(ask(&upstream, line).await.unwrap(), format!("re: {line}"));
        let now = heard.recv().await.unwrap();
        assert!(last.is_none_or(|last| now - last >= Duration::from_millis(49)));
        last = Some(now);
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn lines_that_belong_to_no_reply_are_dropped_between_two_questions() {
    let service = Service::start(async |mut peer: Peer| {
        while let Some(line) = peer.line().await {
            peer.say(format!("event a\nre: {line}\nevent b\n")).await;
            sleep(Duration::from_millis(5)).await;
            peer.say("event c\n").await;
        }
    })
    .await;
    let upstream = upstream(settings(service.addr));
    for line in ["a", "b", "c"] {
        assert_eq!(ask(&upstream, line).await.unwrap(), format!("re: {line}"));
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn nothing_is_sent_for_a_caller_who_left_or_whose_time_is_over() {
    let (said, mut heard) = mpsc::unbounded_channel();
    let service = Service::start(move |mut peer| {
        let said = said.clone();
        async move {
            while let Some(line) = peer.line().await {
                said.send(line.clone()).unwrap();
                sleep(Duration::from_millis(100)).await;
                peer.say(format!("re: {line}\n")).await;
            }
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::MIN;
    let upstream = upstream(settings);
    let soon = Instant::now() + Duration::from_millis(50);
    let (left, late) = (exchange("left", Framing::Line), exchange("late", Framing::Line));
    let (first, left, late) = tokio::join!(
        ask(&upstream, "first"),
        timeout(Duration::from_millis(50), upstream.ask(&left)),
        upstream.ask_until(&late, soon),
    );
    assert_eq!(first.unwrap(), "re: first");
    assert!(left.is_err() && matches!(late, Err(Trouble::TimedOut)));
    assert_eq!(ask(&upstream, "last").await.unwrap(), "re: last");
    drop(upstream);
    assert_eq!(heard.recv().await.unwrap(), "first");
    assert_eq!(heard.recv().await.unwrap(), "last");
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn connection_whose_pause_is_over_is_used_before_one_that_rests() {
    let service = Service::start(async |mut peer: Peer| peer.behave().await).await;
    let mut settings = settings(service.addr);
    settings.pause = TIMEOUT / 4;
    settings.connections = NonZeroUsize::new(2).unwrap();
    let upstream = upstream(settings);
    let (a, b) = tokio::join!(ask(&upstream, "a"), ask(&upstream, "b"));
    assert_eq!((a.unwrap(), b.unwrap()), ("re: a".to_owned(), "re: b".to_owned()));
    sleep(TIMEOUT / 4).await;
    let started = Instant::now();
    for line in ["c", "d"] {
        assert_eq!(ask(&upstream, line).await.unwrap(), format!("re: {line}"));
    }
    assert!(started.elapsed() < TIMEOUT / 8, "{:?}", started.elapsed());
    assert_eq!(service.connections(), 2);
}
