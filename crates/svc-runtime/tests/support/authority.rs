//! An authority that makes certificates for one test, by the `openssl` command.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

const CONFIG: &str = "
[ca]
default_ca = tests
[tests]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
x509_extensions = leaf
[any]
commonName = optional
[leaf]
subjectAltName = DNS:localhost,IP:127.0.0.1
extendedKeyUsage = serverAuth,clientAuth
basicConstraints = critical,CA:FALSE
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[own]
subjectAltName = DNS:localhost
basicConstraints = critical,CA:TRUE
[req]
distinguished_name = any
";

/// How keys are made.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// When a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

/// An authority and the directory of its files, which goes with it.
pub(crate) struct Authority {
    dir: PathBuf,
}

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("authority-{}-{made}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();
        let authority = Self { dir };
        authority.write("openssl.cnf", CONFIG);
        authority.write("index.txt", "");
        let args = ["req", "-x509", "-config", "openssl.cnf", "-extensions", "authority"];
        let files = ["-keyout", "ca.key", "-out", "ca.pem", "-days", "90"];
        authority.openssl(&[&args[..], &KEY, &files, &["-subj", "/CN=Authority"]].concat());
        authority
    }

    /// The file of its own certificate.
    pub(crate) fn certificate(&self) -> String {
        self.path("ca.pem")
    }

    /// A certificate for `localhost`, valid now.
    pub(crate) fn localhost(&self) -> Identity {
        self.issue("localhost", "/CN=localhost", Validity::Now)
    }

    /// A certificate for `subject`, such as `/CN=robot`, in files called `name`.
    pub(crate) fn issue(&self, name: &str, subject: &str, validity: Validity) -> Identity {
        self.made(name, subject, validity, &["-cert", "ca.pem", "-keyfile", "ca.key"])
    }

    /// A certificate that is made `by` the authority, or another.
    fn made(&self, name: &str, subject: &str, validity: Validity, by: &[&str]) -> Identity {
        let file = |kind: &str| format!("{name}.{kind}");
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        let args = ["req", "-new", "-config", "openssl.cnf", "-utf8", "-multivalue-rdn"];
        let files = ["-subj", subject, "-keyout", &key, "-out", &request];
        self.openssl(&[&args[..], &KEY, &files].concat());
        let args = ["ca", "-config", "openssl.cnf", "-batch", "-notext", "-preserveDN", "-utf8"];
        let files = ["-in", &request, "-out", &certificate];
        let dates: &[_] = match validity {
            Validity::Now => &["-days", "90"],
            Validity::Past => &["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"],
            Validity::Future => &["-startdate", "20900101000000Z", "-enddate", "20900201000000Z"],
        };
        self.openssl(&[&args[..], by, &files, dates].concat());
        Identity { certificate: self.path(&certificate), key: self.path(&key) }
    }

    /// A certificate for `localhost` that nobody but itself has made, and that is an authority's:
    /// what `openssl req -x509` makes.
    pub(crate) fn of_its_own(&self, validity: Validity) -> Identity {
        let by_itself = ["-selfsign", "-keyfile", "own.key", "-extensions", "own"];
        self.made("own", "/CN=localhost", validity, &by_itself)
    }

    /// The path of the file `name` of its directory.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file, and gives back its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.dir.join(name), content).unwrap();
        self.path(name)
    }

    fn openssl(&self, args: &[&str]) {
        let ran = Command::new("openssl").args(args).current_dir(&self.dir).output().unwrap();
        assert!(ran.status.success(), "{args:?} {}", String::from_utf8_lossy(&ran.stderr));
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Identity {
    /// What has a service show this certificate.
    pub(crate) fn args(&self) -> [&str; 4] {
        ["--tls-cert", &self.certificate, "--tls-key", &self.key]
    }

    /// Puts this in the files of `other`.
    pub(crate) fn replace(&self, other: &Self) {
        fs::copy(&self.certificate, &other.certificate).unwrap();
        fs::copy(&self.key, &other.key).unwrap();
    }
}
