//! A client that calls as fast as it can over kept connections: tells how many calls it made, in what
//! time, and in how many seconds of this process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callbox_bench::proc_files::own_cpu_seconds;
use tokio::task::JoinSet;

const USAGE: &str = "usage: calls callbox|blocking|dxr URL METHOD CALLERS SECONDS";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [client, url, method, callers, seconds] = &arguments[..] else { return Err(USAGE.into()) };
    let (callers, seconds) = (callers.parse()?, Duration::try_from_secs_f64(seconds.parse()?)?);
    let run = async |time| match &**client {
        "callbox" => callbox(url, method, callers, time).await,
        "dxr" => dxr(url, method, callers, time).await,
        _ => Err(USAGE.into()),
    };
    if client == "blocking" {
        return measured(seconds, |time| blocking(url, method, time));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    measured(seconds, |time| runtime.block_on(run(time)))
}

/// A quarter of the time first, for whatever warms up.
fn measured(time: Duration, calls_for: impl Fn(Duration) -> Outcome<usize>) -> Outcome<String> {
    calls_for(time / 4)?;
    let (started, busy) = (Instant::now(), own_cpu_seconds()?);
    let calls = calls_for(time)?;
    Ok(format!("{calls} {} {}", started.elapsed().as_secs_f64(), own_cpu_seconds()? - busy))
}

fn blocking(url: &str, method: &str, time: Duration) -> Outcome<usize> {
    let client = callbox_client::blocking::Client::new(url)?;
    let (mut calls, end) = (0, Instant::now() + time);
    while Instant::now() < end {
        let _: callbox_client::Value = client.call(method, (2, 3))?;
        calls += 1;
    }
    Ok(calls)
}

async fn callbox(url: &str, method: &str, callers: usize, time: Duration) -> Outcome<usize> {
    let (client, method) = (callbox_client::Client::new(url)?, Arc::<str>::from(method));
    let call = move || {
        let (client, method) = (client.clone(), method.clone());
        async move {
            let _: callbox_client::Value = client.call(&method, (2, 3)).await?;
            Ok(())
        }
    };
    together(callers, time, call).await
}

async fn dxr(url: &str, method: &str, callers: usize, time: Duration) -> Outcome<usize> {
    let client = Arc::new(dxr_client::ClientBuilder::new(url.parse()?).build());
    let method = Arc::<str>::from(method);
    let call = move || {
        let (client, method) = (client.clone(), method.clone());
        async move {
            let _: dxr::Value = client.call(&method, (2, 3)).await?;
            Ok(())
        }
    };
    together(callers, time, call).await
}

/// So many callers, each of whom calls again once answered.
async fn together<F>(
    callers: usize,
    time: Duration,
    call: impl Fn() -> F + Clone + Send + 'static,
) -> Outcome<usize>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let call = call.clone();
        tasks.spawn(async move {
            let mut calls = 0;
            while Instant::now() < end {
                call().await?;
                calls += 1;
            }
            Outcome::Ok(calls)
        });
    }
    let calls: Vec<Outcome<usize>> = tasks.join_all().await;
    calls.into_iter().sum()
}
