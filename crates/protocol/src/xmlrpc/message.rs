use super::fault::Fault;
use super::value::Value;

/// A call: the name of a method and what is passed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodCall {
    /// The method's name, never empty when it was read from a document.
    pub name: String,
    /// The parameters, in order.
    pub params: Vec<Value>,
}

/// What a call is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum MethodResponse {
    /// The method's result.
    Success(Value),
    /// Why there is none.
    Fault(Fault),
}
