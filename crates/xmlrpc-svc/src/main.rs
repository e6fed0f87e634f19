//! Publishes functions over XML-RPC: `addition`, `subtraction`, the text commands, `system.*`,
//! and what a gateway file says.

use std::path::Path;
use std::process::ExitCode;

use callbox::{Check, Metrics, Registry, Server, StartError};
use svc_runtime::clock::Clock;
use xmlrpc_svc::commands::{Commands, TEXT_SERVICE};
use xmlrpc_svc::config::Config;
use xmlrpc_svc::gateway::Gateway;
use xmlrpc_svc::gateway::answer_memory::AnswerMemory;
use xmlrpc_svc::gateway::taken::Taken;
use xmlrpc_svc::upstream_metrics::AllUpstreamMetrics;

fn main() -> ExitCode {
    let config: Config = callbox::parse();
    callbox::serve_with(&config.callbox, || {
        let clock = Clock::from_env().map_err(|error| StartError::setting("TZ", error))?;
        let metrics = Metrics::new();
        let upstreams = AllUpstreamMetrics::new(&metrics);
        let (commands, state) = match &config.command_addr {
            Some(addr) => (Commands::over_network(addr.clone(), &upstreams), "up"),
            None => (Commands::InProcess(clock), "in-process"),
        };
        let mut registry = Registry::new();
        for group in &config.methods {
            group.add(&mut registry, &commands, &config.connect_allow);
        }
        let server = match &config.gateway {
            Some(file) => with_gateway(registry, file, &config, &metrics, upstreams)?,
            None => Server::new(registry),
        };
        let server = server.program(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Ok(server.metrics(metrics).check(command_service(commands).up_as(state)))
    })
}

/// The methods, and those that the gateway file publishes.
fn with_gateway(
    mut registry: Registry,
    file: &Path,
    config: &Config,
    metrics: &Metrics,
    counted: AllUpstreamMetrics,
) -> Result<Server, StartError> {
    let methods = registry.methods().map(|method| method.name().to_owned()).collect();
    let upstreams = config.command_addr.iter().map(|_| TEXT_SERVICE.to_owned()).collect();
    let taken = Taken { methods, upstreams };
    let memory = AnswerMemory::of_process(config.callbox.process.max_memory, metrics);
    let reserved = memory.bytes();
    let gateway = Gateway::load(file.to_owned(), taken, counted, memory)
        .map_err(|error| StartError::Setting(error.to_string()))?;
    registry.add_catalog(gateway.catalog());
    Ok(Server::new(registry).reserve(reserved).on_reload("gateway", move || gateway.reload()))
}

/// Whether the service behind `commands` answers.
fn command_service(commands: Commands) -> Check {
    Check::optional("command_service", move || {
        let commands = commands.clone();
        async move { commands.answer().await }
    })
}
