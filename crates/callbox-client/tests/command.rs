//! The built command `callbox`: what is typed, what is shown, and the exit code.
#![cfg(feature = "command")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod python;
mod server;

use std::io::{BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use protocol::xmlrpc::encode_response;
use python::Python;
use server::{Server, Then, accept, http, read_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const CALLBOX: &str = env!("CARGO_BIN_EXE_callbox");

fn start(words: &[&str], url: &str) -> Child {
    let mut command = Command::new(CALLBOX);
    command.args(words).env("CALLBOX_URL", url);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn run(words: &[&str], url: &str, stdin: &[u8]) -> Output {
    let mut child = start(words, url);
    // Who takes no stdin may be gone.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// What is shown, and the exit code: stdout where all went well, else stderr.
fn told(output: &Output) -> (i32, String) {
    let code = output.status.code().unwrap();
    let text = if code == 0 { &output.stdout } else { &output.stderr };
    (code, String::from_utf8(text.clone()).unwrap())
}

#[test]
fn arguments_become_parameters_and_results_text() {
    let Some(python) = Python::start("python_server.py", &["--multicall"]) else { return };
    let url = format!("http://localhost:{}", python.port);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("argument.txt");
    std::fs::write(&file, "in a file\n").unwrap();
    let at_file = format!("@{}", file.display());
    let check = |words: &[&str], code, expected: &str| {
        let output = run(words, &url, b"by stdin");
        assert_eq!(told(&output), (code, expected.to_owned()), "{words:?} {output:?}");
    };
    check(&["addition", "2", "3"], 0, "5\n");
    check(&[&url, "addition", "i/2", "-3"], 0, "-1\n");
    check(&["call", "addition", "2", "3", "--json"], 0, "5\n");
    check(
        &["kinds", "i/5", "I/6", "d/1.5", "s/5", "b/1", "h/00ff", "n/"],
        0,
        "int 5, int 6, float 1.5, str '5', bool True, Binary b'\\x00\\xff', NoneType None\n",
    );
    check(
        &["kinds", "5", "1.5", "true", "null", "a b", "[1, {\"x\": null}]", "007"],
        0,
        "int 5, float 1.5, bool True, NoneType None, str 'a b', list [1, {'x': None}], str '007'\n",
    );
    check(&["kinds", "-", &at_file], 0, "str 'by stdin', str 'in a file\\n'\n");
    check(&["kinds", "h/-"], 0, "Binary b'by stdin'\n");
    check(&["kinds", "--struct", "a=1", "b=s/2"], 0, "dict {'a': 1, 'b': '2'}\n");
    check(
        &["typed", "5", "6", "7", "1", "20261122T10:14:03", "AP8=", "[1]", "{}"],
        0,
        "int 5, str '6', float 7.0, bool True, DateTime '20261122T10:14:03', \
         Binary b'\\x00\\xff', list [1], dict {}\n",
    );
    check(&["echo", "[1, \"a b\"]"], 0, "1\na b\n");
    check(
        &["echo", "{\"a\": {\"b\": [1, 2]}, \"c\": \"d\"}"],
        0,
        "a:\n  b:\n    - 1\n    - 2\nc: d\n",
    );
    check(&["echo", "h/00ff", "--json"], 0, "{\"$base64\":\"AP8=\"}\n");
    check(&["echo", "[1.0, \"x\", null]", "--json"], 0, "[1.0,\"x\",null]\n");
    check(
        &["echo", "--raw", "s/x"],
        0,
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><string>x</string></value>\n\
         </param>\n</params>\n</methodResponse>\n",
    );
    check(
        &["kinds", "--help"],
        0,
        "kinds(int) -> string\nkinds(string) -> string\nTells what it is called with.\n",
    );
    check(&["help", "echo"], 0, "The server tells nothing of it.\n");
}

#[test]
fn methods_are_listed_with_their_signatures() {
    for args in [&["--multicall"][..], &[]] {
        let Some(python) = Python::start("python_server.py", args) else { return };
        let url = format!("http://localhost:{}", python.port);
        let (code, listed) = told(&run(&[&url], "", b""));
        assert_eq!(code, 0);
        assert!(listed.starts_with("addition\necho\nfail\n"), "{listed}");
        assert!(listed.contains("kinds(int) -> string\nkinds(string) -> string\n"), "{listed}");
        let (_, names) = told(&run(&["__methods", &url], "", b""));
        assert!(names.starts_with("addition\necho\nfail\nkinds\nsystem.list"), "{names}");
        let (_, json) = told(&run(&["list", &url, "--json"], "", b""));
        assert!(json.starts_with("[\"addition\",\"echo\","), "{json}");
    }
}

#[test]
fn exit_code_tells_what_failed() {
    let Some(python) = Python::start("python_server.py", &[]) else { return };
    let url = format!("http://localhost:{}", python.port);
    let elsewhere = format!("{url}/elsewhere");
    let check = |words: &[&str], code, expected: &str| {
        let (ended, text) = told(&run(words, &url, b""));
        assert!(ended == code && text.contains(expected), "{words:?}: {ended} {text}");
        assert!(text.starts_with("callbox: ") && text.lines().count() == 1, "{text}");
    };
    check(&["fail"], 1, "fault 4: too many\\u{9b}\n");
    check(&["fail", "--json"], 1, "fault 4: too many");
    check(&["nothing", "1"], 1, "fault 1: ");
    check(&["http://127.0.0.1:1", "a"], 2, "http://127.0.0.1:1/RPC2: cannot connect: ");
    check(&[&elsewhere, "a"], 2, "status 404");
    check(&["typed", "x", "6", "7", "1", "now", "", "[]", "{}"], 64, "argument 1: expected int\n");
    check(&["kinds", "i/x"], 64, "argument 1: expected i/ with an int\n");
    check(&["kinds", "--struct", "x"], 64, "NAME=ARG");
    check(&["kinds", "@/nowhere"], 64, "/nowhere: ");
    check(&["kinds", "s/\u{1}"], 64, "a character that XML cannot carry");
    check(&["kinds", "--what"], 64, "--what is no option");
    check(&["x://nowhere"], 64, "expected http://HOST");
    check(&["-u", "ana:secret", "kinds"], 64, "the password is asked for");
    check(&["--token-file", "/nowhere", "kinds"], 64, "/nowhere: ");
    check(&["--cacert", "/nowhere", "https://localhost", "kinds"], 64, "/nowhere: ");
    let raw = run(&["fail", "--raw"], &url, b"");
    assert!(raw.status.code() == Some(1) && raw.stdout.starts_with(b"<?xml"), "{raw:?}");
    let (code, text) = told(&run(&["addition"], "", b""));
    assert!(code == 64 && text.contains("CALLBOX_URL"), "{text}");
}

#[test]
fn verbose_shows_both_documents_and_no_login() {
    let Some(python) = Python::start("python_server.py", &[]) else { return };
    let url = format!("http://ana:secret@localhost:{}", python.port);
    let shown = run(&["-v", "addition", "i/2", "i/3"], &url, b"");
    let stderr = String::from_utf8(shown.stderr).unwrap();
    assert!(stderr.starts_with("> http://localhost:") && !stderr.contains("secret"), "{stderr}");
    assert!(stderr.contains("<methodName>addition</methodName>"), "{stderr}");
    assert!(stderr.contains("\n< 200 text/xml\n<?xml") && shown.stdout == b"5\n", "{stderr}");
}

#[test]
fn login_is_in_a_file() {
    let runtime = Runtime::new().unwrap();
    let answer = http("", &encode_response(&5.into()).unwrap());
    let server = runtime.block_on(Server::start(&[&answer], Then::Close));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("login.txt");
    let file = file.to_str().unwrap();
    for (line, expected) in
        [("ana:secret\n", "Basic YW5hOnNlY3JldA=="), ("abc.def\n", "Bearer abc.def")]
    {
        std::fs::write(file, line).unwrap();
        assert_eq!(
            told(&run(&["a", "--token-file", file], &server.url(), b"")),
            (0, "5\n".to_owned())
        );
        assert!(server.heard().last().unwrap().contains(&format!("Authorization: {expected}\r\n")));
    }
}

#[test]
fn help_and_version_need_no_server() {
    for words in [&["--help"][..], &["-h"], &["help"], &["list", "--help"]] {
        let (code, text) = told(&run(words, "", b""));
        assert!(code == 0 && text.starts_with("callbox [list] URL"), "{text}");
    }
    let (code, text) = told(&run(&["--version"], "", b""));
    assert_eq!((code, text), (0, format!("callbox {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn list_that_nobody_reads_on_ends_well() {
    let Some(python) = Python::start("python_server.py", &[]) else { return };
    let mut child = start(&["text", "i/3000000"], &format!("http://localhost:{}", python.port));
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    assert!(child.wait().unwrap().success());
}

/// The command on a terminal of its own, which `script` makes.
fn on_a_terminal(words: &str, url: &str) -> Child {
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{CALLBOX} {words}"), "/dev/null"]);
    command.env("CALLBOX_URL", url).env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn read_until(child: &mut BufReader<std::process::ChildStdout>, expected: &str) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&seen).contains(expected) {
        assert_eq!(child.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn terminal_sees_that_a_server_thinks() {
    let runtime = Runtime::new().unwrap();
    let thought = Arc::new(Notify::new());
    let think = thought.clone();
    let addr = runtime.block_on(accept(move |mut stream| {
        let think = think.clone();
        async move {
            read_request(&mut stream).await.unwrap();
            think.notified().await;
            let answer = http("", &encode_response(&"\u{9b}2J".into()).unwrap());
            stream.write_all(&answer).await.unwrap();
        }
    }));
    let mut child = on_a_terminal("slow", &format!("http://{addr}"));
    let mut terminal = BufReader::new(child.stdout.take().unwrap());
    read_until(&mut terminal, &format!("waiting for http://{addr}/RPC2, "));
    thought.notify_one();
    let seen = read_until(&mut terminal, "2J");
    assert!(seen.ends_with("\r\u{1b}[K\\u{9b}2J"), "{seen:?}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn terminal_sees_how_much_of_a_large_body_has_gone() {
    let runtime = Runtime::new().unwrap();
    let seen = Arc::new(Notify::new());
    let waits = seen.clone();
    let addr = runtime.block_on(accept(move |mut stream| {
        let waits = waits.clone();
        async move {
            waits.notified().await;
            let (mut heard, end) = (Vec::new(), b"</methodCall>");
            while !heard.ends_with(end) {
                heard.drain(..heard.len().saturating_sub(end.len()));
                assert!(stream.read_buf(&mut heard).await.unwrap() > 0);
            }
            stream.write_all(&http("", &encode_response(&5.into()).unwrap())).await.unwrap();
        }
    }));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large");
    std::fs::write(&file, vec![b'x'; 15_000_000]).unwrap();
    let mut child = on_a_terminal(&format!("put h/@{}", file.display()), &format!("http://{addr}"));
    let mut terminal = BufReader::new(child.stdout.take().unwrap());
    read_until(&mut terminal, " of 20.0 MB");
    seen.notify_one();
    read_until(&mut terminal, "\u{1b}[K5\r\n");
    assert!(child.wait().unwrap().success());
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn password_is_asked_for_on_the_terminal() {
    let runtime = Runtime::new().unwrap();
    let answer = http("", &encode_response(&5.into()).unwrap());
    let server = runtime.block_on(Server::start(&[&answer], Then::Close));
    let mut child = on_a_terminal("-u ana a", &server.url());
    let mut terminal = BufReader::new(child.stdout.take().unwrap());
    read_until(&mut terminal, "Password of ana: ");
    child.stdin.take().unwrap().write_all(b"secret\n").unwrap();
    read_until(&mut terminal, "5\r\n");
    assert!(child.wait().unwrap().success());
    assert!(server.heard()[0].contains("Authorization: Basic YW5hOnNlY3JldA==\r\n"));
}

#[test]
fn names_are_bold_on_a_terminal_that_may_have_colours() {
    let Some(python) = Python::start("python_server.py", &[]) else { return };
    for (before, expected) in
        [("", "\u{1b}[1maddition\u{1b}[m\r\n"), ("NO_COLOR=1 ", "addition\r\n")]
    {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{before}{CALLBOX} list"), "/dev/null"]);
        command
            .env("CALLBOX_URL", format!("http://localhost:{}", python.port))
            .env("TERM", "xterm");
        let seen = command.stdin(Stdio::null()).output().unwrap();
        let seen = String::from_utf8(seen.stdout).unwrap();
        assert!(seen.starts_with(expected), "{seen:?}");
    }
}

/// Has a shell complete a line: what it offers, in one line.
fn completed(shell: &str, script: &str, line: &str) -> Option<String> {
    let directory = std::path::Path::new(CALLBOX).parent().unwrap().display();
    let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
    let mut command = Command::new(shell);
    let output = command.args(["-c", script]).env("LINE", line).env("PATH", path).output();
    let Ok(output) = output else {
        assert!(std::env::var_os("CI").is_none(), "no {shell}");
        eprintln!("skipped: no {shell}");
        return None;
    };
    assert!(output.stderr.is_empty(), "{output:?}");
    let offered = String::from_utf8(output.stdout).unwrap();
    Some(offered.split_whitespace().collect::<Vec<_>>().join(" "))
}

const BASH: &str = "source <(callbox completions bash)
    COMP_LINE=$LINE COMP_POINT=${#LINE}; _callbox; echo \"${COMPREPLY[*]}\"";

/// What zsh's own completion would be given, and filters.
const ZSH: &str =
    "compdef() {}; compadd() { shift; print -l -- \"${(@M)@:#$words[CURRENT]*}\" }; _files() {}
    source <(callbox completions zsh)
    words=(${(z)LINE}); [[ $LINE == *' ' ]] && words+=(''); CURRENT=$#words; _callbox";

const FISH: &str =
    "callbox completions fish | source; complete -C $LINE | string replace -r '\\t.*' ''";

#[test]
fn shells_complete_methods_of_the_server() {
    let Some(python) = Python::start("python_server.py", &[]) else { return };
    let url = format!("http://localhost:{}", python.port);
    for (shell, script) in [("bash", BASH), ("zsh", ZSH), ("fish", FISH)] {
        for (line, expected) in [
            ("callbox c", "call completions"),
            ("callbox completions ", "bash zsh fish"),
            ("callbox URL a", "addition"),
            ("callbox --json URL system.m", "system.methodHelp system.methodSignature"),
            ("callbox help URL k", "kinds"),
            ("callbox -u ana URL k", "kinds"),
            ("callbox URL --ti", "--timeout"),
            ("callbox http://127.0.0.1:1 a", ""),
        ] {
            let Some(mut offered) = completed(shell, script, &line.replace("URL", &url)) else {
                break;
            };
            if shell == "fish" && line == "callbox completions " {
                // It sorts.
                offered = offered.replace("bash fish zsh", expected);
            }
            assert_eq!(offered, expected, "{shell} {line}");
        }
    }
}
