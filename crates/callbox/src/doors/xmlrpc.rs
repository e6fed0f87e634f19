//! The XML-RPC door: a document to a call, a result to a document.

use protocol::xmlrpc::{Dialect, EncodeError, Fault, Value, encode_fault, encode_response_in};

/// A document that answers a call.
pub(crate) struct Answer {
    /// The document.
    pub(crate) document: Vec<u8>,
    /// The fault's code, if it tells one.
    pub(crate) fault: Option<i32>,
    /// Why the result was not written.
    pub(crate) unwritable: Option<EncodeError>,
}

/// Writes a call's result in the caller's dialect. A result that XML cannot carry is a fault.
pub(crate) fn write(result: Result<Value, Fault>, dialect: Dialect) -> Answer {
    let fault = match result.map(|value| encode_response_in(dialect, &value)) {
        Ok(Ok(document)) => return Answer { document, fault: None, unwritable: None },
        Ok(Err(cause)) => return Answer { unwritable: Some(cause), ..refuse(&cause.into()) },
        Err(fault) => fault,
    };
    refuse(&fault)
}

fn refuse(fault: &Fault) -> Answer {
    Answer { document: encode_fault(fault), fault: Some(fault.code), unwritable: None }
}
