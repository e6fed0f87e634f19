//! The end of a process. In a file of its own, since it signals the process that it runs in.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::mpsc::channel;
use std::time::Duration;

use svc_runtime::admin::Health;
use svc_runtime::handshake::HandshakeTerms;
use svc_runtime::listener::bind_all;
use svc_runtime::metrics::Metrics;
use svc_runtime::process::run;
use svc_runtime::roll::Admission;
use svc_runtime::service::Service;
use svc_runtime::settings::ProcessSettings;
use svc_runtime::stop::Stop;
use svc_runtime::stream::{Origin, Stream};

#[test]
fn blocking_look_up_does_not_delay_the_exit() {
    let settings = ProcessSettings { max_connections: 1, ..ProcessSettings::default() };
    let any_port = ["127.0.0.1:0".parse().unwrap()];
    let (_never_ends, end) = channel::<()>();
    let build = async || {
        // As a look-up of a name does that waits for a name server.
        tokio::task::spawn_blocking(move || end.recv());
        tokio::task::spawn_blocking(|| {
            let kill = format!("kill -TERM {}", std::process::id());
            std::process::Command::new("sh").args(["-c", &kill]).status()
        });
        Ok(Service {
            listeners: bind_all("test", &any_port, 0o600).await?,
            datagrams: Vec::new(),
            admin: bind_all("admin", &any_port, 0o600).await?,
            admission: Admission::up_to(1),
            handshake: HandshakeTerms { deadline: Duration::from_secs(10), plain_answer: b"" },
            drain_delay: Duration::ZERO,
            drain_deadline: Duration::from_secs(10),
            refusal: b"",
            health: Health::new(),
            metrics: Metrics::new(),
            access_log: settings.access_log,
            reloads: Vec::new(),
            connections: async |_: Stream, _: Origin, _: Stop| (),
        })
    };
    let code = run(&settings, build);
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
}

#[tokio::test]
async fn process_inside_a_runtime_is_refused() {
    type Connections = fn(Stream, Origin, Stop) -> std::future::Ready<()>;
    let build = async || -> Result<Service<Connections>, _> { panic!("it is built all the same") };
    let code = run(&ProcessSettings::default(), build);
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::from(2)));
}
