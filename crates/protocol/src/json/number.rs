//! Numbers as they are written. The parser gives an integer beyond its own as a double, `-0` too,
//! and refuses what no double holds. Where that may be, the literals are looked at themselves.

use super::error::InvalidParams;
use crate::xmlrpc::Value;

/// Digits in a row that the parser is shown of each number: too few for it to refuse one.
const SHOWN_DIGITS: usize = 2;

/// The first doubles that an integer beyond 64 bits may have become.
const BEYOND_INTEGERS: f64 = 9_223_372_036_854_775_808.0;

/// Whether the parser can have made this only of a number with point or exponent.
pub(super) fn is_certain(double: f64) -> bool {
    double.abs() < BEYOND_INTEGERS && (double != 0.0 || double.is_sign_positive())
}

/// What a literal says; where that is refused, a value near it and why.
pub(super) fn of_literal(literal: &str) -> (Value, Option<InvalidParams>) {
    if let Ok(number) = literal.parse() {
        return (Value::Int(number), None);
    }
    let number: f64 = literal.parse().unwrap_or(f64::NAN);
    let invalid = match literal.contains(['.', 'e', 'E']) {
        true => (!number.is_finite()).then_some(InvalidParams::DoubleRange),
        false => Some(InvalidParams::IntegerRange),
    };
    (Value::Double(number), invalid)
}

/// The numbers of a document, in order. In one that is no JSON, they are right up to that place.
pub(super) struct Literals<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Literals<'a> {
    pub(super) fn new(text: &'a str) -> Literals<'a> {
        Literals { text, at: 0 }
    }

    /// The place after the string that begins here.
    fn string_end(&self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
            at += found + 1;
            if bytes[at - 1] == b'"' {
                return at;
            }
            at += 1;
        }
        bytes.len()
    }
}

impl<'a> Iterator for Literals<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let rest = self.text.get(self.at..)?;
            self.at += rest.bytes().position(|byte| byte == b'"' || begins_number(byte))?;
            if self.text.as_bytes()[self.at] != b'"' {
                break;
            }
            self.at = self.string_end();
        }
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| !goes_on_in_number(byte)).unwrap_or(rest.len());
        self.at += length;
        Some(&rest[..length])
    }
}

fn begins_number(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_digit()
}

fn goes_on_in_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The same document, or no document as before, with numbers that are small and written alike.
pub(super) fn shortened(text: &str) -> String {
    let mut shortened = String::with_capacity(text.len());
    let (mut literals, mut copied) = (Literals::new(text), 0);
    while let Some(literal) = literals.next() {
        shortened.push_str(&text[copied..literals.at - literal.len()]);
        push_shortened(&mut shortened, literal);
        copied = literals.at;
    }
    shortened + &text[copied..]
}

fn push_shortened(out: &mut String, literal: &str) {
    let mut digits = 0;
    for c in literal.chars() {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        if digits <= SHOWN_DIGITS {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(Literals::new(text).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn literals_stand_outside_of_strings() {
        check("", &[]);
        check("1", &["1"]);
        check("[1,-2.5e+3 , 0]", &["1", "-2.5e+3", "0"]);
        check("{\"7\": 8, \"a\\\"9\": \"\\\\\", \"b\":-0}", &["8", "-0"]);
        check("[true,false,null,\"\u{e9}1\u{1F600}\",2]", &["2"]);
    }

    #[test]
    fn what_is_no_json_is_cut_somewhere() {
        check("\"1", &[]);
        check("\"1\\", &[]);
        check("\"\\\u{e9}1", &[]);
        check("\"\\\u{1F600}\" 1", &["1"]);
        check("1-2", &["1-2"]);
        check("--", &["--"]);
    }

    #[test]
    fn shortened_numbers_are_as_right_or_wrong_as_before() {
        let check = |text, expected: &str| assert_eq!(shortened(text), expected);
        check("[123, \"123\", -4567.8901e+2345]", "[12, \"123\", -45.89e+23]");
        check("0001", "00");
        check("1.", "1.");
        check("-", "-");
        check("1e", "1e");
        check("\u{e9}", "\u{e9}");
        check(&"9".repeat(400), "99");
    }

    #[test]
    fn literals_say_integers_doubles_or_nothing() {
        let check = |text, value, invalid| assert_eq!(of_literal(text), (value, invalid), "{text}");
        check("-0", Value::Int(0), None);
        check("9223372036854775807", Value::Int(i64::MAX), None);
        check("-9223372036854775808", Value::Int(i64::MIN), None);
        check("1e2", Value::Double(100.0), None);
        check("-0.0", Value::Double(-0.0), None);
        check("1E400", Value::Double(f64::INFINITY), Some(InvalidParams::DoubleRange));
        check(
            "9223372036854775808",
            Value::Double(2f64.powi(63)),
            Some(InvalidParams::IntegerRange),
        );
    }
}
