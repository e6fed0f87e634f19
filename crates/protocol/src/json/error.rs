use std::fmt;

use crate::xmlrpc::{self, Fault, code};

/// Why a document was refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are no JSON, or not in UTF-8.
    NotJson,
    /// The JSON is no request and no batch of them, or no parameters.
    NotRequest,
    /// More than the service's own limit allows of what is named.
    OverLimit(usize, &'static str),
    /// The parameters of a call are refused.
    InvalidParams(InvalidParams),
}

/// What is wrong with values that are JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidParams {
    /// An integer beyond 64 bits.
    IntegerRange,
    /// A number beyond what a double holds.
    DoubleRange,
    /// An object has a name twice.
    NameTwice,
    /// What stands at `$dateTime` is none.
    NotDateTime,
    /// What stands at `$base64` is none.
    NotBase64,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::NotJson => f.write_str("Parse error"),
            DecodeError::NotRequest => f.write_str("Invalid Request"),
            DecodeError::OverLimit(limit, what) => {
                write!(f, "Invalid Request: more than {limit} {what}")
            }
            DecodeError::InvalidParams(invalid) => invalid.fmt(f),
        }
    }
}

impl std::error::Error for DecodeError {}

impl fmt::Display for InvalidParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidParams::IntegerRange => "an integer beyond 64 bits",
            InvalidParams::DoubleRange => "a number beyond the range of a double",
            InvalidParams::NameTwice => "a name twice in an object",
            InvalidParams::NotDateTime => "$dateTime: not a date and time",
            InvalidParams::NotBase64 => "$base64: not base64",
        })
    }
}

impl std::error::Error for InvalidParams {}

/// The fault of JSON-RPC's own code, with the text of its specification.
impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        let code = match error {
            DecodeError::NotJson => code::NOT_WELL_FORMED,
            DecodeError::NotRequest | DecodeError::OverLimit(..) => code::NOT_XML_RPC,
            DecodeError::InvalidParams(_) => code::INVALID_PARAMS,
        };
        Fault::new(code, error.to_string())
    }
}

/// A double is infinite or not a number, which JSON cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeError;

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a double is infinite or not a number")
    }
}

impl std::error::Error for EncodeError {}

impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Fault {
        Fault::new(code::INTERNAL_ERROR, format!("the result cannot be written: {error}"))
    }
}

/// One of the reasons for which XML-RPC cannot say a value.
impl From<EncodeError> for xmlrpc::EncodeError {
    fn from(EncodeError: EncodeError) -> xmlrpc::EncodeError {
        xmlrpc::EncodeError::NotFinite
    }
}
