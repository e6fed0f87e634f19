//! A built binary as a test runs it: with only the environment that it is given, its listeners
//! by role, its logs as they come, and killed when the test is over.
//!
//! Shared by the services' integration tests; none of them uses all of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longest wait for anything that is bound to happen, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// All that is answered to `requests`, of which the last closes the connection.
pub(crate) fn exchange(addr: SocketAddr, requests: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(requests.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    answers
}

/// A running service.
pub(crate) struct Process {
    child: Child,
    listeners: Vec<(String, String)>,
    unread: Option<ChildStderr>,
    log: Arc<Log>,
    log_reader: Option<JoinHandle<()>>,
}

/// How a process ended that was run to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `binary` with `args`, and with `env` instead of the environment of the tests.
pub(crate) fn command(binary: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary);
    command.args(args).env_clear().envs(env.iter().copied());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The same command, with its descriptor limit (soft and hard) lowered to `descriptors`.
pub(crate) fn with_descriptor_limit(
    descriptors: u32,
    binary: &str,
    args: &[&str],
    env: &[(&str, &str)],
) -> Command {
    let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
    let args = [&["-c", &script, binary], args].concat();
    command("sh", &args, env)
}

/// Runs what is expected to end by itself: a start-up that fails, a health check.
pub(crate) fn run_to_end(binary: &str, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let mut child = command(binary, args, env).spawn().unwrap();
    let stdout = read_all(child.stdout.take().unwrap());
    let stderr = read_all(child.stderr.take().unwrap());
    let code = wait(&mut child, PATIENCE);
    if code.is_none() {
        let _ = child.kill();
    }
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    let Some(code) = code else { panic!("{binary} {args:?} runs on\n{stdout}{stderr}") };
    Ended { code, stdout, stderr }
}

impl Process {
    /// Starts `binary` and waits until it has announced `listeners` of them.
    pub(crate) fn start(
        binary: &str,
        args: &[&str],
        env: &[(&str, &str)],
        listeners: usize,
    ) -> Self {
        Self::spawn(command(binary, args, env), listeners)
    }

    /// Starts `command` (see [`command`]) and waits until it has announced `listeners` of them.
    pub(crate) fn spawn(command: Command, listeners: usize) -> Self {
        let (mut process, announced) = Self::begin(command);
        process.read_log();
        process.wait_for_listeners(&announced, listeners);
        process
    }

    /// The same, but nobody reads its log until [`Process::read_log`].
    pub(crate) fn spawn_unread(command: Command, listeners: usize) -> Self {
        let (mut process, announced) = Self::begin(command);
        process.wait_for_listeners(&announced, listeners);
        process
    }

    fn begin(mut command: Command) -> (Self, Receiver<(String, String)>) {
        let mut child = command.spawn().unwrap();
        let announced = announcements(child.stdout.take().unwrap());
        let unread = child.stderr.take();
        let process =
            Self { child, listeners: Vec::new(), unread, log: Arc::default(), log_reader: None };
        (process, announced)
    }

    fn wait_for_listeners(&mut self, announced: &Receiver<(String, String)>, listeners: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.listeners.len() < listeners {
            let left = deadline.saturating_duration_since(Instant::now());
            match announced.recv_timeout(left) {
                Ok(listener) => self.listeners.push(listener),
                Err(error) => panic!(
                    "{error}: {:?} of {listeners} listeners\n{}",
                    self.listeners,
                    self.stderr()
                ),
            }
        }
    }

    /// Reads its log from now on.
    pub(crate) fn read_log(&mut self) {
        self.log_reader = self.unread.take().map(|stderr| self.log.clone().follow(stderr));
    }

    /// Closes the reading end of its log, which nobody has read.
    pub(crate) fn leave_log(&mut self) {
        self.unread = None;
    }

    /// The one address of `role`.
    #[track_caller]
    pub(crate) fn addr(&self, role: &str) -> SocketAddr {
        let addrs = self.addrs(role);
        assert_eq!(addrs.len(), 1, "listeners of role {role}: {:?}", self.listeners);
        addrs[0]
    }

    /// The addresses of `role`, in the order in which they were announced.
    pub(crate) fn addrs(&self, role: &str) -> Vec<SocketAddr> {
        let of_role = self.listeners.iter().filter(|(name, _)| name == role);
        of_role.map(|(_, addr)| addr.parse().unwrap()).collect()
    }

    /// Where the roles are, in the order in which they were announced.
    pub(crate) fn listeners(&self) -> &[(String, String)] {
        &self.listeners
    }

    /// The process id.
    /// Most memory that it has had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kibibytes: usize = peak.trim_end_matches("kB").trim().parse().unwrap();
        kibibytes * 1024
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the signal with this name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    /// Waits for the end and gives back the exit code, or `None` where a signal ended it.
    #[track_caller]
    pub(crate) fn wait(&mut self, deadline: Duration) -> Option<i32> {
        match wait(&mut self.child, deadline) {
            Some(code) => {
                if let Some(reader) = self.log_reader.take() {
                    reader.join().unwrap();
                }
                code
            }
            None => panic!("runs on after {deadline:?}\n{}", self.stderr()),
        }
    }

    /// What was written to stderr so far; all of it after [`Process::wait`].
    pub(crate) fn stderr(&self) -> String {
        self.log.so_far()
    }

    /// Waits until `text` stands in what was written to stderr.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        assert!(self.log.wait_for(text, PATIENCE), "no {text:?} in\n{}", self.stderr());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `is_so`, which is asked again and again.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The exit code, if the process ends before the deadline.
fn wait(child: &mut Child, deadline: Duration) -> Option<Option<i32>> {
    let deadline = Instant::now() + deadline;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code());
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The `listening ROLE ADDR` lines of a service's stdout, which is read to its end.
fn announcements(stdout: ChildStdout) -> Receiver<(String, String)> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let words: Vec<_> = line.split(' ').collect();
            let ["listening", role, addr] = words[..] else { panic!("on stdout: {line:?}") };
            let _ = sender.send((role.to_owned(), addr.to_owned()));
        }
    });
    receiver
}

fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    })
}

/// What a process writes to stderr, as it comes.
#[derive(Default)]
struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    fn follow(self: Arc<Self>, stderr: ChildStderr) -> JoinHandle<()> {
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
                self.grown.notify_all();
            }
        })
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn wait_for(&self, wanted: &str, deadline: Duration) -> bool {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let lacks = |text: &mut String| !text.contains(wanted);
        let waited = self.grown.wait_timeout_while(text, deadline, lacks);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// So many peers that each send as much of `bytes` as is taken at once, and read nothing.
pub(crate) fn crowd(addr: SocketAddr, peers: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let peer = || {
        let mut peer = TcpStream::connect(addr).unwrap();
        peer.set_nonblocking(true).unwrap();
        let mut rest = bytes;
        while let Ok(sent @ 1..) = peer.write(rest) {
            rest = &rest[sent..];
        }
        peer
    };
    (0..peers).map(|_| peer()).collect()
}

/// What the admin port at `addr` answers to `GET path`: the head and the body.
#[track_caller]
pub(crate) fn get(addr: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// The metrics of a service, which Prometheus's own tool has nothing to say against. Where that is
/// missing only CI fails.
#[track_caller]
pub(crate) fn checked_metrics(admin: SocketAddr) -> String {
    let (head, metrics) = get(admin, "/metrics");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut tool = match tool {
        Ok(tool) => tool,
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("metrics are not checked: promtool: {error}");
            return metrics;
        }
        Err(error) => panic!("promtool: {error}"),
    };
    tool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let checked = tool.wait_with_output().unwrap();
    assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}\n{metrics}");
    metrics
}

/// The value of a series, given as it is written.
#[track_caller]
pub(crate) fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().unwrap()
}

/// The options in the `--help` of `binary`, and their environment variables.
pub(crate) fn options(binary: &str) -> (Vec<String>, Vec<String>) {
    let help = run_to_end(binary, &["--help"], &[]).stdout;
    let words = help.split_whitespace().map(|word| word.trim_end_matches(']'));
    let (mut options, mut variables) = (Vec::new(), Vec::new());
    for word in words {
        if word.starts_with("--") && !matches!(word, "--help" | "--version") {
            options.push(word.to_owned());
        } else if let Some((name, "")) = word.split_once('=') {
            variables.push(name.to_owned());
        }
    }
    assert!(options.len() > 10 && options.len() == variables.len(), "{help}");
    (options, variables)
}

/// Checks that the pages and Compose know every option of `binary`, which Compose calls `service`.
#[track_caller]
pub(crate) fn check_that_options_are_known(binary: &str, service: &str) {
    let file =
        |name| std::fs::read_to_string(format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR")));
    let (readme, compose) = (file("README.md").unwrap(), file("compose.yaml").unwrap());
    let block = |start: &str, end: &str| {
        let block = compose.split_once(start).unwrap().1;
        block.split_once(end).map_or(block, |(block, _)| block).to_owned()
    };
    let environment = block("x-environment:", "\n\n") + &block(&format!("\n  {service}:"), "\n\n");
    let (options, variables) = options(binary);
    for name in options.iter().chain(&variables) {
        let is_told =
            [format!("`{name}`"), format!("`{name} ")].iter().any(|name| readme.contains(name));
        assert!(is_told, "{name} is not in README.md");
    }
    for name in variables {
        let is_set = environment.lines().any(|line| line.trim().starts_with(&format!("{name}: ")));
        assert!(is_set, "{name} of {service} is not in compose.yaml");
    }
}
