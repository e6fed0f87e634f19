//! The life of a process: logs, signals, admin port, service, drain, exit.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tracing::{info, warn};

use crate::admin::{Health, MAX_ADMIN_CONNECTIONS, Phase};
use crate::http::{self, HttpDeadlines};
use crate::serve::{ServeOptions, serve};
use crate::settings::{ProcessSettings, Task, reachable};
use crate::signal::StopSignals;
use crate::stop::Stop;
use crate::{descriptors, logging, probe};

/// How long the admin port has to answer what it was asked before the process ends.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// Why a process did not start.
#[derive(Debug)]
pub enum StartError {
    /// A setting is bad: exit code 2.
    Setting(String),
    /// The machine refused something, such as a port: exit code 1.
    Refused(String),
}

impl StartError {
    /// A bad setting `name`, and why.
    pub fn setting(name: &str, why: impl Display) -> Self {
        Self::Setting(format!("bad setting {name}: {why}"))
    }
}

/// What a service brings to its process.
pub struct Service<F> {
    /// The role that its listeners are announced with.
    pub role: &'static str,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// What a peer over the connection cap is told.
    pub refusal: &'static [u8],
    /// Its health.
    pub health: Health,
    /// Runs one connection; it is to end soon after the stop.
    pub connection: F,
}

/// Runs a process to its end: `build` makes the service from its settings, inside the runtime.
/// Or does the other task that the settings name.
pub fn run<F, Fut>(
    settings: &ProcessSettings,
    admin: SocketAddr,
    build: impl FnOnce() -> Result<Service<F>, StartError>,
) -> ExitCode
where
    F: Fn(TcpStream, SocketAddr, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let ended = match settings.task {
        Some(Task::Healthcheck) => {
            probe::is_alive(reachable(admin)).map_err(|error| refused(admin, error))
        }
        None => live(settings, admin, build),
    };
    let (line, code) = match ended {
        Ok(()) => return ExitCode::SUCCESS,
        Err(StartError::Setting(line)) => (line, 2),
        Err(StartError::Refused(line)) => (line, 1),
    };
    let _ = writeln!(io::stderr(), "error: {line}");
    ExitCode::from(code)
}

fn live<F, Fut>(
    settings: &ProcessSettings,
    admin: SocketAddr,
    build: impl FnOnce() -> Result<Service<F>, StartError>,
) -> Result<(), StartError>
where
    F: Fn(TcpStream, SocketAddr, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    logging::init(settings.log_format).map_err(|error| StartError::setting("RUST_LOG", error))?;
    let runtime = Runtime::new().map_err(|error| refused("the runtime", error))?;
    let ended = runtime.block_on(async {
        let signals = StopSignals::install().map_err(|error| refused("signal handlers", error))?;
        start(settings, admin, build()?, signals).await
    });
    // A look-up of a name may still hold a blocking thread; the exit does not wait for it.
    runtime.shutdown_background();
    ended
}

async fn start<F, Fut>(
    settings: &ProcessSettings,
    admin: SocketAddr,
    service: Service<F>,
    mut signals: StopSignals,
) -> Result<(), StartError>
where
    F: Fn(TcpStream, SocketAddr, Stop) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let health = service.health;
    let mut listeners = Vec::new();
    for addr in service.listen {
        listeners.push(bind(addr).await?);
    }
    let admin = bind(admin).await?;
    let mut announced = vec![("admin", admin.local_addr())];
    announced.extend(listeners.iter().map(|listener| (service.role, listener.local_addr())));

    let stop_admin = Stop::new();
    let admin = tokio::spawn(serve_admin(admin, health.clone(), stop_admin.clone()));
    let options = ServeOptions {
        cap: descriptors::connection_cap(settings.max_connections),
        refusal: service.refusal,
        drain: settings.drain_deadline,
    };
    let stop = Stop::new();
    let served = tokio::spawn(serve(listeners, options, stop.clone(), service.connection));
    health.enter(Phase::Ready);
    announce(&announced);

    let signal = signals.recv().await;
    info!(signal, deadline = ?settings.drain_deadline, "draining");
    health.enter(Phase::Draining);
    stop.tell();
    match served.await {
        Ok(0) => info!("drained"),
        Ok(cut) => warn!(cut, "drain deadline passed, connections cut"),
        Err(error) => warn!(%error, "drain failed"),
    }
    stop_admin.tell();
    let _ = admin.await;
    Ok(())
}

async fn bind(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr)
        .await
        .map_err(|error| refused(format!("cannot listen on {addr}"), error))
}

/// Says on stdout where the listeners are, so that port 0 is usable.
fn announce(listeners: &[(&str, io::Result<SocketAddr>)]) {
    let mut stdout = io::stdout().lock();
    for (role, addr) in listeners {
        let Ok(addr) = addr else { continue };
        let _ = writeln!(stdout, "listening {role} {addr}");
        info!(role, %addr, "listening");
    }
    let _ = stdout.flush();
    info!("ready");
}

async fn serve_admin(listener: TcpListener, health: Health, stop: Stop) {
    let options = ServeOptions { cap: MAX_ADMIN_CONNECTIONS, refusal: b"", drain: ADMIN_DRAIN };
    let answer = http::routed(health.routes());
    let connection = move |stream, peer, stop| {
        http::run(stream, peer, answer.clone(), HttpDeadlines::default(), stop)
    };
    serve(vec![listener], options, stop, connection).await;
}

fn refused(what: impl Display, error: io::Error) -> StartError {
    StartError::Refused(format!("{what}: {error}"))
}
