//! Accounts of the built binary: foreign clients log in, its subcommands make what stands in the
//! file, and a bad file ends the start.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use support::{Process, command, run_to_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// By `htpasswd -nB` and `htpasswd -nbB -C 4` of apache2-utils, for `secret`.
const USERS: &str = "\
[user.ana]
password = \"$2y$05$DKcQvs6DZgf/Dlqd9zgpwelEmYJ9KUq27xuU02Gu6lTaIbVjtuAoO\"
methods = [\"addition\", \"system.*\"]
[user.bob]
password = \"$2y$04$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa\"
methods = [\"*\"]
";

/// A file of accounts that is there as long as the test.
struct Accounts(PathBuf);

impl Accounts {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let name = format!("xmlrpc-svc-{}-{name}.toml", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file.set_mode(0o600);
        file
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(&self.0, text).unwrap();
    }

    fn set_mode(&self, mode: u32) {
        std::fs::set_permissions(&self.0, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn start(&self) -> Process {
        Process::start(BINARY, &[&PORTS[..], &["--accounts", self.path()]].concat(), &[], 2)
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What `program` prints; `None` where it is not installed. Where CI says so, it must be.
fn foreign(program: &str, args: &[&str]) -> Option<Output> {
    let ran = Command::new(program).args(args).output();
    assert!(ran.is_ok() || std::env::var_os("CI").is_none(), "no {program}");
    if ran.is_err() {
        eprintln!("skipped: no {program}");
    }
    ran.ok()
}

/// The status of a call of `addition` by curl with these options.
fn curl(service: &Process, options: &[&str]) -> Option<String> {
    let document = "<methodCall><methodName>addition</methodName><params>\
        <param><value><int>2</int></value></param><param><value><int>3</int></value></param>\
        </params></methodCall>";
    let url = format!("http://{}/", service.addr("xmlrpc"));
    let usual = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--data", document, &url];
    let ran = foreign("curl", &[&usual[..], options].concat())?;
    Some(String::from_utf8(ran.stdout).unwrap())
}

/// How `subcommand` ends that is given `stdin`, and what it prints.
fn subcommand(subcommand: &str, stdin: &[u8]) -> Output {
    let mut command = command(BINARY, &[subcommand], &[]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn printed(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn pythons_own_client_logs_in_by_its_url() {
    let accounts = Accounts::new("python", USERS);
    let service = accounts.start();
    let script = r#"
import sys, xmlrpc.client
addr = sys.argv[1]
ana = xmlrpc.client.ServerProxy(f"http://ana:secret@{addr}/")
assert ana.addition(2, 3) == 5
assert "subtraction" not in ana.system.listMethods()
try:
    ana.subtraction(2, 3)
    sys.exit("called")
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == -32601, fault
calls = xmlrpc.client.MultiCall(xmlrpc.client.ServerProxy(f"http://bob:secret@{addr}/"))
calls.addition(2, 3)
calls.subtraction(2, 3)
assert tuple(calls()) == (5, -1)
for login in "", "ana:Secret@", "eve:secret@":
    try:
        xmlrpc.client.ServerProxy(f"http://{login}{addr}/").addition(2, 3)
        sys.exit("called")
    except xmlrpc.client.ProtocolError as error:
        assert error.errcode == 401, error
"#;
    let addr = service.addr("xmlrpc").to_string();
    let Some(ran) = foreign("python3", &["-c", script, &addr]) else { return };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(!service.stderr().contains("ecret"), "{}", service.stderr());
}

#[test]
fn curl_logs_in_by_password_and_by_token() {
    let accounts = Accounts::new("curl", USERS);
    let token = subcommand("new-token", b"");
    let lines: Vec<_> = printed(&token).lines().collect();
    let [token, "", "[token.NAME]", digest, "methods = [\"*\"]"] = lines[..] else {
        panic!("{lines:?}")
    };
    accounts.write(format!("{USERS}[token.ci]\n{digest}\nmethods = [\"addition\"]\n"));
    let service = accounts.start();
    let check = |options: &[&str], expected: &str| {
        let status = curl(&service, options);
        assert!(
            status.as_deref().is_none_or(|status| status == expected),
            "{options:?} {status:?}"
        );
    };
    check(&["-u", "ana:secret"], "200");
    check(&["--anyauth", "-u", "ana:secret"], "200");
    check(&["--oauth2-bearer", token], "200");
    check(&["-H", &format!("Authorization: bearer {token}")], "200");
    check(&["-u", "ana:Secret"], "401");
    check(&["--oauth2-bearer", &token[1..]], "401");
    check(&[], "401");
    assert!(!service.stderr().contains(token), "{}", service.stderr());
}

#[test]
fn tokens_have_256_bits_and_differ() {
    let tokens = [(); 2].map(|()| {
        let ended = subcommand("new-token", b"");
        printed(&ended).lines().next().unwrap().to_owned()
    });
    assert_ne!(tokens[0], tokens[1]);
    for token in tokens {
        assert_eq!(token.len(), 43, "{token}");
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{token}");
    }
}

#[test]
fn password_from_stdin_becomes_the_hash_of_it() {
    let hashes = [&b"s3cret pass"[..], b"s3cret pass\n", b"s3cret pass\r\n"].map(|stdin| {
        let hashed = subcommand("hash-password", stdin);
        let hash = printed(&hashed).strip_suffix('\n').unwrap().to_owned();
        assert!(hash.starts_with("$2y$12$") && hash.len() == 60, "{hash}");
        hash
    });
    assert_ne!(hashes[0], hashes[1]);
    let user =
        |(number, hash)| format!("[user.u{number}]\npassword = \"{hash}\"\nmethods=[\"*\"]\n");
    let accounts = Accounts::new("hash", hashes.iter().enumerate().map(user).collect::<String>());
    let service = accounts.start();
    for number in 0..hashes.len() {
        let status = curl(&service, &["-u", &format!("u{number}:s3cret pass")]);
        assert!(status.as_deref().is_none_or(|status| status == "200"), "{number} {status:?}");
    }
}

#[test]
fn what_can_be_nobodys_password_is_not_hashed() {
    let longest = "a".repeat(72);
    assert!(printed(&subcommand("hash-password", longest.as_bytes())).starts_with("$2y$"));
    for bad in ["", "\n", "a\nb", "a\0", &format!("{longest}b"), &format!("{longest}\r\nb")] {
        let ended = subcommand("hash-password", bad.as_bytes());
        assert_eq!(ended.status.code(), Some(2), "{bad:?}");
        assert!(ended.stdout.is_empty());
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(told, "error: expected one line of 1 to 72 bytes as a password\n", "{bad:?}");
    }
}

#[test]
fn secrets_are_taken_from_no_command_line() {
    for args in [["hash-password", "secret"], ["new-token", "secret"]] {
        let ended = run_to_end(BINARY, &args, &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
    }
}

#[test]
fn help_names_options_and_subcommands() {
    let help = run_to_end(BINARY, &["--help"], &[("ACCOUNTS_FILE", "/dev/null")]).stdout;
    for name in
        ["--accounts <FILE>", "ACCOUNTS_FILE", "--accounts-memory", "hash-password", "new-token"]
    {
        assert!(help.contains(name), "{name}\n{help}");
    }
}

#[test]
fn file_with_a_mistake_ends_the_start_with_its_line() {
    let user = "[user.ana]\nmethods = []\npassword = ";
    for (name, text, line) in [
        ("empty", "", " nobody may call, expected [user.NAME], "),
        ("toml", "[user.ana\n", "1: expected TOML: "),
        ("section", "[anyone]\nmethods = []\n[users.ana]\n", "3: unknown section \"users\", "),
        ("key", "[anyone]\nmethods = []\nmethod = []\n", "3: unknown key \"method\", "),
        ("twice", "[anyone]\nmethods = []\n[anyone]\n", "3: expected TOML: "),
        ("plain", &format!("{user}\"s3cret\""), "3: password of user \"ana\": expected a bcrypt"),
        (
            "cost",
            &format!("{user}\"$2y$15$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa\""),
            "3: password of user \"ana\": expected a bcrypt hash of cost 4 to 14",
        ),
        ("sha256", "[token.ci]\nsha256 = \"s3cret\"", "2: sha256 of token \"ci\": expected 64 "),
        ("pattern", "[anyone]\nmethods = [\"radio*\"]", "2: methods: expected a method's name, "),
    ] {
        let accounts = Accounts::new(name, text);
        for (args, env) in [
            (&["--accounts", accounts.path()][..], None),
            (&[], Some(("ACCOUNTS_FILE", accounts.path()))),
        ] {
            let ended = run_to_end(BINARY, &[&PORTS[..], args].concat(), env.as_slice());
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{name}");
            let expected = format!("error: {}:{line}", accounts.path());
            assert!(ended.stderr.starts_with(&expected), "{name}: {}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
        }
    }
    let ended = run_to_end(BINARY, &[&PORTS[..], &["--accounts", "/nowhere/a.toml"]].concat(), &[]);
    assert_eq!(ended.code, Some(2));
    let expected = "error: /nowhere/a.toml: expected a file with accounts: ";
    assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
}

#[test]
fn file_that_everybody_can_read_is_warned_of_once() {
    let accounts = Accounts::new("shown", USERS);
    accounts.set_mode(0o644);
    let service = accounts.start();
    service.wait_for_log("everybody on this machine can read the accounts");
    service.signal("HUP");
    service.wait_for_log("reloaded");
    assert_eq!(service.stderr().matches("can read the accounts").count(), 1);
    // What came over loopback cannot be read on its way.
    assert!(curl(&service, &["-u", "ana:secret"]).is_none_or(|status| status == "200"));
    assert!(!service.stderr().contains("without TLS"), "{}", service.stderr());

    accounts.set_mode(0o640);
    let service = accounts.start();
    assert!(!service.stderr().contains("can read the accounts"), "{}", service.stderr());
}

#[test]
fn hangup_reads_the_accounts_again_all_or_none() {
    let accounts = Accounts::new("reload", USERS);
    let service = accounts.start();
    let check = |login: &str, expected: &str| {
        let status = curl(&service, &["-u", login]);
        assert!(status.as_deref().is_none_or(|status| status == expected), "{login} {status:?}");
    };
    check("ana:secret", "200");
    accounts.write(USERS.replacen("[user.ana]", "[user.eve]", 1) + "[anybody]\n");
    service.signal("HUP");
    service.wait_for_log(":7: unknown section ");
    check("ana:secret", "200");
    check("eve:secret", "401");
    accounts.write(USERS.replacen("[user.ana]", "[user.eve]", 1));
    service.signal("HUP");
    service.wait_for_log("reloaded what=\"accounts\"");
    check("ana:secret", "401");
    check("eve:secret", "200");
}

/// The accounts and patterns that were warned of so far.
fn misfits(service: &Process, file: &Accounts) -> Vec<String> {
    let log = service.stderr();
    let warnings = log.lines().filter(|line| line.contains("no published method fits"));
    let start = format!("fits this pattern file={} ", file.path());
    warnings
        .map(|line| {
            assert!(line.contains("WARN"), "{line}");
            line.split_once(&start).unwrap().1.to_owned()
        })
        .collect()
}

#[test]
fn pattern_that_fits_no_method_is_warned_of_at_the_start_and_at_each_reload() {
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let misspelled = format!(
        "{USERS}[token.ci]\nsha256 = \"{digest}\"\nmethods = [\"addition\", \"adition\", \"command.*\"]\n\
         [certificate.\"CN=robot\"]\nmethods = [\"sytem.*\", \"system.listMethods\"]\n\
         [anyone]\nmethods = [\"adition\", \"adition\", \"command.run.*\"]\n"
    );
    let file = Accounts::new("misfits", &misspelled);
    let service = file.start();
    let expected = [
        "account=\"anyone\" pattern=\"adition\"",
        "account=\"anyone\" pattern=\"command.run.*\"",
        "account=\"certificate.\\\"CN=robot\\\"\" pattern=\"sytem.*\"",
        "account=\"token.ci\" pattern=\"adition\"",
    ];
    service.wait_for_log("account=\"token.ci\"");
    assert_eq!(misfits(&service, &file), expected);
    service.signal("HUP");
    service.wait_for_log("reloaded what=\"accounts\"");
    assert_eq!(misfits(&service, &file), [expected, expected].concat());
    file.write(USERS);
    service.signal("HUP");
    wait_until("a second reload", || service.stderr().matches("reloaded what=").count() == 2);
    assert_eq!(misfits(&service, &file).len(), 8, "all fit");
}
