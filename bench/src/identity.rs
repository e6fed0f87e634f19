//! The certificate that servers show, by the `openssl` command.

use std::io::{self, Error};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ARGUMENTS: &str =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";

/// The files of a certificate, which signs itself, and of its key.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Identity {
    /// Makes one in the directory `dir`.
    pub fn create(dir: &Path) -> io::Result<Identity> {
        let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
        let status = Command::new("openssl")
            .args(ARGUMENTS.split(' '))
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key)
            .stderr(Stdio::null())
            .status()
            .map_err(|error| Error::other(format!("openssl: {error}")))?;
        if !status.success() {
            return Err(Error::other("openssl made no certificate"));
        }
        Ok(Identity { certificate, key })
    }
}
