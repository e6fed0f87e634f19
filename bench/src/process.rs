//! A server's process: its start, what it uses, its end.

use std::io::{self, Error};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use callbox_bench::proc_files::{self, Usage};

/// The core of the servers; the load generator, which is this process, has another.
const SERVER_CORE: &str = "0";

const START_DEADLINE: Duration = Duration::from_secs(10);

/// A process that answers on a port of 127.0.0.1; dropped, it is ended.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
    /// Where its health is asked, if it has such a place.
    pub admin: SocketAddr,
}

impl Server {
    /// Starts `program` on the servers' core, and waits until it listens on `addr`.
    pub fn start(
        program: &Path,
        arguments: Vec<String>,
        [addr, admin]: [SocketAddr; 2],
    ) -> io::Result<Server> {
        let child = Command::new("taskset")
            .args(["-c", SERVER_CORE])
            // Should this process be killed, its servers end with it.
            .args(["setpriv", "--pdeathsig", "KILL"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Server { child, addr, admin };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// What the process and its children have used so far.
    pub fn usage(&self) -> io::Result<Usage> {
        proc_files::usage(self.child.id())
    }

    fn wait_until_it_listens(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if TcpStream::connect(self.addr).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Error::other(format!("the server ended at once: {status}")));
            }
            sleep(Duration::from_millis(5));
        }
        Err(Error::other("the server did not listen in time"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it was asked is measured already; there is nothing to end in good order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of the loopback whose port is free now.
pub fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}
