//! Values as text that people read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_client::Value;
use protocol::json::date_text;

/// A value as text, with a line end: a list of plain values is a line each, a struct a line a member.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Array(array) if !array.is_empty() && array.iter().all(is_plain) => {
            array.iter().map(|value| plain(value) + "\n").collect()
        }
        value => lines(value).join("\n") + "\n",
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(array) => array.is_empty(),
        Value::Struct(members) => members.is_empty(),
        _ => true,
    }
}

/// Recurses no deeper than values are.
fn lines(value: &Value) -> Vec<String> {
    match value {
        value if is_plain(value) => plain(value).split('\n').map(str::to_owned).collect(),
        Value::Array(array) => array.iter().flat_map(|value| beside("- ", value)).collect(),
        Value::Struct(members) => {
            members.iter().flat_map(|(name, value)| member(name, value)).collect()
        }
        _ => Vec::new(),
    }
}

fn member(name: &str, value: &Value) -> Vec<String> {
    if is_plain(value) {
        return beside(&format!("{name}: "), value);
    }
    let nested = lines(value).into_iter().map(|line| format!("  {line}"));
    std::iter::once(format!("{name}:")).chain(nested).collect()
}

/// The lines of a value, the first one behind `mark`, the others below it.
fn beside(mark: &str, value: &Value) -> Vec<String> {
    let indent = if mark == "- " { "  " } else { "    " };
    let marked = |(index, line)| format!("{}{line}", if index == 0 { mark } else { indent });
    lines(value).into_iter().enumerate().map(marked).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::String(text) => text.clone(),
        Value::DateTime(datetime) => date_text(datetime).to_string(),
        Value::Base64(bytes) => STANDARD.encode(bytes),
        Value::Array(_) => "[]".to_owned(),
        Value::Struct(_) => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::json::read;

    #[test]
    fn values_are_readable() {
        let check = |json: &str, expected: &str| {
            assert_eq!(text(&read(json).unwrap()), expected, "{json}");
        };
        check("5", "5\n");
        check("1.0", "1.0\n");
        check("true", "true\n");
        check("null", "nil\n");
        check("\"a\\nb\"", "a\nb\n");
        check("\"\"", "\n");
        check("[]", "[]\n");
        check("{}", "{}\n");
        check("[1, \"a b\", []]", "1\na b\n[]\n");
        check("{\"$dateTime\": \"19980717T14:08:55\"}", "1998-07-17T14:08:55\n");
        check("{\"$base64\": \"AP8=\"}", "AP8=\n");
        check("{\"a\": 1, \"b\": \"x\\ny\", \"c\": []}", "a: 1\nb: x\n    y\nc: []\n");
        check("{\"a\": {\"b\": 1}, \"c\": [1, 2]}", "a:\n  b: 1\nc:\n  - 1\n  - 2\n");
        check("[{\"a\": 1, \"b\": 2}, [3, [4]]]", "- a: 1\n  b: 2\n- - 3\n  - - 4\n");
    }
}
