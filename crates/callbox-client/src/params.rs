//! What a method is called with.

use std::fmt;

use protocol::xmlrpc::{Value, to_value};
use serde::Serialize;

/// What a method is called with: a tuple of up to twelve values that serde can write, `()` for
/// nothing, or a `Vec<Value>`.
///
/// Bytes are [`Base64`](crate::Base64), and a date and time is a [`DateTime`](crate::DateTime).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of parameters",
    label = "expected a tuple or `Vec<Value>`",
    note = "one parameter alone is a tuple too: `(2,)`; none are `()`"
)]
pub trait Params {
    /// The values, in order.
    fn into_values(self) -> Result<Vec<Value>, BadParams>;
}

impl Params for Vec<Value> {
    fn into_values(self) -> Result<Vec<Value>, BadParams> {
        Ok(self)
    }
}

impl Params for () {
    fn into_values(self) -> Result<Vec<Value>, BadParams> {
        Ok(Vec::new())
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))+) => {$(
        impl<$($name: Serialize),+> Params for ($($name,)+) {
            fn into_values(self) -> Result<Vec<Value>, BadParams> {
                Ok(vec![$(value(&self.$index, $index)?),+])
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
}

fn value(param: &impl Serialize, index: usize) -> Result<Value, BadParams> {
    to_value(param).map_err(|error| BadParams::new(format_args!("params[{index}]: {error}")))
}

/// Parameters that have no form in XML-RPC: an integer beyond 64 bits, a double that is not finite, a
/// character that XML cannot carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParams(String);

impl BadParams {
    pub(crate) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for BadParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadParams {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[track_caller]
    fn check(params: impl Params, expected: &[Value]) {
        assert_eq!(params.into_values().unwrap(), expected);
    }

    #[test]
    fn tuples_and_lists_are_parameters() {
        check((), &[]);
        check((2,), &[2.into()]);
        check(("a", 1.5, true), &["a".into(), 1.5.into(), true.into()]);
        check((None::<i32>, Some("x")), &[Value::Nil, "x".into()]);
        check(vec![Value::from(7)], &[7.into()]);
        let text = String::from("borrowed");
        check((&text, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), &{
            let mut values = vec![Value::from("borrowed")];
            values.extend((1..12).map(Value::from));
            values
        });
    }

    #[test]
    fn what_cannot_be_a_value_is_told_by_its_place() {
        let error = (1, u64::MAX).into_values().unwrap_err();
        assert_eq!(error.to_string(), "params[1]: an integer is beyond 64 bits");
        let map = BTreeMap::from([((1, 2), 3)]);
        assert!((map,).into_values().unwrap_err().to_string().starts_with("params[0]: "));
    }
}
