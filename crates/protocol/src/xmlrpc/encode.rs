//! Messages to documents: UTF-8, nothing between tags, one way to write each value.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::chars::{is_xml_char, next_special};
use super::datetime::DateTime;
use super::dialect::{DECLARE_EXTENSIONS, Dialect};
use super::error::EncodeError;
use super::fault::Fault;
use super::message::MethodCall;
use super::value::{Array, Struct, Value};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Bytes that most messages fit in.
const INITIAL_CAPACITY: usize = 256;

/// Writes a call in its dialect.
pub fn encode_call(call: &MethodCall) -> Result<Vec<u8>, EncodeError> {
    let mut out = Output::new(call.dialect, "<methodCall><methodName>");
    out.text(&call.name)?;
    out.raw("</methodName><params>");
    for param in &call.params {
        out.raw("<param>");
        out.value(param)?;
        out.raw("</param>");
    }
    out.raw("</params></methodCall>");
    Ok(out.bytes)
}

/// Writes a call's result.
pub fn encode_response(result: &Value) -> Result<Vec<u8>, EncodeError> {
    encode_response_in(Dialect::Standard, result)
}

/// Writes a call's result in the dialect of the call.
pub fn encode_response_in(dialect: Dialect, result: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Output::new(dialect, "<methodResponse><params><param>");
    out.value(result)?;
    out.raw("</param></params></methodResponse>");
    Ok(out.bytes)
}

/// Writes a fault; a character in its message that XML cannot carry becomes U+FFFD.
pub fn encode_fault(fault: &Fault) -> Vec<u8> {
    let root = "<methodResponse><fault><value><struct><member><name>faultCode</name>";
    let mut out = Output::new(Dialect::Standard, root);
    out.integer(fault.code.into());
    out.raw("</member><member><name>faultString</name><value><string>");
    if out.text(&fault.message).is_err() {
        out.lossy_text(&fault.message);
    }
    out.raw("</string></value></member></struct></value></fault></methodResponse>");
    out.bytes
}

/// Whether `value` can be written; the error is that of [`encode_response`].
pub fn check_writable(value: &Value) -> Result<(), EncodeError> {
    match value {
        Value::Double(number) if !number.is_finite() => Err(EncodeError::NotFinite),
        Value::String(text) => check_text(text),
        Value::Array(array) => array.into_iter().try_for_each(check_writable),
        Value::Struct(structure) => structure.iter().try_for_each(|(name, value)| {
            check_text(name)?;
            check_writable(value)
        }),
        _ => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), EncodeError> {
    if text.chars().all(is_xml_char) { Ok(()) } else { Err(EncodeError::IllegalCharacter) }
}

struct Output {
    bytes: Vec<u8>,
    dialect: Dialect,
}

impl Output {
    /// Begins a document with `markup`, which begins with the root's tag.
    fn new(dialect: Dialect, markup: &str) -> Output {
        let mut out = Output { bytes: Vec::with_capacity(INITIAL_CAPACITY), dialect };
        out.raw(DECLARATION);
        match dialect {
            Dialect::Standard => out.raw(markup),
            Dialect::Apache => {
                let (root, rest) = markup.split_at(markup.find('>').unwrap_or_default());
                [root, DECLARE_EXTENSIONS, rest].into_iter().for_each(|part| out.raw(part));
            }
        }
        out
    }

    fn raw(&mut self, markup: &str) {
        self.bytes.extend_from_slice(markup.as_bytes());
    }

    /// Recurses no deeper than [`MAX_VALUE_DEPTH`](super::MAX_VALUE_DEPTH).
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Nil => self.nil(),
            Value::Int(number) => self.integer(*number),
            Value::Boolean(true) => self.raw("<value><boolean>1</boolean></value>"),
            Value::Boolean(false) => self.raw("<value><boolean>0</boolean></value>"),
            Value::Double(number) => self.double(*number)?,
            Value::String(text) => self.string(text)?,
            Value::DateTime(datetime) => self.datetime(datetime),
            Value::Base64(bytes) => self.base64(bytes),
            Value::Array(array) => self.array(array)?,
            Value::Struct(structure) => self.structure(structure)?,
        }
        Ok(())
    }

    fn nil(&mut self) {
        self.raw(match self.dialect {
            Dialect::Standard => "<value><nil/></value>",
            Dialect::Apache => "<value><ex:nil/></value>",
        });
    }

    fn integer(&mut self, number: i64) {
        let (start, end) = match (i32::try_from(number), self.dialect) {
            (Ok(_), _) => ("<value><int>", "</int></value>"),
            (Err(_), Dialect::Standard) => ("<value><i8>", "</i8></value>"),
            (Err(_), Dialect::Apache) => ("<value><ex:i8>", "</ex:i8></value>"),
        };
        self.raw(start);
        self.raw(itoa::Buffer::new().format(number));
        self.raw(end);
    }

    /// The shortest digits that read back as the same number, without exponent.
    fn double(&mut self, number: f64) -> Result<(), EncodeError> {
        if !number.is_finite() {
            return Err(EncodeError::NotFinite);
        }
        self.raw("<value><double>");
        let mut buffer = zmij::Buffer::new();
        let digits = buffer.format_finite(number);
        if digits.contains('e') {
            self.without_exponent(number);
        } else {
            self.raw(digits);
        }
        self.raw("</double></value>");
        Ok(())
    }

    fn without_exponent(&mut self, number: f64) {
        let start = self.bytes.len();
        let _ = write!(self, "{number}");
        if !self.bytes[start..].contains(&b'.') {
            self.raw(".0");
        }
    }

    fn datetime(&mut self, datetime: &DateTime) {
        self.raw("<value><dateTime.iso8601>");
        let _ = datetime.write(self);
        self.raw("</dateTime.iso8601></value>");
    }

    fn string(&mut self, text: &str) -> Result<(), EncodeError> {
        self.raw("<value><string>");
        self.text(text)?;
        self.raw("</string></value>");
        Ok(())
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.raw("<value><base64>");
        self.raw(&STANDARD.encode(bytes));
        self.raw("</base64></value>");
    }

    fn array(&mut self, array: &Array) -> Result<(), EncodeError> {
        self.raw("<value><array><data>");
        for value in array {
            self.value(value)?;
        }
        self.raw("</data></array></value>");
        Ok(())
    }

    fn structure(&mut self, structure: &Struct) -> Result<(), EncodeError> {
        self.raw("<value><struct>");
        for (name, value) in structure.iter() {
            self.raw("<member><name>");
            self.text(name)?;
            self.raw("</name>");
            self.value(value)?;
            self.raw("</member>");
        }
        self.raw("</struct></value>");
        Ok(())
    }

    /// Copies runs of ordinary characters whole. Leaves nothing behind where it fails.
    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        let start = self.bytes.len();
        let mut copied = 0;
        while let Some(at) = next_special(text.as_bytes(), copied) {
            self.raw(&text[copied..at]);
            match text[at..].chars().next() {
                Some(c) if is_xml_char(c) => {
                    self.escaped(c);
                    copied = at + c.len_utf8();
                }
                _ => {
                    self.bytes.truncate(start);
                    return Err(EncodeError::IllegalCharacter);
                }
            }
        }
        self.raw(&text[copied..]);
        Ok(())
    }

    fn lossy_text(&mut self, text: &str) {
        for c in text.chars() {
            self.escaped(if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER });
        }
    }

    fn escaped(&mut self, c: char) {
        match c {
            '&' => self.raw("&amp;"),
            '<' => self.raw("&lt;"),
            '>' => self.raw("&gt;"),
            '\r' => self.raw("&#13;"),
            _ => self.raw(c.encode_utf8(&mut [0; 4])),
        }
    }
}

/// Never fails.
impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.raw(text);
        Ok(())
    }
}
