//! What is written here is read by CPython's own reader, as equal values of the same types.

#![allow(clippy::unwrap_used, clippy::panic)]

mod values;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use protocol::xmlrpc::{DateTime, Value, encode_response};

/// Reads lines of a document and a Python literal of what is in it, and compares the two.
const READER: &str = r#"
import sys, xmlrpc.client

def literal(value):
    if isinstance(value, xmlrpc.client.DateTime):
        return ("date", value.value)
    if isinstance(value, xmlrpc.client.Binary):
        return value.data
    if isinstance(value, list):
        return [literal(item) for item in value]
    if isinstance(value, dict):
        return {name: literal(item) for name, item in value.items()}
    return value

lines = sys.stdin.read().splitlines()
for line in lines:
    document, expected = line.split("\t")
    (value,), _ = xmlrpc.client.loads(bytes.fromhex(document))
    # Texts of equal Python values tell their types apart, and 0.0 from -0.0.
    assert repr(literal(value)) == repr(eval(expected)), (document, literal(value), expected)
print(len(lines))
"#;

/// `value` as Python source.
fn python(value: &Value) -> String {
    match value {
        Value::Nil => "None".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::Double(number) => format!("{number:?}"),
        Value::String(text) => python_text(text),
        Value::DateTime(datetime) => format!("('date', '{datetime}')"),
        Value::Base64(bytes) => {
            bytes.iter().fold("b'".to_owned(), |text, byte| text + &format!("\\x{byte:02x}")) + "'"
        }
        Value::Array(array) => {
            let items: Vec<_> = array.iter().map(python).collect();
            format!("[{}]", items.join(","))
        }
        Value::Struct(members) => {
            let member = |(name, value)| format!("{}: {}", python_text(name), python(value));
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn python_text(text: &str) -> String {
    let escaped = text.chars().fold(String::new(), |mut escaped, c| {
        let _ = write!(escaped, "\\U{:08x}", u32::from(c));
        escaped
    });
    format!("'{escaped}'")
}

fn every_kind() -> Vec<Value> {
    let doubles =
        [0.0, -0.0, 0.1 + 0.2, 1e300, -5e-324, f64::MAX, f64::MIN_POSITIVE, 1e16, 123_456_789.5];
    let integers = [
        0,
        -1,
        i64::from(i32::MIN),
        i64::from(i32::MAX),
        i64::from(i32::MAX) + 1,
        i64::MIN,
        i64::MAX,
    ];
    let texts = ["", " \t\n\r\r\n", "<&>]]>\"'", "\u{e9}\u{2603}\u{1f600}\u{85}\u{2028}\u{fffd}"];
    let dates = [
        "20261122T10:14:03",
        "20261122T10:14:03.5",
        "20261122T10:14:03Z",
        "00010101T00:00:00+05:30",
    ];
    let mut values: Vec<Value> = vec![Value::Nil, true.into(), false.into(), vec![0, 255].into()];
    values.extend(doubles.map(Value::from));
    values.extend(integers.map(Value::from));
    values.extend(texts.map(Value::from));
    values.extend(dates.map(|date| Value::from(DateTime::parse(date).unwrap())));
    values
}

#[test]
fn every_kind_of_value_is_read_by_cpython() {
    let mut runner = TestRunner::deterministic();
    let mut any = || values::value().new_tree(&mut runner).unwrap().current();
    let values: Vec<Value> = every_kind().into_iter().chain((0..300).map(|_| any())).collect();
    let mut lines = String::new();
    for value in &values {
        let document = encode_response(value).unwrap();
        document.iter().for_each(|byte| write!(lines, "{byte:02x}").unwrap());
        writeln!(lines, "\t{}", python(value)).unwrap();
    }

    let spawned = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut python = match spawned {
        Ok(python) => python,
        Err(_) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: python3 is not installed");
            return;
        }
        Err(error) => panic!("python3: {error}"),
    };
    python.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), values.len().to_string());
}
