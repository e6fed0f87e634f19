//! A service of the library whose method waits for ten milliseconds.

use std::process::ExitCode;
use std::time::Duration;

use callbox::Registry;

fn main() -> ExitCode {
    let mut registry = Registry::new();
    registry.add("wait", "Waits for ten milliseconds.", async || {
        tokio::time::sleep(Duration::from_millis(10)).await;
        true
    });
    callbox::serve(registry)
}
