//! Whatever a caller sends, an upstream gets one line that the file allows.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use protocol::xmlrpc::{Array, Value};
use regex::Regex;
use xmlrpc_svc::gateway::file::{GatewayFile, LineService};
use xmlrpc_svc::gateway::taken::Taken;

const FILE: &str = r#"
[upstream.x]
kind = "line"
address = "x:1"
encoding = "CHARSET"

[method.all]
upstream = "x"
params = [
    { name = "int", type = "int", min = -5, max = 500 },
    { name = "double", type = "double", min = -1e9, max = 1e9 },
    { name = "boolean", type = "boolean" },
    { name = "plain", type = "string", pattern = "[a-z é]*" },
    { name = "one", type = "string", one_of = ["AM", "FM wide"] },
    { name = "double_quoted", type = "string", quote = "double", max_bytes = 20 },
    { name = "percent", type = "string", quote = "percent" },
    { name = "list", type = "array", of = "string", quote = "double", separator = ", " },
]
send = "SET {int}|{double}|{boolean}|{plain}|{one}|{double_quoted}|{percent}|{list};"
"#;

/// What the line of that method may be.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    let quoted = r#""(?:[^"\\]|\\["\\])*""#;
    let line = format!(
        r"\ASET -?[0-9]+\|-?[0-9]+(?:\.[0-9]+)?\|(?:ON|OFF)\|[a-z é]*\|(?:AM|FM wide)\|{quoted}\|(?:[A-Za-z0-9._~-]|%[0-9A-F]{{2}})*\|{quoted}(?:, {quoted})*;\z"
    );
    Regex::new(&line).unwrap()
});

fn service(charset: &str) -> LineService {
    let name = format!("gateway-lines-{}-{charset}.toml", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    std::fs::write(&path, FILE.replace("CHARSET", charset)).unwrap();
    let file = GatewayFile::read(&path, &Taken::default());
    std::fs::remove_file(&path).unwrap();
    file.unwrap().line.remove(0)
}

static SERVICES: LazyLock<[LineService; 2]> =
    LazyLock::new(|| ["utf-8", "windows-1252"].map(service));

/// Text of what means something in protocols, and of anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z é]{0,6}",
        1 => prop::sample::select(vec![
            "\n", "\r", "\0", "\t", "\u{1b}", "\u{85}", "\u{2028}", "\"", "\\", "\\\"", ";", ", ",
            "\", \"", "%", "%0a", "{int}", "{{", "}", "大", "AM", "FM wide",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn one_of() -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(vec!["AM", "FM wide"]).prop_map(str::to_owned), 1 => text()]
}

/// A value of the type that fits, or now and then of any.
fn mostly(fitting: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let other = prop_oneof![
        Just(Value::Nil),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
        text().prop_map(Value::String),
        any::<Vec<u8>>().prop_map(Value::Base64),
        prop::collection::vec(text().prop_map(Value::String), 0..3).prop_map(array),
    ];
    prop_oneof![30 => fitting, 1 => other].boxed()
}

fn array(values: Vec<Value>) -> Value {
    Value::Array(Array::try_from(values).unwrap())
}

fn params() -> impl Strategy<Value = Vec<Value>> {
    let texts = || text().prop_map(Value::String);
    let params = (
        mostly((-5_i64..=500).prop_map(Value::Int)),
        mostly((-1e9..1e9).prop_map(Value::Double)),
        mostly(any::<bool>().prop_map(Value::Boolean)),
        mostly("[a-z é]{0,9}".prop_map(Value::String)),
        mostly(one_of().prop_map(Value::String)),
        mostly(texts()),
        mostly(texts()),
        mostly(prop::collection::vec(texts(), 1..4).prop_map(array)),
    );
    params.prop_map(|(a, b, c, d, e, f, g, h)| vec![a, b, c, d, e, f, g, h])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_sent_is_one_line_that_the_file_allows(params in params()) {
        for service in SERVICES.iter() {
            let charset = service.settings.encoding;
            match service.methods[0].lines(&params, charset) {
                Ok(lines) => {
                    let text = charset.decode_without_bom_handling_and_without_replacement(&lines.send);
                    let text = text.unwrap();
                    prop_assert!(!text.contains(char::is_control), "{text:?}");
                    prop_assert!(!text.contains(['\u{2028}', '\u{2029}']), "{text:?}");
                    prop_assert!(LINE.is_match(&text), "{text:?}");
                }
                Err(fault) => prop_assert_eq!(fault.code, -32602),
            }
        }
    }
}

#[test]
fn fitting_parameters_are_sent() {
    let params = [
        7.into(),
        0.5.into(),
        false.into(),
        "é".into(),
        "FM wide".into(),
        "a \"b\\".into(),
        "%é".into(),
        array(vec!["x".into(), "y".into()]),
    ];
    let [utf8, windows] = &*SERVICES;
    let line = utf8.methods[0].lines(&params, utf8.settings.encoding).unwrap().send;
    let expected = r#"SET 7|0.5|OFF|é|FM wide|"a \"b\\"|%25%C3%A9|"x", "y";"#;
    assert_eq!(String::from_utf8(line).unwrap(), expected);
    let line = windows.methods[0].lines(&params, windows.settings.encoding).unwrap().send;
    let expected: Vec<u8> = expected.chars().map(|c| c as u8).collect();
    assert_eq!(line, expected);
}

#[test]
fn what_the_charset_cannot_say_is_refused() {
    let mut params: Vec<_> = [1.into(), 1.0.into(), true.into(), "a".into(), "AM".into()].to_vec();
    params.extend(["大".into(), "a".into(), array(vec!["a".into()])]);
    let [utf8, windows] = &*SERVICES;
    assert!(utf8.methods[0].lines(&params, utf8.settings.encoding).is_ok());
    let fault = windows.methods[0].lines(&params, windows.settings.encoding).unwrap_err();
    assert_eq!(fault.code, -32602);
    assert_eq!(fault.message, "params[5] (double_quoted): expected text that windows-1252 can say");
}

#[test]
fn line_has_a_greatest_length() {
    let [utf8, _] = &*SERVICES;
    let list = |number| array(vec!["x".repeat(200).into(); number]);
    let call = |number| {
        let params = [1.into(), 1.0.into(), true.into(), "a".into(), "AM".into(), "a".into()];
        let mut params: Vec<Value> = params.to_vec();
        params.extend(["a".into(), list(number)]);
        utf8.methods[0].lines(&params, utf8.settings.encoding)
    };
    assert!(call(300).is_ok());
    let fault = call(400).unwrap_err();
    assert_eq!(fault.code, -32602);
    assert_eq!(fault.message, "params: expected at most 65536 bytes in a line");
}
