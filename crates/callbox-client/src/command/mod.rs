//! The path of a command: `line` and `options` (words become what is wanted) -> `server` (how it is
//! reached, and what `progress` shows meanwhile) -> `call`, with `arguments` read by the method's
//! `signature`, or `list`, or `help` -> `show` -> an `ending`, with its exit code.

pub(crate) mod arguments;
pub(crate) mod call;
pub(crate) mod completions;
pub(crate) mod content;
pub(crate) mod ending;
pub(crate) mod help;
pub(crate) mod json;
pub(crate) mod line;
pub(crate) mod list;
pub(crate) mod manual;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod server;
pub(crate) mod show;
pub(crate) mod signature;

use ending::Ending;
use options::{Action, Options};
use server::Server;

/// Does what is wanted.
pub(crate) fn run(options: Options) -> Result<(), Ending> {
    match &options.action {
        Action::Usage => return output::write(options::USAGE.as_bytes()),
        Action::Version => {
            return output::write(concat!("callbox ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
        }
        Action::Manual => return output::write(manual::page().as_bytes()),
        Action::Completions(shell) => return output::write(shell.script().as_bytes()),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Ending::Transport(format!("no runtime: {error}")))?;
    let server = Server::new(&options)?;
    runtime.block_on(async {
        match &options.action {
            Action::Call { method, words } => call::call(&server, &options, method, words).await,
            Action::Help { method } => help::help(&server, method).await,
            Action::Names => list::names(&server).await,
            _ => list::list(&server, &options).await,
        }
    })
}
