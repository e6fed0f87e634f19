//! The life of a process: logs, signals, a service, exit.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::runtime::{Handle, Runtime};
use tracing::info;

use crate::address::Bound;
use crate::listener::ListenError;
use crate::logging;
use crate::metrics::Metrics;
use crate::reload::{self, Reload};
use crate::service::{Connections, Service};
use crate::settings::{Announce, ProcessSettings};
use crate::signal::StopSignals;
use crate::supervisor;

/// Why a process did not start. Every error becomes one by `?`, as a refusal.
#[derive(Debug)]
pub enum StartError {
    /// A setting is bad, or the program: exit code 2.
    Setting(String),
    /// The machine refused something, such as a port: exit code 1.
    Refused(String),
}

impl StartError {
    /// A bad setting `name`, and why.
    pub fn setting(name: &str, why: impl Display) -> Self {
        Self::Setting(format!("bad setting {name}: {why}"))
    }

    /// What cannot be listened on.
    pub fn listening(error: ListenError) -> Self {
        let line = error.to_string();
        if error.is_setting() { Self::Setting(line) } else { Self::Refused(line) }
    }

    /// What was refused, and why.
    pub fn refused(what: impl Display, why: impl Display) -> Self {
        Self::Refused(format!("{what}: {why}"))
    }
}

// Not an error itself, so that this is no conversion of it into itself.
impl<E: std::error::Error> From<E> for StartError {
    fn from(error: E) -> Self {
        Self::Refused(error.to_string())
    }
}

/// What is said to a program that would run a process inside one.
const INSIDE_A_RUNTIME: &str = "a whole process has a tokio runtime of its own, and cannot be run inside another: \
    run the server there, or call this outside of #[tokio::main]";

/// Runs a process to its end: `build` makes the service from its settings, inside the runtime.
pub fn run<C: Connections, B>(settings: &ProcessSettings, build: impl FnOnce() -> B) -> ExitCode
where
    B: Future<Output = Result<Service<C>, StartError>>,
{
    let _flush = FlushOnDrop;
    let (reason, code) = match live(settings, build) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(StartError::Setting(reason)) => (reason, 2),
        Err(StartError::Refused(reason)) => (reason, 1),
    };
    logging::tell_failed_start(settings.log_format, &reason);
    ExitCode::from(code)
}

/// Writes what is still to be logged, also where the process ends by a panic.
struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        logging::flush();
    }
}

fn live<C: Connections, B>(
    settings: &ProcessSettings,
    build: impl FnOnce() -> B,
) -> Result<(), StartError>
where
    B: Future<Output = Result<Service<C>, StartError>>,
{
    if Handle::try_current().is_ok() {
        return Err(StartError::Setting(INSIDE_A_RUNTIME.to_owned()));
    }
    logging::init(settings.log_format).map_err(|error| StartError::setting("RUST_LOG", error))?;
    let runtime = Runtime::new().map_err(|error| StartError::refused("the runtime", error))?;
    let ended = runtime.block_on(async {
        let mut signals = StopSignals::install()
            .map_err(|error| StartError::refused("signal handlers", error))?;
        let mut service = build().await?;
        let (listening, reloads) = (service.listening(), std::mem::take(&mut service.reloads));
        let metrics = service.metrics.clone();
        let stopped = async {
            announce(&listening, settings.announce);
            supervisor::ready();
            let signal = signals.recv(|| reload(&reloads, &metrics)).await;
            supervisor::stopping();
            info!(signal, deadline = ?settings.drain_deadline, "draining");
        };
        service.run(stopped).await;
        Ok(())
    });
    // A look-up of a name may still hold a blocking thread; the exit does not wait for it.
    runtime.shutdown_background();
    ended
}

fn reload(reloads: &[Reload], metrics: &Metrics) {
    supervisor::reloading();
    reload::read_again(reloads, metrics);
    supervisor::ready();
}

/// Says where the listeners are: in the log, and on stdout, so that port 0 is usable.
fn announce(listening: &[(&str, Bound)], on_stdout: Announce) {
    let mut stdout = io::stdout().lock();
    for (role, addr) in listening {
        if on_stdout == Announce::On {
            let _ = writeln!(stdout, "listening {role} {addr}");
        }
        info!(role, %addr, "listening");
    }
    let _ = stdout.flush();
    info!("ready");
}
