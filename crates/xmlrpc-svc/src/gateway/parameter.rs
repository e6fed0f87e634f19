//! A parameter of a method that sends lines: which values may stand for it, and the text that they
//! are sent as.

use protocol::xmlrpc::{Fault, TypeName, Value};

use super::text::Text;

/// A parameter of a method that sends lines.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// What the template and the caller know it by.
    pub name: String,
    /// What may stand for it.
    pub kind: Kind,
}

/// What may stand for a parameter.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One value.
    One(Scalar),
    /// One or more values.
    Array {
        /// What each of them is.
        of: Scalar,
        /// What is sent between two.
        separator: String,
    },
}

/// What one value may be.
#[derive(Debug, Clone)]
pub enum Scalar {
    /// An integer from `min` to `max`.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number from `min` to `max`, which may be infinite.
    Double {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A truth value.
    Boolean {
        /// What is sent for a true one.
        yes: String,
        /// What is sent for a false one.
        no: String,
    },
    /// Text of at most `max_bytes` in UTF-8.
    String {
        /// Which texts, and how they are sent.
        text: Text,
        /// Longest text, before it is quoted.
        max_bytes: usize,
    },
}

impl Parameter {
    /// The type's name as it stands in the method's signature.
    pub fn type_name(&self) -> TypeName {
        match &self.kind {
            Kind::One(scalar) => scalar.type_name(),
            Kind::Array { .. } => TypeName::Array,
        }
    }

    /// The text that is sent for `value`, which is the parameter at `index`: without line ends and
    /// other control characters.
    pub fn write(&self, index: usize, value: &Value) -> Result<String, Fault> {
        let mut text = String::new();
        let written = match &self.kind {
            Kind::One(scalar) => scalar.write(value, &mut text),
            Kind::Array { of, separator } => write_array(of, separator, value, &mut text),
        };
        match written {
            Ok(()) => Ok(text),
            Err(what) => Err(self.fault(index, &what)),
        }
    }

    /// That what was sent as the parameter at `index` is wrong.
    pub(super) fn fault(&self, index: usize, what: &str) -> Fault {
        Fault::invalid_params(format!("params[{index}] ({}): {what}", self.name))
    }
}

fn write_array(
    of: &Scalar,
    separator: &str,
    value: &Value,
    line: &mut String,
) -> Result<(), String> {
    let elements = value.as_array().ok_or_else(|| other("array", value))?;
    // None at all means everything in many a protocol.
    if elements.is_empty() {
        return Err("expected at least one element".to_owned());
    }
    let mut texts = Vec::with_capacity(elements.len());
    for (place, element) in elements.iter().enumerate() {
        let mut text = String::new();
        of.write(element, &mut text).map_err(|what| format!("[{place}]: {what}"))?;
        texts.push(text);
    }
    let joined = texts.join(separator);
    // Also a separator that begins in one element and ends after it.
    match texts.iter().zip(joined.split(separator)).position(|(text, read)| text != read) {
        Some(place) => Err(format!("[{place}]: expected text without {separator:?}")),
        None => {
            line.push_str(&joined);
            Ok(())
        }
    }
}

impl Scalar {
    fn type_name(&self) -> TypeName {
        match self {
            Self::Int { min, max }
                if i32::try_from(*min).is_ok() && i32::try_from(*max).is_ok() =>
            {
                TypeName::Int
            }
            Self::Int { .. } => TypeName::I8,
            Self::Double { .. } => TypeName::Double,
            Self::Boolean { .. } => TypeName::Boolean,
            Self::String { .. } => TypeName::String,
        }
    }

    fn write(&self, value: &Value, line: &mut String) -> Result<(), String> {
        match self {
            Self::Int { min, max } => {
                let number = value.as_int().ok_or_else(|| other("int", value))?;
                within(number, *min, *max)?;
                line.push_str(&number.to_string());
            }
            Self::Double { min, max } => {
                let number = double(value)?;
                within(number, *min, *max)?;
                line.push_str(&number.to_string());
            }
            Self::Boolean { yes, no } => {
                let truth = value.as_bool().ok_or_else(|| other("boolean", value))?;
                line.push_str(if truth { yes } else { no });
            }
            Self::String { text, max_bytes } => {
                let sent = value.as_str().ok_or_else(|| other("string", value))?;
                if sent.len() > *max_bytes {
                    return Err(format!("expected at most {max_bytes} bytes"));
                }
                if sent.contains(is_control) {
                    return Err("expected text without control characters".to_owned());
                }
                text.write(sent, line)?;
            }
        }
        Ok(())
    }
}

fn other(expected: &str, found: &Value) -> String {
    format!("expected {expected}, found {}", found.type_name())
}

fn within<T: PartialOrd + std::fmt::Display>(number: T, min: T, max: T) -> Result<(), String> {
    if number < min {
        Err(format!("expected at least {min}"))
    } else if number > max {
        Err(format!("expected at most {max}"))
    } else {
        Ok(())
    }
}

/// Integers up to this one are doubles, each of them.
const MAX_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

fn double(value: &Value) -> Result<f64, String> {
    match value {
        Value::Double(number) if number.is_finite() => Ok(*number),
        Value::Double(_) => Err("expected a finite number".to_owned()),
        Value::Int(number) if number.unsigned_abs() <= MAX_EXACT => Ok(*number as f64),
        Value::Int(_) => Err("expected a number that a double can be".to_owned()),
        other_type => Err(other("double", other_type)),
    }
}

/// Whether a character may end a line, or do other things that no text does.
pub(super) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::pattern::Pattern;
    use crate::gateway::text::{Allowed, Quote};
    use protocol::xmlrpc::{Array, Struct};

    fn string(text: Text) -> Kind {
        Kind::One(Scalar::String { text, max_bytes: 10 })
    }

    fn pattern(source: &str) -> Allowed {
        Allowed::Pattern(Pattern::new(source).unwrap())
    }

    fn array<const N: usize>(values: [Value; N]) -> Value {
        Value::Array(Array::try_from(values.to_vec()).unwrap())
    }

    fn written(kind: Kind, value: Value) -> Result<String, String> {
        let parameter = Parameter { name: "it".to_owned(), kind };
        parameter.write(2, &value).map_err(|fault| {
            assert_eq!(fault.code, -32602);
            fault.message.strip_prefix("params[2] (it): ").unwrap().to_owned()
        })
    }

    #[track_caller]
    fn check(kind: Kind, value: impl Into<Value>, expected: Result<&str, &str>) {
        let found = written(kind, value.into());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn numbers_have_a_range_and_the_shortest_digits() {
        let int = || Kind::One(Scalar::Int { min: 0, max: 3_000_000_000 });
        check(int(), 0, Ok("0"));
        check(int(), 3_000_000_000_i64, Ok("3000000000"));
        check(int(), 3_000_000_001_i64, Err("expected at most 3000000000"));
        check(int(), -1, Err("expected at least 0"));
        check(int(), 1.0, Err("expected int, found double"));
        check(int(), "1", Err("expected int, found string"));
        let double = |min, max| Kind::One(Scalar::Double { min, max });
        let any = || double(f64::NEG_INFINITY, f64::INFINITY);
        check(any(), 0.1, Ok("0.1"));
        check(any(), -2.50, Ok("-2.5"));
        check(any(), 3.0, Ok("3"));
        check(any(), 7, Ok("7"));
        check(any(), 1e21, Ok("1000000000000000000000"));
        check(any(), (1_i64 << 53) + 1, Err("expected a number that a double can be"));
        check(any(), f64::NAN, Err("expected a finite number"));
        check(any(), true, Err("expected double, found boolean"));
        check(double(-0.5, 0.5), 0.6, Err("expected at most 0.5"));
        check(double(-0.5, 0.5), -1, Err("expected at least -0.5"));
    }

    #[test]
    fn truth_values_are_sent_as_the_file_says() {
        let kind = || Kind::One(Scalar::Boolean { yes: "ON".into(), no: "OFF".into() });
        check(kind(), true, Ok("ON"));
        check(kind(), false, Ok("OFF"));
        check(kind(), 1, Err("expected boolean, found int"));
    }

    #[test]
    fn text_is_what_the_file_allows() {
        let digits = || string(Text::Plain(pattern("[0-9]+")));
        check(digits(), "12", Ok("12"));
        check(digits(), "12;", Err("expected text that matches [0-9]+"));
        check(digits(), "", Err("expected text that matches [0-9]+"));
        check(digits(), 12, Err("expected string, found int"));
        check(digits(), vec![b'1'], Err("expected string, found base64"));
        let modes = || string(Text::Plain(Allowed::OneOf(vec!["AM".into(), "FM".into()])));
        check(modes(), "FM", Ok("FM"));
        check(modes(), "fm", Err("expected one of \"AM\", \"FM\""));
        check(string(Text::Plain(pattern(".*"))), "12345678901", Err("expected at most 10 bytes"));
        check(string(Text::Plain(pattern(".*"))), "ééééé", Ok("ééééé"));
        check(string(Text::Plain(pattern(".*"))), "éééééé", Err("expected at most 10 bytes"));
    }

    #[test]
    fn quotes_leave_nothing_that_ends_them() {
        let double = || string(Text::Quoted(Quote::Double, None));
        check(double(), "", Ok("\"\""));
        check(double(), "a \"b\" \\", Ok("\"a \\\"b\\\" \\\\\""));
        check(double(), "; é'%", Ok("\"; é'%\""));
        let percent = || string(Text::Quoted(Quote::Percent, None));
        check(percent(), "a-b._~0", Ok("a-b._~0"));
        check(percent(), "a b%\"é", Ok("a%20b%25%22%C3%A9"));
        let some = || string(Text::Quoted(Quote::Double, Some(pattern("[a-z ]*"))));
        check(some(), "a b", Ok("\"a b\""));
        check(some(), "A", Err("expected text that matches [a-z ]*"));
    }

    #[test]
    fn control_characters_are_refused_whatever_the_quoting() {
        let controls = ["\n", "\r", "\0", "\t", "\x1b", "\x7f", "\u{85}", "\u{9b}", "\u{2028}"];
        for control in controls {
            for text in [
                Text::Plain(pattern("(?s).*")),
                Text::Plain(Allowed::OneOf(vec![format!("a{control}b")])),
                Text::Quoted(Quote::Double, None),
                Text::Quoted(Quote::Percent, None),
            ] {
                let sent = format!("a{control}b");
                check(string(text), sent, Err("expected text without control characters"));
            }
        }
    }

    #[test]
    fn elements_are_told_apart_by_the_separator() {
        let list = |of: Scalar, separator: &str| Kind::Array { of, separator: separator.into() };
        let int = || Scalar::Int { min: 0, max: 9 };
        let text = |text| Scalar::String { text, max_bytes: 10 };
        check(list(int(), ","), array([1.into(), 2.into()]), Ok("1,2"));
        check(list(int(), ", "), array([1.into()]), Ok("1"));
        check(list(int(), ","), array([1.into(), 12.into()]), Err("[1]: expected at most 9"));
        check(list(int(), ","), array([]), Err("expected at least one element"));
        check(list(int(), ","), 1, Err("expected array, found int"));
        check(list(int(), ","), Struct::default(), Err("expected array, found struct"));
        check(list(int(), ","), array([array([])]), Err("[0]: expected int, found array"));
        let plain = || text(Text::Plain(pattern(".*")));
        let without = Err("[1]: expected text without \",\"");
        check(list(plain(), ","), array(["a".into(), "b,c".into()]), without);
        let percent = text(Text::Quoted(Quote::Percent, None));
        check(list(percent, ","), array(["a,".into(), "b".into()]), Ok("a%2C,b"));
        let first = Err("[0]: expected text without \";;\"");
        check(list(plain(), ";;"), array(["a;".into(), "b".into(), "c".into()]), first);
    }
}
