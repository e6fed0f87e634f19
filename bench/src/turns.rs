//! Servers measured in turn, so that a slow moment of the machine meets them all.

use std::io;
use std::net::SocketAddr;

use crate::exchange::Exchange;
use crate::goal::{Goal, judged};
use crate::load::{self, Load, Outcome};
use crate::peers::Peer;
use crate::samples::{Samples, short};
use crate::table::Table;

/// A server, and how it is asked.
pub struct Contestant<'a> {
    pub peer: Peer,
    pub exchange: &'a dyn Fn(SocketAddr) -> io::Result<Exchange>,
    pub load: Load,
    /// What a server that gives only fixed bytes gives.
    pub body_bytes: usize,
}

/// A contestant's figures, one a round.
#[derive(Debug, Default)]
pub struct Series {
    pub per_second: Samples,
    pub per_cpu_second: Samples,
    /// Share of the time in which the server worked; the load generator is the limit if it is low.
    pub busy: Samples,
    pub p50: Samples,
    pub p99: Samples,
    /// Why there are none.
    pub skipped: Option<String>,
}

/// `rounds` turns for each of `contestants`, in their order. One that fails is skipped from then on.
pub fn measure(contestants: &[Contestant], rounds: usize) -> Vec<Series> {
    in_turn(contestants, rounds, |contestant| contestant.peer, Contestant::turn)
}

/// `rounds` turns for each of `all`, each of which is measured by `turn`.
pub fn in_turn<T>(
    all: &[T],
    rounds: usize,
    peer: impl Fn(&T) -> Peer,
    turn: impl Fn(&T) -> io::Result<Outcome>,
) -> Vec<Series> {
    let mut series: Vec<Series> = all.iter().map(|_| Series::default()).collect();
    for round in 1..=rounds {
        for (one, series) in all.iter().zip(&mut series) {
            if series.skipped.is_some() {
                continue;
            }
            eprintln!("  round {round} of {rounds}: {}", peer(one).name());
            match turn(one) {
                Ok(outcome) => series.push(outcome),
                Err(error) => series.skipped = Some(reason(peer(one), &error)),
            }
        }
    }
    series
}

impl Contestant<'_> {
    fn turn(&self) -> io::Result<Outcome> {
        let server = self.peer.start(self.body_bytes)?;
        let exchange = (self.exchange)(server.addr)?;
        load::run(&server, &exchange, self.load)
    }
}

impl Series {
    pub fn push(&mut self, outcome: Outcome) {
        self.per_second.push(outcome.per_second());
        self.per_cpu_second.push(outcome.per_cpu_second());
        self.busy.push(outcome.server_cpu_seconds / outcome.seconds);
        self.p50.push(outcome.p50);
        self.p99.push(outcome.p99);
    }

    /// Adds the row of `peer`: its figures, and what those of `ours` are to them by CPU second.
    pub fn add_compared(&self, table: &mut Table, peer: Peer, ours: &Series, goal: Option<Goal>) {
        if let Some(why) = &self.skipped {
            return table.skipped(peer.name(), why);
        }
        let ratio = ours.per_cpu_second.over(&self.per_cpu_second);
        self.add_to(table, peer.name(), [ratio.to_string(), judged(goal, &ratio)]);
    }

    /// Adds the row called `name`: its figures, and what they are beside those of others.
    pub fn add_to(&self, table: &mut Table, name: &str, [ratio, goal]: [String; 2]) {
        table.row([
            name.to_owned(),
            short(self.per_second.median()),
            self.per_cpu_second.to_string(),
            short(self.busy.median()),
            short(self.p50.median() * 1e3),
            short(self.p99.median() * 1e3),
            ratio,
            goal,
        ]);
    }
}

fn reason(peer: Peer, error: &io::Error) -> String {
    match peer.program() {
        None => "not installed".to_owned(),
        Some(_) => format!("failed: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}
