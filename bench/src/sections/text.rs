//! Text commands, against Redis and Python.

use std::io;
use std::net::SocketAddr;

use crate::client::Lifetime;
use crate::exchange::Exchange;
use crate::goal::{Goal, judged};
use crate::load::Load;
use crate::options::Options;
use crate::peers::Peer;
use crate::samples::short;
use crate::table::Table;
use crate::turns::{Contestant, Series, measure};

const CONNECTIONS: usize = 16;
const DEPTHS: [usize; 3] = [1, 16, 64];
const COLUMNS: [&str; 8] = [
    "server",
    "commands/s",
    "commands per server CPU-s",
    "busy",
    "p50 ms",
    "p99 ms",
    "ours to it, per s",
    "goal, per s",
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
    compare(options, &contestants, [None, Some(Goal::AtLeast(10.0)), None])
}

fn compare<const N: usize>(
    options: &Options,
    contestants: &[Contestant; N],
    goals: [Option<Goal>; N],
) -> Table {
    let all = measure(contestants, options.rounds);
    let mut table = Table::new(&COLUMNS);
    for ((contestant, series), goal) in contestants.iter().zip(&all).zip(goals) {
        row(&mut table, contestant.peer, series, &all[0], goal);
    }
    table
}

fn row(table: &mut Table, peer: Peer, series: &Series, ours: &Series, goal: Option<Goal>) {
    if let Some(why) = &series.skipped {
        return table.skipped(peer.name(), why);
    }
    let ratio = ours.per_second.over(&series.per_second);
    let per_cpu = ours.per_cpu_second.over(&series.per_cpu_second).median();
    let compared = format!("{ratio}, {} per CPU-s", short(per_cpu));
    series.add_to(table, peer, [compared, judged(goal, &ratio)]);
}
