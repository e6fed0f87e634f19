//! What TLS costs: a call on a kept connection, a handshake, a connection that says nothing.

use std::io;
use std::net::SocketAddr;

use crate::client::Lifetime;
use crate::documents;
use crate::exchange::Exchange;
use crate::goal::{Goal, judged};
use crate::load::Load;
use crate::options::Options;
use crate::peers::Peer;
use crate::sections::idle::{self, Past};
use crate::table::Table;
use crate::turns::{Contestant, measure};

const CONNECTIONS: usize = 32;
const HANDSHAKES_AT_ONCE: usize = 16;
const PEERS: [Peer; 4] = [Peer::XmlRpc, Peer::Nginx, Peer::XmlRpcTls, Peer::NginxTls];

pub fn run(options: &Options) -> io::Result<String> {
    let idle = [
        ("HTTPS, handshake made", Peer::XmlRpcTls, Past::Silent, Goal::Under(32.0)),
        ("HTTPS, answered once", Peer::XmlRpcTls, Past::AnsweredOnce, Goal::Under(32.0)),
    ];
    let (calls, handshakes) = (calls(options), handshakes(options));
    let (count, idle) = idle::table(options, &idle)?;
    Ok(format!(
        "## TLS 1.3, AES-128-GCM, X25519, ECDSA P-256\n\n\
         ### `addition(2, 3)`, {CONNECTIONS} kept connections\n\n{calls}\n\
         ### Handshakes without resumption, {HANDSHAKES_AT_ONCE} at once\n\n{handshakes}\n\
         ### {count} idle connections\n\n{idle}"
    ))
}

fn calls(options: &Options) -> Table {
    eprintln!("tls: addition");
    let body = documents::addition();
    let plain = |addr: SocketAddr| Exchange::http(addr, &body, 1);
    let secured = |addr: SocketAddr| Exchange::https(addr, &body, 1);
    let load = Load::kept(CONNECTIONS, options.time());
    let body_bytes = documents::response(&5.into()).len();
    let all = measure(
        &PEERS.map(|peer| Contestant {
            peer,
            exchange: if peer.speaks_tls() { &secured } else { &plain },
            load,
            body_bytes,
        }),
        options.rounds,
    );
    let mut table = Table::new(&[
        "server",
        "requests/s",
        "requests per server CPU-s",
        "busy",
        "p50 ms",
        "p99 ms",
        "ours to it, per CPU-s",
        "that by TLS to that without; goal",
    ]);
    if let Some(why) = all.iter().find_map(|series| series.skipped.as_ref()) {
        table.skipped("all", why);
        return table;
    }
    let [ours, nginx, ours_tls, nginx_tls] = [0, 1, 2, 3].map(|index| &all[index].per_cpu_second);
    let without = ours.over(nginx);
    let by_tls = ours_tls.over(nginx_tls);
    let share = by_tls.over(&without);
    let goal = judged(Some(Goal::AtLeast(0.95)), &share);
    let cells = [
        [ours.over(ours).to_string(), String::new()],
        [without.to_string(), String::new()],
        [ours_tls.over(ours_tls).to_string(), String::new()],
        [by_tls.to_string(), format!("{share}; {goal}")],
    ];
    for ((peer, series), cells) in PEERS.into_iter().zip(&all).zip(cells) {
        series.add_to(&mut table, peer.name(), cells);
    }
    table
}

fn handshakes(options: &Options) -> Table {
    eprintln!("tls: handshakes");
    let peers = [(Peer::XmlRpcTls, None), (Peer::NginxTls, Some(Goal::AtLeast(0.8)))];
    let exchange = |_| Ok(Exchange::handshake());
    let load = Load {
        connections: HANDSHAKES_AT_ONCE,
        lifetime: Lifetime::OneExchange,
        time: options.time(),
    };
    let contestant = |(peer, _)| Contestant { peer, exchange: &exchange, load, body_bytes: 0 };
    let all = measure(&peers.map(contestant), options.rounds);
    let mut table = Table::new(&[
        "server",
        "handshakes/s",
        "handshakes per server CPU-s",
        "busy",
        "p50 ms",
        "p99 ms",
        "ours to it, per CPU-s",
        "goal",
    ]);
    for ((peer, goal), series) in peers.into_iter().zip(&all) {
        series.add_compared(&mut table, peer, &all[0], goal);
    }
    table
}
