/// Options and newtypes in one another that are looked through: a type may be endlessly many, as
/// `struct Chain(Option<Box<Chain>>)` is.
pub(super) const MAX_WRAPPERS: usize = 64;
