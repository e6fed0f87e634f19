//! Calls `addition` on kept connections without pause until stdin ends, and tells how often it did,
//! and what went wrong. For `docker/replace`, which wants that to be nothing.

use std::any::Any;
use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use callbox_client::blocking::Client;

/// Threads, each with a connection of its own.
const CALLERS: usize = 2;

/// Failures that are shown of a caller.
const SHOWN: usize = 5;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("expected a URL")?;
    let clients = [(); CALLERS].map(|()| Client::new(&url));
    let clients = clients.into_iter().collect::<Result<Vec<_>, _>>()?;
    let is_over = AtomicBool::new(false);
    let failed: io::Result<usize> = thread::scope(|scope| {
        let is_over = &is_over;
        let call = |client| scope.spawn(move || tell(&without_pause(client, is_over)));
        let callers: Vec<_> = clients.iter().map(call).collect();
        let ended = io::stdin().read_to_end(&mut Vec::new());
        is_over.store(true, Ordering::Relaxed);
        ended?;
        callers.into_iter().map(|caller| caller.join().map_err(panicked)?).sum()
    });
    Ok(ExitCode::from(u8::from(failed? > 0)))
}

fn panicked(_: Box<dyn Any + Send>) -> io::Error {
    io::Error::other("a caller panicked")
}

/// How many calls there were, and what went wrong with some of them.
fn without_pause(client: &Client, is_over: &AtomicBool) -> (usize, Vec<String>) {
    let (mut calls, mut failures) = (0, Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        match client.call::<_, i64>("addition", (2, 3)) {
            Ok(5) => {}
            Ok(sum) => failures.push(format!("5 expected, {sum} answered")),
            Err(error) => failures.push(error.to_string()),
        }
        calls += 1;
    }
    (calls, failures)
}

/// Returns how many calls failed.
fn tell((calls, failures): &(usize, Vec<String>)) -> io::Result<usize> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{calls} calls, {} failed", failures.len())?;
    for failure in failures.iter().take(SHOWN) {
        writeln!(stdout, "    {failure}")?;
    }
    Ok(failures.len())
}
