//! Where and when the figures were taken.

use std::process::Command;
use std::thread::available_parallelism;

use crate::peers::Peer;
use callbox_bench::proc_files::cpu_field;

const LOCK: &str = include_str!("../Cargo.lock");

const CRATES: [&str; 6] = ["axum", "dxr_server", "dxr", "serde_xmlrpc", "roxmltree", "serde_json"];

/// Peers that are programs, and what makes each tell its version.
const PROGRAMS: [(Peer, &str); 3] =
    [(Peer::PythonXmlRpc, "--version"), (Peer::Redis, "--version"), (Peer::Nginx, "-v")];

/// A few lines of Markdown: date, machine, command.
pub fn describe(arguments: &[String]) -> String {
    let model = cpu_field("model name").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::fs::read_to_string("/proc/cpuinfo")
        .map(|text| text.lines().filter(|line| line.starts_with("processor")).count())
        .unwrap_or_else(|_| available_parallelism().map_or(0, usize::from));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let command = ["bench/run"].into_iter().chain(arguments.iter().map(String::as_str));
    format!(
        "{date}, {model}, {cores} cores, Linux {kernel}, load before the start {load}. {peers}.\n\n```sh\n{command}\n```\n",
        date = output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        kernel = output("uname", &["-r"]),
        peers = versions().join(", "),
        command = command.collect::<Vec<_>>().join(" "),
    )
}

/// Of the peers that are there.
fn versions() -> Vec<String> {
    let locked = CRATES.iter().filter_map(|name| locked_version(name));
    let installed = PROGRAMS.iter().filter_map(|(peer, argument)| {
        let output = Command::new(peer.program()?).arg(argument).output().ok()?;
        // nginx tells it on stderr.
        let text = [output.stdout, output.stderr].concat();
        Some(String::from_utf8_lossy(&text).lines().next()?.trim().to_owned())
    });
    locked.chain(installed).collect()
}

fn locked_version(name: &str) -> Option<String> {
    let entry = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
    Some(format!("{name} {}", entry.split_once('"')?.0))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
