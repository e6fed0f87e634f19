//! Whom a certificate was made for, in words.

use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The subject of a certificate in DER, as RFC 2253 writes it; `None` where it cannot be read.
pub(crate) fn of(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate().subject().to_string())
}
