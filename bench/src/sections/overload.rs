//! What is left of the service where more is asked than it can do, by callers who hang up after a
//! second.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use protocol::xmlrpc::{MethodCall, encode_call};

use crate::callers::{self, PATIENCE, Pace, Told};
use crate::documents;
use crate::options::Options;
use crate::peers::Peer;
use crate::process::Server;
use crate::samples::{Samples, short};
use crate::table::Table;

/// Times its capacity that the service is asked for.
const FACTORS: [f64; 3] = [1.5, 4.0, 10.0];

/// Structs in a call of 55 kB.
const STRUCTS: usize = 112;

/// Callers of a closed loop that keep the service busy and overload nothing.
const CAPACITY_CALLERS: usize = 8;

/// Between two small calls of somebody else, and between two looks at the health.
const PROBE_PAUSE: Duration = Duration::from_millis(10);

pub fn run(options: &Options) -> io::Result<String> {
    let body = documents::echo(documents::structs(STRUCTS));
    let kinds = [
        (
            "55 kB compressed",
            Peer::XmlRpc,
            request("Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\n", &gzip(&body)?),
        ),
        ("55 kB plain", Peer::XmlRpc, request("", &body)),
        ("a method of 10 ms, 8 at a time", Peer::Waiting, request("", &wait())),
    ];
    let mut table = Table::new(&[
        "calls",
        "asked for",
        "made/s",
        "answered within 1 s, to capacity",
        "of them p99 ms",
        "refused/s",
        "503 p99 ms",
        "hung up/s",
        "broken/s",
        "server busy",
        "callers busy",
        "small calls p99 ms",
        "health p99 ms",
        "speed a second later",
    ]);
    for (name, peer, request) in &kinds {
        let server = peer.start(0)?;
        let capacity = capacity(&server, request, options.time())?;
        let name = format!("{name}, {}/s", short(capacity));
        for factor in FACTORS {
            let rate = factor * capacity;
            let callers = (rate * PATIENCE.as_secs_f64()) as usize;
            for (word, pace) in [
                (format!("{factor} x, open"), Pace::Open(rate)),
                (format!("{factor} x, closed"), Pace::Closed(callers)),
            ] {
                eprintln!("overload: {name}, {word}");
                let seen = overload(&server, request, pace, options.time())?;
                let after = capacity_after(&server, request)? / capacity;
                row(&mut table, [&name, &word], &seen, capacity, after);
            }
        }
    }
    Ok(format!(
        "## Overload\n\nTo hold: 0.8 of capacity answered, refused within 50 ms, small calls under 50 ms, health \
         under 100 ms, full speed a second later.\n\n{table}"
    ))
}

fn row(table: &mut Table, [name, word]: [&String; 2], seen: &Seen, capacity: f64, after: f64) {
    let told = &seen.told;
    let per_second = |count: usize| short(count as f64 / told.seconds);
    table.row([
        name.clone(),
        word.clone(),
        per_second(told.made),
        short(told.answered_per_second() / capacity),
        short(Samples::quantile(&told.answered, 0.99) * 1e3),
        per_second(told.refused.len()),
        short(told.refused_p99() * 1e3),
        per_second(told.given_up),
        per_second(told.broken),
        short(seen.busy),
        short(told.busy),
        short(seen.small_p99 * 1e3),
        short(seen.health_p99 * 1e3),
        short(after),
    ]);
}

struct Seen {
    told: Told,
    busy: f64,
    small_p99: f64,
    health_p99: f64,
}

fn capacity(server: &Server, request: &[u8], time: Duration) -> io::Result<f64> {
    let pace = Pace::Closed(CAPACITY_CALLERS);
    callers::call(server.addr, request, pace, time / 4)?;
    let told = callers::call(server.addr, request, pace, time)?;
    Ok(told.answered_per_second())
}

fn capacity_after(server: &Server, request: &[u8]) -> io::Result<f64> {
    thread::sleep(Duration::from_secs(1));
    let told = callers::call(
        server.addr,
        request,
        Pace::Closed(CAPACITY_CALLERS),
        Duration::from_secs(1),
    )?;
    Ok(told.answered_per_second())
}

fn overload(server: &Server, request: &[u8], pace: Pace, time: Duration) -> io::Result<Seen> {
    let over = AtomicBool::new(false);
    let small = self::request("", &documents::addition());
    let health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    thread::scope(|scope| {
        let before = server.usage()?.cpu_seconds;
        let small = scope.spawn(|| probe(server.addr, &small, &over));
        let health = scope.spawn(|| probe(server.admin, &health, &over));
        let told = callers::call(server.addr, request, pace, time);
        let after = server.usage();
        // Whatever came of it, or nobody tells the probes.
        over.store(true, Ordering::Relaxed);
        let told = told?;
        let busy = (after?.cpu_seconds - before) / told.seconds;
        let p99 = |times: thread::Result<io::Result<Vec<f64>>>| {
            let times = times.map_err(|_| Error::other("a probe panicked"))??;
            Ok::<_, Error>(Samples::quantile(&times, 0.99))
        };
        let (small_p99, health_p99) = (p99(small.join())?, p99(health.join())?);
        Ok(Seen { told, busy, small_p99, health_p99 })
    })
}

/// Asks now and then over one kept connection and a new one by turns; gives back sorted seconds.
/// What is refused or broken counts as a second.
fn probe(addr: SocketAddr, request: &[u8], over: &AtomicBool) -> io::Result<Vec<f64>> {
    let mut times = Vec::new();
    let mut kept = None;
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        if times.len() % 2 == 0 {
            kept = None;
        }
        match ask(&mut kept, addr, request) {
            Ok(()) => times.push(asked.elapsed().as_secs_f64()),
            Err(_) => {
                kept = None;
                times.push(asked.elapsed().as_secs_f64().max(1.0));
            }
        }
        thread::sleep(PROBE_PAUSE);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn ask(kept: &mut Option<TcpStream>, addr: SocketAddr, request: &[u8]) -> io::Result<()> {
    if kept.is_none() {
        *kept = Some(TcpStream::connect_timeout(&addr, PATIENCE)?);
    }
    let Some(stream) = kept else { return Ok(()) };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = [0; 4096];
    let bytes = stream.read(&mut answer)?;
    let is_answered = answer[..bytes].starts_with(b"HTTP/1.1 200");
    if is_answered { Ok(()) } else { Err(Error::other("no answer")) }
}

fn request(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

fn wait() -> Vec<u8> {
    encode_call(&MethodCall::new("wait", Vec::new())).expect("a name")
}
