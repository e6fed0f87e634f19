use super::*;
use std::future::pending;

use tokio::task::{JoinHandle, yield_now};

use crate::metrics::Metrics;

const LISTENER: &str = "test";

fn roll(admission: Admission) -> Roll {
    Roll::new(admission, Metrics::new().connections().clone(), AccessLog::Off)
}

fn peer(address: &str) -> Peer {
    Peer::Inet((address.parse::<std::net::IpAddr>().unwrap(), 1).into())
}

/// A connection in a task that does not end by itself.
struct Connected {
    held: Held,
    task: JoinHandle<()>,
}

impl Connected {
    fn admitted(roll: &Roll) -> Result<Self, Refusal> {
        let entry = roll.admit(Peer::Unix, LISTENER)?;
        let (held, id) = (entry.held().clone(), entry.id());
        let task = tokio::spawn(async move {
            let _entry = entry;
            pending().await
        });
        roll.runs(id, task.abort_handle());
        Ok(Self { held, task })
    }

    async fn is_closed(&self) -> bool {
        yield_now().await;
        self.task.is_finished()
    }
}

fn refused<T>(admitted: Result<T, Refusal>) -> Option<Refusal> {
    admitted.err()
}

#[tokio::test]
async fn silent_peers_are_not_closed_for_another() {
    let roll = roll(Admission::up_to(2));
    let silent = [Connected::admitted(&roll).unwrap(), Connected::admitted(&roll).unwrap()];
    assert_eq!(refused(Connected::admitted(&roll)), Some(Refusal::Cap));
    for connected in &silent {
        assert!(!connected.is_closed().await);
    }
    silent[0].task.abort();
    assert!(silent[0].is_closed().await);
    assert!(Connected::admitted(&roll).is_ok(), "its place is free");
}

#[tokio::test]
async fn longest_unfinished_is_closed_for_another() {
    let roll = roll(Admission::up_to(4));
    let peers: Vec<_> = (0..4).map(|_| Connected::admitted(&roll).unwrap()).collect();
    for connected in &peers[1..] {
        connected.held.received(1).unwrap();
    }
    peers[1].held.taken();
    assert!(Connected::admitted(&roll).is_ok());
    let mut closed = Vec::new();
    for connected in &peers {
        closed.push(connected.is_closed().await);
    }
    assert_eq!(closed, [false, false, true, false], "neither silent nor waiting for us");
}

#[tokio::test]
async fn next_peer_waits_for_those_who_have_just_come_where_nobody_may_wait() {
    let roll = roll(Admission { closes: Closes::Waiting, ..Admission::up_to(1) });
    assert_eq!(roll.pause(), None, "there is a place");
    let only = Connected::admitted(&roll).unwrap();
    assert!(roll.pause().is_some_and(|pause| pause <= PATIENCE));
    only.held.taken();
    assert_eq!(roll.pause(), None, "it is not waited for");
}

#[tokio::test]
async fn whoever_is_silent_is_closed_where_nobody_may_wait() {
    let roll = roll(Admission { closes: Closes::Waiting, ..Admission::up_to(2) });
    let (first, second) =
        (Connected::admitted(&roll).unwrap(), Connected::admitted(&roll).unwrap());
    first.held.received(1).unwrap();
    first.held.taken();
    assert!(Connected::admitted(&roll).is_ok());
    assert!(!first.is_closed().await, "it waits for us");
    assert!(second.is_closed().await);
}

#[tokio::test]
async fn memory_is_a_cap_too() {
    let roll = roll(Admission { memory: 10_000, connection_bytes: 4_000, ..Admission::up_to(9) });
    let peers = [Connected::admitted(&roll).unwrap(), Connected::admitted(&roll).unwrap()];
    assert_eq!(refused(Connected::admitted(&roll)), Some(Refusal::Memory));
    peers.iter().for_each(|connected| connected.task.abort());
    yield_now().await;
    assert_eq!(roll.0.kept.load(Relaxed), 0);
}

#[tokio::test]
async fn longest_unfinished_is_closed_for_one_that_takes_more() {
    let roll = roll(Admission { memory: 19_000, connection_bytes: 1_000, ..Admission::up_to(9) });
    let (first, second) =
        (Connected::admitted(&roll).unwrap(), Connected::admitted(&roll).unwrap());
    first.held.received(4_000).unwrap();
    second.held.received(4_000).unwrap();
    assert!(first.is_closed().await && !second.is_closed().await);
    assert_eq!(roll.0.kept.load(Relaxed), 1_000 + 2 * 4_096);
    assert!(second.held.received(40_000).is_err(), "nobody else has anything");
    assert!(second.is_closed().await);
    assert_eq!((roll.0.kept.load(Relaxed), roll.0.leaving.load(Relaxed)), (0, 0));
}

#[tokio::test]
async fn who_takes_more_than_there_is_is_told_so_where_nobody_can_be_closed() {
    let roll = roll(Admission { memory: 10_000, connection_bytes: 1_000, ..Admission::up_to(9) });
    let connected = Connected::admitted(&roll).unwrap();
    // As TLS does, which says nothing of a wait.
    let error = connected.held.grow(40_000).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
}

#[tokio::test]
async fn what_is_held_is_counted_while_it_is() {
    let roll = roll(Admission { connection_bytes: 1_000, ..Admission::up_to(9) });
    let kept = || roll.0.kept.load(Relaxed);
    let connected = Connected::admitted(&roll).unwrap();
    let held = &connected.held;
    held.received(1_000).unwrap();
    assert_eq!(kept(), 1_000, "as every connection does");
    held.received(2_000).unwrap();
    assert_eq!(kept(), 1_000 + 2 * 4_096);
    held.received(1_000_000).unwrap();
    assert_eq!(kept(), 1_000 + 2 * 65_536, "the rest has a budget of its own");
    held.taken();
    assert_eq!(kept(), 1_000);
    held.blocked(500).unwrap();
    held.blocked(500).unwrap();
    assert_eq!(kept(), 2_000);
    held.flows();
    held.grow(300).unwrap();
    held.keeps(3_000).unwrap();
    assert_eq!(kept(), 1_300 + 2 * 4_096);
    held.keeps(0).unwrap();
    assert_eq!(kept(), 1_300);
    connected.task.abort();
    assert!(connected.is_closed().await);
    assert_eq!(kept(), 0);
}

#[tokio::test]
async fn what_is_read_after_the_end_of_a_connection_counts_no_more() {
    let roll = roll(Admission { connection_bytes: 1_000, ..Admission::up_to(9) });
    let connected = Connected::admitted(&roll).unwrap();
    connected.held.received(3_000).unwrap();
    connected.task.abort();
    assert!(connected.is_closed().await);
    connected.held.taken();
    connected.held.received(3_000).unwrap();
    assert_eq!(roll.0.kept.load(Relaxed), 0);
}

#[tokio::test]
async fn half_a_request_is_one_after_its_peer_has_taken_an_answer_too() {
    let roll = roll(Admission::up_to(2));
    let (begun, silent) =
        (Connected::admitted(&roll).unwrap(), Connected::admitted(&roll).unwrap());
    for connected in [&begun, &silent] {
        connected.held.received(1).unwrap();
        connected.held.taken();
    }
    begun.held.waits(true);
    silent.held.waits(false);
    for connected in [&begun, &silent] {
        connected.held.blocked(1).unwrap();
        connected.held.flows();
    }
    assert!(Connected::admitted(&roll).is_ok());
    assert!(begun.is_closed().await && !silent.is_closed().await);
}

#[tokio::test]
async fn kernels_buffers_count_where_they_are_a_part_of_the_memory() {
    let roll = roll(Admission { counts_sockets: true, ..Admission::up_to(9) });
    let connected = Connected::admitted(&roll).unwrap();
    connected.held.blocked(500).unwrap();
    assert_eq!(roll.0.kept.load(Relaxed), 2 * 500 + 256 * 1024);
}

#[test]
fn address_has_no_more_than_its_share() {
    let roll = roll(Admission { share: Percent::HALF, ..Admission::up_to(4) });
    let admit = |address: &str| roll.admit(peer(address), LISTENER);
    let one = admit("2001:db8::1").unwrap();
    let _two = admit("2001:db8::2").unwrap();
    assert_eq!(refused(admit("2001:db8::3")), Some(Refusal::Share));
    let _other = admit("192.0.2.1").unwrap();
    let _last = admit("192.0.2.1").unwrap();
    assert_eq!(refused(admit("192.0.2.2")), Some(Refusal::Cap));
    assert_eq!(roll.0.list().sources.len(), 2, "of those that are connected");
    drop(one);
    assert!(admit("2001:db8::3").is_ok());
}

#[test]
fn this_machine_and_its_proxies_have_no_share() {
    let trusted = ["10.0.0.0/8".parse().unwrap()].into();
    let roll = roll(Admission { share: Percent::HALF, trusted, ..Admission::up_to(8) });
    let peers = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3"].map(peer);
    for peer in peers.into_iter().chain([Peer::Unix]) {
        let admitted: Vec<_> = (0..8).map(|_| roll.admit(peer, LISTENER)).collect();
        assert!(admitted.iter().all(Result::is_ok), "{peer}");
    }
}

#[tokio::test]
async fn looks_at_many_connections_are_not_made_all_the_time() {
    let roll = roll(Admission::up_to(LOOK_PAUSE.0 + 100_000));
    let many: Vec<_> =
        (0..LOOK_PAUSE.0 + 100_000).map(|_| roll.admit(Peer::Unix, LISTENER).unwrap()).collect();
    assert_eq!(refused(roll.admit(Peer::Unix, LISTENER)), Some(Refusal::Cap));
    let looked = roll.0.list().looked;
    assert_eq!(refused(roll.admit(Peer::Unix, LISTENER)), Some(Refusal::Cap));
    assert_eq!(roll.0.list().looked, looked);
    drop(many);
    assert!(roll.0.list().connections.is_empty());
}
