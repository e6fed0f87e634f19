//! The built binary with a file of commands: that of `docs/commands.md`, bad ones, and new ones.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

#[path = "../../svc-runtime/tests/support/directory.rs"]
mod directory;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;
use directory::Directory;
use support::{PATIENCE, Process, checked_metrics, run_to_end, value};

const BINARY: &str = env!("CARGO_BIN_EXE_tcp-command-svc");
const ANY_PORT: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// The path of a file in the `directory`, which has this `text`.
fn written(directory: &Directory, name: &str, text: &str) -> String {
    fs::write(directory.path(name), text).unwrap();
    directory.text(name)
}

/// A service, and the file that it reads its commands from.
struct Service {
    process: Process,
    directory: Directory,
}

impl Service {
    fn start(test: &str, file: &str) -> Self {
        let directory = Directory::new(test);
        let path = written(&directory, "commands.toml", file);
        let args = [&ANY_PORT[..], &["--commands", &path]].concat();
        Self { process: Process::start(BINARY, &args, &[], 2), directory }
    }

    fn connect(&self) -> TcpStream {
        let peer = TcpStream::connect(self.process.addr("command")).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer
    }

    /// All that is answered to `commands`, and to the end of the stream.
    fn ask(&self, commands: &str) -> String {
        let mut peer = self.connect();
        peer.write_all(commands.as_bytes()).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        peer.read_to_string(&mut heard).unwrap();
        heard
    }

    fn reload(&self, file: &str, told: &str) {
        written(&self.directory, "commands.toml", file);
        self.process.signal("HUP");
        self.process.wait_for_log(told);
    }
}

/// The first block of the page that begins with `start`.
fn shown(start: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
    let page = fs::read_to_string(page).unwrap();
    let block = page.split_once(start).unwrap().1;
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn file_on_the_page_answers_as_the_page_shows() {
    let service = Service::start("page", &shown("```toml\n"));
    let shown = shown("$ printf '");
    let (said, heard) = shown.split_once("' | nc localhost 5004\n").unwrap();
    let host = dns_lookup::get_hostname().unwrap();
    assert_eq!(service.ask(&said.replace("\\n", "\n")), heard.replace("lab", &host));
    let told = service.ask("whoami\n");
    assert!(told.starts_with("You are 127.0.0.1:") && told.ends_with(".\n"), "{told}");
}

#[test]
fn bare_words_and_other_line_ends_do_with_commands_of_ones_own() {
    let service = Service::start("words", "[command.'*IDN?']\nreply = 'Callbox'");
    assert_eq!(service.ask("*IDN?"), "Callbox");
    assert_eq!(service.ask("*IDN?\r*IDN?\r"), "Callbox\rCallbox\r");
    assert_eq!(service.ask("*IDN?\r\nx\r\n"), "Callbox\r\nInvalid command.\r\n");
}

#[test]
fn mistake_in_the_file_ends_the_start_with_one_line_and_code_2() {
    let directory = Directory::new("bad-commands");
    let path = written(&directory, "commands.toml", "[command.hello]\nreply = ''\n");
    let long = written(&directory, "long.toml", "[command.statistics]\nreply = ''\n");
    for (args, what) in [
        (
            &[path.as_str()][..],
            format!("{path}:1: \"hello\": taken by another command, expected another name"),
        ),
        (&["/nowhere/at/all"], "/nowhere/at/all: expected a file of commands: ".to_owned()),
        (
            &[long.as_str(), "--max-command-bytes", "7"],
            format!(
                "{long}:1: expected a name of at most 7 bytes, or a larger --max-command-bytes"
            ),
        ),
    ] {
        let ended = run_to_end(BINARY, &[&ANY_PORT[..], &["--commands"], args].concat(), &[]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.contains(&what), "{ended:?}");
    }
}

#[test]
fn hangup_reads_the_file_again_for_connections_that_are_open_too() {
    let service = Service::start("hangup", "[command.old]\nreply = 'old'");
    let mut peer = service.connect();
    let mut ask = |said: &str, heard: &str| {
        peer.write_all(said.as_bytes()).unwrap();
        let mut bytes = vec![0; heard.len()];
        peer.read_exact(&mut bytes).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), heard);
    };
    ask("old\n", "old\n");
    service.reload("[command.new]\nreply = 'new'", "reloaded");
    ask("new\nold\n", "new\nInvalid command.\n");
    service.reload("[command.newer]\nreply = 1", "not reloaded");
    ask("new\nhello\n", "new\nHow do you do?\n");
    let metrics = checked_metrics(service.process.addr("admin"));
    for (command, times) in [("old", 1.0), ("new", 2.0), ("hello", 1.0), ("-", 1.0)] {
        let series = format!("callbox_commands_total{{command=\"{command}\"}}");
        assert_eq!(value(&metrics, &series), times, "{series}");
    }
}
