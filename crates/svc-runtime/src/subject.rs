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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use x509_cert::Certificate;
    use x509_cert::der::Decode;

    use super::*;

    /// Unknown to OpenSSL, but for where it makes the certificate.
    const CONFIG: &str = "oid_section = oids\n\
        [oids]\nours = 1.3.6.1.4.1.99999.1\n\
        [req]\ndistinguished_name = names\n[names]\n";

    struct Openssl(PathBuf);

    impl Openssl {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            let (key, curve) = (dir.join("key"), "ec_paramgen_curve:P-256");
            let key = key.to_str().unwrap();
            run(&dir, &["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", key]);
            Self(dir)
        }

        /// The subject of a certificate for `subject` as we spell it and as OpenSSL does. `mask`
        /// names the types of its texts.
        fn spellings(&self, subject: &str, mask: &str) -> (Option<String>, String) {
            let config = format!("{CONFIG}[req]\nstring_mask = {mask}\n");
            fs::write(self.0.join("config"), config).unwrap();
            let args = ["req", "-x509", "-config", "config", "-key", "key", "-utf8"];
            let files = ["-multivalue-rdn", "-outform", "DER", "-out", "certificate"];
            run(&self.0, &[&args[..], &files, &["-subj", subject]].concat());
            let args = ["x509", "-inform", "DER", "-in", "certificate", "-noout", "-subject"];
            let openssls = run(&self.0, &[&args[..], &["-nameopt", "RFC2253"]].concat());
            let der = fs::read(self.0.join("certificate")).unwrap();
            let certificate = Certificate::from_der(&der).unwrap();
            let openssls = openssls.strip_prefix("subject=").unwrap().trim_end_matches('\n');
            (spelled(certificate.tbs_certificate().subject()), openssls.to_owned())
        }
    }

    impl Drop for Openssl {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn run(dir: &Path, args: &[&str]) -> String {
        let ran = Command::new("openssl").args(args).current_dir(dir).output().unwrap();
        assert!(ran.status.success(), "{args:?} {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }

    #[test]
    fn subjects_are_spelled_as_openssl_spells_them() {
        let openssl = Openssl::new("subjects");
        let check = |subject: &str, mask: &str, expected: &str| {
            let (ours, openssls) = openssl.spellings(subject, mask);
            assert_eq!(openssls, expected, "{subject}");
            assert_eq!(ours.as_deref(), Some(expected), "{subject}");
        };
        let utf8 = "utf8only";
        check("/CN=robot", utf8, "CN=robot");
        check("/", utf8, "");
        check("/C=DE/O=Radio/OU=A/OU=B/CN=robot", utf8, "CN=robot,OU=B,OU=A,O=Radio,C=DE");
        check("/O=Radio/OU=A+CN=robot+UID=7", utf8, "UID=7+CN=robot+OU=A,O=Radio");
        check("/CN=a/emailAddress=a@b.example", utf8, "emailAddress=a@b.example,CN=a");
        check("/DC=org/DC=example/UID=ana", utf8, "UID=ana,DC=example,DC=org");
        check("/GN=Ana/SN=B/serialNumber=1", utf8, "serialNumber=1,SN=B,GN=Ana");
        check("/CN=André", utf8, r"CN=Andr\C3\A9");
        check("/CN=日本😀", utf8, r"CN=\E6\97\A5\E6\9C\AC\F0\9F\98\80");
        check("/CN=a,b\\+c\"d<e>f;g=h\\\\i", utf8, r#"CN=a\,b\+c\"d\<e\>f\;g=h\\i"#);
        check("/CN= a  b ", utf8, r"CN=\ a  b\ ");
        check("/CN= ", utf8, r"CN=\ ");
        check("/CN=##", utf8, r"CN=\##");
        check("/CN=#", utf8, "CN=#");
        check("/CN=a\tb\u{7f}\n", utf8, r"CN=a\09b\7F\0A");
        check("/CN=a\\/b", utf8, "CN=a/b");
        check("/ours=André/CN=a", utf8, "CN=a,1.3.6.1.4.1.99999.1=#0C06416E6472C3A9");
        // BMPString, T61String (as Latin-1), PrintableString.
        check("/CN=André", "MASK:0x800", r"CN=Andr\C3\A9");
        check("/CN=André #", "MASK:0x4", r"CN=Andr\C3\A9 #");
        check("/CN=Andre/C=DE", "MASK:0x2", "C=DE,CN=Andre");
    }

    #[test]
    fn short_names_are_openssls() {
        let objects = run(Path::new("."), &["list", "-objects"]);
        let of_subjects = objects.lines().filter_map(|line| {
            let (names, oid) = line.rsplit_once([' '])?;
            let (name, _) = names.split_once(" =")?;
            Some((oid.parse::<ObjectIdentifier>().ok()?, name))
        });
        let mut seen = 0;
        for (oid, name) in of_subjects {
            let ours = short_name(&oid);
            let is_of_x520 = oid.to_string().starts_with("2.5.4.");
            assert!(ours == Some(name) || ours.is_none() && !is_of_x520, "{oid} {name} {ours:?}");
            seen += usize::from(ours.is_some());
        }
        assert_eq!(seen, SHORT_NAMES.len());
    }
}
