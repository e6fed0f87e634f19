//! What to measure, and for how long.

use std::time::Duration;

pub const USAGE: &str =
    "usage: bench/run [--keep] [SECTION]... [--rounds COUNT] [--seconds TIME] [--idle COUNT]
sections: codec http scale idle tls text client gateway start overload (all of them unless named)
--rounds   turns that each peer gets; medians are taken over them (5)
--seconds  length of one measurement (2)
--idle     connections in the sections idle and tls (10000)
--keep     replace the tables of BENCHMARKS.md, too";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Codec,
    Http,
    Scale,
    Text,
    Client,
    Gateway,
    Idle,
    Tls,
    Start,
    Overload,
}

const SECTIONS: [(&str, Section); 10] = [
    ("codec", Section::Codec),
    ("http", Section::Http),
    ("scale", Section::Scale),
    ("idle", Section::Idle),
    ("tls", Section::Tls),
    ("text", Section::Text),
    ("client", Section::Client),
    ("gateway", Section::Gateway),
    ("start", Section::Start),
    ("overload", Section::Overload),
];

#[derive(Debug, Clone)]
pub struct Options {
    pub sections: Vec<Section>,
    pub rounds: usize,
    pub seconds: f64,
    pub idle: usize,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { sections: Vec::new(), rounds: 5, seconds: 2.0, idle: 10_000 };
        while let Some(argument) = arguments.next() {
            let mut number = |range| number(&argument, arguments.next(), range);
            match argument.as_str() {
                "--rounds" => options.rounds = number((1.0, 100.0))? as usize,
                "--seconds" => options.seconds = number((0.1, 60.0))?,
                "--idle" => options.idle = number((1.0, 25_000.0))? as usize,
                name => match SECTIONS.iter().find(|(own, _)| *own == name) {
                    Some((_, section)) => options.sections.push(*section),
                    None => return Err(USAGE.to_owned()),
                },
            }
        }
        if options.sections.is_empty() {
            options.sections = SECTIONS.map(|(_, section)| section).to_vec();
        }
        Ok(options)
    }

    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn number(option: &str, text: Option<String>, (least, most): (f64, f64)) -> Result<f64, String> {
    match text.and_then(|text| text.parse().ok()) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{option} takes a number from {least} to {most}\n{USAGE}")),
    }
}
