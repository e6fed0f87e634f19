//! Measures this project and its peers in turn, on this machine, and prints Markdown.
//!
//! `sections` say what is measured. For servers: `peers` start them (`process`), and `front`s
//! before them, `exchange` learns what they answer, `load` asks them over many `client`s (by a
//! `wire`) or by `datagrams`, `callers` ask for more than they can do, `turns` repeats that round by
//! round. For codecs: `contest`. Figures become `samples`, `goal` judges them, `table` prints them.

mod callers;
mod client;
mod contest;
mod datagrams;
mod documents;
mod exchange;
mod front;
mod goal;
mod identity;
mod load;
mod machine;
mod options;
mod peers;
mod process;
mod samples;
mod sections;
mod table;
mod turns;
mod wire;

use std::io;
use std::process::ExitCode;

use options::{Options, Section};
use sections::{clients, codec, gateway, http, idle, overload, scale, start, text, tls};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::parse(arguments.iter().cloned()) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    println!("{}", machine::describe(&arguments));
    println!(
        "Medians of {} rounds, with the lowest and the highest in parentheses.\n",
        options.rounds
    );
    let mut code = ExitCode::SUCCESS;
    for section in &options.sections {
        match run(*section, &options) {
            Ok(page) => println!("{page}"),
            Err(error) => {
                println!("## {section:?}\n\nFailed: {error}.\n");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn run(section: Section, options: &Options) -> io::Result<String> {
    match section {
        Section::Codec => Ok(codec::run(options)),
        Section::Http => http::run(options),
        Section::Scale => scale::run(options),
        Section::Text => text::run(options),
        Section::Client => clients::run(options),
        Section::Gateway => gateway::run(options),
        Section::Idle => idle::run(options),
        Section::Tls => tls::run(options),
        Section::Start => start::run(),
        Section::Overload => overload::run(options),
    }
}
