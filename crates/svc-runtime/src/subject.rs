//! Whom a certificate was made for, in words.

use std::fmt::Write;

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Any, Encode, Tag, Tagged};
use x509_cert::name::{Name, RelativeDistinguishedName};

/// A name as `openssl x509 -subject -nameopt RFC2253` writes it: the last part first, what is not
/// ASCII as the escaped bytes of UTF-8, and as its encoding in hex what has a type that OpenSSL does
/// not know. `None` where a text is none of its type.
pub(crate) fn spelled(name: &Name) -> Option<String> {
    let parts: Option<Vec<_>> = name.iter_rdn().map(part).collect();
    Some(reversed(parts?, ","))
}

fn part(part: &RelativeDistinguishedName) -> Option<String> {
    let attributes: Option<Vec<_>> = part.iter().map(attribute).collect();
    Some(reversed(attributes?, "+"))
}

fn reversed(mut texts: Vec<String>, separator: &str) -> String {
    texts.reverse();
    texts.join(separator)
}

fn attribute(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    match short_name(&attribute.oid) {
        Some(name) => Some(format!("{name}={}", text(value)?)),
        None => Some(format!("{}={}", attribute.oid, dump(value)?)),
    }
}

fn text(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        // As it is: what is not UTF-8 stays what it is.
        Tag::Utf8String => Some(escaped(bytes)),
        Tag::BmpString => utf16(bytes).map(|text| escaped(text.as_bytes())),
        Tag::NumericString
        | Tag::PrintableString
        | Tag::TeletexString
        | Tag::Ia5String
        | Tag::UtcTime
        | Tag::GeneralizedTime
        | Tag::VisibleString => {
            let latin: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            Some(escaped(latin.as_bytes()))
        }
        _ => dump(value),
    }
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2);
    let is_whole = units.remainder().is_empty();
    let units = units.map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| is_whole)
}

/// RFC 2253, 2.4, with all bytes escaped that are not printable ASCII.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (index, &byte) in bytes.iter().enumerate() {
        let (is_first, is_last) = (index == 0, index + 1 == bytes.len());
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => push_escaped(&mut text, byte),
            b' ' if is_first || is_last => push_escaped(&mut text, byte),
            // OpenSSL takes the one character of a text for its last.
            b'#' if is_first && !is_last => push_escaped(&mut text, byte),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => push_hex(&mut text, "\\", &[byte]),
        }
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    text.extend(['\\', char::from(byte)]);
}

fn push_hex(text: &mut String, before_each: &str, bytes: &[u8]) {
    for byte in bytes {
        // Into a string nothing fails.
        let _ = write!(text, "{before_each}{byte:02X}");
    }
}

fn dump(value: &Any) -> Option<String> {
    let mut text = String::from("#");
    push_hex(&mut text, "", &value.to_der().ok()?);
    Some(text)
}

fn short_name(oid: &ObjectIdentifier) -> Option<&'static str> {
    let known = SHORT_NAMES.iter().find(|(known, _)| known == oid);
    known.map(|(_, name)| *name)
}

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// OpenSSL's short names of what subjects are made of: X.520, PKCS #9, RFC 4524, and the places of
/// extended validation.
const SHORT_NAMES: &[(ObjectIdentifier, &str)] = &[
    (oid("0.9.2342.19200300.100.1.1"), "UID"),
    (oid("0.9.2342.19200300.100.1.3"), "mail"),
    (oid("0.9.2342.19200300.100.1.25"), "DC"),
    (oid("0.9.2342.19200300.100.1.37"), "associatedDomain"),
    (oid("0.9.2342.19200300.100.1.40"), "personalTitle"),
    (oid("0.9.2342.19200300.100.1.41"), "mobileTelephoneNumber"),
    (oid("0.9.2342.19200300.100.1.44"), "uid"),
    (oid("0.9.2342.19200300.100.1.45"), "organizationalStatus"),
    (oid("1.2.840.113549.1.9.1"), "emailAddress"),
    (oid("1.2.840.113549.1.9.2"), "unstructuredName"),
    (oid("1.2.840.113549.1.9.8"), "unstructuredAddress"),
    (oid("1.3.6.1.4.1.311.60.2.1.1"), "jurisdictionL"),
    (oid("1.3.6.1.4.1.311.60.2.1.2"), "jurisdictionST"),
    (oid("1.3.6.1.4.1.311.60.2.1.3"), "jurisdictionC"),
    (oid("2.5.4.3"), "CN"),
    (oid("2.5.4.4"), "SN"),
    (oid("2.5.4.5"), "serialNumber"),
    (oid("2.5.4.6"), "C"),
    (oid("2.5.4.7"), "L"),
    (oid("2.5.4.8"), "ST"),
    (oid("2.5.4.9"), "street"),
    (oid("2.5.4.10"), "O"),
    (oid("2.5.4.11"), "OU"),
    (oid("2.5.4.12"), "title"),
    (oid("2.5.4.13"), "description"),
    (oid("2.5.4.14"), "searchGuide"),
    (oid("2.5.4.15"), "businessCategory"),
    (oid("2.5.4.16"), "postalAddress"),
    (oid("2.5.4.17"), "postalCode"),
    (oid("2.5.4.18"), "postOfficeBox"),
    (oid("2.5.4.19"), "physicalDeliveryOfficeName"),
    (oid("2.5.4.20"), "telephoneNumber"),
    (oid("2.5.4.21"), "telexNumber"),
    (oid("2.5.4.22"), "teletexTerminalIdentifier"),
    (oid("2.5.4.23"), "facsimileTelephoneNumber"),
    (oid("2.5.4.24"), "x121Address"),
    (oid("2.5.4.25"), "internationaliSDNNumber"),
    (oid("2.5.4.26"), "registeredAddress"),
    (oid("2.5.4.27"), "destinationIndicator"),
    (oid("2.5.4.28"), "preferredDeliveryMethod"),
    (oid("2.5.4.29"), "presentationAddress"),
    (oid("2.5.4.30"), "supportedApplicationContext"),
    (oid("2.5.4.31"), "member"),
    (oid("2.5.4.32"), "owner"),
    (oid("2.5.4.33"), "roleOccupant"),
    (oid("2.5.4.34"), "seeAlso"),
    (oid("2.5.4.35"), "userPassword"),
    (oid("2.5.4.36"), "userCertificate"),
    (oid("2.5.4.37"), "cACertificate"),
    (oid("2.5.4.38"), "authorityRevocationList"),
    (oid("2.5.4.39"), "certificateRevocationList"),
    (oid("2.5.4.40"), "crossCertificatePair"),
    (oid("2.5.4.41"), "name"),
    (oid("2.5.4.42"), "GN"),
    (oid("2.5.4.43"), "initials"),
    (oid("2.5.4.44"), "generationQualifier"),
    (oid("2.5.4.45"), "x500UniqueIdentifier"),
    (oid("2.5.4.46"), "dnQualifier"),
    (oid("2.5.4.47"), "enhancedSearchGuide"),
    (oid("2.5.4.48"), "protocolInformation"),
    (oid("2.5.4.49"), "distinguishedName"),
    (oid("2.5.4.50"), "uniqueMember"),
    (oid("2.5.4.51"), "houseIdentifier"),
    (oid("2.5.4.52"), "supportedAlgorithms"),
    (oid("2.5.4.53"), "deltaRevocationList"),
    (oid("2.5.4.54"), "dmdName"),
    (oid("2.5.4.65"), "pseudonym"),
    (oid("2.5.4.72"), "role"),
    (oid("2.5.4.97"), "organizationIdentifier"),
    (oid("2.5.4.98"), "c3"),
    (oid("2.5.4.99"), "n3"),
    (oid("2.5.4.100"), "dnsName"),
];
