//! Answers text commands (`hello`, `time`, `goodbye`, `help`) over TCP.

use std::process::ExitCode;

use protocol::command;
use svc_runtime::admin::Health;
use svc_runtime::clock::Clock;
use svc_runtime::process::{self, StartError};
use svc_runtime::service::Service;
use svc_runtime::{listener, settings};
use tcp_command_svc::config::Config;
use tcp_command_svc::connection;

fn main() -> ExitCode {
    let config: Config = settings::parse();
    process::run(&config.process, async || {
        let clock = Clock::from_env().map_err(|error| StartError::setting("TZ", error))?;
        let limits = config.limits;
        Ok(Service {
            role: "command",
            listeners: listener::bind_all(&config.listen).await?,
            admin: Some(listener::bind(config.admin_listen).await?),
            max_connections: config.process.max_connections,
            drain_deadline: config.process.drain_deadline,
            refusal: command::BUSY.as_bytes(),
            health: Health::new(),
            connections: move |stream, peer, stop| {
                let clock = clock.clone();
                connection::run(stream, peer, limits, move || clock.now(), stop)
            },
        })
    })
}
