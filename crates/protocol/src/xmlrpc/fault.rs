use std::fmt;

use super::chars::is_xml_char;
use super::excerpt::excerpt;
use super::scalar::{IntKind, parse_int};
use super::value::{Struct, Value};

/// Standard fault codes, of the interoperability note of 2001-05-16.
///
/// Applications' own codes lie outside -32768 to -32000.
pub mod code {
    /// The document is not well-formed XML.
    pub const NOT_WELL_FORMED: i32 = -32700;
    /// The document's charset is not known.
    pub const UNSUPPORTED_ENCODING: i32 = -32701;
    /// The document holds bytes that its charset does not have.
    pub const INVALID_CHARACTER: i32 = -32702;
    /// The document is XML, but not XML-RPC.
    pub const NOT_XML_RPC: i32 = -32600;
    /// There is no such method.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The method cannot take these parameters.
    pub const INVALID_PARAMS: i32 = -32602;
    /// The service failed.
    pub const INTERNAL_ERROR: i32 = -32603;
    /// The method refused.
    pub const APPLICATION_ERROR: i32 = -32500;
    /// Something that the method depends on is down.
    pub const SYSTEM_ERROR: i32 = -32400;
    /// The message could not be carried.
    pub const TRANSPORT_ERROR: i32 = -32300;
}

/// A call's failure, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure, for programs; see [`code`].
    pub code: i32,
    /// What failed, for people.
    pub message: String,
}

impl Fault {
    /// A fault of any code.
    pub fn new(code: i32, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into() }
    }

    /// The fault that a struct of `faultCode` and `faultString` says, whatever stands beside them.
    /// Some servers write the code as text: that is read as a number is.
    pub fn from_struct(members: &Struct) -> Option<Fault> {
        let code = match members.get("faultCode")? {
            Value::Int(code) => *code,
            Value::String(text) => parse_int(IntKind::I4, text).ok()?,
            _ => return None,
        };
        let message = members.get("faultString")?.as_str()?;
        Some(Fault::new(i32::try_from(code).ok()?, message))
    }

    /// There is no method of the `name` that was called; its first 100 characters are shown.
    pub fn method_not_found(name: &str) -> Fault {
        Fault::new(code::METHOD_NOT_FOUND, format!("no such method: {}", excerpt(name)))
    }

    /// The parameters are wrong; `message` says which, and what was expected.
    pub fn invalid_params(message: impl Into<String>) -> Fault {
        Fault::new(code::INVALID_PARAMS, message)
    }

    /// The service itself failed; the text is fixed so that no detail leaks.
    pub fn internal() -> Fault {
        Fault::new(code::INTERNAL_ERROR, "internal error")
    }

    /// The method refused what it was asked.
    pub fn application(message: impl Into<String>) -> Fault {
        Fault::new(code::APPLICATION_ERROR, message)
    }

    /// The method failed with `error`, whose text goes to the caller as it is. No error becomes a
    /// fault unless a method's author says so here, since its text may tell what is nobody's
    /// business.
    pub fn from_error(error: impl fmt::Display) -> Fault {
        Fault::application(error.to_string())
    }

    /// Something that the method depends on is down.
    pub fn system(message: impl Into<String>) -> Fault {
        Fault::new(code::SYSTEM_ERROR, message)
    }

    /// The message could not be carried.
    pub fn transport(message: impl Into<String>) -> Fault {
        Fault::new(code::TRANSPORT_ERROR, message)
    }
}

/// The method refused, and says why.
impl From<String> for Fault {
    fn from(message: String) -> Fault {
        Fault::application(message)
    }
}

/// The method refused, and says why.
impl From<&str> for Fault {
    fn from(message: &str) -> Fault {
        Fault::application(message)
    }
}

/// The struct of `faultCode` and `faultString` that a multicall has in a result's place; a character
/// that XML cannot carry becomes U+FFFD.
impl From<Fault> for Struct {
    fn from(fault: Fault) -> Struct {
        let carried = |c| if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER };
        let message: String = fault.message.chars().map(carried).collect();
        let members = [("faultCode", fault.code.into()), ("faultString", message.into())];
        let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
        // Two leaves nest no deeper than they may.
        Struct::from_members(members).unwrap_or_default()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: Fault, code: i32, message: &str) {
        assert_eq!(fault, Fault { code, message: message.to_owned() });
    }

    #[test]
    fn unknown_method_is_named() {
        let not_found = code::METHOD_NOT_FOUND;
        check(Fault::method_not_found("orders.plcae"), not_found, "no such method: orders.plcae");
        check(Fault::method_not_found("a\nb"), not_found, "no such method: a\\nb");
        let long = format!("no such method: {}...", "x".repeat(100));
        check(Fault::method_not_found(&"x".repeat(5_000)), not_found, &long);
    }

    #[test]
    fn structs_that_say_code_and_text_are_faults() {
        let of = |members: &[(&str, Value)]| {
            let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            Fault::from_struct(&Struct::from_members(members.collect()).unwrap())
        };
        let (number, text) = (("faultCode", 4.into()), ("faultString", "no".into()));
        let no = Some(Fault::new(4, "no"));
        assert_eq!(of(&[number.clone(), text.clone()]), no);
        assert_eq!(of(&[("faultData", Value::Nil), text.clone(), number.clone()]), no);
        for (code, read) in [("4", Some(4)), (" -32601\n", Some(-32_601)), ("+04", Some(4))] {
            let fault = of(&[("faultCode", code.into()), text.clone()]);
            assert_eq!(fault.map(|fault| fault.code), read, "{code}");
        }
        for code in [
            "".into(),
            "Client".into(),
            "4.0".into(),
            "2147483648".into(),
            4.0.into(),
            true.into(),
            Value::Nil,
            2_147_483_648_i64.into(),
        ] {
            assert_eq!(of(&[("faultCode", code.clone()), text.clone()]), None, "{code:?}");
        }
        for message in [4.into(), Value::Nil] {
            assert_eq!(of(&[number.clone(), ("faultString", message)]), None);
        }
        assert_eq!(of(&[number]), None);
        assert_eq!(of(&[text]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(Fault::from_struct(&Fault::new(4, "no").into()), no);
    }

    #[test]
    fn text_is_an_application_error() {
        let refused = code::APPLICATION_ERROR;
        check("sold out".into(), refused, "sold out");
        check(String::from("sold out").into(), refused, "sold out");
        let error = "x".parse::<i32>().unwrap_err();
        check(Fault::from_error(error), refused, "invalid digit found in string");
    }
}
