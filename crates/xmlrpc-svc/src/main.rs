//! Publishes functions over XML-RPC: `addition`, `subtraction`, the text commands, `system.*`.

use std::process::ExitCode;

use callbox::{Check, Metrics, Registry, Server, StartError};
use svc_runtime::clock::Clock;
use tower::ServiceExt;
use xmlrpc_svc::command_client::{self, CommandName, CommandService};
use xmlrpc_svc::config::Config;

fn main() -> ExitCode {
    let config: Config = callbox::parse();
    callbox::serve_with(&config.callbox, || {
        let clock = Clock::from_env().map_err(|error| StartError::setting("TZ", error))?;
        let metrics = Metrics::new();
        let (commands, state) = match &config.command_addr {
            Some(addr) => (command_client::over_network(addr.clone(), &metrics), "up"),
            None => (command_client::in_process(clock), "in-process"),
        };
        let mut registry = Registry::new();
        for group in &config.methods {
            group.add(&mut registry, &commands);
        }
        let server = Server::new(registry).metrics(metrics);
        Ok(server.check(command_service(commands).up_as(state)))
    })
}

/// Whether the service behind `commands` answers.
fn command_service(commands: CommandService) -> Check {
    Check::optional("command_service", move || {
        let asked = commands.clone().oneshot(CommandName::HELP);
        async move { asked.await.map(drop) }
    })
}
