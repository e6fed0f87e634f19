//! Publishes functions over XML-RPC: `addition`, `subtraction`, the text commands, `system.*`.

use std::process::ExitCode;

use svc_runtime::admin::Health;
use svc_runtime::clock::Clock;
use svc_runtime::process::{self, Service, StartError};
use svc_runtime::{http, settings};
use tower::ServiceExt;
use xmlrpc_svc::command_client::{self, CommandName};
use xmlrpc_svc::config::Config;
use xmlrpc_svc::registry::Registry;
use xmlrpc_svc::service;

fn main() -> ExitCode {
    let config: Config = settings::parse();
    process::run(&config.process, config.admin_listen, || {
        let clock = Clock::from_env().map_err(|error| StartError::setting("TZ", error))?;
        let (commands, is_remote) = match &config.command_addr {
            Some(addr) => (command_client::over_network(addr.clone()), true),
            None => (command_client::in_process(clock), false),
        };
        let mut registry = Registry::new();
        for group in &config.methods {
            group.add(&mut registry, &commands);
        }
        let registry = registry.publish(config.limits.max_multicall_entries);

        let health = Health::with_dependency("command_service", move || {
            let commands = commands.clone();
            async move {
                match commands.oneshot(CommandName::HELP).await {
                    Ok(_) if is_remote => "up",
                    Ok(_) => "in-process",
                    Err(_) => "down",
                }
            }
        });
        let router = service::router(registry, config.limits.call(), &health);
        let deadlines = config.limits.http();
        Ok(Service {
            role: "xmlrpc",
            listen: config.listen.clone(),
            refusal: REFUSAL,
            health,
            connection: move |stream, peer, stop| {
                http::run(stream, peer, router.clone(), deadlines, stop)
            },
        })
    })
}

const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
