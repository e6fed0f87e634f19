//! Text commands, against Redis, Python and what the kernel allows; by UDP too.

use std::io;
use std::net::SocketAddr;

use crate::client::Lifetime;
use crate::datagrams;
use crate::exchange::Exchange;
use crate::goal::Goal;
use crate::load::Load;
use crate::options::Options;
use crate::peers::Peer;
use crate::table::Table;
use crate::turns::{Contestant, Series, in_turn, measure};

const CONNECTIONS: usize = 16;
const DEPTHS: [usize; 3] = [1, 16, 64];
const COLUMNS: [&str; 8] = [
    "server",
    "commands/s",
    "commands per server CPU-s",
    "busy",
    "p50 ms",
    "p99 ms",
    "ours to it, per CPU-s",
    "goal",
];

pub fn run(options: &Options) -> io::Result<String> {
    let mut page = "## Text commands\n".to_owned();
    for depth in DEPTHS {
        eprintln!("text: depth {depth}");
        let table = kept(options, depth);
        page += &format!("\n### {CONNECTIONS} kept connections, {depth} at a time\n\n{table}");
    }
    eprintln!("text: one connection each");
    let table = one_each(options);
    page += &format!("\n### One connection a command, {CONNECTIONS} at once\n\n{table}");
    eprintln!("text: datagrams");
    let table = by_udp(options);
    page += &format!("\n### By UDP, {CONNECTIONS} sockets, a command a datagram\n\n{table}");
    Ok(page)
}

fn kept(options: &Options, depth: usize) -> Table {
    let hello = |addr: SocketAddr| Exchange::lines(addr, "hello\n", depth);
    let ping = |addr: SocketAddr| Exchange::lines(addr, "PING\r\n", depth);
    let load = Load::kept(CONNECTIONS, options.time());
    let contestants = [
        Contestant { peer: Peer::Text, exchange: &hello, load, body_bytes: 0 },
        Contestant { peer: Peer::Redis, exchange: &ping, load, body_bytes: 0 },
        Contestant { peer: Peer::PythonTcp, exchange: &hello, load, body_bytes: 0 },
    ];
    compare(options, &contestants, [None, Some(Goal::AtLeast(1.0)), None])
}

fn one_each(options: &Options) -> Table {
    let hello = |addr: SocketAddr| Exchange::lines(addr, "hello\n", 1);
    let load = Load { lifetime: Lifetime::OneExchange, ..Load::kept(CONNECTIONS, options.time()) };
    let contestant = |peer| Contestant { peer, exchange: &hello, load, body_bytes: 0 };
    let contestants = [Peer::Text, Peer::PythonTcp, Peer::BareEpoll].map(contestant);
    compare(options, &contestants, [None, Some(Goal::AtLeast(10.0)), Some(Goal::AtLeast(0.95))])
}

fn by_udp(options: &Options) -> Table {
    let load = Load::kept(CONNECTIONS, options.time());
    let peers = [Peer::Text, Peer::BareUdp];
    let turn = |peer: &Peer| datagrams::run(&peer.start(0)?, b"hello", load);
    let all = in_turn(&peers, options.rounds, |peer| *peer, turn);
    rows(peers, &all, [None, Some(Goal::AtLeast(0.8))])
}

fn compare<const N: usize>(
    options: &Options,
    contestants: &[Contestant; N],
    goals: [Option<Goal>; N],
) -> Table {
    let all = measure(contestants, options.rounds);
    rows(contestants.each_ref().map(|contestant| contestant.peer), &all, goals)
}

fn rows<const N: usize>(peers: [Peer; N], all: &[Series], goals: [Option<Goal>; N]) -> Table {
    let mut table = Table::new(&COLUMNS);
    for ((peer, series), goal) in peers.into_iter().zip(all).zip(goals) {
        series.add_compared(&mut table, peer, &all[0], goal);
    }
    table
}
