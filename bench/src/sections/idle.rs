//! What connections cost that say nothing, and whether a busy one beside them notices.

use std::io::{self, Error, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::documents;
use crate::exchange::Exchange;
use crate::goal::{Goal, judged};
use crate::load::{self, Load};
use crate::options::Options;
use crate::peers::Peer;
use crate::process::Server;
use crate::samples::{Samples, short};
use crate::table::Table;
use crate::wire::Wire;

/// Descriptors that are not for idle connections.
const RESERVED_DESCRIPTORS: u64 = 200;

/// How long the server has to take in what was connected.
const SETTLING: Duration = Duration::from_millis(500);

const OPENING_DEADLINE: Duration = Duration::from_secs(60);

/// What an idle connection did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// But for the handshake, where there is one.
    Silent,
    AnsweredOnce,
}

#[derive(Debug, Default)]
struct Series {
    kilobytes: Samples,
    alone: Samples,
    beside: Samples,
}

pub fn run(options: &Options) -> io::Result<String> {
    let text = Goal::Under(4.0);
    let http = Goal::Under(16.0);
    let (count, table) = table(
        options,
        &[
            ("text, silent so far", Peer::Text, Past::Silent, text),
            ("text, answered once", Peer::Text, Past::AnsweredOnce, text),
            ("HTTP, silent so far", Peer::XmlRpc, Past::Silent, http),
            ("HTTP, answered once", Peer::XmlRpc, Past::AnsweredOnce, http),
        ],
    )?;
    Ok(format!("## {count} idle connections\n\n{table}"))
}

/// A row for each of `services`, and how many connections each was given.
pub fn table(
    options: &Options,
    services: &[(&str, Peer, Past, Goal)],
) -> io::Result<(usize, Table)> {
    let count = options.idle.min(affordable()?);
    let mut table = Table::new(&[
        "service, connections",
        "server kB each",
        "goal",
        "p99 ms of a busy one, alone",
        "beside them",
        "beside to alone",
    ]);
    for &(name, peer, past, goal) in services {
        eprintln!("idle: {name}");
        let mut series = Series::default();
        for _ in 0..options.rounds {
            turn(options, peer, past, count, &mut series)?;
        }
        table.row([
            name.to_owned(),
            series.kilobytes.to_string(),
            judged(Some(goal), &series.kilobytes),
            short(series.alone.median() * 1e3),
            short(series.beside.median() * 1e3),
            series.beside.over(&series.alone).to_string(),
        ]);
    }
    Ok((count, table))
}

fn turn(
    options: &Options,
    peer: Peer,
    past: Past,
    count: usize,
    series: &mut Series,
) -> io::Result<()> {
    let server = peer.start(0)?;
    let exchange = match peer {
        Peer::Text => Exchange::lines(server.addr, "hello\n", 1)?,
        _ if peer.speaks_tls() => Exchange::https(server.addr, &documents::addition(), 1)?,
        _ => Exchange::http(server.addr, &documents::addition(), 1)?,
    };
    let busy = Load::kept(1, options.time());
    series.alone.push(load::run(&server, &exchange, busy)?.p99);
    let before = server.usage()?.resident_bytes;
    let idle = open(&server, &exchange, past, count)?;
    sleep(SETTLING);
    let after = server.usage()?.resident_bytes;
    series.kilobytes.push((after - before) / 1024.0 / idle.len() as f64);
    series.beside.push(load::run(&server, &exchange, busy)?.p99);
    Ok(())
}

fn open(
    server: &Server,
    exchange: &Exchange,
    past: Past,
    count: usize,
) -> io::Result<Vec<TcpStream>> {
    let deadline = Instant::now() + OPENING_DEADLINE;
    let mut answer = vec![0; exchange.response_bytes];
    let mut idle = Vec::with_capacity(count);
    for _ in 0..count {
        if Instant::now() > deadline {
            return Err(Error::other("the idle connections did not open in time"));
        }
        let stream = TcpStream::connect(server.addr)?;
        stream.set_read_timeout(Some(OPENING_DEADLINE))?;
        let mut wire = Wire::new(stream, exchange.carrier)?;
        wire.flush()?;
        if past == Past::AnsweredOnce {
            wire.write_all(&exchange.request)?;
            wire.read_exact(&mut answer)?;
        }
        idle.push(wire.into_socket());
    }
    Ok(idle)
}

/// Connections that the descriptor limit allows; the servers have the same limit.
fn affordable() -> io::Result<usize> {
    let limit = rlimit::increase_nofile_limit(u64::MAX)?;
    Ok(limit.saturating_sub(RESERVED_DESCRIPTORS).max(1) as usize)
}
