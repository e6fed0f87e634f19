//! The command `callbox`: calls the methods of an XML-RPC server, lists them, and shows their help.

mod command;

use std::process::ExitCode;

use command::options::Options;

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1);
    let options = Options::parse(words, std::env::var("CALLBOX_URL").ok());
    let ended = options.and_then(command::run);
    ended.map_or_else(|ending| ending.told(), |()| ExitCode::SUCCESS)
}
