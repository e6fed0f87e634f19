//! TLS of the built binary, tried by foreign parts: openssl, Python, curl and sslyze.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
#[path = "../../svc-runtime/tests/support/bad_certificates.rs"]
mod bad_certificates;
#[path = "../../svc-runtime/tests/support/openssl.rs"]
mod openssl;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use authority::{Authority, Identity, Validity};
use openssl::{Handshake, handshake};
use support::{PATIENCE, Process, run_to_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"];
const LIST_METHODS: &str = "<methodCall><methodName>system.listMethods</methodName></methodCall>";

/// The file of who makes the clients' certificates.
const CLIENTS: &str = "clients.pem";

/// A service, where it speaks TLS, and who made its certificate.
struct Secured {
    service: Process,
    addr: SocketAddr,
    identity: Identity,
    authority: Authority,
}

fn start(args: &[&str]) -> Secured {
    let authority = Authority::new();
    let identity = authority.localhost();
    let service = Process::start(BINARY, &[&PORTS, &identity.args()[..], args].concat(), &[], 3);
    let addr = service.addr("xmlrpc-tls");
    Secured { service, addr, identity, authority }
}

/// As [`start`], and asks for certificates of its own authority, in a file of its own.
fn start_asking(args: &[&str]) -> Secured {
    let authority = Authority::new();
    let identity = authority.localhost();
    let clients = authority.path(CLIENTS);
    fs::copy(authority.certificate(), &clients).unwrap();
    let asking = [&PORTS, &identity.args()[..], &["--tls-client-ca", &clients], args].concat();
    let service = Process::start(BINARY, &asking, &[], 3);
    let addr = service.addr("xmlrpc-tls");
    Secured { service, addr, identity, authority }
}

impl Secured {
    fn python(&self, case: &str, identity: Option<&Identity>) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls_client.py");
        let mut python = Command::new("python3");
        python.arg(script).args([case, &self.addr.port().to_string()]);
        python.arg(self.authority.certificate());
        python.args(identity.into_iter().flat_map(|files| [&files.certificate, &files.key]));
        python
    }

    /// curl's call of `addition`: its exit code, and what it was answered.
    fn curl(&self, identity: Option<&Identity>) -> (Option<i32>, String) {
        let url = format!("https://localhost:{}/", self.addr.port());
        let ca = self.authority.certificate();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "30", "--cacert", &ca, &url]);
        curl.args(["--header", "Content-Type: text/xml", "--data", LIST_METHODS]);
        if let Some(Identity { certificate, key }) = identity {
            curl.args(["--cert", certificate, "--key", key]);
        }
        let ran = curl.output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    fn handshake(&self, args: &[&str]) -> Handshake {
        handshake(self.addr, &self.authority.certificate(), args)
    }

    fn reload(&self, logged: &str) {
        let so_far = self.service.stderr().matches(logged).count();
        self.service.signal("HUP");
        wait_until(logged, || self.service.stderr().matches(logged).count() > so_far);
    }
}

#[track_caller]
fn succeeds(mut command: Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?} {}", String::from_utf8_lossy(&ran.stderr));
}

/// A script that waits for the test in its middle.
struct Waiting {
    child: Child,
    stdin: ChildStdin,
}

/// Starts it and waits until it waits.
fn waiting(mut command: Command) -> Waiting {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (sender, told) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = sender.send(line);
    });
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "answered\n");
    Waiting { child, stdin }
}

impl Waiting {
    #[track_caller]
    fn goes_on_to_its_end(mut self) {
        self.stdin.write_all(b"\n").unwrap();
        self.ends_well();
    }

    #[track_caller]
    fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that is said to who says `bytes`, up to a clean end of the stream.
fn told(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(addr);
    stream.write_all(bytes).unwrap();
    let mut told = Vec::new();
    stream.read_to_end(&mut told).unwrap();
    told
}

#[test]
fn openssl_makes_handshakes_of_tls_1_2_and_1_3_and_no_older_ones() {
    let secured = start(&[]);
    for (version, named) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let made = secured.handshake(&[version, "-alpn", "h2,http/1.1"]);
        assert!(made.is_made, "{made:?}");
        for told in [&format!("New, {named}, Cipher is "), "ALPN protocol: http/1.1\n"] {
            assert!(made.output.contains(told), "{told} {made:?}");
        }
        let made = secured.handshake(&[version]);
        assert!(made.is_made && made.output.contains("No ALPN negotiated"), "{made:?}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let made = secured.handshake(&[version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        assert!(!made.is_made && made.output.contains(" alert "), "{made:?}");
    }
    let made = secured.handshake(&["-alpn", "h2"]);
    assert!(!made.is_made && made.output.contains("alert no application protocol"), "{made:?}");
}

#[test]
fn python_calls_by_tls_and_believes_its_authority_only() {
    let secured = start(&[]);
    for version in ["TLSv1_2", "TLSv1_3"] {
        for case in ["proxy", "stranger", "pipelined"] {
            let mut python = secured.python(case, None);
            python.env("TLS", version);
            succeeds(python);
        }
    }
}

#[test]
fn client_certificate_is_believed_where_its_authority_is_ours() {
    for required in [false, true] {
        let args = if required { &["--tls-client-required"][..] } else { &[] };
        let secured = start_asking(args);
        let robot = secured.authority.issue("robot", "/CN=robot", Validity::Now);
        let expired = secured.authority.issue("expired", "/CN=robot", Validity::Past);
        let elsewhere = Authority::new();
        let stranger = elsewhere.issue("stranger", "/CN=robot", Validity::Now);
        let (code, answer) = secured.curl(Some(&robot));
        assert!(code == Some(0) && answer.contains("addition"), "{code:?} {answer}");
        for case in ["proxy", "pipelined"] {
            succeeds(secured.python(case, Some(&robot)));
        }
        for bad in [&stranger, &expired] {
            let (code, answer) = secured.curl(Some(bad));
            // 56: the alert after the handshake, as TLS 1.3 has it.
            assert_eq!((code, answer.as_str()), (Some(56), ""));
        }
        let (code, answer) = secured.curl(None);
        assert_eq!((code == Some(0), answer.is_empty()), (!required, required), "{code:?}");
        secured.service.wait_for_log("reason=\"handshake\"");
    }
}

#[test]
fn plain_http_on_a_tls_port_is_told_so_at_once() {
    let secured = start(&[]);
    let told = told(secured.addr, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    let told = String::from_utf8(told).unwrap();
    assert!(told.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{told}");
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.lines().any(|line| line == format!("Content-Length: {}", body.len())), "{told}");
    let url = format!("http://{}/", secured.addr);
    let ran = Command::new("curl").args(["--silent", "--max-time", "30", &url]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), body);
}

#[test]
fn tls_on_a_plain_port_comes_to_an_end() {
    let secured = start(&[]);
    let plain = secured.service.addr("xmlrpc");
    let made = handshake(plain, &secured.authority.certificate(), &[]);
    assert!(!made.is_made, "{made:?}");
}

#[test]
fn what_is_no_handshake_is_closed_cleanly() {
    let secured = start(&[]);
    for bytes in [&b"\x16\x03\x01\xff\xff"[..], b"\x16\x03\x01\x00\x00", &[22; 4096]] {
        let told = told(secured.addr, bytes);
        // An alert, if anything.
        assert!(told.is_empty() || told[0] == 21, "{told:?}");
    }
}

#[test]
fn handshake_that_does_not_come_ends_at_the_header_deadline_and_frees_its_place() {
    let secured = start(&["--header-deadline", "200ms", "--max-connections", "2"]);
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x00\xc8\x01\x00"] {
        for _ in 0..3 {
            assert_eq!(told(secured.addr, begun), b"");
        }
    }
    secured.service.wait_for_log("reason=\"slow_handshake\"");
    wait_until("a place is free", || secured.curl(None).0 == Some(0));
}

#[test]
fn peer_over_the_cap_is_closed_before_its_handshake() {
    let secured = start(&["--max-connections", "1"]);
    let _stays = connect(secured.addr);
    wait_until("the place is taken", || told(secured.addr, b"\x16\x03") == b"");
    assert!(!secured.handshake(&[]).is_made);
}

#[test]
fn stop_closes_connections_as_tls_does_and_handshakes_under_way_at_once() {
    for version in ["TLSv1_2", "TLSv1_3"] {
        let mut secured = start(&["--drain-deadline", "20s"]);
        let mut python = secured.python("closed", None);
        python.env("TLS", version);
        let closed = waiting(python);
        let mut begun = connect(secured.addr);
        begun.write_all(b"\x16\x03\x01").unwrap();
        secured.service.signal("TERM");
        closed.ends_well();
        let _ = begun.read_to_end(&mut Vec::new());
        assert_eq!(secured.service.wait(PATIENCE), Some(0));
        assert!(secured.service.stderr().contains("drained"), "{}", secured.service.stderr());
    }
}

#[test]
fn hangup_shows_the_new_certificate_and_leaves_open_connections() {
    let secured = start(&[]);
    let kept = waiting(secured.python("kept", None));
    let before = secured.handshake(&[]).certificate().to_owned();
    secured.reload("reloaded");
    assert_eq!(secured.handshake(&[]).certificate(), before);
    let next = secured.authority.issue("next", "/CN=localhost", Validity::Now);
    next.replace(&secured.identity);
    assert_eq!(secured.handshake(&[]).certificate(), before);
    secured.reload("reloaded");
    let made = secured.handshake(&[]);
    assert!(made.is_made && made.certificate() != before, "{made:?}");
    kept.goes_on_to_its_end();
}

#[test]
fn reload_that_fails_changes_nothing_and_is_told_as_an_error() {
    let secured = start(&[]);
    let before = secured.handshake(&[]).certificate().to_owned();
    // The certificate alone: the key is not its.
    let next = secured.authority.issue("next", "/CN=localhost", Validity::Now);
    fs::copy(&next.certificate, &secured.identity.certificate).unwrap();
    secured.reload("not reloaded");
    let log = secured.service.stderr();
    let line = log.lines().find(|line| line.contains("not reloaded")).unwrap();
    let told = format!("{}, line 1: expected the key of", secured.identity.key);
    assert!(line.contains("ERROR") && line.contains(&told), "{line}");
    assert_eq!(secured.handshake(&[]).certificate(), before);
    fs::copy(&next.key, &secured.identity.key).unwrap();
    secured.reload(" reloaded");
    assert_ne!(secured.handshake(&[]).certificate(), before);
}

#[test]
fn sessions_are_resumed_but_not_after_a_reload() {
    for version in ["-tls1_2", "-tls1_3"] {
        let secured = start_asking(&["--tls-client-required"]);
        let robot = secured.authority.issue("robot", "/CN=robot", Validity::Now);
        let shown = ["-cert", &robot.certificate, "-key", &robot.key, version];
        let session = secured.authority.path("session");
        let first = secured.handshake(&[&shown[..], &["-sess_out", &session]].concat());
        assert!(first.is_made && first.output.contains("\nNew, "), "{first:?}");
        let again = secured.handshake(&[&shown[..], &["-sess_in", &session]].concat());
        assert!(again.is_made && again.output.contains("\nReused, "), "{version} {again:?}");
        // The clients' authority changes, and with it who may come.
        let other = Authority::new();
        fs::copy(other.certificate(), secured.authority.path(CLIENTS)).unwrap();
        secured.reload("reloaded");
        let late = secured.handshake(&[&shown[..], &["-sess_in", &session]].concat());
        assert!(!late.output.contains("\nReused, "), "{version} {late:?}");
        assert!(!late.is_made && late.output.contains(" alert "), "{version} {late:?}");
    }
}

#[test]
fn each_mistake_in_a_file_ends_the_start_with_one_line_and_code_2() {
    bad_certificates::each_mistake_ends_the_start(BINARY, &PORTS);
}

#[test]
fn each_mistake_in_a_file_changes_nothing_at_a_reload() {
    let secured = start_asking(&[]);
    let before = secured.handshake(&[]).certificate().to_owned();
    let served = [
        secured.identity.certificate.clone(),
        secured.identity.key.clone(),
        secured.authority.path(CLIENTS),
    ];
    let makes_mistakes = Authority::new();
    for mistake in bad_certificates::mistakes(&makes_mistakes) {
        for (file, bad) in served.iter().zip(mistake.files()) {
            let _ = fs::remove_file(file);
            let _ = fs::copy(bad, file);
        }
        let so_far = secured.service.stderr().len();
        secured.reload("not reloaded");
        let log = secured.service.stderr();
        let (_, expected) = mistake.told.split_once(": ").unwrap();
        // What is told of is the file here; of another one the words may tell too.
        let expected = expected.split(" in /").next().unwrap();
        assert!(log[so_far..].contains(expected), "{expected} in {}", &log[so_far..]);
    }
    assert_eq!(secured.handshake(&[]).certificate(), before);
}

#[test]
fn certificate_out_of_its_time_is_warned_of_and_served() {
    let authority = Authority::new();
    let past = authority.issue("past", "/CN=localhost", Validity::Past);
    let future = authority.issue("future", "/CN=localhost", Validity::Future);
    for (identity, told) in [
        (past, "the certificate has expired file=PATH ended=\"2020-02-01T00:00:00Z\""),
        (future, "the certificate is not valid yet file=PATH begins=\"2090-01-01T00:00:00Z\""),
    ] {
        let args = [&PORTS, &identity.args()[..]].concat();
        let service = Process::start(BINARY, &args, &[], 3);
        service.wait_for_log(&told.replace("PATH", &identity.certificate));
        assert!(!service.stderr().contains("others can read"), "{}", service.stderr());
        let url = format!("https://{}/healthz", service.addr("xmlrpc-tls"));
        let ran = Command::new("curl").args(["--silent", "--insecure", &url]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), r#"{"status":"alive"}"#);
    }
}

#[test]
fn key_that_others_can_read_is_warned_of() {
    let authority = Authority::new();
    let identity = authority.localhost();
    let readable = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&identity.key, readable).unwrap();
    let service = Process::start(BINARY, &[&PORTS, &identity.args()[..]].concat(), &[], 3);
    service.wait_for_log(&format!("others can read the private key file={}", identity.key));
}

#[test]
fn listening_by_tls_takes_a_certificate_and_a_key() {
    let authority = Authority::new();
    let Identity { certificate, key } = authority.localhost();
    for args in [
        &["--tls-listen", "127.0.0.1:0"][..],
        &["--tls-listen", "127.0.0.1:0", "--tls-cert", &certificate],
        &["--tls-listen", "127.0.0.1:0", "--tls-key", &key],
        &["--listen", "127.0.0.1:0", "--tls-client-required"],
    ] {
        let ended = run_to_end(BINARY, args, &[]);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{ended:?}");
        assert!(ended.stderr.contains("--tls-"), "{ended:?}");
    }
    // Compose passes every setting on.
    let unset = [("TLS_LISTEN_ADDR", ""), ("TLS_CERT", ""), ("TLS_CLIENT_REQUIRED", "false")];
    Process::start(BINARY, &PORTS[..4], &unset, 2);
}

#[test]
fn sslyze_finds_it_complies_with_mozillas_intermediate_configuration() {
    let sslyze = std::env::var("SSLYZE").unwrap_or_else(|_| "sslyze".into());
    if Command::new(&sslyze).arg("--help").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "no sslyze");
        eprintln!("skipped: no sslyze");
        return;
    }
    let secured = start(&[]);
    let ran = Command::new(sslyze)
        .args(["--mozilla_config", "intermediate", "--certinfo_ca_file"])
        .args([secured.authority.certificate(), secured.addr.to_string()])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(output.contains(": OK - Compliant."), "{output}");
    assert!(output.contains("OK - Not vulnerable to Heartbleed"), "{output}");
    // It has tried much, and the service is as it was.
    assert_eq!(secured.curl(None).0, Some(0));
}

#[test]
fn answers_by_tls_that_nobody_reads_take_no_more_memory_than_there_is() {
    const MAX_MEMORY: usize = 48 << 20;
    let secured = start(&["--max-memory", "32MiB"]);
    let crowd = waiting(secured.python("unread", None));
    let metrics = support::get(secured.service.addr("admin"), "/metrics").1;
    // Of those whose answers are read there is room for more than that.
    let there = support::value(&metrics, "callbox_connections{listener=\"xmlrpc-tls\"}");
    assert!(there < 100.0, "{metrics}");
    let peak = secured.service.peak_memory();
    assert!(peak < MAX_MEMORY, "{peak} bytes at the peak\n{metrics}");
    crowd.goes_on_to_its_end();
    wait_until("somebody else is served", || secured.curl(None).0 == Some(0));
}
