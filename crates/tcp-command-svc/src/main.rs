//! Answers text commands (`hello`, `time`, `goodbye`, `help`) over TCP.

use std::process::ExitCode;
use std::time::Duration;

use protocol::command::{BUSY, Vocabulary};
use svc_runtime::admin::Health;
use svc_runtime::clock::Clock;
use svc_runtime::handshake::HandshakeTerms;
use svc_runtime::listener::{ListenError, Listener, bind_all, bind_tls};
use svc_runtime::memory::Memory;
use svc_runtime::metrics::Metrics;
use svc_runtime::process::{self, StartError};
use svc_runtime::reload::Reload;
use svc_runtime::roll::Admission;
use svc_runtime::service::Service;
use svc_runtime::settings;
use svc_runtime::stream::Origin;
use tcp_command_svc::commands::{self, Commands};
use tcp_command_svc::config::Config;
use tcp_command_svc::{connection, udp};

/// How long a peer may take for its TLS handshake.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// What a connection takes on which nothing unusual is said, the kernel's part with it, in bytes.
const CONNECTION_BYTES: usize = 8 * 1024;

fn main() -> ExitCode {
    let config: Config = settings::parse();
    process::run(&config.process, async || {
        let clock = Clock::from_env().map_err(|error| StartError::setting("TZ", error))?;
        let (limits, process) = (config.limits, &config.process);
        let memory = Memory::of_process(process.max_memory);
        let admission = Admission::new(process, memory, memory.for_peers(), CONNECTION_BYTES)?;
        let (listeners, reload) = listen(&config).await.map_err(StartError::listening)?;
        let admin =
            bind_all("admin", std::slice::from_ref(&config.admin_listen), process.unix_mode).await;
        let metrics = Metrics::new();
        let (commands, file) = commands(&config, clock, &metrics)?;
        let datagrams = udp::bind_all(&config.udp, &commands, &metrics).await;
        let log = process.access_log;
        Ok(Service {
            listeners,
            datagrams: datagrams.map_err(StartError::listening)?,
            admin: admin.map_err(StartError::listening)?,
            admission,
            handshake: HandshakeTerms { deadline: HANDSHAKE_DEADLINE, plain_answer: b"" },
            drain_delay: process.drain_delay,
            drain_deadline: process.drain_deadline,
            refusal: BUSY.as_bytes(),
            health: Health::new(),
            metrics,
            access_log: log,
            reloads: reload.into_iter().chain(file).collect(),
            connections: move |stream, origin: Origin, stop| {
                connection::run(stream, origin, limits, commands.clone(), log, stop)
            },
        })
    })
}

/// The commands that are answered, and what reads their file again.
fn commands(
    config: &Config,
    clock: Clock,
    metrics: &Metrics,
) -> Result<(Commands, Option<Reload>), StartError> {
    let max_bytes = config.limits.max_command_bytes;
    let file = config.commands.as_ref();
    let vocabulary = match file {
        Some(path) => commands::read(path, max_bytes)
            .map_err(|error| StartError::Setting(error.to_string()))?,
        None => Vocabulary::builtin().clone(),
    };
    let host = dns_lookup::get_hostname()
        .map_err(|error| StartError::refused("the name of this machine", error))?;
    let commands = Commands::new(vocabulary, metrics, host, move || clock.now());
    let reload = file.map(|path| commands.reload(path.clone(), max_bytes));
    Ok((commands, reload))
}

/// Listens with and without TLS, and tells what reads the certificates again.
async fn listen(config: &Config) -> Result<(Vec<Listener>, Option<Reload>), ListenError> {
    let unix_mode = config.process.unix_mode;
    let mut listeners = bind_all("command", &config.listen, unix_mode).await?;
    let (secure, reload) = bind_tls("command-tls", &config.tls, &[], unix_mode).await?;
    listeners.extend(secure);
    Ok((listeners, reload))
}
