use super::dialect::Dialect;
use super::fault::Fault;
use super::value::Value;

/// A call: the name of a method and what is passed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodCall {
    /// The method's name, never empty when it was read from a document.
    pub name: String,
    /// The parameters, in order.
    pub params: Vec<Value>,
    /// How the call is written, or was, and its answer is to be.
    pub dialect: Dialect,
}

impl MethodCall {
    /// A call in the standard dialect.
    pub fn new(name: impl Into<String>, params: Vec<Value>) -> MethodCall {
        MethodCall { name: name.into(), params, dialect: Dialect::Standard }
    }
}

/// What a call is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum MethodResponse {
    /// The method's result.
    Success(Value),
    /// Why there is none.
    Fault(Fault),
}
