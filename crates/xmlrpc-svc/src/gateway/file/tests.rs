use super::*;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use encoding_rs::{ISO_8859_15, UTF_8};
use protocol::xmlrpc::{TypeName, Value};

use crate::gateway::framing::Framing;
use crate::gateway::outcome::{Kind, Scalar, Truth};
use crate::gateway::settings::{Address, LineEnd};

/// An upstream of each kind, in three lines each, and what one of them needs.
const UPSTREAMS: &str = "[upstream.radio]
kind = \"line\"
address = \"radio:4532\"
[upstream.rt]
kind = \"xmlrpc\"
url = \"http://rt/RPC2\"
";
const PUBLISH: &str = "[publish.rt]\nallow = [\"d.*\"]\n";

fn read_text(text: &str) -> Result<GatewayFile, (Option<usize>, String)> {
    let names = |name: &str| HashSet::from([name.to_owned()]);
    let taken = Taken { methods: names("addition"), upstreams: names("command") };
    parse(text, Path::new("/nowhere"), &taken)
        .map_err(|mistake| (mistake.line(text), mistake.what().to_owned()))
}

fn file(text: &str) -> GatewayFile {
    read_text(text).unwrap()
}

/// A method of the radio with these keys besides `send`.
fn method(keys: &str) -> LineMethod {
    let text = format!("{UPSTREAMS}{PUBLISH}[method.m]\nupstream = \"radio\"\n{keys}");
    file(&text).line.remove(0).methods.remove(0)
}

#[test]
fn every_key_of_a_line_upstream_is_read() {
    let text = r#"
        [upstream.radio]
        kind = "line"
        address = "[::1]:4532"
        line_end = "\r\n"
        connections = 1
        waiting = 0
        timeout = "2s"
        pause = "30ms"
        greeting = "OK MPD"
        error = ["RPRT -", "ERR"]
        skip = ["event "]
        encoding = "l9"
        max_reply_bytes = "64k"
    "#;
    let settings = &file(text).line[0].settings;
    assert_eq!(settings.name, "radio");
    assert_eq!(settings.address, Address::Inet { host: "::1".into(), port: 4532 });
    assert_eq!(settings.line_end, LineEnd::CrLf);
    assert_eq!((settings.connections, settings.waiting), (NonZeroUsize::MIN, 0));
    assert_eq!(settings.timeout, Duration::from_secs(2));
    assert_eq!(settings.pause, Duration::from_millis(30));
    assert_eq!(settings.greeting.as_deref(), Some("OK MPD"));
    assert_eq!(settings.error, ["RPRT -", "ERR"]);
    assert_eq!(settings.skip, ["event "]);
    assert_eq!(settings.encoding, ISO_8859_15);
    assert_eq!(settings.max_reply_bytes, 65_536);
}

#[test]
fn line_upstream_has_defaults() {
    let text = "[upstream.x]\nkind = \"line\"\naddress = \"unix:/run/x\"";
    let settings = &file(text).line[0].settings;
    assert_eq!(settings.address, Address::Unix("/run/x".into()));
    assert_eq!(settings.line_end, LineEnd::Lf);
    assert_eq!((settings.connections.get(), settings.waiting), (4, 64));
    assert_eq!(settings.timeout, Duration::from_millis(800));
    assert_eq!(settings.pause, Duration::ZERO);
    assert_eq!((&settings.greeting, &settings.login), (&None, &None));
    assert!(settings.error.is_empty() && settings.skip.is_empty());
    assert_eq!(settings.encoding, UTF_8);
    assert_eq!(settings.max_reply_bytes, 65_536);
}

#[test]
fn every_key_of_a_method_is_read() {
    let method = method(
        r#"
        help = "Tunes."
        params = [
            { name = "hertz", type = "int", min = 0, max = 3_000_000_000 },
            { name = "gain", type = "double", min = -0.5, max = 1 },
            { name = "on", type = "boolean", true = "1", false = "0" },
            { name = "mode", type = "string", one_of = ["AM", "FM"] },
            { name = "label", type = "string", pattern = "[a-z]+", max_bytes = 3 },
            { name = "free", type = "string", quote = "double" },
            { name = "many", type = "array", of = "int", separator = ",", min = 1 },
        ]
        send = "+F {hertz} {gain} {on} {mode} {label} {free} {{{many}}}"
        reply = { until = "RPRT" }
        result = "int"
        then = "ERR? {mode}"
        ok = "0,"
        idempotent = true
        "#,
    );
    assert_eq!((&*method.name, &*method.help), ("m", "Tunes."));
    assert!(method.is_idempotent);
    assert_eq!(method.reply, Framing::Until("RPRT".into()));
    assert!(matches!(method.result, Kind::Scalar(Scalar::Int)));
    assert_eq!(method.returns(), TypeName::I8);
    assert_eq!(method.then.as_ref().unwrap().ok, "0,");
    let types = method.parameters.iter().map(|parameter| parameter.type_name().as_str());
    let types: Vec<_> = types.collect();
    assert_eq!(types, ["i8", "double", "boolean", "string", "string", "string", "array"]);
    let many = Value::Array(vec![Value::from(1), Value::from(2)].try_into().unwrap());
    let mut params: Vec<Value> =
        vec![7.into(), 0.25.into(), true.into(), "FM".into(), "abc".into(), "a \"b\"".into(), many];
    let lines = method.lines(&params, UTF_8).unwrap();
    assert_eq!(lines.send, b"+F 7 0.25 1 FM abc \"a \\\"b\\\"\" {1,2}");
    assert_eq!(lines.then.as_deref(), Some(&b"ERR? FM"[..]));
    params[0] = 3_000_000_001_i64.into();
    let fault = method.lines(&params, UTF_8).unwrap_err();
    assert_eq!(fault.code, -32602);
    assert_eq!(fault.message, "params[0] (hertz): expected at most 3000000000");
    let fault = method.lines(&params[1..], UTF_8).unwrap_err();
    assert_eq!(fault.message, "expected 7 parameters, found 6");
}

#[test]
fn method_has_defaults() {
    let method = method(
        "params = [{ name = \"on\", type = \"boolean\" }, { name = \"text\", type = \"string\", quote = \"percent\" }]\nsend = \"{on}{text}\"",
    );
    assert_eq!((&*method.help, method.is_idempotent), ("", false));
    assert_eq!((&method.reply, &method.then), (&Framing::Line, &None));
    assert!(matches!(method.result, Kind::Scalar(Scalar::String)));
    let lines = |text: String| method.lines(&[true.into(), text.into()], UTF_8);
    assert_eq!(lines("x".repeat(256)).unwrap().send, ["ON", &"x".repeat(256)].concat().as_bytes());
    assert_eq!(
        lines("x".repeat(257)).unwrap_err().message,
        "params[1] (text): expected at most 256 bytes"
    );
}

#[test]
fn every_reply_and_result_is_read() {
    let reply = |reply: &str| method(&format!("send = \"x\"\nreply = {reply}")).reply;
    assert_eq!(reply("\"none\""), Framing::None);
    assert_eq!(reply("\"line\""), Framing::Line);
    assert_eq!(reply("\"blank\""), Framing::Blank);
    assert_eq!(reply("\"count\""), Framing::Count);
    assert_eq!(reply("\"status\""), Framing::Status);
    assert_eq!(reply("\"close\""), Framing::Close);
    assert_eq!(reply("{ until = \"END\" }"), Framing::Until("END".into()));
    assert_eq!(reply("{ length = \"$\" }"), Framing::Length("$".into()));
    let result = |result: &str| method(&format!("send = \"x\"\nresult = {result}"));
    let check = |text: &str, returns: TypeName, expected: &str| {
        let method = result(text);
        assert_eq!(method.returns(), returns, "{text}");
        assert_eq!(format!("{:?}", method.result), expected, "{text}");
    };
    let truth = Truth::default();
    check("\"string\"", TypeName::String, "Scalar(String)");
    check("\"int\"", TypeName::I8, "Scalar(Int)");
    check("\"double\"", TypeName::Double, "Scalar(Double)");
    check("\"boolean\"", TypeName::Boolean, &format!("Scalar(Boolean({truth:?}))"));
    check("\"base64\"", TypeName::Base64, "Scalar(Base64)");
    check("\"none\"", TypeName::Nil, "Nil");
    check("{ array = \"int\" }", TypeName::Array, "Array { of: Int, separator: None }");
    check(
        "{ array = \"string\", separator = \",\" }",
        TypeName::Array,
        "Array { of: String, separator: Some(\",\") }",
    );
    check("{ struct = \":\" }", TypeName::Struct, "Struct { separator: \":\" }");
    check(
        "{ match = \"a([0-9]+)\", type = \"int\" }",
        TypeName::I8,
        "Match { pattern: Regex(\"a([0-9]+)\"), of: Int }",
    );
    check(
        "{ match = '(?<a>.)(?<b>.)' }",
        TypeName::Struct,
        "Match { pattern: Regex(\"(?<a>.)(?<b>.)\"), of: String }",
    );
    let silent = method("send = \"x\"\nreply = \"none\"");
    assert!(matches!(silent.result, Kind::Nil));
}

#[test]
fn every_key_of_an_xmlrpc_upstream_is_read() {
    let dir = Directory::new("xmlrpc");
    dir.write("rt.login", "ana:secret\n", 0o600);
    let path = dir.write(
        "gateway.toml",
        r#"
        [upstream.rt]
        kind = "xmlrpc"
        url = "http://rt:5000/RPC2"
        timeout = "3s"
        connections = 2
        waiting = 8
        login = "rt.login"
        max_response_bytes = 1024
        [publish.rt]
        prefix = "rt."
        allow = ["download_list", "d.*"]
        deny = ["*.execute*"]
        [publish.rt.params]
        "d.multicall2" = ["", "main|started", "d\\.name="]
        "d.*" = ["[0-9A-F]*"]
        "#,
        0o644,
    );
    let file = GatewayFile::read(&path, &Taken::default()).unwrap();
    let XmlrpcServer { settings, publication } = &file.xmlrpc[0];
    assert_eq!(settings.name, "rt");
    assert_eq!(settings.endpoint.to_string(), "http://rt:5000/RPC2");
    assert_eq!(settings.timeout, Duration::from_secs(3));
    assert_eq!((settings.connections.get(), settings.waiting), (2, 8));
    assert_eq!(settings.max_response_bytes, 1_024);
    assert_eq!(publication.prefix, "rt.");
    assert!(publication.allows("d.name") && !publication.allows("d.execute2"));
    assert_eq!(publication.params.len(), 2);
    assert!(publication.check("d.name", &["0AF".into()]).is_ok());
    assert!(publication.check("d.name", &["g".into()]).is_err());
    assert!(file.shown.is_empty());
}

#[test]
fn files_for_https_are_read_beside_the_file() {
    let dir = Directory::new("https");
    let upstream = "[upstream.rt]\nkind = \"xmlrpc\"\nurl = \"https://rt/\"";
    let check = |keys: &str, line: usize, what: &str| {
        let path = dir.write("gateway.toml", &format!("{upstream}\n{keys}\n{PUBLISH}"), 0o644);
        let error = GatewayFile::read(&path, &Taken::default()).unwrap_err().to_string();
        let what = what.replace("DIR", &dir.0.display().to_string());
        assert_eq!(error, format!("{}:{line}: {what}", path.display()));
    };
    check("ca = \"ca.pem\"", 4, "ca: DIR/ca.pem: No such file or directory (os error 2)");
    let made = Command::new("mkfifo").arg(dir.0.join("pipe")).status();
    assert!(made.unwrap().success());
    for key in ["ca", "cert", "key"] {
        check(&format!("{key} = \"pipe\""), 4, &format!("{key}: DIR/pipe: it is a named pipe"));
    }
}

#[test]
fn xmlrpc_upstream_has_defaults() {
    let text = "[upstream.x]\nkind = \"xmlrpc\"\nurl = \"scgi+unix:///run/x\"\n[publish.x]\nallow = [\"a\"]";
    let XmlrpcServer { settings, publication } = &file(text).xmlrpc[0];
    assert_eq!(settings.timeout, Duration::from_secs(10));
    assert_eq!((settings.connections.get(), settings.waiting), (16, 64));
    assert_eq!(settings.max_response_bytes, 16_777_216);
    assert_eq!(publication.prefix, "");
    assert!(publication.deny.is_empty() && publication.params.is_empty());
}

#[test]
fn each_mistake_of_a_section_is_told_with_its_line_and_what_was_expected() {
    check("[upstreams.x]", 1, &format!("unknown section \"upstreams\", expected {SECTIONS}"));
    check("upstream = 1", 1, &format!("expected {SECTIONS}"));
    check("[upstream]\nx = 1", 2, &format!("expected {SECTIONS}"));
    let name = "1 to 128 letters, digits, or characters of _.:/-";
    check("[upstream.\"a b\"]", 1, &format!("expected an upstream's name: {name}"));
    let kinds = "\"line\" or \"xmlrpc\"";
    check("\n[upstream.x]", 2, &format!("expected the key kind: {kinds}"));
    check("[upstream.x]\nkind = \"http\"", 2, &format!("kind: expected {kinds}"));
    check("[upstream.x]\nkind = 1", 2, &format!("kind: expected {kinds}, in quotes"));
    let unpublished = "expected [publish.rt]: what is published of it";
    check(UPSTREAMS, 4, unpublished);
    let upstreams = |text: &str, line: usize, what: &str| {
        check(&format!("{UPSTREAMS}{PUBLISH}{text}"), 8 + line, what);
    };
    upstreams("[method.\"a b\"]", 1, &format!("expected a method's name: {name}"));
    upstreams(
        "[method.\"system.x\"]",
        1,
        "system.x: names in \"system.\" and \"rpc.\" belong to the service, expected another",
    );
    let what = "command: the service asks another one by this name, expected another";
    check("[upstream.command]", 1, what);
    let taken = "addition: taken by another method, expected another name";
    upstreams("[method.addition]", 1, taken);
    upstreams(
        "[method.radio.tune]\nsend = \"x\"",
        1,
        "expected a name with dots in quotes: [method.\"radio.tune\"]",
    );
    upstreams(
        "[method.m]\nsend = \"x\"",
        1,
        "expected the key upstream: the name of a line upstream",
    );
    upstreams(
        "[method.m]\nsend = \"x\"\nupstream = \"rdio\"",
        3,
        "upstream: no such upstream \"rdio\", expected one of kind \"line\", such as radio",
    );
    upstreams(
        "[method.m]\nsend = \"x\"\nupstream = \"rt\"",
        3,
        "upstream: the upstream \"rt\" is of another kind, expected one of kind \"line\", such as radio",
    );
    upstreams(
        "[publish.radio]\nallow = [\"*\"]",
        1,
        "publish: the upstream \"radio\" is of another kind, expected one of kind \"xmlrpc\", such as rt",
    );
    check(
        "[publish.x]",
        1,
        "publish: no such upstream \"x\", expected one of kind \"xmlrpc\", and there is none",
    );
}

#[test]
fn each_mistake_of_an_upstream_is_told() {
    let line = |key: &str, what: &str| {
        let text = format!("[upstream.x]\nkind = \"line\"\naddress = \"a:1\"\n{key}");
        check(&text, 4, what);
    };
    let address = "HOST:PORT, [IPV6]:PORT or unix:/path";
    let without = "[upstream.x]\nkind = \"line\"";
    check(without, 1, &format!("expected the key address: {address}"));
    check(
        "[upstream.x]\nkind = \"line\"\naddress = \"radio\"",
        3,
        &format!("address: expected {address}"),
    );
    line(
        "url = \"http://x\"",
        "unknown key \"url\", expected one of kind, address, line_end, connections, waiting, timeout, pause, greeting, login, error, skip, encoding, max_reply_bytes",
    );
    line("line_end = \"\\n\\r\"", "line_end: expected \"\\n\", \"\\r\\n\" or \"\\r\"");
    line("connections = 0", "connections: expected a number from 1 to 1024");
    line("connections = 1025", "connections: expected a number from 1 to 1024");
    line("connections = \"1\"", "connections: expected a number from 1 to 1024");
    line("waiting = -1", "waiting: expected a number from 0 to 65536");
    line("timeout = \"0s\"", "timeout: expected more than 0s and at most 8760h");
    line("timeout = 800", "timeout: expected a time such as \"800ms\", in quotes");
    line("pause = \"soon\"", "pause: expected a time such as 300ms, 30s or 5m");
    line("pause = \"800ms\"", "pause: expected less than the timeout, which is 800ms");
    line("pause = \"2s\"\ntimeout = \"2s\"", "pause: expected less than the timeout, which is 2s");
    let beginning = "expected the beginning of a line: some text without a line end";
    line("greeting = \"\"", &format!("greeting: {beginning}"));
    line("error = [\"a\", \"\"]", &format!("error: {beginning}"));
    line("skip = [\"a\\nb\"]", &format!("skip: {beginning}"));
    line("skip = \"a\"", "skip: expected a list of texts that lines begin with");
    for key in ["error = [\"大\"]", "skip = [\"a\", \"大\"]", "greeting = \"大\""] {
        let name = key.split(' ').next().unwrap();
        line(
            &format!("{key}\nencoding = \"latin1\""),
            &format!("{name}: expected text that windows-1252 can say"),
        );
    }
    for charset in ["utf-16", "utf8mb4", "shift_jis", "big5", "x-user-defined"] {
        line(
            &format!("encoding = \"{charset}\""),
            "encoding: expected \"utf-8\" or the WHATWG name of a single-byte charset, such as \"windows-1252\"",
        );
    }
    line("max_reply_bytes = 0", "max_reply_bytes: expected a size from 1 to 1073741824 bytes");
    let xmlrpc = |key: &str, what: &str| {
        let text = format!("[upstream.x]\nkind = \"xmlrpc\"\nurl = \"http://x/\"\n{key}");
        check(&text, 4, what);
    };
    check(
        "[upstream.x]\nkind = \"xmlrpc\"",
        1,
        "expected the key url: a URL of http, https, http+unix, scgi or scgi+unix",
    );
    let url =
        "http://HOST, https://HOST, http+unix:///SOCKET, scgi://HOST:PORT or scgi+unix:///SOCKET";
    check("[upstream.x]\nkind = \"xmlrpc\"\nurl = \"ftp://x\"", 3, &format!("url: expected {url}"));
    xmlrpc(
        "address = \"x:1\"",
        "unknown key \"address\", expected one of kind, url, timeout, connections, waiting, ca, cert, key, login, max_response_bytes",
    );
    xmlrpc("ca = \"ca.pem\"", "ca: expected a URL of https:// for this");
    xmlrpc(
        "login = \"x.login\"",
        "login: expected a file that can be read: /nowhere/x.login: No such file or directory (os error 2)",
    );
}

#[test]
fn each_mistake_of_a_method_is_told() {
    let method = |keys: &str, line: usize, what: &str| {
        let text = format!("{UPSTREAMS}{PUBLISH}[method.m]\nupstream = \"radio\"\n{keys}");
        check(&text, 9 + line, what);
    };
    method(
        "send = \"x\"\nsned = \"x\"",
        3,
        "unknown key \"sned\", expected one of upstream, help, params, send, reply, result, then, ok, idempotent",
    );
    method("", 0, "expected the key send: a line to send, with {name} in the place of a parameter");
    method("send = \"a\\nb\"", 2, "send: expected a line without control characters");
    method("send = \"{a}\"", 2, "send: no parameter \"a\", expected one of params: none");
    method("send = \"{\"", 2, "send: expected {{ for {");
    let hertz = "params = [{ name = \"hertz\", type = \"int\" }]\n";
    method(
        &format!("{hertz}send = \"F\""),
        3,
        "send: no place for the parameter \"hertz\", expected {hertz} in it",
    );
    method(
        &format!("{hertz}send = \"{{hertz}}{{Hertz}}\""),
        3,
        "send: no parameter \"Hertz\", expected one of params: hertz",
    );
    method(
        "send = \"x\"\nthen = \"ERR?\"",
        3,
        "then: expected the key ok: how its answer begins where all is well",
    );
    method("send = \"x\"\nok = \"0\"", 3, "ok: expected the key then: what is asked afterwards");
    method(
        "send = \"x\"\nthen = \"a\\u0000\"\nok = \"0\"",
        3,
        "then: expected a line without control characters",
    );
    method("send = \"x\"\nidempotent = 1", 3, "idempotent: expected true or false");
    for help in ["\\u0000", "\\u001b[2J", "\\ufffe"] {
        method(
            &format!("send = \"x\"\nhelp = \"{help}\""),
            3,
            "help: expected text without control characters but line ends",
        );
    }
    let replies = "reply: expected \"none\", \"line\", \"blank\", \"count\", \"status\", \"close\", { until = \"END\" } or { length = \"$\" }";
    for bad in ["\"lines\"", "1", "{}", "{ until = \"a\", length = \"b\" }"] {
        method(&format!("send = \"x\"\nreply = {bad}"), 3, replies);
    }
    method(
        "send = \"x\"\nreply = { end = \"a\" }",
        3,
        "unknown key \"end\", expected one of until, length",
    );
    let results = "result: expected \"string\", \"int\", \"double\", \"boolean\", \"base64\", \"none\", { array = \"int\", separator = \",\" }, { struct = \":\" } or { match = \"REGEX\", type = \"int\" }";
    for bad in ["\"text\"", "1", "{}", "{ type = \"int\" }"] {
        method(&format!("send = \"x\"\nresult = {bad}"), 3, results);
    }
    method(
        "send = \"x\"\nresult = { match = \"[0-9]+\" }",
        3,
        "match: expected a group, such as ([0-9]+), whose text is the result",
    );
    method(
        "send = \"x\"\nresult = { match = \"(\" }",
        3,
        "match: expected a regular expression: unclosed group",
    );
    method(
        "send = \"x\"\nreply = \"none\"\nresult = \"int\"",
        4,
        "result: expected \"none\", since there is no reply",
    );
}

#[test]
fn text_that_the_upstream_cannot_say_is_a_mistake_of_a_method() {
    for (keys, key) in [
        ("reply = { until = \"大\" }", "until"),
        ("reply = { length = \"大\" }", "length"),
        ("then = \"ERR?\"\nok = \"大\"", "ok"),
        ("result = { array = \"int\", separator = \"大\" }", "separator"),
        ("result = { struct = \"大\" }", "struct"),
    ] {
        let upstreams =
            UPSTREAMS.replacen("[upstream.rt]", "encoding = \"latin1\"\n[upstream.rt]", 1);
        let method = format!("[method.m]\nupstream = \"radio\"\nsend = \"x\"\n{keys}");
        let (_, what) = read_text(&format!("{upstreams}{PUBLISH}{method}")).unwrap_err();
        assert_eq!(what, format!("{key}: expected text that windows-1252 can say"));
        assert!(read_text(&format!("{UPSTREAMS}{PUBLISH}{method}")).is_ok(), "{keys}");
    }
}

#[test]
fn help_has_several_lines() {
    assert_eq!(method("send = \"x\"\nhelp = \"a\\tb\\nc\"").help, "a\tb\nc");
}

#[test]
fn each_mistake_of_a_parameter_is_told() {
    let parameter = |parameter: &str, what: &str| {
        let text = format!(
            "{UPSTREAMS}{PUBLISH}[method.m]\nupstream = \"radio\"\nsend = \"{{a}}\"\nparams = [\n{parameter}]"
        );
        check(&text, 13, what);
    };
    parameter("1", "params: expected tables such as { name = \"hertz\", type = \"int\" }");
    let name = "a name of letters, digits and _";
    parameter("{ type = \"int\" }", &format!("expected the key name: {name}"));
    parameter("{ name = \"a b\", type = \"int\" }", &format!("name: expected {name}"));
    let types = "\"int\", \"double\", \"boolean\", \"string\" or \"array\"";
    parameter("{ name = \"a\" }", &format!("expected the key type: {types}"));
    parameter("{ name = \"a\", type = \"text\" }", &format!("type: expected {types}"));
    parameter(
        "{ name = \"a\", type = \"int\" }, { name = \"a\", type = \"int\" }",
        "params: the name \"a\" twice, expected different ones",
    );
    let a = |keys: &str, what: &str| parameter(&format!("{{ name = \"a\", {keys} }}"), what);
    a("type = \"int\", min = 2, max = 1", "max: expected at least what min is");
    a("type = \"int\", min = 0.5", "min: expected an integer");
    a("type = \"double\", min = 0.5, max = 0.4", "max: expected at least what min is");
    a("type = \"double\", max = inf", "max: expected a number");
    a("type = \"double\", max = nan", "max: expected a number");
    a(
        "type = \"int\", pattern = \"x\"",
        "unknown key \"pattern\", expected one of name, type, min, max",
    );
    a(
        "type = \"string\", one_off = [\"x\"]",
        "unknown key \"one_off\", expected one of name, type, pattern, one_of, max_bytes, quote",
    );
    a("type = \"boolean\", true = \"\\n\"", "true: expected text without control characters");
    a("type = \"boolean\", true = \"OFF\"", "false: expected another text than that of true");
    let unquoted = "a string that nothing quotes may say more than it seems to, expected pattern, one_of, or quote = \"double\" or \"percent\"";
    a("type = \"string\"", unquoted);
    a("type = \"string\", quote = \"none\"", unquoted);
    a("type = \"array\", of = \"string\", separator = \",\"", unquoted);
    a(
        "type = \"string\", quote = \"single\"",
        "quote: expected \"none\", \"double\" or \"percent\"",
    );
    a(
        "type = \"string\", pattern = \"[\"",
        "pattern: expected a regular expression: unclosed character class",
    );
    a(
        "type = \"string\", pattern = \"a\", one_of = [\"a\"]",
        "pattern: expected it or one_of, and not both",
    );
    a("type = \"string\", one_of = []", "one_of: expected at least one text");
    a(
        "type = \"string\", one_of = [\"a\\nb\"]",
        "one_of: expected text without control characters",
    );
    a(
        "type = \"string\", one_of = [\"abc\"], max_bytes = 2",
        "one_of: expected at most 2 bytes, which is max_bytes",
    );
    a(
        "type = \"string\", quote = \"double\", max_bytes = 0",
        "max_bytes: expected a number from 1 to 65536",
    );
    let scalars = "\"int\", \"double\", \"boolean\" or \"string\"";
    a("type = \"array\", separator = \",\"", &format!("expected the key of: {scalars}"));
    a("type = \"array\", of = \"array\", separator = \",\"", &format!("of: expected {scalars}"));
    a(
        "type = \"array\", of = \"int\"",
        "expected the key separator: text that stands between two elements",
    );
    a(
        "type = \"array\", of = \"int\", separator = \"\"",
        "separator: expected text that stands between two elements",
    );
    a(
        "type = \"array\", of = \"int\", separator = \"\\n\"",
        "separator: expected text without control characters",
    );
}

#[test]
fn each_mistake_of_a_publication_is_told() {
    let publication = |keys: &str, line: usize, what: &str| {
        check(&format!("{UPSTREAMS}[publish.rt]\n{keys}"), 7 + line, what);
    };
    let allow = "a list of methods' names such as [\"download_list\", \"d.*\"]";
    publication("", 0, &format!("expected the key allow: {allow}"));
    publication("deny = [\"a\"]", 0, &format!("expected the key allow: {allow}"));
    publication("allow = []", 0, &format!("expected the key allow: {allow}"));
    publication("allow = [\"a b\"]", 1, &format!("allow: expected {allow}"));
    publication("allow = \"*\"", 1, &format!("allow: expected {allow}"));
    publication("allow = [\"a\"]\ndeny = [\"\"]", 2, &format!("deny: expected {allow}"));
    publication(
        "allow = [\"a\"]\nalow = []",
        2,
        "unknown key \"alow\", expected one of prefix, allow, deny, params",
    );
    let prefix = "nothing, or letters, digits and characters of _.:/- that are not in \"system.\" or \"rpc.\"";
    for bad in ["a b", "system.", "rpc.", "é"] {
        publication(
            &format!("prefix = \"{bad}\"\nallow = [\"a\"]"),
            1,
            &format!("prefix: expected {prefix}"),
        );
    }
    for reserved in ["system.*", "rpc.discover"] {
        publication(
            &format!("allow = [\"a\", \"{reserved}\"]"),
            1,
            &format!(
                "allow: names in \"system.\" and \"rpc.\" belong to the service, expected a prefix before {reserved}"
            ),
        );
    }
    publication(
        "allow = [\"addition\"]",
        1,
        "addition: taken by another method, expected another name",
    );
    let params = |params: &str, what: &str| {
        let keys = format!("allow = [\"d.*\"]\n[publish.rt.params]\n{params}");
        publication(&keys, 3, what);
    };
    params("\"e.x\" = [\"\"]", "params: e.x is not allowed, expected what a pattern of allow fits");
    params("\"*\" = [\"\"]", "params: * is not allowed, expected what a pattern of allow fits");
    let patterns = "params: expected a list of regular expressions, one for each parameter";
    params("\"d.x\" = \"\"", patterns);
    params("\"d.x\" = []", patterns);
    params("\"d.x\" = [\"(\"]", "params: expected a regular expression: unclosed group");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    for (text, line) in
        [("[upstream.x]\nkind = line", 2), ("x", 1), ("[upstream.a]\n[upstream.a]", 2)]
    {
        let (found, what) = read_text(text).unwrap_err();
        assert_eq!(found, Some(line), "{text} {what}");
        assert!(what.starts_with("expected TOML: ") && !what.contains('\n'), "{what}");
    }
}

#[test]
fn error_names_the_file() {
    let dir = Directory::new("names");
    let error = |path: &Path| GatewayFile::read(path, &Taken::default()).unwrap_err().to_string();
    let missing = dir.0.join("none.toml");
    let expected = format!("{}: expected a gateway file: ", missing.display());
    assert!(error(&missing).starts_with(&expected), "{}", error(&missing));
    let path = dir.write("bad.toml", "\n[x]", 0o600);
    assert_eq!(
        error(&path),
        format!("{}:2: unknown section \"x\", expected {SECTIONS}", path.display())
    );
    std::fs::write(&path, b"\n\xff").unwrap();
    assert_eq!(error(&path), format!("{}:2: expected UTF-8", path.display()));
}

#[test]
fn logins_are_read_beside_the_file_and_watched_for_who_reads_them() {
    let dir = Directory::new("logins");
    let text = format!("{UPSTREAMS}login = \"rt.login\"\n{PUBLISH}")
        .replace("[upstream.rt]", "login = \"radio.login\"\n[upstream.rt]");
    let path = dir.write("gateway.toml", &text, 0o644);
    let read = || GatewayFile::read(&path, &Taken::default());
    let radio = dir.write("radio.login", "user ana\r\npass se cret\n\n", 0o600);
    let rt = dir.write("rt.login", "t0ken\n", 0o600);
    let file = read().unwrap();
    let lines = file.line[0].settings.login.as_ref().unwrap();
    assert_eq!(lines.0, [b"user ana".to_vec(), b"pass se cret".to_vec()]);
    assert!(file.shown.is_empty());
    for path in [&radio, &rt] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    assert_eq!(read().unwrap().shown, [radio.clone(), rt]);
    dir.write("gateway.toml", &text.replace("rt.login", "radio.login"), 0o644);
    dir.write("radio.login", "t0ken\n", 0o644);
    assert_eq!(read().unwrap().shown, [radio], "it is told of once");
    dir.write("gateway.toml", &text, 0o644);
    let one_line =
        "login: expected one line: user:password, or a token without blanks, in that file";
    for bad in ["", "\n", "a b", "a:b\nc:d", "a\0:b"] {
        dir.write("rt.login", bad, 0o600);
        let error = read().unwrap_err().to_string();
        assert_eq!(error, format!("{}:8: {one_line}", path.display()), "{bad:?}");
    }
    dir.write("rt.login", "ana:se:cret", 0o600);
    assert!(read().is_ok());
    for bad in ["", "\n\n", "secret\0"] {
        dir.write("radio.login", bad, 0o600);
        let error = read().unwrap_err().to_string();
        let expected = format!("{}:4: login: expected lines of text in that file", path.display());
        assert_eq!(error, expected, "{bad:?}");
    }
}

#[test]
fn files_have_a_greatest_size() {
    let dir = Directory::new("sizes");
    let text = format!("{UPSTREAMS}login = \"rt.login\"\n{PUBLISH}");
    let path = dir.write("gateway.toml", &text, 0o600);
    let error = || GatewayFile::read(&path, &Taken::default()).unwrap_err().to_string();
    dir.write("rt.login", &"x".repeat(65_537), 0o600);
    let login = dir.0.join("rt.login").display().to_string();
    let what = format!("expected a file that can be read: {login}: it has over 65536 bytes");
    assert_eq!(error(), format!("{}:7: login: {what}", path.display()));
    dir.write("gateway.toml", &"#".repeat((16 << 20) + 1), 0o600);
    let what = "expected a gateway file: it has over 16777216 bytes";
    assert_eq!(error(), format!("{}: {what}", path.display()));
}

#[track_caller]
fn check(text: &str, line: usize, expected: &str) {
    let (found, what) = read_text(text).unwrap_err();
    assert_eq!((found, what.as_str()), (Some(line), expected), "{text}");
}

/// A directory that goes when the test does.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("gateway-file-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
