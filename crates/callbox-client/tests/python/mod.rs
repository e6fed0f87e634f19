//! Python's own XML-RPC server in a process of its own, as a script beside the tests sets it up.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server; it ends with the test.
pub(crate) struct Python {
    child: Child,
    pub(crate) port: u16,
}

impl Python {
    /// Starts one, or tells `None` where there is no Python. Where CI says so, there must be.
    pub(crate) fn start(script: &str, args: &[&str]) -> Option<Self> {
        let version = Command::new("python3").args(["-c", "import xmlrpc.server"]).output();
        if !version.is_ok_and(|ran| ran.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "no python3");
            eprintln!("skipped: no python3");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
        let mut command = Command::new("python3");
        command.arg(script).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { child, port: line.trim().parse().unwrap() })
    }

    /// Ends it now.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A call of a method with parameters of the type `int`.
pub(crate) fn call(method: &str, params: &[i32]) -> String {
    let params = params.iter().map(|n| format!("<param><value><int>{n}</int></value></param>"));
    let params: String = params.collect();
    format!("<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>")
}
