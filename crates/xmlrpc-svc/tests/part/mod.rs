//! Real programs behind the gateway, as Debian packages them, each with the gateway file that
//! `docs/gateway.md` shows for it.
#![allow(dead_code)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, GatewayFile};
use crate::support::wait_until;

/// Where programs are that are no commands: NUT's drivers.
const ELSEWHERE: &str = ":/usr/local/sbin:/usr/sbin:/sbin:/lib/nut:/usr/lib/nut";

/// How long a program has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A directory of a test's own, with a path that is short enough for sockets.
pub(crate) struct Room(PathBuf);

impl Room {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file of which only this user can read a word, and gives back its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A gateway with the file that the page shows under `heading`, each of `instead` in the place
    /// of what the page has there.
    pub(crate) fn gateway(&self, heading: &str, instead: &[(&str, &str)]) -> Gateway {
        self.gateway_of(example(heading), instead)
    }

    /// The same for a file that begins as the page shows it.
    pub(crate) fn gateway_of(&self, mut text: String, instead: &[(&str, &str)]) -> Gateway {
        for (shown, own) in instead {
            assert_eq!(text.matches(shown).count(), 1, "{shown} in\n{text}");
            text = text.replace(shown, own);
        }
        let file = self.write("gateway.toml", text);
        Gateway::start_with(GatewayFile(file.into()), &[])
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The file that the page shows under `heading`.
pub(crate) fn example(heading: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md");
    let page = fs::read_to_string(page).unwrap();
    let section = page.split_once(&format!("\n### {heading}\n"));
    let (_, section) = section.unwrap_or_else(|| panic!("nothing about {heading}"));
    let section = section.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    let (_, text) = section.split_once("```toml\n").unwrap();
    text.split_once("```").unwrap().0.to_owned()
}

/// A running program. It ends with the test.
pub(crate) struct Part {
    child: Child,
    log: PathBuf,
}

impl Part {
    /// Starts `program`, which Debian has in `package`, in a room of the test's own.
    #[track_caller]
    pub(crate) fn start(room: &Room, program: &str, package: &str, args: &[&str]) -> Self {
        let path = find(program, package);
        let log = room.0.join(format!("{program}.log"));
        let (out, err) = (fs::File::create(&log).unwrap(), fs::File::create(&log).unwrap());
        let mut command = Command::new(path);
        command.args(args).current_dir(&room.0).stdin(Stdio::null()).stdout(out).stderr(err);
        // Where NUT looks for its files, and nothing else does.
        for variable in ["NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"] {
            command.env(variable, &room.0);
        }
        Self { child: command.spawn().unwrap(), log }
    }

    /// Waits until `is_so`, or the program ends.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        wait_until(what, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", fs::read_to_string(&self.log).unwrap());
            is_so()
        });
    }

    #[track_caller]
    pub(crate) fn wait_for_port(&mut self, port: u16) {
        self.wait_until("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    #[track_caller]
    pub(crate) fn wait_for_socket(&mut self, path: &str) {
        self.wait_until("it listens", || UnixStream::connect(path).is_ok());
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let id = self.child.id().to_string();
        let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status();
        let deadline = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of `program`. Without it there is nothing to test.
#[track_caller]
pub(crate) fn find(program: &str, package: &str) -> PathBuf {
    let paths = std::env::var("PATH").unwrap_or_default() + ELSEWHERE;
    let mut paths = paths.split(':').map(|path| Path::new(path).join(program));
    // NUT's command `upsd` is a script that asks the machine's own settings whether it may.
    let is_it =
        |path: &PathBuf| path.is_file() && !(program == "upsd" && path.ends_with("sbin/upsd"));
    let found = paths.find(is_it);
    found.unwrap_or_else(|| panic!("{program} is missing: apt-get install {package}"))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
