//! Whatever stands in a gateway file, it is read, or a line tells what is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use xmlrpc_svc::gateway::file::GatewayFile;
use xmlrpc_svc::gateway::taken::Taken;

const FILE: &str = r#"
[upstream.radio]
kind = "line"
address = "radio:4532"
line_end = "\r\n"
connections = 1
waiting = 2
timeout = "800ms"
pause = "0ms"
greeting = "OK MPD"
error = ["RPRT -", "ERR"]
skip = ["event "]
encoding = "utf-8"
max_reply_bytes = 65536
[method."radio.set"]
upstream = "radio"
help = "Sets."
params = [
    { name = "hertz", type = "int", min = 0, max = 3000000000 },
    { name = "on", type = "boolean", true = "1", false = "0" },
    { name = "mode", type = "string", one_of = ["AM", "FM"], max_bytes = 9, quote = "none" },
    { name = "list", type = "array", of = "string", pattern = "[a-z]+", separator = "," },
]
send = "+F {hertz} {on} {mode} {list} {{}}"
reply = { until = "RPRT" }
result = { match = "([0-9]+)", type = "int" }
then = "ERR?"
ok = "0,"
idempotent = true
[upstream.rt]
kind = "xmlrpc"
url = "http://rt/RPC2"
timeout = "10s"
max_response_bytes = "16MiB"
[publish.rt]
prefix = "rt."
allow = ["download_list", "d.*"]
deny = ["*.execute*"]
params = { "d.x" = ["", "main|started"] }
"#;

/// Words that mean something in such a file.
const WORDS: [&str; 32] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    "=",
    "\n",
    "#",
    "\\",
    ".",
    "*",
    "(",
    "",
    "1",
    "-1",
    "nan",
    "true",
    "\"x\"",
    "[]",
    "{}",
    "\"line\"",
    "\"xmlrpc\"",
    "\"none\"",
    "\"string\"",
    "{a}",
    "\u{0}",
    "\u{e9}",
    "[upstream.x]\n",
    "[method.m]\n",
    "[publish.rt]\n",
    "99999999999999999999",
    "'''",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_change_to_a_file_is_read_or_told_in_a_line(
        changes in prop::collection::vec((0..FILE.len(), 0..12_usize, 0..WORDS.len()), 1..4)
    ) {
        let mut text = FILE.to_owned();
        for (at, length, word) in changes {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let end = (at + length).min(text.len());
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap();
            text.replace_range(at..end, WORDS[word]);
        }
        let path = std::env::temp_dir().join(format!("gateway-any-{}.toml", std::process::id()));
        std::fs::write(&path, &text).unwrap();
        let read = GatewayFile::read(&path, &Taken::default());
        std::fs::remove_file(&path).unwrap();
        if let Err(error) = read {
            let line = error.to_string();
            prop_assert!(!line.contains(['\n', '\r']), "{line:?}");
            let after = line.strip_prefix(&format!("{}:", path.display())).unwrap();
            let number = after.split(':').next().unwrap().parse::<usize>();
            prop_assert!(number.is_ok_and(|number| number <= text.lines().count() + 1), "{line}");
            prop_assert!(line.contains("expected"), "{line}");
        }
    }
}

#[test]
fn file_as_it_stands_is_read() {
    let path = std::env::temp_dir().join(format!("gateway-whole-{}.toml", std::process::id()));
    std::fs::write(&path, FILE).unwrap();
    let read = GatewayFile::read(&path, &Taken::default());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read.unwrap().line[0].methods.len(), 1);
}
