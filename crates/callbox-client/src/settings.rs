//! What a client does that its URL does not say.

use std::path::PathBuf;

use crate::transport::{EndpointSettings, Limits, Login, Way};

/// What a client does that its URL does not say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are, where the URL does not say that.
    pub login: Option<Login>,
    /// A file of the authorities that are believed instead of the system's, PEM.
    pub ca: Option<PathBuf>,
    /// A file of our certificate and its chain, PEM, in order.
    pub certificate: Option<PathBuf>,
    /// A file of the certificate's private key, PEM.
    pub key: Option<PathBuf>,
    /// By what way the server is reached: as the environment says, where it says something.
    pub way: Way,
    /// What a call may take.
    pub limits: Limits,
    /// Whether to ask for answers compressed by gzip: yes.
    pub takes_gzip: bool,
    /// From how many bytes on calls are compressed by gzip: never, for many servers cannot read them.
    pub gzip_from: Option<usize>,
    /// Connections that are kept from one call to the next, at most: 8.
    pub kept_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            login: None,
            ca: None,
            certificate: None,
            key: None,
            way: Way::Environment,
            limits: Limits::default(),
            takes_gzip: true,
            gzip_from: None,
            kept_connections: 8,
        }
    }
}

impl Settings {
    pub(crate) fn endpoint(&self) -> EndpointSettings {
        EndpointSettings {
            login: self.login.clone(),
            takes_gzip: self.takes_gzip,
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            way: self.way.clone(),
        }
    }
}
