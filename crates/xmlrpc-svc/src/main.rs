//! Publishes functions over XML-RPC: `addition`, `subtraction`, the text commands, `system.*`.

use std::process::ExitCode;

use callbox::registry::Registry;
use callbox::server;
use svc_runtime::admin::Health;
use svc_runtime::clock::Clock;
use svc_runtime::process::StartError;
use svc_runtime::settings;
use tower::ServiceExt;
use xmlrpc_svc::command_client::{self, CommandName, CommandService};
use xmlrpc_svc::config::Config;

fn main() -> ExitCode {
    let config: Config = settings::parse();
    server::run(&config.edge, || {
        let clock = Clock::from_env().map_err(|error| StartError::setting("TZ", error))?;
        let (commands, state) = match &config.command_addr {
            Some(addr) => (command_client::over_network(addr.clone()), "up"),
            None => (command_client::in_process(clock), "in-process"),
        };
        let mut registry = Registry::new();
        for group in &config.methods {
            group.add(&mut registry, &commands);
        }
        Ok((registry, health(commands, state)))
    })
}

/// Tells `state` of the service behind `commands` while that answers.
fn health(commands: CommandService, state: &'static str) -> Health {
    Health::with_dependency("command_service", move || {
        let asked = commands.clone().oneshot(CommandName::HELP);
        async move { if asked.await.is_ok() { state } else { "down" } }
    })
}
