//! Line services that misbehave, over real sockets: each is a fault in time, and no answer is
//! another call's.
#![allow(clippy::unwrap_used, clippy::panic)]

mod upstream;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use upstream::{Peer, Service, TIMEOUT, ask, exchange, settings, text, upstream};
use xmlrpc_svc::gateway::framing::{Framing, Misframed};
use xmlrpc_svc::gateway::line::{Exchange, LineUpstream, Then};
use xmlrpc_svc::gateway::settings::LoginLines;
use xmlrpc_svc::gateway::trouble::Trouble;

/// More than a timeout, and much less than two.
const SLACK: Duration = Duration::from_millis(250);

/// A service that does `misbehave` after the first line on its first connection, and behaves on all
/// others.
async fn misbehaving<F, Fut>(misbehave: F) -> Service
where
    F: Fn(Peer) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    Service::start(move |mut peer| {
        let misbehave = misbehave.clone();
        async move {
            if peer.number > 0 {
                return peer.behave().await;
            }
            peer.line().await;
            misbehave(peer).await;
        }
    })
    .await
}

/// The trouble with a service that says `said` to its first question and then nothing, after which
/// the next question has its own answer.
async fn trouble_with(said: &'static [u8], reply: Framing) -> Trouble {
    let service = misbehaving(move |mut peer: Peer| async move {
        peer.say(said).await;
        peer.until_closed().await;
    })
    .await;
    let upstream = upstream(settings(service.addr));
    trouble_then_answer(&upstream, &exchange("first", reply)).await
}

async fn trouble_then_answer(upstream: &LineUpstream, first: &Exchange) -> Trouble {
    let started = Instant::now();
    let trouble = upstream.ask(first).await.unwrap_err();
    assert!(started.elapsed() < TIMEOUT + SLACK, "{:?}", started.elapsed());
    check_next(upstream).await;
    trouble
}

/// The next questions have their own answers, once it is time to ask again.
async fn check_next(upstream: &LineUpstream) {
    sleep(Duration::from_millis(25)).await;
    for line in ["second", "third"] {
        assert_eq!(ask(upstream, line).await.unwrap(), format!("re: {line}"));
    }
}

fn is_nonsense(trouble: &Trouble, expected: Misframed) -> bool {
    matches!(trouble, Trouble::Nonsense { what, .. } if *what == expected)
}

#[tokio::test]
async fn what_never_ends_is_a_timeout() {
    for (said, framing) in [
        (&b""[..], Framing::Line),
        (b"re: fi", Framing::Line),
        (b"re: first\r", Framing::Line),
        (b"3\na\nb\n", Framing::Count),
        (b"$10\r\nshort\r\n", Framing::Length("$".to_owned())),
        (b"$5\r\nshort", Framing::Length("$".to_owned())),
        (b"250-a\n", Framing::Status),
        (b"a\nb\n", Framing::Until("END".to_owned())),
        (b"a\nb\n", Framing::Blank),
        (b"a\nb\n", Framing::Close),
    ] {
        let trouble = trouble_with(said, framing.clone()).await;
        assert!(matches!(trouble, Trouble::TimedOut), "{framing:?} {said:?}: {trouble}");
    }
}

#[tokio::test]
async fn what_is_no_reply_is_nonsense_at_once() {
    let length = || Framing::Length("$".to_owned());
    for (said, framing, expected) in [
        (&b"many\n"[..], Framing::Count, Misframed::Malformed),
        (b"-5\n", Framing::Count, Misframed::Malformed),
        (b"999999999\n", Framing::Count, Misframed::TooLong),
        (b"$2\r\nshort\r\n", length(), Misframed::Malformed),
        (b"$4294967296\r\n", length(), Misframed::TooLong),
        (b"$99999999999999999999999\r\n", length(), Misframed::TooLong),
        (b"what?\r\n", length(), Misframed::Malformed),
        (b"OK\n", Framing::Status, Misframed::Malformed),
        (&[b'x'; 70_000], Framing::Line, Misframed::TooLong),
        (&[b'\n'; 70_000], Framing::Until("END".to_owned()), Misframed::TooLong),
        (&[b'x'; 70_000], Framing::Close, Misframed::TooLong),
    ] {
        let started = Instant::now();
        let trouble = trouble_with(said, framing.clone()).await;
        assert!(is_nonsense(&trouble, expected), "{framing:?}: {trouble}");
        assert!(started.elapsed() < TIMEOUT, "{framing:?}");
    }
}

#[tokio::test]
async fn endless_reply_is_cut_off_at_the_limit() {
    for (bytes, framing) in [
        ([b'x'; 4096], Framing::Line),
        ([b'\n'; 4096], Framing::Until("END".to_owned())),
        ([b'x'; 4096], Framing::Close),
    ] {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let service = misbehaving(move |mut peer: Peer| {
            let counter = counter.clone();
            async move {
                let said = peer.say_without_end(&bytes, 100_000).await;
                counter.store(said, Ordering::Relaxed);
            }
        })
        .await;
        let upstream = upstream(settings(service.addr));
        let trouble = trouble_then_answer(&upstream, &exchange("first", framing)).await;
        assert!(is_nonsense(&trouble, Misframed::TooLong), "{trouble}");
        // What the kernel keeps for a connection comes on top.
        assert!(taken.load(Ordering::Relaxed) < 16 << 20);
    }
}

#[tokio::test]
async fn endless_lines_that_belong_to_no_reply_end_at_the_deadline() {
    let service = misbehaving(async |mut peer: Peer| {
        peer.say_without_end(&b"event x\n".repeat(512), 1_000_000).await;
    })
    .await;
    let upstream = upstream(settings(service.addr));
    let trouble = trouble_then_answer(&upstream, &exchange("first", Framing::Line)).await;
    assert!(matches!(trouble, Trouble::TimedOut), "{trouble}");
}

#[tokio::test]
async fn byte_now_and_then_is_no_answer() {
    let service = misbehaving(async |mut peer: Peer| {
        for byte in b"re: first, and so on for a long time\n" {
            peer.say([*byte]).await;
            sleep(Duration::from_millis(30)).await;
        }
    })
    .await;
    let upstream = upstream(settings(service.addr));
    let trouble = trouble_then_answer(&upstream, &exchange("first", Framing::Line)).await;
    assert!(matches!(trouble, Trouble::TimedOut), "{trouble}");
}

#[tokio::test]
async fn close_at_any_stage_is_a_trouble_at_once() {
    for (said, framing) in [
        (&b""[..], Framing::Line),
        (b"re: fi", Framing::Line),
        (b"2\na\n", Framing::Count),
        (b"$5\r\nsh", Framing::Length("$".to_owned())),
        (b"$5\r\nshort", Framing::Length("$".to_owned())),
        (b"250-a\n", Framing::Status),
        (b"", Framing::Close),
    ] {
        let service = misbehaving(move |mut peer: Peer| async move { peer.say(said).await }).await;
        let upstream = upstream(settings(service.addr));
        let started = Instant::now();
        let trouble = upstream.ask(&exchange("first", framing.clone())).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Io(_)), "{framing:?} {said:?}: {trouble}");
        assert!(started.elapsed() < SLACK, "{framing:?} {said:?}");
        check_next(&upstream).await;
    }
}

#[tokio::test]
async fn close_right_after_the_connect_and_between_two_questions_is_a_trouble_at_once() {
    let service = Service::start(async |mut peer: Peer| match peer.number {
        0 => {}
        1 => {
            peer.line().await;
            peer.say("re: volt\n").await;
            peer.line().await;
        }
        _ => peer.behave().await,
    })
    .await;
    let upstream = upstream(settings(service.addr));
    assert!(matches!(ask(&upstream, "first").await, Err(Trouble::Io(_))));
    sleep(Duration::from_millis(25)).await;
    let then = Some(Then { send: b"then".to_vec(), ok: "0".to_owned() });
    let both = Exchange { then, ..exchange("volt", Framing::Line) };
    assert!(matches!(upstream.ask(&both).await, Err(Trouble::Io(_))));
    check_next(&upstream).await;
}

#[tokio::test]
async fn second_answer_is_nobodys() {
    // Both come at once; one more than was counted; the second one between two questions.
    for (said, later, framing, expected) in [
        (&b"one\ntwo\n"[..], &b""[..], Framing::Line, "one"),
        (b"1\none\ntwo\n", b"", Framing::Count, "one"),
        (b"one\n", b"two\n", Framing::Line, "one"),
        (b"one\n", b"half", Framing::Line, "one"),
    ] {
        let service = misbehaving(move |mut peer: Peer| async move {
            peer.say(said).await;
            sleep(Duration::from_millis(10)).await;
            peer.say(later).await;
            peer.until_closed().await;
        })
        .await;
        let upstream = upstream(settings(service.addr));
        let first = upstream.ask(&exchange("first", framing)).await.unwrap();
        assert_eq!(text(&first), expected);
        check_next(&upstream).await;
    }
}

#[tokio::test]
async fn answer_before_the_question_is_none() {
    let service = Service::start(async |mut peer: Peer| {
        if peer.number == 0 {
            peer.say("re: anything\n").await;
            peer.line().await;
            panic!("it was asked");
        }
        peer.behave().await;
    })
    .await;
    let mut settings = settings(service.addr);
    settings.pause = Duration::from_millis(20);
    let upstream = upstream(settings);
    let trouble = trouble_then_answer(&upstream, &exchange("first", Framing::Line)).await;
    assert!(is_nonsense(&trouble, Misframed::Unasked), "{trouble}");
}

#[tokio::test]
async fn second_line_that_comes_late_is_waited_for_by_a_pause() {
    let service = Service::start(async |mut peer: Peer| {
        while let Some(line) = peer.line().await {
            peer.say(format!("re: {line}\n")).await;
            sleep(Duration::from_millis(30)).await;
            peer.say(format!("and: {line}\n")).await;
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::MIN;
    settings.pause = Duration::from_millis(60);
    let upstream = upstream(settings);
    for number in 0..10 {
        let answer = ask(&upstream, &number.to_string()).await.unwrap();
        assert_eq!(answer, format!("re: {number}"));
    }
    assert_eq!(service.connections(), 10);
}

#[tokio::test]
async fn answer_that_comes_too_late_is_nobodys() {
    let service = Service::start(async |mut peer: Peer| {
        while let Some(line) = peer.line().await {
            if line == "slow" {
                sleep(TIMEOUT + Duration::from_millis(50)).await;
            }
            peer.say(format!("re: {line}\n")).await;
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::MIN;
    let upstream = upstream(settings);
    assert!(matches!(ask(&upstream, "slow").await, Err(Trouble::TimedOut)));
    sleep(Duration::from_millis(25)).await;
    for _ in 0..20 {
        assert_eq!(ask(&upstream, "quick").await.unwrap(), "re: quick");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn answer_to_a_caller_who_left_is_nobodys() {
    let service = Service::start(async |mut peer: Peer| {
        while let Some(line) = peer.line().await {
            sleep(Duration::from_millis(60)).await;
            peer.say(format!("re: {line}\n")).await;
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.connections = NonZeroUsize::MIN;
    let upstream = upstream(settings);
    for number in 0..5 {
        let impatient = format!("impatient {number}");
        let left = timeout(Duration::from_millis(30), ask(&upstream, &impatient)).await;
        assert!(left.is_err());
        let patient = format!("patient {number}");
        assert_eq!(ask(&upstream, &patient).await.unwrap(), format!("re: {patient}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_no_answer_is_another_calls() {
    // What it does to a line follows from the numbers of the connection and of the line.
    let service = Service::start(async |mut peer: Peer| {
        let mut number = peer.number;
        while let Some(line) = peer.line().await {
            number += 1;
            let answer = format!("re: {line}\n");
            match number * 7919 % 23 {
                0 => return,
                1 => return peer.say(&answer[..answer.len() - 2]).await,
                2 => return peer.until_closed().await,
                3 => peer.say(answer.repeat(2)).await,
                4 => peer.say(format!("event {answer}{answer}event x\n")).await,
                5 => peer.say(format!("{answer}half")).await,
                6 => {
                    sleep(Duration::from_millis(70)).await;
                    peer.say(answer).await;
                }
                _ => {
                    let (one, other) = answer.split_at(3);
                    peer.say(one).await;
                    tokio::task::yield_now().await;
                    peer.say(other).await;
                }
            }
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.timeout = Duration::from_millis(50);
    let upstream = upstream(settings);
    let callers: Vec<_> = (0..24)
        .map(|caller| {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                for number in 0..100 {
                    let line = format!("{caller}.{number}");
                    // Some leave before their time is over.
                    let patience =
                        Duration::from_micros(if number % 5 == 0 { 700 } else { 60_000 });
                    if let Ok(Ok(answer)) = timeout(patience, ask(&upstream, &line)).await {
                        assert_eq!(answer, format!("re: {line}"));
                        answered += 1;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    assert!(answered > 200, "{answered}");
}

#[tokio::test]
async fn what_comes_with_the_answer_to_a_login_is_no_answer_to_a_call() {
    let service = Service::start(|mut peer| async move {
        while let Some(line) = peer.line().await {
            peer.say(if line == "login" {
                "OK\nwelcome\n".to_owned()
            } else {
                format!("re: {line}\n")
            })
            .await;
        }
    })
    .await;
    let mut settings = settings(service.addr);
    settings.login = Some(LoginLines(vec![b"login".to_vec()]));
    let upstream = upstream(settings);
    let trouble = ask(&upstream, "first").await.unwrap_err();
    assert!(is_nonsense(&trouble, Misframed::Unasked), "{trouble}");
}

#[tokio::test]
async fn what_comes_with_a_reply_does_not_say_that_all_is_well() {
    let service = misbehaving(|mut peer: Peer| async move {
        peer.say("done\n0,fake\n").await;
        peer.until_closed().await;
    })
    .await;
    let upstream = upstream(settings(service.addr));
    let then = Then { send: b"ERR?".to_vec(), ok: "0,".to_owned() };
    let set = Exchange { then: Some(then), ..exchange("first", Framing::Line) };
    let trouble = trouble_then_answer(&upstream, &set).await;
    assert!(is_nonsense(&trouble, Misframed::Unasked), "{trouble}");
}

#[tokio::test]
async fn late_word_to_a_line_leaves_no_answer_to_the_next_call() {
    let framings = [(Framing::None, ""), (Framing::Line, "done\n")];
    let words = ["ERR late", "what?"];
    let cases = words.iter().flat_map(|word| framings.clone().map(|framing| (*word, framing)));
    for (word, (framing, reply)) in cases {
        let service = misbehaving(move |mut peer: Peer| async move {
            if !reply.is_empty() {
                peer.say(reply).await;
            }
            peer.line().await;
            peer.say(format!("{word}\n")).await;
            // Its answer to the question afterwards is no quicker than the next call.
            peer.line().await;
            peer.say("0,fine\n").await;
            peer.until_closed().await;
        })
        .await;
        let upstream = upstream(settings(service.addr));
        let then = Then { send: b"ERR?".to_vec(), ok: "0,".to_owned() };
        let set = Exchange { then: Some(then), ..exchange("first", framing) };
        let said = upstream.ask(&set).await.unwrap();
        assert_eq!(text(&said), format!("refused: {word}"));
        check_next(&upstream).await;
    }
}

#[tokio::test]
async fn blank_line_after_an_error_is_no_answer_to_the_next_call() {
    let service = misbehaving(async |mut peer: Peer| {
        peer.say("ERR no\n").await;
        peer.line().await;
        peer.say("\n").await;
        peer.until_closed().await;
    })
    .await;
    let upstream = upstream(settings(service.addr));
    let said = upstream.ask(&exchange("first", Framing::Blank)).await.unwrap();
    assert_eq!(text(&said), "refused: ERR no");
    check_next(&upstream).await;
}
