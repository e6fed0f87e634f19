//! What it costs to publish what others do: by lines, and by XML-RPC beside nginx.

use std::io;

use crate::documents;
use crate::exchange::{Exchange, body_of_answer, contains};
use crate::front::{self, Behind, FORWARDED_METHOD, LINE_METHOD};
use crate::goal::{Goal, judged};
use crate::load::{self, Load, Outcome};
use crate::options::Options;
use crate::process::Server;
use crate::samples::Samples;
use crate::table::Table;
use crate::turns::Series;

const CALLERS: usize = 32;
const MULTICALL_ENTRIES: usize = 1_000;

const COLUMNS: [&str; 8] = [
    "call",
    "calls/s",
    "calls per CPU-s of the front",
    "busy",
    "p50 ms",
    "p99 ms",
    "to the one above, per CPU-s",
    "goal",
];

pub fn run(options: &Options) -> io::Result<String> {
    Ok(format!(
        "## Gateway\n\n\
         ### A line method beside `addition(2, 3)`, {CALLERS} kept connections\n\n{}\n\
         ### `addition(2, 3)` of a server behind, {CALLERS} kept connections\n\n{}\n\
         ### `system.multicall` of {MULTICALL_ENTRIES} additions of a server behind, one kept connection\n\n{}",
        lines(options)?,
        forwarded(options)?,
        multicall(options)?,
    ))
}

/// One way to be called: a front, and what it is asked.
struct Way {
    name: &'static str,
    front: fn(&Behind) -> io::Result<Server>,
    body: Vec<u8>,
    calls: usize,
}

impl Way {
    fn by_gateway(name: &'static str, body: Vec<u8>, calls: usize) -> Way {
        Way { name, front: front::gateway, body, calls }
    }

    fn turn(&self, load: Load) -> io::Result<Outcome> {
        let behind = Behind::start()?;
        let front = (self.front)(&behind)?;
        // A multicall is no fault for those that are in it.
        if contains(&body_of_answer(front.addr, &self.body)?, b"faultCode") {
            return Err(io::Error::other(format!("{}: a fault", self.name)));
        }
        let exchange = Exchange::http(front.addr, &self.body, self.calls)?;
        load::run(&front, &exchange, load)
    }
}

fn lines(options: &Options) -> io::Result<Table> {
    eprintln!("gateway: lines");
    let ways = [
        Way::by_gateway("`addition`, in the gateway itself", documents::addition(), 1),
        Way::by_gateway("`hello` of the text service", documents::call(LINE_METHOD), 1),
    ];
    let [itself, line] = measure(&ways, CALLERS, options)?;
    let ratio = line.per_cpu_second.over(&itself.per_cpu_second);
    Ok(table(&ways, [itself, line], ratio, Goal::AtLeast(0.5)))
}

fn forwarded(options: &Options) -> io::Result<Table> {
    eprintln!("gateway: forwarded");
    let nginx = Way {
        name: "nginx, `proxy_pass`",
        front: front::nginx,
        body: documents::addition(),
        calls: 1,
    };
    let gateway = Way::by_gateway("the gateway", documents::sum_by(FORWARDED_METHOD), 1);
    let ways = [nginx, gateway];
    let [nginx, gateway] = measure(&ways, CALLERS, options)?;
    let ratio = gateway.per_cpu_second.over(&nginx.per_cpu_second);
    Ok(table(&ways, [nginx, gateway], ratio, Goal::AtLeast(0.6)))
}

fn multicall(options: &Options) -> io::Result<Table> {
    eprintln!("gateway: multicall");
    let many = documents::multicall_of(FORWARDED_METHOD, MULTICALL_ENTRIES);
    let ways = [
        Way::by_gateway("single", documents::sum_by(FORWARDED_METHOD), 1),
        Way::by_gateway("multicall", many, MULTICALL_ENTRIES),
    ];
    let [single, many] = measure(&ways, 1, options)?;
    let ratio = many.per_cpu_second.over(&single.per_cpu_second);
    Ok(table(&ways, [single, many], ratio, Goal::AtLeast(20.0)))
}

/// Rounds of both ways by turns, each with everything started anew.
fn measure(ways: &[Way; 2], callers: usize, options: &Options) -> io::Result<[Series; 2]> {
    let load = Load::kept(callers, options.time());
    let mut all = [Series::default(), Series::default()];
    for round in 1..=options.rounds {
        for (way, series) in ways.iter().zip(&mut all) {
            eprintln!("  round {round} of {}: {}", options.rounds, way.name);
            series.push(way.turn(load)?);
        }
    }
    Ok(all)
}

fn table(ways: &[Way; 2], series: [Series; 2], ratio: Samples, goal: Goal) -> Table {
    let mut table = Table::new(&COLUMNS);
    series[0].add_to(&mut table, ways[0].name, [String::new(), String::new()]);
    let cells = [ratio.to_string(), judged(Some(goal), &ratio)];
    series[1].add_to(&mut table, ways[1].name, cells);
    table
}
