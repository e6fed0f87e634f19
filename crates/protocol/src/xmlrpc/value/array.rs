use std::fmt;

use super::{TooDeep, Value, depth_around};

/// Values in order, nested no deeper than [`MAX_VALUE_DEPTH`](super::MAX_VALUE_DEPTH).
#[derive(Clone, PartialEq)]
pub struct Array {
    values: Vec<Value>,
    depth: u16,
}

impl Array {
    /// The values.
    pub fn as_slice(&self) -> &[Value] {
        &self.values
    }

    /// The values, taken out.
    pub fn into_vec(self) -> Vec<Value> {
        self.values
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.values.iter()
    }

    /// Levels of values, the array included.
    pub(super) fn depth(&self) -> usize {
        self.depth.into()
    }
}

impl TryFrom<Vec<Value>> for Array {
    type Error = TooDeep;

    fn try_from(values: Vec<Value>) -> Result<Array, TooDeep> {
        let depth = depth_around(values.iter())?;
        Ok(Array { values, depth })
    }
}

impl Default for Array {
    fn default() -> Array {
        Array { values: Vec::new(), depth: 1 }
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.values).finish()
    }
}

impl IntoIterator for Array {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
