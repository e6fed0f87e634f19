//! TLS at a listener: its certificate, the clients' ones, and the handshake. The one file that
//! names rustls.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use clap::Args;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, server::danger::ClientCertVerifier};
use tokio_rustls::TlsAcceptor;

use crate::address::ListenAddr;
use crate::stream::Transport;
use crate::subject;

/// A connection's bytes by TLS.
pub type TlsStream = tokio_rustls::server::TlsStream<Transport>;

/// Where TLS is spoken, and who we are there.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsSettings {
    /// Where to listen with TLS; a list
    #[arg(long, env = "TLS_LISTEN_ADDR", value_delimiter = ',', requires_all = ["tls_cert", "tls_key"], value_name = "ADDR")]
    pub tls_listen: Vec<ListenAddr>,

    /// The certificate and its chain, PEM, in order
    #[arg(long, env, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM
    #[arg(long, env, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Ask clients for certificates, of these authorities, PEM
    #[arg(long, env, value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,

    /// Turn away clients without a certificate
    #[arg(long, env, requires = "tls_client_ca")]
    pub tls_client_required: bool,
}

/// The files cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

impl TlsError {
    fn new(path: &Path, why: impl fmt::Display) -> Self {
        Self(format!("{}: {why}", path.display()))
    }
}

/// Certificates and keys as they were read last; clones share them.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    settings: TlsSettings,
    protocols: &'static [&'static [u8]],
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files that `settings` name, if they say where to listen. `protocols` are what is spoken inside (ALPN, RFC 7301).
    pub fn read(
        settings: &TlsSettings,
        protocols: &'static [&'static [u8]],
    ) -> Result<Option<Self>, TlsError> {
        if settings.tls_listen.is_empty() {
            return Ok(None);
        }
        let config = RwLock::new(Arc::new(server_config(settings, protocols)?));
        Ok(Some(Self(Arc::new(Inner { settings: settings.clone(), protocols, config }))))
    }

    /// Reads the files again: all of them, or none. Connections that are open stay, and sessions
    /// that were begun before are not resumed.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = server_config(&self.0.settings, self.0.protocols)?;
        *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(())
    }

    /// Makes the handshake with a peer.
    pub(crate) async fn accept(&self, transport: Transport) -> io::Result<TlsStream> {
        let config = self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(config).accept(transport).await
    }
}

/// The subject of the certificate that the client showed, as RFC 2253 writes it.
pub(crate) fn client_subject(stream: &TlsStream) -> Option<Arc<str>> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    subject::of(certificate).map(Into::into)
}

fn server_config(settings: &TlsSettings, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError(error.to_string()))?;
    let builder = match &settings.tls_client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let is_required = settings.tls_client_required;
            builder.with_client_cert_verifier(client_verifier(path, is_required, &provider)?)
        }
    };
    let (certificate, key) =
        (file(&settings.tls_cert, "--tls-cert")?, file(&settings.tls_key, "--tls-key")?);
    let identity = identity(certificate, key, &provider)?;
    let mut config =
        builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity)));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // In the clients' keeping, and made anew with each configuration: ours to forget.
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| TlsError(error.to_string()))?;
    Ok(config)
}

fn file<'a>(path: &'a Option<PathBuf>, option: &str) -> Result<&'a Path, TlsError> {
    path.as_deref().ok_or_else(|| TlsError(format!("{option} is missing")))
}

fn identity(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(certificate)?;
    let der = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => {
            TlsError::new(key, "expected a private key in PEM, found none")
        }
        error => TlsError::new(key, spelled(&error)),
    })?;
    let signer = provider
        .key_provider
        .load_private_key(der)
        .map_err(|_| TlsError::new(key, "expected a key of RSA, ECDSA or Ed25519"))?;
    let identity = CertifiedKey::new(chain, signer);
    match identity.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(identity)
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::new(
            key,
            format!("not the key of the certificate in {}", certificate.display()),
        )),
        Err(error) => Err(TlsError::new(certificate, error)),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path)
        .map_err(|error| TlsError::new(path, spelled(&error)))?;
    let found = read
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::new(path, spelled(&error)))?;
    if found.is_empty() {
        return Err(TlsError::new(path, "expected certificates in PEM, found none"));
    }
    Ok(found)
}

/// What is wrong with a file of PEM, or with reading it.
fn spelled(error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(error) => error.to_string(),
        error => format!("expected PEM: {error}"),
    }
}

fn client_verifier(
    path: &Path,
    is_required: bool,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        authorities.add(certificate).map_err(|error| TlsError::new(path, error))?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone());
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| TlsError::new(path, error))
}
