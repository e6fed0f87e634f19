//! The JSON-RPC door (2.0): a request or a batch to calls, results to a response.

use protocol::json::{
    Id, Invalid, Message, Request, decode_message, encode_error, encode_response,
};
use protocol::xmlrpc::{Fault, Limits, TypeName, Value, code};

use super::{Answer, Asked, Call, Kind, Manner};
use crate::registry::{Entry, Made, Wanted};

/// What the specification calls a name that is not published.
const METHOD_NOT_FOUND: &str = "Method not found";

/// The calls of a batch.
pub(crate) struct Batch {
    /// The ids, in order; of a notification none.
    pub(crate) ids: Vec<Option<Id>>,
    pub(crate) entries: Vec<Entry>,
}

/// Reads a document, of which a batch has so many calls at most.
pub(super) fn read(document: &[u8], limits: &Limits, max_batch: usize) -> Asked {
    match decode_message(document, limits, max_batch) {
        Ok(Message::Single(Ok(Request { id, method, params }))) => {
            let (name, params) = (method, params.into());
            Asked::Call(Call { name, params, manner: Manner::JsonRpc(id) })
        }
        Ok(Message::Single(Err(Invalid { id, fault }))) => {
            Asked::Nothing(fault, Manner::JsonRpc(id))
        }
        Ok(Message::Batch(requests)) => {
            let (ids, entries) = requests.into_iter().map(entry).unzip();
            Asked::Batch(Batch { ids, entries })
        }
        Err(error) => Asked::Nothing(error.into(), Manner::JsonRpc(Some(Id::Null))),
    }
}

fn entry(request: Result<Request, Invalid>) -> (Option<Id>, Entry) {
    let (id, call) = match request {
        Ok(Request { id, method, params }) => (id, Ok((method, params.into()))),
        Err(Invalid { id, fault }) => (id, Err(fault)),
    };
    let wanted = if id.is_some() { Wanted::Result } else { Wanted::Nothing };
    (id, Entry { call, wanted })
}

/// Writes a call's result, or why there is none; of a notification nothing.
pub(super) fn write(result: Result<Value, Fault>, returns: TypeName, id: Option<Id>) -> Answer {
    let fault = result.as_ref().err().map(|fault| fault.code);
    let Some(id) = id else {
        return Answer { document: Vec::new(), kind: Kind::Nothing, fault, unwritable: None };
    };
    let (document, unwritable) = match result {
        Ok(value) => match encode_response(&id, &value, returns) {
            Ok(document) => (document, None),
            Err(cause) => (refuse(&id, cause.into()), Some(cause.into())),
        },
        Err(fault) => (refuse(&id, fault), None),
    };
    let fault = fault.or(unwritable.map(|_| code::INTERNAL_ERROR));
    Answer { document, kind: Kind::Json, fault, unwritable }
}

/// Writes what became of a batch's calls, in order; where all are notifications nothing.
pub(crate) fn write_batch(ids: Vec<Option<Id>>, made: Vec<Made>) -> Answer {
    let mut document = Vec::new();
    for (id, made) in ids.into_iter().zip(made).filter_map(|(id, made)| Some((id?, made))) {
        let answer = match made {
            Ok((value, returns)) => write(Ok(value), returns, Some(id)),
            Err(fault) => write(Err(fault), TypeName::Any, Some(id)),
        };
        document.push(if document.is_empty() { b'[' } else { b',' });
        document.extend_from_slice(&answer.document);
    }
    if document.is_empty() {
        return Answer { document, kind: Kind::Nothing, fault: None, unwritable: None };
    }
    document.push(b']');
    Answer { document, kind: Kind::Json, fault: None, unwritable: None }
}

fn refuse(id: &Id, mut fault: Fault) -> Vec<u8> {
    if fault.code == code::METHOD_NOT_FOUND {
        fault.message = METHOD_NOT_FOUND.to_owned();
    }
    encode_error(id, &fault)
}
