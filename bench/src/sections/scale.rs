//! Whether what a call costs stays the same with more connections, and a byte with larger bodies.

use std::io;
use std::net::SocketAddr;

use crate::documents;
use crate::exchange::Exchange;
use crate::load::{self, Load};
use crate::options::Options;
use crate::peers::Peer;
use crate::samples::{Samples, short};
use crate::table::Table;
use crate::turns::{Contestant, Series, measure};

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

/// Structs in the echoed array, for bodies of about 1 kB to just under the largest allowed.
const STRUCTS: [usize; 7] = [2, 8, 32, 128, 512, 2_048, 8_500];

/// Enough to keep the server busy: a server that falls asleep between calls pays for waking up.
const SMALL_BODY_CONNECTIONS: usize = 16;

/// Few enough for the memory that a service grants to all bodies together.
const LARGE_BODY_CONNECTIONS: usize = 2;

pub fn run(options: &Options) -> io::Result<String> {
    let (connections, bodies) = (connections(options)?, bodies(options)?);
    Ok(format!(
        "## Scale\n\n### `addition(2, 3)` by connections\n\n{connections}\n\
         ### Echo by size, {SMALL_BODY_CONNECTIONS} connections up to 64 kB and {LARGE_BODY_CONNECTIONS} beyond\n\n{bodies}"
    ))
}

fn connections(options: &Options) -> io::Result<Table> {
    let exchange = |addr: SocketAddr| Exchange::http(addr, &documents::addition(), 1);
    let answer = documents::response(&5.into()).len();
    let contestants: Vec<_> = CONNECTIONS
        .iter()
        .flat_map(|&count| [(Peer::XmlRpc, count), (Peer::FixedBody, count)])
        .map(|(peer, count)| Contestant {
            peer,
            exchange: &exchange,
            load: Load::kept(count, options.time()),
            body_bytes: answer,
        })
        .collect();
    eprintln!("scale: connections");
    let all = measure(&contestants, options.rounds);
    if let Some(why) = all.iter().find_map(|series| series.skipped.as_ref()) {
        return Err(io::Error::other(why.clone()));
    }
    let mut table = Table::new(&[
        "connections",
        "requests/s",
        "server CPU µs a call",
        "its change from 16",
        "that of the fixed body from 16",
    ]);
    // The cost goes down where the throughput of a CPU second goes up.
    let change = |series: &Series, sixteen: &Series| {
        sixteen.per_cpu_second.over(&series.per_cpu_second).to_string()
    };
    for (index, connections) in CONNECTIONS.into_iter().enumerate() {
        let (ours, fixed) = (&all[2 * index], &all[2 * index + 1]);
        table.row([
            connections.to_string(),
            short(ours.per_second.median()),
            short(1e6 / ours.per_cpu_second.median()),
            change(ours, &all[2]),
            change(fixed, &all[3]),
        ]);
    }
    Ok(table)
}

fn bodies(options: &Options) -> io::Result<Table> {
    let bodies = STRUCTS.map(|count| documents::echo(documents::structs(count)));
    let mut costs = STRUCTS.map(|_| Samples::default());
    let mut further = STRUCTS.map(|_| Samples::default());
    for round in 1..=options.rounds {
        eprintln!("scale: bodies, round {round} of {}", options.rounds);
        let server = Peer::XmlRpc.start(0)?;
        let mut smallest = None;
        for (index, body) in bodies.iter().enumerate() {
            let exchange = Exchange::http(server.addr, body, 1)?;
            let load = Load::kept(connections_for(body), options.time());
            let outcome = load::run(&server, &exchange, load)?;
            let (bytes, cost) = (body.len() as f64, 1e9 / outcome.per_cpu_second());
            costs[index].push(cost / bytes);
            let (least_bytes, least_cost) = *smallest.get_or_insert((bytes, cost));
            further[index].push((cost - least_cost) / (bytes - least_bytes));
        }
    }
    let mut table =
        Table::new(&["body kB", "server CPU ns a byte", "ns a byte beyond the smallest body"]);
    for (index, body) in bodies.iter().enumerate() {
        table.row([
            format!("{:.1}", body.len() as f64 / 1e3),
            costs[index].to_string(),
            if index == 0 { String::new() } else { further[index].to_string() },
        ]);
    }
    Ok(table)
}

fn connections_for(body: &[u8]) -> usize {
    if body.len() <= 64 * 1024 { SMALL_BODY_CONNECTIONS } else { LARGE_BODY_CONNECTIONS }
}
