//! `reply` and `result` of a method that sends lines.

use encoding_rs::Encoding;
use regex::{Regex, RegexBuilder};
use svc_runtime::file::Mistake;

use super::entry::{Entry, Text, Value, beginning};
use crate::gateway::framing::Framing;
use crate::gateway::outcome::{Kind, Scalar, Truth};
use crate::gateway::pattern::{MAX_PATTERN_BYTES, told};

const REPLIES: &str = "reply: expected \"none\", \"line\", \"blank\", \"count\", \"status\", \"close\", { until = \"END\" } or { length = \"$\" }";
const RESULTS: &str = "result: expected \"string\", \"int\", \"double\", \"boolean\", \"base64\", \"none\", { array = \"int\", separator = \",\" }, { struct = \":\" } or { match = \"REGEX\", type = \"int\" }";
const SCALARS: &str = "\"string\", \"int\", \"double\", \"boolean\" or \"base64\"";

/// Reads where a reply ends; in a line, where the file does not say.
pub(super) fn framing(entry: &Entry<'_>, charset: &'static Encoding) -> Result<Framing, Mistake> {
    let Some(value) = entry.value("reply") else { return Ok(Framing::Line) };
    match value.get_ref().as_str() {
        Some("none") => return Ok(Framing::None),
        Some("line") => return Ok(Framing::Line),
        Some("blank") => return Ok(Framing::Blank),
        Some("count") => return Ok(Framing::Count),
        Some("status") => return Ok(Framing::Status),
        Some("close") => return Ok(Framing::Close),
        _ => {}
    }
    let table = Entry::inline(value, REPLIES)?;
    table.has_no_key_but(&["until", "length"])?;
    match (table.beginning("until", charset)?, table.beginning("length", charset)?) {
        (Some(until), None) => Ok(Framing::Until(until)),
        (None, Some(length)) => Ok(Framing::Length(length)),
        _ => Err(Mistake::at(value.span(), REPLIES)),
    }
}

/// Reads what a reply is to the caller: a string, where the file does not say and there is one.
pub(super) fn kind(
    entry: &Entry<'_>,
    framing: &Framing,
    charset: &'static Encoding,
) -> Result<Kind, Mistake> {
    let Some(value) = entry.value("result") else {
        return Ok(match framing {
            Framing::None => Kind::Nil,
            _ => Kind::Scalar(Scalar::String),
        });
    };
    let kind = match value.get_ref().as_str() {
        Some("none") => Kind::Nil,
        Some(name) => {
            let scalar = scalar(name).ok_or_else(|| Mistake::at(value.span(), RESULTS))?;
            Kind::Scalar(scalar)
        }
        None => table(value, charset)?,
    };
    if *framing == Framing::None && !matches!(kind, Kind::Nil) {
        let what = "result: expected \"none\", since there is no reply";
        return Err(Mistake::at(value.span(), what));
    }
    Ok(kind)
}

fn table(value: &Value<'_>, charset: &'static Encoding) -> Result<Kind, Mistake> {
    let table = Entry::inline(value, RESULTS)?;
    if table.value("array").is_some() {
        table.has_no_key_but(&["array", "separator"])?;
        let of = table.parsed("array", SCALARS, scalar)?;
        let of = table.required("array", of, SCALARS)?;
        return Ok(Kind::Array { of, separator: table.beginning("separator", charset)? });
    }
    if let Some(text) = table.text("struct", "text between a name and its value")? {
        table.has_no_key_but(&["struct"])?;
        return Ok(Kind::Struct { separator: beginning("struct", &text, charset)? });
    }
    if let Some(text) = table.text("match", "a regular expression")? {
        table.has_no_key_but(&["match", "type"])?;
        let of = table.parsed("type", SCALARS, scalar)?.unwrap_or(Scalar::String);
        return Ok(Kind::Match { pattern: pattern(&text)?, of });
    }
    Err(Mistake::at(value.span(), RESULTS))
}

fn scalar(name: &str) -> Option<Scalar> {
    Some(match name {
        "string" => Scalar::String,
        "int" => Scalar::Int,
        "double" => Scalar::Double,
        "boolean" => Scalar::Boolean(Truth::default()),
        "base64" => Scalar::Base64,
        _ => return None,
    })
}

fn pattern(text: &Text<'_>) -> Result<Regex, Mistake> {
    let mistake = |what: String| Mistake::at(text.span(), format!("match: {what}"));
    let compiled = RegexBuilder::new(text.get_ref())
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build();
    let pattern = compiled
        .map_err(|bad| mistake(format!("expected a regular expression: {}", told(&bad))))?;
    match pattern.captures_len() {
        1 => {
            Err(mistake("expected a group, such as ([0-9]+), whose text is the result".to_owned()))
        }
        _ => Ok(pattern),
    }
}
