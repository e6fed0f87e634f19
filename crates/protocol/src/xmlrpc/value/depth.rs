use std::fmt;

/// Values nested in values at most, the outermost counted.
///
/// No deeper value can be made, so that dropping, cloning, comparing, printing and writing one,
/// all of which recurse, fit the stack of any thread, in a debug build too.
pub const MAX_VALUE_DEPTH: usize = 256;

/// A value would nest deeper than [`MAX_VALUE_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value nests deeper than {MAX_VALUE_DEPTH} levels")
    }
}

impl std::error::Error for TooDeep {}
