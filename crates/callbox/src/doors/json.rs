//! The JSON door: a URL names a method, the document its parameters, and the answer is the result
//! alone. A fault is a problem (RFC 9457).

use axum::http::StatusCode;
use protocol::json::{decode_params, encode_result};
use protocol::xmlrpc::{Fault, Limits, Struct, TypeName, Value, code};

use super::{Answer, Asked, Call, Kind, Manner};

/// Reads the parameters of `method`.
pub(super) fn read(method: Box<str>, document: &[u8], limits: &Limits) -> Asked {
    match decode_params(document, limits) {
        Ok(params) => {
            let (name, params) = (method.into(), params.into());
            Asked::Call(Call { name, params, manner: Manner::Json })
        }
        Err(error) => Asked::Nothing(error.into(), Manner::Json),
    }
}

/// Writes a call's result, or the problem that there is none.
pub(super) fn write(result: Result<Value, Fault>, returns: TypeName) -> Answer {
    let fault = match result.map(|value| encode_result(&value, returns)) {
        Ok(Ok(document)) => {
            return Answer { document, kind: Kind::Json, fault: None, unwritable: None };
        }
        Ok(Err(cause)) => {
            return Answer { unwritable: Some(cause.into()), ..refuse(cause.into()) };
        }
        Err(fault) => fault,
    };
    refuse(fault)
}

fn refuse(fault: Fault) -> Answer {
    let (code, status) = (fault.code, status(fault.code));
    Answer {
        document: problem(fault, status),
        kind: Kind::Problem(status),
        fault: Some(code),
        unwritable: None,
    }
}

/// The status of a fault. It is the caller's to mend, the service's, or that of another behind it;
/// methods have reasons of their own.
fn status(code: i32) -> StatusCode {
    match code {
        code::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        code::NOT_WELL_FORMED | code::NOT_XML_RPC | code::INVALID_PARAMS => StatusCode::BAD_REQUEST,
        code::SYSTEM_ERROR | code::TRANSPORT_ERROR => StatusCode::BAD_GATEWAY,
        code::INTERNAL_ERROR => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn problem(fault: Fault, status: StatusCode) -> Vec<u8> {
    let members = [
        ("title", status.canonical_reason().unwrap_or_default().into()),
        ("status", status.as_u16().into()),
        ("detail", fault.message.into()),
        ("code", fault.code.into()),
    ];
    let members = members.map(|(name, value): (&str, Value)| (name.to_owned(), value)).to_vec();
    // Leaves nest no deeper than they may, and all of them can be written.
    let members = Struct::from_members(members).unwrap_or_default();
    encode_result(&members.into(), TypeName::Struct).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_is_a_problem_with_a_status() {
        let check = |code, status: u16, title| {
            let answer = write(Err(Fault::new(code, "so \"it\" is")), TypeName::Any);
            let expected = format!(
                r#"{{"title":"{title}","status":{status},"detail":"so \"it\" is","code":{code}}}"#
            );
            assert_eq!(String::from_utf8(answer.document).unwrap(), expected);
            assert_eq!(answer.kind, Kind::Problem(StatusCode::from_u16(status).unwrap()));
            assert_eq!(answer.fault, Some(code));
        };
        check(-32700, 400, "Bad Request");
        check(-32600, 400, "Bad Request");
        check(-32602, 400, "Bad Request");
        check(-32601, 404, "Not Found");
        check(-32603, 500, "Internal Server Error");
        check(-32400, 502, "Bad Gateway");
        check(-32300, 502, "Bad Gateway");
        for code in [-32500, 4, 0, -1, i32::MAX] {
            check(code, 422, "Unprocessable Entity");
        }
    }
}
