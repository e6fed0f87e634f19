//! Calls over kept connections.

use std::io;
use std::net::SocketAddr;

use crate::client::Lifetime;
use crate::documents;
use crate::exchange::Exchange;
use crate::goal::{Goal, judged};
use crate::load::{self, Load};
use crate::options::Options;
use crate::peers::{OURS, Peer};
use crate::samples::Samples;
use crate::table::Table;
use crate::turns::{Contestant, Series, measure};

const SMALL_CONNECTIONS: usize = 32;
const LARGE_CONNECTIONS: usize = 4;
const MULTICALL_ENTRIES: usize = 1_000;

pub fn run(options: &Options) -> io::Result<String> {
    Ok(format!(
        "## HTTP\n\n\
         ### `addition(2, 3)`, {SMALL_CONNECTIONS} kept connections\n\n{}\n\
         ### `addition(2, 3)` by JSON-RPC, {SMALL_CONNECTIONS} kept connections\n\n{}\n\
         ### Echo of the array of 1,000 structs, {LARGE_CONNECTIONS} kept connections\n\n{}\n\
         ### `system.multicall` of {MULTICALL_ENTRIES} additions, one kept connection\n\n{}",
        small(options),
        json(options),
        large(options),
        multicall(options)?,
    ))
}

fn small(options: &Options) -> Table {
    eprintln!("http: addition");
    let peers = [
        (Peer::XmlRpc, None),
        (Peer::FixedBody, Some(Goal::AtLeast(0.95))),
        (Peer::Nginx, None),
        (Peer::Dxr, Some(Goal::AtLeast(1.5))),
        (Peer::Abyss, Some(Goal::AtLeast(8.0))),
        (Peer::PythonXmlRpc, Some(Goal::AtLeast(20.0))),
    ];
    let answer = documents::response(&5.into()).len();
    let load = Load::kept(SMALL_CONNECTIONS, options.time());
    let exchange = |addr: SocketAddr| Exchange::http(addr, &documents::addition(), 1);
    compare(options, &peers, &exchange, load, answer)
}

fn json(options: &Options) -> Table {
    eprintln!("http: JSON-RPC");
    let peers = [(Peer::JsonRpc, None), (Peer::Jsonrpsee, Some(Goal::AtLeast(1.2)))];
    let load = Load::kept(SMALL_CONNECTIONS, options.time());
    let exchange = |addr: SocketAddr| Exchange::json(addr, documents::json_addition(), 1);
    compare(options, &peers, &exchange, load, 0)
}

fn large(options: &Options) -> Table {
    eprintln!("http: echo");
    let peers = [
        (Peer::XmlRpc, None),
        (Peer::FixedBody, None),
        (Peer::Dxr, Some(Goal::AtLeast(4.0))),
        (Peer::Abyss, None),
        (Peer::PythonXmlRpc, Some(Goal::AtLeast(15.0))),
    ];
    let structs = documents::structs(1_000);
    let answer = documents::response(&structs).len();
    let load = Load::kept(LARGE_CONNECTIONS, options.time());
    let body = documents::echo(structs);
    let exchange = |addr: SocketAddr| Exchange::http(addr, &body, 1);
    compare(options, &peers, &exchange, load, answer)
}

/// This project, which comes first, over each of the others, by requests a CPU second.
fn compare(
    options: &Options,
    peers: &[(Peer, Option<Goal>)],
    exchange: &dyn Fn(SocketAddr) -> io::Result<Exchange>,
    load: Load,
    body_bytes: usize,
) -> Table {
    let contestants: Vec<_> =
        peers.iter().map(|&(peer, _)| Contestant { peer, exchange, load, body_bytes }).collect();
    let all = measure(&contestants, options.rounds);
    let mut table = Table::new(&[
        "server",
        "requests/s",
        "requests per server CPU-s",
        "busy",
        "p50 ms",
        "p99 ms",
        "ours to it, per CPU-s",
        "goal",
    ]);
    for (&(peer, goal), series) in peers.iter().zip(&all) {
        series.add_compared(&mut table, peer, &all[0], goal);
    }
    table
}

fn multicall(options: &Options) -> io::Result<Table> {
    eprintln!("http: multicall");
    let load = Load { connections: 1, lifetime: Lifetime::Kept, time: options.time() };
    let (mut single, mut many) = (Series::default(), Series::default());
    for _ in 0..options.rounds {
        let server = Peer::XmlRpc.start(0)?;
        let one = Exchange::http(server.addr, &documents::addition(), 1)?;
        single.push(load::run(&server, &one, load)?);
        let body = documents::multicall(MULTICALL_ENTRIES);
        let thousand = Exchange::http(server.addr, &body, MULTICALL_ENTRIES)?;
        many.push(load::run(&server, &thousand, load)?);
    }
    let ratio = |figures: &Samples, goal| {
        let ratio = many.per_second.over(figures);
        (ratio.to_string(), judged(goal, &ratio))
    };
    let mut table = Table::new(&[
        "call",
        "additions/s",
        "additions per server CPU-s",
        "multicall to it, per s",
        "goal",
    ]);
    for (name, series, goal) in
        [("single", &single, Some(Goal::AtLeast(10.0))), ("multicall", &many, None)]
    {
        let (ratio, goal) = ratio(&series.per_second, goal);
        table.row([
            format!("{OURS}, {name}"),
            series.per_second.to_string(),
            series.per_cpu_second.to_string(),
            ratio,
            goal,
        ]);
    }
    Ok(table)
}
