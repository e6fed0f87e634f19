//! Clients, against each other: all call one server, which gives one answer over and over.

use std::io::{self, Error};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::documents;
use crate::goal::{Goal, judged};
use crate::options::Options;
use crate::peers::{bench, in_path};
use crate::process::{self, Server};
use crate::samples::{Samples, short};
use crate::table::Table;

const COLUMNS: [&str; 6] =
    ["client", "calls/s", "calls per client CPU-s", "busy", "ours to it, per CPU-s", "goal"];

/// Callers at once, of clients that can be called so.
const CALLERS: usize = 16;

/// As many, for large answers.
const LARGE_CALLERS: usize = 4;

pub fn run(options: &Options) -> io::Result<String> {
    eprintln!("client: small answers");
    let small = compare(options, "five.xml", &documents::response(&5.into()), CALLERS, [1.3, 10.0]);
    eprintln!("client: large answers");
    let large = documents::response(&documents::structs(1_000));
    let large = compare(options, "structs.xml", &large, LARGE_CALLERS, [3.0, 10.0]);
    Ok(format!(
        "## Client\n\n### `addition(2, 3)` over kept connections, {CALLERS} callers where there can be as many\n\n{}\n\
         ### An answer of 489 kB, {LARGE_CALLERS} callers where there can be as many\n\n{}",
        small?, large?
    ))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Async,
    Blocking,
    Dxr,
    Python,
}

impl Client {
    const ALL: [Client; 4] = [Client::Async, Client::Blocking, Client::Dxr, Client::Python];

    fn name(self) -> &'static str {
        match self {
            Client::Async => "this project",
            Client::Blocking => "this project, blocking, one caller",
            Client::Dxr => "dxr_client",
            Client::Python => "Python `xmlrpc.client`, one caller",
        }
    }

    /// The command that calls for so many seconds, by as many callers as it can have.
    fn command(self, url: &str, callers: usize, seconds: f64) -> io::Result<Command> {
        let calls = bench().join("target/release/calls");
        let (program, first, callers) = match self {
            Client::Async => (calls, "callbox", Some(callers)),
            Client::Dxr => (calls, "dxr", Some(callers)),
            Client::Blocking => (calls, "blocking", Some(1)),
            Client::Python => {
                let python = in_path("python3").ok_or(io::ErrorKind::NotFound)?;
                let script = bench().join("peers/xmlrpc_client.py");
                let mut command = Command::new(python);
                command.arg(script).args([url, "addition", &seconds.to_string()]);
                return Ok(command);
            }
        };
        let mut command = Command::new(program);
        command.args([first, url, "addition"]).args(callers.map(|callers| callers.to_string()));
        command.arg(seconds.to_string());
        Ok(command)
    }
}

/// What a client told of a round.
#[derive(Debug, Default)]
struct Series {
    per_second: Samples,
    per_cpu_second: Samples,
    busy: Samples,
}

/// All clients in turn, before a server that answers with `answer`. The goals are dxr's beside many
/// callers, and Python's beside one.
fn compare(
    options: &Options,
    name: &str,
    answer: &[u8],
    callers: usize,
    [dxr, python]: [f64; 2],
) -> io::Result<Table> {
    let file = bench().join("target").join(name);
    fs::write(&file, answer)?;
    let server = serving(&file)?;
    let url = format!("http://{}/", server.addr);
    let mut all = Client::ALL.map(|_| Series::default());
    for round in 1..=options.rounds {
        for (client, series) in Client::ALL.into_iter().zip(&mut all) {
            eprintln!("  round {round} of {}: {}", options.rounds, client.name());
            series.push(&told(&mut client.command(&url, callers, options.seconds)?)?)?;
        }
    }
    let mut table = Table::new(&COLUMNS);
    for (client, series) in Client::ALL.into_iter().zip(&all) {
        let (ours, goal) = match client {
            Client::Async => (&all[0], None),
            Client::Blocking => (&all[1], None),
            Client::Dxr => (&all[0], Some(Goal::AtLeast(dxr))),
            Client::Python => (&all[1], Some(Goal::AtLeast(python))),
        };
        let ratio = ours.per_cpu_second.over(&series.per_cpu_second);
        table.row([
            client.name().to_owned(),
            short(series.per_second.median()),
            series.per_cpu_second.to_string(),
            short(series.busy.median()),
            ratio.to_string(),
            judged(goal, &ratio),
        ]);
    }
    Ok(table)
}

fn serving(file: &Path) -> io::Result<Server> {
    let (addr, admin) = (process::free_addr()?, process::free_addr()?);
    let program = bench().join("target/release/fixed_body");
    Server::start(
        &program,
        vec![addr.port().to_string(), file.display().to_string()],
        [addr, admin],
    )
}

/// The line that a client ends with.
fn told(command: &mut Command) -> io::Result<String> {
    // Whatever proxy the machine has, it is not in this network.
    for (name, _) in env::vars().filter(|(name, _)| name.to_lowercase().ends_with("_proxy")) {
        command.env_remove(name);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(Error::other(format!("a client failed: {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Series {
    fn push(&mut self, line: &str) -> io::Result<()> {
        let figures: Vec<f64> = line.split_whitespace().flat_map(str::parse).collect();
        let [calls, seconds, cpu_seconds] = figures[..] else {
            return Err(Error::other(format!("a client told {line:?}")));
        };
        self.per_second.push(calls / seconds);
        self.per_cpu_second.push(calls / cpu_seconds);
        self.busy.push(cpu_seconds / seconds);
        Ok(())
    }
}
