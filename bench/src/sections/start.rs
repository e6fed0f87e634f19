//! From the start of a process to its word that it listens.

use std::io::{self, BufRead, BufReader, Error};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::goal::{Goal, judged};
use crate::peers::Peer;
use crate::samples::Samples;
use crate::table::Table;

const STARTS: usize = 20;

pub fn run() -> io::Result<String> {
    let mut table = Table::new(&["service", "ms to `listening`", "goal"]);
    for (name, peer) in [("tcp-command-svc", Peer::Text), ("xmlrpc-svc", Peer::XmlRpc)] {
        eprintln!("start: {name}");
        let Some(program) = peer.program() else {
            table.skipped(name, "not built");
            continue;
        };
        let times: Samples = (0..STARTS).map(|_| start(&program)).collect::<io::Result<_>>()?;
        let goal = judged(Some(Goal::Under(20.0)), &times);
        table.row([name.to_owned(), times.to_string(), goal]);
    }
    Ok(format!("## Start to ready, {STARTS} starts\n\n{table}"))
}

/// Milliseconds. On the core of this process, which only waits meanwhile.
fn start(program: &Path) -> io::Result<f64> {
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    let time = started.elapsed().as_secs_f64() * 1e3;
    child.kill()?;
    child.wait()?;
    match read {
        Some(Ok(_)) if line.starts_with("listening") => Ok(time),
        _ => Err(Error::other("the service did not say that it listens")),
    }
}
