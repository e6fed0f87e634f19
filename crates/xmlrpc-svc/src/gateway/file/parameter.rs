//! An element of `params` of a method that sends lines.

use svc_runtime::file::Mistake;

use super::entry::{Entry, Value, sendable};
use crate::gateway::parameter::{Kind, Parameter, Scalar};
use crate::gateway::pattern::Pattern;
use crate::gateway::text::{Allowed, Quote, Text};

/// Longest text that a parameter can be set to have, in bytes.
const MAX_TEXT_BYTES: usize = 65_536;

const TYPES: &str = "\"int\", \"double\", \"boolean\", \"string\" or \"array\"";
const SCALARS: &str = "\"int\", \"double\", \"boolean\" or \"string\"";
const QUOTES: &str = "\"none\", \"double\" or \"percent\"";
const EXAMPLE: &str = "params: expected tables such as { name = \"hertz\", type = \"int\" }";
const SEPARATOR: &str = "text that stands between two elements";

/// Reads a parameter of a method.
pub(super) fn parameter(value: &Value<'_>) -> Result<Parameter, Mistake> {
    let entry = Entry::inline(value, EXAMPLE)?;
    let name = entry.parsed("name", NAME, name)?;
    let name = entry.required("name", name, NAME)?;
    let type_name = entry.required_text("type", TYPES)?;
    let kind = match *type_name.get_ref() {
        "array" => {
            let of = entry.required_text("of", SCALARS)?;
            let own = ["name", "type", "of", "separator"];
            let of = scalar(&entry, "of", &of, SCALARS, &own)?;
            let separator = entry.required_text("separator", SEPARATOR)?;
            if separator.get_ref().is_empty() {
                return Err(Mistake::at(
                    separator.span(),
                    format!("separator: expected {SEPARATOR}"),
                ));
            }
            Kind::Array { of, separator: sendable("separator", &separator)? }
        }
        _ => Kind::One(scalar(&entry, "type", &type_name, TYPES, &["name", "type"])?),
    };
    Ok(Parameter { name, kind })
}

const NAME: &str = "a name of letters, digits and _";

/// Longest name of a parameter, in bytes.
const MAX_NAME_BYTES: usize = 128;

fn name(text: &str) -> Option<String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_allowed);
    is_name.then(|| text.to_owned())
}

/// What one value may be, by the keys of its type, which stand beside the parameter's `own`.
fn scalar(
    entry: &Entry<'_>,
    key: &str,
    type_name: &super::entry::Text<'_>,
    types: &str,
    own: &[&str],
) -> Result<Scalar, Mistake> {
    // A key that is misspelled is told before what is missing for want of it.
    let has_no_key_but = |keys: &[&str]| entry.has_no_key_but(&[own, keys].concat());
    match *type_name.get_ref() {
        "int" => has_no_key_but(&["min", "max"]).and_then(|()| int(entry)),
        "double" => has_no_key_but(&["min", "max"]).and_then(|()| double(entry)),
        "boolean" => has_no_key_but(&["true", "false"]).and_then(|()| boolean(entry)),
        "string" => has_no_key_but(&["pattern", "one_of", "max_bytes", "quote"])
            .and_then(|()| string(entry)),
        _ => Err(Mistake::at(type_name.span(), format!("{key}: expected {types}"))),
    }
}

fn int(entry: &Entry<'_>) -> Result<Scalar, Mistake> {
    let (min, max) = (entry.integer("min")?, entry.integer("max")?);
    let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
    is_range(entry, min <= max)?;
    Ok(Scalar::Int { min, max })
}

fn double(entry: &Entry<'_>) -> Result<Scalar, Mistake> {
    let (min, max) = (entry.number("min")?, entry.number("max")?);
    let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
    is_range(entry, min <= max)?;
    Ok(Scalar::Double { min, max })
}

fn is_range(entry: &Entry<'_>, is_range: bool) -> Result<(), Mistake> {
    match (is_range, entry.value("max")) {
        (false, Some(max)) => Err(Mistake::at(max.span(), "max: expected at least what min is")),
        _ => Ok(()),
    }
}

fn boolean(entry: &Entry<'_>) -> Result<Scalar, Mistake> {
    let text = |key, default: &str| {
        let text = entry.text(key, "text that is sent for it")?;
        text.map_or(Ok(default.to_owned()), |text| sendable(key, &text))
    };
    let (yes, no) = (text("true", "ON")?, text("false", "OFF")?);
    if yes == no {
        let what = "false: expected another text than that of true";
        return Err(Mistake::at(entry.span.clone(), what));
    }
    Ok(Scalar::Boolean { yes, no })
}

fn string(entry: &Entry<'_>) -> Result<Scalar, Mistake> {
    let max_bytes = entry.count("max_bytes", 1..=MAX_TEXT_BYTES)?.unwrap_or(256);
    let allowed = allowed(entry, max_bytes)?;
    let quote = entry.parsed("quote", QUOTES, quote)?.flatten();
    let text = match (quote, allowed) {
        (Some(quote), allowed) => Text::Quoted(quote, allowed),
        (None, Some(allowed)) => Text::Plain(allowed),
        (None, None) => {
            let what = "a string that nothing quotes may say more than it seems to, expected pattern, one_of, or quote = \"double\" or \"percent\"";
            return Err(Mistake::at(entry.span.clone(), what));
        }
    };
    Ok(Scalar::String { text, max_bytes })
}

fn quote(text: &str) -> Option<Option<Quote>> {
    match text {
        "none" => Some(None),
        "double" => Some(Some(Quote::Double)),
        "percent" => Some(Some(Quote::Percent)),
        _ => None,
    }
}

fn allowed(entry: &Entry<'_>, max_bytes: usize) -> Result<Option<Allowed>, Mistake> {
    let pattern = entry.text("pattern", "a regular expression")?;
    let texts = entry.texts("one_of", "a list of texts")?;
    match (pattern, texts) {
        (None, None) => Ok(None),
        (Some(text), None) => match Pattern::new(text.get_ref()) {
            Ok(pattern) => Ok(Some(Allowed::Pattern(pattern))),
            Err(bad) => {
                let what = format!("pattern: expected a regular expression: {bad}");
                Err(Mistake::at(text.span(), what))
            }
        },
        (None, Some(texts)) => {
            if texts.is_empty() {
                return Err(Mistake::at(entry.span.clone(), "one_of: expected at least one text"));
            }
            if let Some(long) = texts.iter().find(|text| text.get_ref().len() > max_bytes) {
                let what =
                    format!("one_of: expected at most {max_bytes} bytes, which is max_bytes");
                return Err(Mistake::at(long.span(), what));
            }
            let texts = texts.iter().map(|text| sendable("one_of", text));
            Ok(Some(Allowed::OneOf(texts.collect::<Result<_, _>>()?)))
        }
        (Some(text), Some(_)) => {
            Err(Mistake::at(text.span(), "pattern: expected it or one_of, and not both"))
        }
    }
}
