//! A registry as the whole of a process.

use std::process::ExitCode;

use clap::Parser;
use svc_runtime::admin::Health;
use svc_runtime::process::{self, Service, StartError};
use svc_runtime::{http, settings};

use crate::edge::Edge;
use crate::registry::Registry;
use crate::settings::EdgeSettings;

/// What a peer over the connection cap is told.
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Publishes functions over XML-RPC (HTTP POST)
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
struct Config {
    #[command(flatten)]
    edge: EdgeSettings,
}

/// Publishes `registry` until a signal stops the process, whose exit code is given back. The
/// command line and the environment say where, within which limits, and how to log.
pub fn serve(registry: Registry) -> ExitCode {
    let config: Config = settings::parse();
    run(&config.edge, || Ok((registry, Health::new())))
}

/// Publishes what `build` makes, as `settings` say, until a signal stops the process.
pub fn run(
    settings: &EdgeSettings,
    build: impl FnOnce() -> Result<(Registry, Health), StartError>,
) -> ExitCode {
    process::run(&settings.process, settings.admin_listen, || {
        let (registry, health) = build()?;
        let registry = registry.publish(settings.limits.max_multicall_entries);
        let edge = Edge::new(registry, settings.limits.call(), &health);
        let deadlines = settings.limits.http();
        Ok(Service {
            role: "xmlrpc",
            listen: settings.listen.clone(),
            refusal: REFUSAL,
            health,
            connection: move |stream, peer, stop| {
                let edge = edge.clone();
                let answer = move |request| edge.clone().answer(request);
                http::run(stream, peer, answer, deadlines, stop)
            },
        })
    })
}
