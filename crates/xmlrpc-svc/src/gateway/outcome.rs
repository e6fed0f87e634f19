//! What a reply is to the caller: the value that its text stands for.

use std::borrow::Cow;

use callbox::{Array, Struct, Value};
use memchr::{memchr_iter, memmem};
use protocol::xmlrpc::check_writable;
use regex::{Captures, Regex};

use super::charset::Charset;
use super::reply::Body;

/// What the text of a reply stands for.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Whatever it says: nil.
    Nil,
    /// One value.
    Scalar(Scalar),
    /// Values one after the other: split at the separator, or a line each without one.
    Array {
        /// What each of them is.
        of: Scalar,
        /// What stands between two.
        separator: Option<String>,
    },
    /// A member a line, of strings.
    Struct {
        /// Stands between a member's name and its value, for the first time in the line.
        separator: String,
    },
    /// What the first group of a pattern found, or a struct of what its named groups found.
    Match {
        /// Searched for; `^` and `$` anchor it.
        pattern: Regex,
        /// What each group is.
        of: Scalar,
    },
}

/// What a piece of text stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// The text.
    String,
    /// An integer of up to 64 bits.
    Int,
    /// A floating-point number.
    Double,
    /// A truth value.
    Boolean(Truth),
    /// The bytes as they came, in no charset.
    Base64,
}

/// How a truth value is spelled; large and small letters are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// What is true.
    pub yes: Vec<String>,
    /// What is false.
    pub no: Vec<String>,
}

impl Default for Truth {
    fn default() -> Self {
        let yes = ["1", "true", "on", "yes"].map(str::to_owned).to_vec();
        let no = ["0", "false", "off", "no"].map(str::to_owned).to_vec();
        Self { yes, no }
    }
}

/// An answer is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit;

impl Kind {
    /// What `body` stands for, if it is of this kind.
    pub fn value(&self, body: &Body, charset: Charset) -> Result<Value, Misfit> {
        let value = match self {
            Self::Nil => Value::Nil,
            Self::Scalar(Scalar::Base64) => body.as_bytes().into(),
            Self::Scalar(scalar) => scalar.value(&text(body, charset)?, charset)?,
            Self::Array { of, separator } => {
                let text = text(body, charset)?;
                let elements = elements(body, &text, separator.as_deref());
                let values: Result<Vec<_>, _> =
                    elements.map(|element| of.value(element, charset)).collect();
                Array::try_from(values?).map_err(|_| Misfit)?.into()
            }
            Self::Struct { .. } if matches!(body, Body::End(_)) => structure(Vec::new())?,
            Self::Struct { separator } => members(&text(body, charset)?, separator)?,
            Self::Match { pattern, of } => found(&text(body, charset)?, pattern, of, charset)?,
        };
        // What no document can carry fits no type.
        check_writable(&value).map_err(|_| Misfit)?;
        Ok(value)
    }
}

/// Memory that an element takes, beside its text.
const BYTES_AN_ELEMENT: usize = 64;

/// Copies of a text that there are while a value is made of it.
const COPIES: usize = 3;

impl Kind {
    /// About as much memory as it takes to make a value of `body`, in bytes.
    pub fn bytes(&self, body: &Body) -> usize {
        let text = body.as_bytes();
        let elements = match self {
            Self::Array { separator: Some(separator), .. } => {
                memmem::find_iter(text, separator).count() + 1
            }
            Self::Array { separator: None, .. } => lines(text),
            Self::Struct { .. } => 2 * lines(text),
            Self::Nil | Self::Scalar(_) | Self::Match { .. } => 1,
        };
        COPIES * text.len() + BYTES_AN_ELEMENT * elements
    }
}

fn lines(text: &[u8]) -> usize {
    memchr_iter(b'\n', text).count() + 1
}

impl Scalar {
    fn value(&self, text: &str, charset: Charset) -> Result<Value, Misfit> {
        Ok(match self {
            Self::String => text.into(),
            Self::Int => text.trim_ascii().parse::<i64>().map_err(|_| Misfit)?.into(),
            Self::Double => text.trim_ascii().parse::<f64>().map_err(|_| Misfit)?.into(),
            Self::Boolean(truth) => truth.value(text.trim_ascii())?.into(),
            Self::Base64 => charset.encode(text).ok_or(Misfit)?.into_owned().into(),
        })
    }
}

impl Truth {
    fn value(&self, text: &str) -> Result<bool, Misfit> {
        let is_one = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        match (is_one(&self.yes), is_one(&self.no)) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(Misfit),
        }
    }
}

/// The text of `body`. Of all that came until the upstream closed, lines end in LF and the last one
/// has no end.
fn text(body: &Body, charset: Charset) -> Result<Cow<'_, str>, Misfit> {
    let text = charset.decode(body.as_bytes()).ok_or(Misfit)?;
    Ok(match body {
        Body::Rest(_) => {
            let lines = text.trim_end_matches(['\r', '\n']).replace("\r\n", "\n");
            lines.replace('\r', "\n").into()
        }
        _ => text,
    })
}

fn elements<'a>(
    body: &Body,
    text: &'a str,
    separator: Option<&'a str>,
) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    match (separator, body) {
        (Some(_), _) if text.is_empty() => Box::new(std::iter::empty()),
        (Some(separator), _) => Box::new(text.split(separator)),
        (None, Body::End(_)) => Box::new(std::iter::empty()),
        (None, Body::Lines { count, .. }) => Box::new(text.split('\n').take(*count)),
        (None, _) => Box::new(text.lines()),
    }
}

fn members(text: &str, separator: &str) -> Result<Value, Misfit> {
    let lines = text.lines().filter(|line| !line.trim_ascii().is_empty());
    let members: Option<Vec<_>> = lines
        .map(|line| {
            let (name, value) = line.split_once(separator)?;
            Some((name.trim_ascii().to_owned(), value.trim_ascii().into()))
        })
        .collect();
    structure(members.ok_or(Misfit)?)
}

fn found(text: &str, pattern: &Regex, of: &Scalar, charset: Charset) -> Result<Value, Misfit> {
    let groups = pattern.captures(text).ok_or(Misfit)?;
    if pattern.capture_names().flatten().next().is_some() {
        return named(&groups, pattern, of, charset);
    }
    let first = groups.get(1).ok_or(Misfit)?;
    of.value(first.as_str(), charset)
}

/// A group that found nothing is no member.
fn named(
    groups: &Captures<'_>,
    pattern: &Regex,
    of: &Scalar,
    charset: Charset,
) -> Result<Value, Misfit> {
    let names = pattern.capture_names().flatten();
    let members = names.filter_map(|name| Some((name, groups.name(name)?.as_str())));
    let members: Result<Vec<_>, _> =
        members.map(|(name, text)| Ok((name.to_owned(), of.value(text, charset)?))).collect();
    structure(members?)
}

fn structure(members: Vec<(String, Value)>) -> Result<Value, Misfit> {
    Ok(Struct::from_members(members).map_err(|_| Misfit)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_many_elements_takes_more_than_its_text() {
        let body = Body::Rest(b"1,2,3\n4".to_vec());
        let check = |kind: Kind, elements| {
            assert_eq!(kind.bytes(&body), 7 * COPIES + elements * BYTES_AN_ELEMENT, "{kind:?}");
        };
        let array = |separator: Option<&str>| Kind::Array {
            of: Scalar::Int,
            separator: separator.map(str::to_owned),
        };
        check(Kind::Scalar(Scalar::String), 1);
        check(array(Some(",")), 3);
        check(array(None), 2);
        check(Kind::Struct { separator: ":".to_owned() }, 4);
    }

    fn lines(text: &str) -> Body {
        Body::Lines { text: text.as_bytes().to_vec(), count: text.split('\n').count() }
    }

    #[track_caller]
    fn check(kind: &Kind, body: &Body, expected: Option<Value>) {
        assert_eq!(kind.value(body, Charset::default()).ok(), expected, "{kind:?} {body:?}");
    }

    fn array(values: impl IntoIterator<Item = impl Into<Value>>) -> Option<Value> {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        Some(Array::try_from(values).unwrap().into())
    }

    fn members<const N: usize>(members: [(&str, Value); N]) -> Option<Value> {
        let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Some(Struct::from_members(members).unwrap().into())
    }

    fn matching(pattern: &str, of: Scalar) -> Kind {
        Kind::Match { pattern: Regex::new(pattern).unwrap(), of }
    }

    #[test]
    fn text_is_one_value() {
        let check = |scalar: Scalar, text, expected| {
            check(&Kind::Scalar(scalar), &lines(text), expected);
        };
        check(Scalar::String, " a\nb ", Some(" a\nb ".into()));
        check(Scalar::Int, " +14074000 ", Some(14_074_000.into()));
        check(Scalar::Int, "-9223372036854775808", Some(i64::MIN.into()));
        for none in ["", "9223372036854775808", "1.0", "1 2", "0x1", "1\n2"] {
            check(Scalar::Int, none, None);
        }
        check(Scalar::Double, "+1.5E+03", Some(1500.0.into()));
        for none in ["", "nan", "inf", "1,5", "1e999"] {
            check(Scalar::Double, none, None);
        }
        let truth = || Scalar::Boolean(Truth::default());
        check(truth(), "ON", Some(true.into()));
        check(truth(), " 0 ", Some(false.into()));
        check(truth(), "2", None);
        check(Scalar::Base64, "a\u{0}", Some(b"a\0"[..].into()));
    }

    #[test]
    fn what_no_document_can_carry_is_a_misfit() {
        check(&Kind::Scalar(Scalar::String), &lines("a\u{0}"), None);
        check(&Kind::Struct { separator: ":".to_owned() }, &lines("a\u{1}:b"), None);
    }

    #[test]
    fn bytes_that_the_charset_has_not_are_a_misfit_of_text_alone() {
        let junk = Body::Blob(vec![0xFF, 0xFE]);
        check(&Kind::Scalar(Scalar::String), &junk, None);
        check(&Kind::Scalar(Scalar::Base64), &junk, Some(b"\xFF\xFE"[..].into()));
        check(&Kind::Nil, &junk, Some(Value::Nil));
        let latin = Charset::of(encoding_rs::WINDOWS_1252);
        let value = Kind::Scalar(Scalar::String).value(&junk, latin);
        assert_eq!(value, Ok("\u{ff}\u{fe}".into()));
    }

    #[test]
    fn array_is_split_at_lines_or_at_a_separator() {
        let by_line = |of| Kind::Array { of, separator: None };
        check(&by_line(Scalar::Int), &lines("1\n2"), array([1, 2]));
        check(&by_line(Scalar::String), &lines("a\n"), array(["a", ""]));
        check(&by_line(Scalar::String), &Body::EMPTY, array([0; 0]));
        check(&by_line(Scalar::String), &Body::Blob(b"a\r\nb\n".to_vec()), array(["a", "b"]));
        check(&by_line(Scalar::String), &Body::Rest(b"a\r\nb\n\n".to_vec()), array(["a", "b"]));
        check(&by_line(Scalar::Int), &lines("1\nx"), None);
        let commas = Kind::Array { of: Scalar::Double, separator: Some(",".to_owned()) };
        check(&commas, &lines("1, 2.5"), array([1.0, 2.5]));
        check(&commas, &lines(""), array([0; 0]));
        check(&commas, &lines("1,,2"), None);
    }

    #[test]
    fn struct_has_a_member_a_line() {
        let colon = Kind::Struct { separator: ":".to_owned() };
        let expected = members([("a", "1".into()), ("b", "x:y".into())]);
        check(&colon, &lines("a: 1\n\nb:x:y"), expected);
        check(&colon, &Body::EMPTY, members([]));
        check(&colon, &lines("a: 1\nb"), None);
    }

    #[test]
    fn line_that_ends_a_reply_of_no_lines_is_text_and_no_element() {
        let end = Body::End(b"OK".to_vec());
        check(&Kind::Scalar(Scalar::String), &end, Some("OK".into()));
        check(&matching("(O)", Scalar::String), &end, Some("O".into()));
        check(&Kind::Array { of: Scalar::String, separator: None }, &end, array([0; 0]));
        check(&Kind::Struct { separator: ":".to_owned() }, &end, members([]));
        let commas = Kind::Array { of: Scalar::String, separator: Some(",".to_owned()) };
        check(&commas, &end, array(["OK"]));
    }

    #[test]
    fn pattern_finds_a_value_or_a_struct() {
        check(&matching(r"freq: (\d+)", Scalar::Int), &lines("a\nfreq: 7"), Some(7.into()));
        check(&matching("^freq", Scalar::String), &lines("a\nfreq"), None);
        check(&matching("(b+)", Scalar::String), &lines("abbc"), Some("bb".into()));
        check(&matching("a(b)?", Scalar::String), &lines("a"), None);
        check(&matching("(x)", Scalar::Int), &lines("x"), None);
        let named = matching(r"(?<low>\d+)-(?<high>\d+)(?<more>!)?", Scalar::Int);
        check(&named, &lines("3-5"), members([("low", 3.into()), ("high", 5.into())]));
    }

    #[test]
    fn what_came_until_the_close_has_no_last_line_end() {
        let text = Kind::Scalar(Scalar::String);
        check(&text, &Body::Rest(b"a\r\nb\r\n\r\n".to_vec()), Some("a\nb".into()));
        check(&text, &Body::Blob(b"a\r\n".to_vec()), Some("a\r\n".into()));
    }
}
