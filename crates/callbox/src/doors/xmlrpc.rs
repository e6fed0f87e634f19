//! The XML-RPC door: a document to a call, a result to a document.

use protocol::xmlrpc::{
    DecodeError, Dialect, Fault, Limits, MethodCall, Value, decode_call, encode_fault,
    encode_response_in,
};

use super::{Answer, Asked, Call, Kind, Manner};
use crate::registry::Params;

/// Reads a document, in the `charset` that the head names.
pub(super) fn read(document: &[u8], charset: Option<&str>, limits: &Limits) -> Asked {
    asked(decode_call(document, charset, limits))
}

/// What a document asks for that was read as this.
pub(crate) fn asked(call: Result<MethodCall, DecodeError>) -> Asked {
    match call {
        Ok(MethodCall { name, params, dialect }) => {
            let (params, manner) = (Params::Typed(params), Manner::XmlRpc(dialect));
            Asked::Call(Call { name, params, manner })
        }
        Err(error) => Asked::Nothing(error.into(), Manner::XmlRpc(Dialect::default())),
    }
}

/// Writes a call's result in the caller's dialect. A result that XML cannot carry is a fault.
pub(super) fn write(result: Result<Value, Fault>, dialect: Dialect) -> Answer {
    let fault = match result.map(|value| encode_response_in(dialect, &value)) {
        Ok(Ok(document)) => {
            return Answer { document, kind: Kind::Xml, fault: None, unwritable: None };
        }
        Ok(Err(cause)) => {
            return Answer { unwritable: Some(cause), ..refuse(&cause.into()) };
        }
        Err(fault) => fault,
    };
    refuse(&fault)
}

fn refuse(fault: &Fault) -> Answer {
    let document = encode_fault(fault);
    Answer { document, kind: Kind::Xml, fault: Some(fault.code), unwritable: None }
}
