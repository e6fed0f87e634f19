//! The protocols by which published methods are called. A door turns a request into a call, and a
//! result into a response; what stands before every door is the [`edge`](crate::edge)'s.

pub(crate) mod json;
pub(crate) mod jsonrpc;
pub(crate) mod page;
pub(crate) mod xmlrpc;

use axum::http::StatusCode;
use protocol::json::Id;
use protocol::xmlrpc::{Dialect, EncodeError, Fault, Limits, TypeName, Value};

use crate::registry::Params;

/// How a request's document is to be read: by which door it came, and what its head says of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// XML-RPC, in the charset that the head names.
    XmlRpc(Option<String>),
    /// JSON-RPC.
    #[default]
    JsonRpc,
    /// The parameters of the method of this name.
    Json(Box<str>),
}

/// What a document asks for.
pub(crate) enum Asked {
    /// A call.
    Call(Call),
    /// Calls that are answered together.
    Batch(jsonrpc::Batch),
    /// What cannot be called, for this reason.
    Nothing(Fault, Manner),
}

/// A call, as its door read it.
pub(crate) struct Call {
    /// The method's name.
    pub(crate) name: String,
    /// What it is called with.
    pub(crate) params: Params,
    /// How it is answered.
    pub(crate) manner: Manner,
}

/// How a call is answered.
#[derive(Debug)]
pub(crate) enum Manner {
    /// By a document of XML-RPC.
    XmlRpc(Dialect),
    /// By one of JSON-RPC with this id. A notification has none, and is not answered.
    JsonRpc(Option<Id>),
    /// By the result alone, or a problem.
    Json,
}

/// A document that answers a call.
pub(crate) struct Answer {
    /// The document.
    pub(crate) document: Vec<u8>,
    /// What it is.
    pub(crate) kind: Kind,
    /// The fault's code, if it tells one.
    pub(crate) fault: Option<i32>,
    /// Why the result was not written.
    pub(crate) unwritable: Option<EncodeError>,
}

/// What a document that answers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// XML.
    Xml,
    /// JSON.
    Json,
    /// The details of a problem (RFC 9457), which has this status.
    Problem(StatusCode),
    /// The page.
    Page,
    /// None: there is nothing to say.
    Nothing,
}

impl Form {
    /// Whether the document is XML; else it is JSON.
    pub(crate) fn is_xml(&self) -> bool {
        matches!(self, Self::XmlRpc(_))
    }

    /// Reads a document, of which a batch has so many calls at most.
    pub(crate) fn read(self, document: &[u8], limits: &Limits, max_batch: usize) -> Asked {
        match self {
            Self::XmlRpc(charset) => xmlrpc::read(document, charset.as_deref(), limits),
            Self::JsonRpc => jsonrpc::read(document, limits, max_batch),
            Self::Json(method) => json::read(method, document, limits),
        }
    }
}

impl Manner {
    /// Writes what a call ended with, of a method that `returns` what it says.
    pub(crate) fn write(self, result: Result<Value, Fault>, returns: TypeName) -> Answer {
        match self {
            Self::XmlRpc(dialect) => xmlrpc::write(result, dialect),
            Self::JsonRpc(id) => jsonrpc::write(result, returns, id),
            Self::Json => json::write(result, returns),
        }
    }
}
