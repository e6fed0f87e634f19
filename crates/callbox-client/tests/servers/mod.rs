//! Servers that we did not write, each a process of its own.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for what is bound to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program; it ends with the test.
pub(crate) struct Foreign(Child);

impl Foreign {
    /// Runs `program` of Debian's `package`. `None` where there is none; where CI says so, there must
    /// be.
    pub(crate) fn start(program: &str, package: &str, args: &[&str]) -> Option<Self> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => Some(Self(child)),
            Err(error) => skipped(package, &error.to_string()),
        }
    }

    /// Its port, which it says in its first line. `None` where it ends instead, for want of a
    /// package.
    pub(crate) fn port(&mut self, package: &str) -> Option<u16> {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take()?).read_line(&mut line).ok()?;
        line.trim().parse().ok().or_else(|| skipped(package, "it says no port"))
    }

    /// Waits until it listens at all of what is named.
    pub(crate) fn wait_until_it_listens(&mut self, socket: Option<&Path>, port: Option<u16>) {
        let deadline = Instant::now() + PATIENCE;
        let listens = || {
            socket.is_none_or(|socket| UnixStream::connect(socket).is_ok())
                && port.is_none_or(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
        };
        while !listens() {
            let ended = self.0.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let id = self.0.id().to_string();
        let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status();
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Says that there is nothing to test, which CI does not accept.
pub(crate) fn skipped<T>(package: &str, why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "apt-get install {package}: {why}");
    eprintln!("skipped: apt-get install {package}: {why}");
    None
}

/// A file beside this one.
pub(crate) fn script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers").join(name);
    path.to_str().unwrap().to_owned()
}

/// An empty directory whose path is short enough for sockets.
pub(crate) fn room(test: &str) -> PathBuf {
    let room = std::env::temp_dir().join(format!("{test}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&room);
    std::fs::create_dir_all(&room).unwrap();
    room
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
