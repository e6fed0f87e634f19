use super::error::{ToValueError, TypeError};
use super::type_name::TypeName;
use crate::xmlrpc::Value;

/// How a `T` is named, read and written without its own serde, which would make a string of it.
pub(super) struct Direct<T> {
    pub(super) name: TypeName,
    pub(super) read: fn(Value) -> Result<T, TypeError>,
    pub(super) write: fn(&T) -> Result<Value, ToValueError>,
}
