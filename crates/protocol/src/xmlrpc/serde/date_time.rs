/// The newtype struct that a date and time passes through serde as; other formats see its text.
pub(super) const DATE_TIME: &str = "$xmlrpc::DateTime";
