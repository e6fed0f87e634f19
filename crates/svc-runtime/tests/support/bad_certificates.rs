//! Each mistake that the files for TLS can have, and what a service says of it.

use std::fs;

use super::authority::{Authority, Identity, Validity};
use super::support::run_to_end;

/// Files with a mistake.
pub(crate) struct Mistake {
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// What the clients' certificates are made by.
    pub(crate) client_ca: String,
    /// What the one line tells.
    pub(crate) told: String,
}

impl Mistake {
    /// The certificate, the key, and who makes the clients' certificates.
    pub(crate) fn files(&self) -> [&str; 3] {
        [&self.certificate, &self.key, &self.client_ca]
    }
}

/// Starts `binary` with each of them.
pub(crate) fn each_mistake_ends_the_start(binary: &str, ports: &[&str]) {
    let authority = Authority::new();
    for mistake in mistakes(&authority) {
        let [certificate, key, client_ca] = mistake.files();
        let files = ["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", client_ca];
        let ended = run_to_end(binary, &[ports, &files].concat(), &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        let line = ended.stderr.strip_prefix("error: ").unwrap_or_default();
        assert!(line.starts_with(&mistake.told), "{} in {ended:?}", mistake.told);
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

/// Every kind of mistake in each file.
pub(crate) fn mistakes(authority: &Authority) -> Vec<Mistake> {
    let good = authority.issue("good", "/CN=localhost", Validity::Now);
    let other = authority.issue("other", "/CN=localhost", Validity::Now);
    let missing = authority.path("missing.pem");
    let empty = authority.write("empty.pem", "");
    let plain = authority.write("plain.pem", "not PEM\n");
    let certificate = fs::read_to_string(&good.certificate).unwrap();
    let cut = authority.write("cut.pem", &certificate[..certificate.len() - 40]);
    let garbled = certificate.replacen("\nMII", "\n!II", 1);
    assert_ne!(garbled, certificate);
    let garbled = authority.write("garbled.pem", format!("a comment\n{garbled}"));
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let hollow = authority.write("hollow.pem", format!("{certificate}{hollow}"));
    let hollow_line = certificate.lines().count() + 1;
    let hollow_key = "\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let hollow_key = authority.write("hollow.key", hollow_key);
    let with_password = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n\
                         -----END ENCRYPTED PRIVATE KEY-----\n";
    let with_password = authority.write("password.key", with_password);

    let of_any_certificate = [
        (&missing, format!("{missing}: No such file or directory")),
        (&empty, format!("{empty}: expected certificates in PEM, found none")),
        (&plain, format!("{plain}: expected certificates in PEM, found none")),
        (&good.key, format!("{}: expected certificates in PEM, found a private key", good.key)),
        (&cut, format!("{cut}, line 1: expected an END line for this section of PEM")),
        (&garbled, format!("{garbled}, line 2: expected Base64 in this section of PEM")),
        (
            &hollow,
            format!("{hollow}, line {hollow_line}: expected a certificate in this section of PEM"),
        ),
    ];
    let wanted = "expected a private key without a password in PEM, found";
    let not_its_key = format!(
        "{}, line 1: expected the key of the certificate in {}",
        other.key, good.certificate
    );
    let of_key = [
        (&missing, format!("{missing}: No such file or directory")),
        (&empty, format!("{empty}: {wanted} none")),
        (&plain, format!("{plain}: {wanted} none")),
        (&good.certificate, format!("{}: {wanted} a certificate", good.certificate)),
        (&with_password, format!("{with_password}: {wanted} none")),
        (&hollow_key, format!("{hollow_key}, line 2: expected a key of RSA, ECDSA or Ed25519")),
        (&other.key, not_its_key),
    ];

    let mistake = |certificate: &String, key: &String, client_ca: &String, told: &String| Mistake {
        certificate: certificate.clone(),
        key: key.clone(),
        client_ca: client_ca.clone(),
        told: told.clone(),
    };
    let Identity { certificate, key } = &good;
    let ca = &authority.certificate();
    let in_certificate = of_any_certificate.iter().map(|(bad, told)| mistake(bad, key, ca, told));
    let in_key = of_key.iter().map(|(bad, told)| mistake(certificate, bad, ca, told));
    let in_ca = of_any_certificate.iter().map(|(bad, told)| mistake(certificate, key, bad, told));
    in_certificate.chain(in_key).chain(in_ca).collect()
}
