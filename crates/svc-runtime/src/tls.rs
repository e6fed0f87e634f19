//! TLS at a listener: its certificate, the clients' ones, and the handshake. The one file that
//! names rustls.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use clap::Args;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use crate::address::ListenAddr;
use crate::certificate::{self, Untimely};
use crate::pem::{self, BadFile, Section};
use crate::transport::Transport;

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
    #[arg(long, env)]
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

impl From<BadFile> for TlsError {
    fn from(error: BadFile) -> Self {
        Self(error.to_string())
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
    /// Reads the files that `settings` name, if they say where to listen. `protocols` are what is
    /// spoken inside (ALPN, RFC 7301).
    pub fn read(
        settings: &TlsSettings,
        protocols: &'static [&'static [u8]],
    ) -> Result<Option<Self>, TlsError> {
        if settings.tls_client_required {
            named(&settings.tls_client_ca, "--tls-client-ca")?;
        }
        if settings.tls_listen.is_empty() {
            let files = [&settings.tls_cert, &settings.tls_key, &settings.tls_client_ca];
            if files.iter().any(|file| file.is_some()) {
                warn!("files for TLS are named, and nowhere is TLS listened for: --tls-listen");
            }
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

    /// Makes the handshake with a peer. Where it fails, the peer was told so.
    pub(crate) async fn accept(
        &self,
        transport: Transport,
    ) -> Result<TlsStream, (io::Error, Transport)> {
        let config = self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(config).accept(transport).into_fallible().await
    }
}

/// The subject of the certificate that the client showed, as RFC 2253 writes it.
pub(crate) fn client_subject(stream: &TlsStream) -> Option<Arc<str>> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    certificate::subject(certificate).map(Into::into)
}

fn server_config(settings: &TlsSettings, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unexpected)?;
    let builder = match &settings.tls_client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let is_required = settings.tls_client_required;
            builder.with_client_cert_verifier(client_verifier(path, is_required, &provider)?)
        }
    };
    let certificate = named(&settings.tls_cert, "--tls-cert")?;
    let key = named(&settings.tls_key, "--tls-key")?;
    let identity = identity(certificate, key, &provider)?;
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // In the clients' keeping, and made anew with each configuration: ours to forget.
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(unexpected)?;
    // Each costs a handshake its making and its bytes, and callers keep their connections.
    config.send_tls13_tickets = 1;
    Ok(config)
}

fn unexpected(error: rustls::Error) -> TlsError {
    TlsError(format!("TLS: {error}"))
}

fn named<'a>(path: &'a Option<PathBuf>, option: &str) -> Result<&'a Path, TlsError> {
    path.as_deref().ok_or_else(|| TlsError(format!("TLS: expected a file by {option}")))
}

fn identity(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, BadFile> {
    let chain = certificates(certificate)?;
    let (line, der) = private_key(key)?;
    let signer = provider
        .key_provider
        .load_private_key(der)
        .map_err(|_| BadFile::at(key, line, "expected a key of RSA, ECDSA or Ed25519"))?;
    let identity = CertifiedKey::new(chain, signer);
    if identity.keys_match() == Err(InconsistentKeys::KeyMismatch.into()) {
        let why = format!("expected the key of the certificate in {}", certificate.display());
        return Err(BadFile::at(key, line, why));
    }
    warn_of_time(certificate, identity.cert.first());
    warn_of_readers(key);
    Ok(identity)
}

/// Where the private key begins in the file at `path`, and the key.
fn private_key(path: &Path) -> Result<(usize, PrivateKeyDer<'static>), BadFile> {
    let sections = pem::read(path)?;
    let kind = sections.first().map(|section| section.kind);
    let key = sections.into_iter().find_map(|Section { kind, der, line }| {
        PrivateKeyDer::from_pem(kind, der).map(|key| (line, key))
    });
    key.ok_or_else(|| BadFile::new(path, expected("a private key without a password", kind)))
}

/// The certificates in the file at `path`, one at least.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let (mut found, mut other) = (Vec::new(), None);
    for Section { kind, der, line } in pem::read(path)? {
        if kind != SectionKind::Certificate {
            other = other.or(Some(kind));
            continue;
        }
        let certificate = CertificateDer::from(der);
        if ParsedCertificate::try_from(&certificate).is_err() {
            return Err(BadFile::at(path, line, "expected a certificate in this section of PEM"));
        }
        found.push(certificate);
    }
    if found.is_empty() {
        return Err(BadFile::new(path, expected("certificates", other)));
    }
    Ok(found)
}

fn expected(wanted: &str, found: Option<SectionKind>) -> String {
    let found = match found {
        None => "none",
        Some(SectionKind::Certificate) => "a certificate",
        Some(SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey) => {
            "a private key"
        }
        Some(_) => "something else",
    };
    format!("expected {wanted} in PEM, found {found}")
}

fn client_verifier(
    path: &Path,
    is_required: bool,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, BadFile> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        warn_of_time(path, Some(&certificate));
        authorities.add(certificate).map_err(|error| BadFile::new(path, error))?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone());
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| BadFile::new(path, error))
}

/// Clients will not like it, and it is theirs to say so.
fn warn_of_time(path: &Path, certificate: Option<&CertificateDer<'_>>) {
    let file = path.display();
    match certificate.and_then(|der| certificate::untimely(der, SystemTime::now())) {
        Some(Untimely::Expired(ended)) => warn!(%file, ended, "the certificate has expired"),
        Some(Untimely::NotYetValid(begins)) => {
            warn!(%file, begins, "the certificate is not valid yet");
        }
        None => {}
    }
}

fn warn_of_readers(key: &Path) {
    let mode = std::fs::metadata(key).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o004 != 0) {
        warn!(file = %key.display(), "others can read the private key");
    }
}
