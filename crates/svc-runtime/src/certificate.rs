//! What a certificate says of itself.

use std::time::SystemTime;

use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::subject;

/// The subject of a certificate in DER, as RFC 2253 writes it; `None` where it cannot be read.
pub(crate) fn subject(der: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(der).ok()?;
    subject::spelled(certificate.tbs_certificate().subject())
}

/// What is wrong with the time of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Untimely {
    /// It is over since then (RFC 3339).
    Expired(String),
    /// It begins then.
    NotYetValid(String),
}

/// What is wrong with the time of a certificate in DER at `now`, if it can be read.
pub(crate) fn untimely(der: &[u8], now: SystemTime) -> Option<Untimely> {
    let certificate = Certificate::from_der(der).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let (begins, ends) = (validity.not_before, validity.not_after);
    if ends.to_system_time() < now {
        return Some(Untimely::Expired(ends.to_string()));
    }
    (now < begins.to_system_time()).then(|| Untimely::NotYetValid(begins.to_string()))
}
