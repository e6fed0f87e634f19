//! The smallest service. In Python: `xmlrpc.client.ServerProxy("http://localhost:5022").hello("Ada")`

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut registry = callbox::Registry::new();
    registry.add("hello", "Greets someone.", |name: String| format!("Hello, {name}!"));
    callbox::serve(registry)
}
