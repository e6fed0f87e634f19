//! TLS to a server: whom we believe, and who we are. The one file that names rustls.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, InconsistentKeys, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::{BadEndpoint, EndpointSettings, Setting};

/// A connection's bytes by TLS.
pub(crate) type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// What is spoken inside (ALPN, RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// Whom we believe, as which name, and who we are.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files that `settings` name, and the system's authorities where they name none.
    pub(crate) fn read(host: &str, settings: &EndpointSettings) -> Result<Self, BadEndpoint> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            BadEndpoint::new(Setting::Url, "expected a name that certificates have")
        })?;
        let (roots, named) = match &settings.ca {
            Some(path) => own_roots(path)?,
            None => (system_roots()?, Vec::new()),
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trust = Trust::new(roots, named, provider.clone())?;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| BadEndpoint::new(Setting::Url, error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust));
        let mut config = match (&settings.certificate, &settings.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let identity = identity(certificate, key, &provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            (None, Some(_)) => return Err(BadEndpoint::new(Setting::Certificate, MISSING)),
            (Some(_), None) => return Err(BadEndpoint::new(Setting::Key, MISSING)),
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Makes the handshake with a server that shows a certificate of the name.
    pub(crate) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

const MISSING: &str = "expected a certificate and its key, both or none";

/// The authorities that a file names, and the certificates that it has.
fn own_roots(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), BadEndpoint> {
    let mut roots = RootCertStore::empty();
    let named = certificates(path, Setting::Ca)?;
    for certificate in &named {
        roots.add(certificate.clone()).map_err(|_| {
            BadEndpoint::of_file(Setting::Ca, path, "expected certificates of authorities")
        })?;
    }
    Ok((roots, named))
}

/// The system's authorities, those left out that cannot be read.
fn system_roots() -> Result<RootCertStore, BadEndpoint> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let why = "found no authorities on this system; expected a file of those to believe";
        return Err(BadEndpoint::new(Setting::Ca, why));
    }
    Ok(roots)
}

/// Whom we believe: who shows a certificate that an authority has made, or one that is named itself.
#[derive(Debug)]
struct Trust {
    authorities: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, BadEndpoint> {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let authorities =
            builder.build().map_err(|error| BadEndpoint::new(Setting::Ca, error.to_string()))?;
        Ok(Self { authorities, named })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.authorities.verify_server_cert(shown, chain, name, ocsp, now) {
            // A device that made its certificate itself often shows one that is an authority's too,
            // which counts for no server's. Its time was looked at before that.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.named.contains(shown) =>
            {
                verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

fn identity(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, BadEndpoint> {
    let chain = certificates(certificate, Setting::Certificate)?;
    let bad_key = |why: &str| BadEndpoint::of_file(Setting::Key, key, why);
    let der = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::Io(error) => BadEndpoint::of_file(Setting::Key, key, error),
        _ => bad_key("expected a private key without a password in PEM"),
    })?;
    let signer = provider
        .key_provider
        .load_private_key(der)
        .map_err(|_| bad_key("expected a key of RSA, ECDSA or Ed25519"))?;
    let identity = CertifiedKey::new(chain, signer);
    match identity.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(identity),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(bad_key("expected the key of the certificate"))
        }
        Err(_) => {
            let why = "expected a certificate first";
            Err(BadEndpoint::of_file(Setting::Certificate, certificate, why))
        }
    }
}

/// The certificates in the file at `path`, one at least.
fn certificates(
    path: &Path,
    setting: Setting,
) -> Result<Vec<CertificateDer<'static>>, BadEndpoint> {
    let bad = |error| match error {
        pem::Error::Io(error) => BadEndpoint::of_file(setting, path, error),
        _ => BadEndpoint::of_file(setting, path, "expected certificates in PEM"),
    };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(bad)?;
    if found.is_empty() {
        return Err(BadEndpoint::of_file(setting, path, "expected certificates in PEM"));
    }
    Ok(found)
}
