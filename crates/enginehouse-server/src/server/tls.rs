//! The server's certificate: read when the server starts, and again whenever its files have changed.
//!
//! Certificates are renewed every few weeks by something that writes files and knows nothing of this process, so the files are
//! read again every few seconds and compared with what is in force. That is cheap, and holds for whatever way a file is
//! replaced in: written over, renamed, or moved by a symbolic link of its folder, as Kubernetes does. Connections that are open
//! keep the certificate that they began with.
//!
//! **A bad file changes nothing.** What was in force stays so, and the log and a metric say what is wrong. Certificate and key
//! are two files, and one is written before the other: so only what is found twice in a row is wrong.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use enginehouse_core::time::Timestamp;
use enginehouse_pem::PemError;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::telemetry::Metrics;
use crate::timers::pause;

/// The setting of the CAs of clients.
const CLIENT_CA: &str = "tls_client_ca";
/// How often the same fault has to be found before it is one: files are replaced one after the other.
const LOOKS_TO_BE_SURE: u32 = 2;

/// The files of a server that speaks TLS, all of them in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and behind it those of the CAs in between.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The CAs that vouch for clients; none if nobody is asked for a certificate.
    pub client_ca: Option<PathBuf>,
}

/// Why a server cannot speak TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

impl From<PemError> for TlsError {
    fn from(error: PemError) -> Self {
        Self(error.to_string())
    }
}

/// What a server speaks TLS with. Cheap to clone; the clones are renewed together.
#[derive(Clone)]
pub(super) struct ServerTls(Arc<TlsState>);

struct TlsState {
    files: TlsFiles,
    in_force: RwLock<InForce>,
}

struct InForce {
    contents: PemContents,
    config: Arc<rustls::ServerConfig>,
    /// When the certificate expires, in seconds since 1970.
    expires_at: i64,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.files.fmt(f)
    }
}

/// What the files hold. It has no `Debug`: one of them is a secret.
#[derive(PartialEq, Eq)]
struct PemContents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// A server cannot speak TLS with them.
    pub(super) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let in_force = RwLock::new(files.read()?.for_use(&files)?);
        Ok(Self(Arc::new(TlsState { files, in_force })))
    }

    /// What a connection that is made now is served with.
    pub(super) fn config(&self) -> Arc<rustls::ServerConfig> {
        Arc::clone(&self.0.in_force.read().unwrap_or_else(PoisonError::into_inner).config)
    }

    /// Looks at the files again and again, and serves new connections with what they hold.
    pub(super) async fn keep_fresh(self, every: Duration, metrics: Metrics) {
        self.show_expiry(&metrics);
        let mut fault = ReloadFault::default();
        loop {
            pause(every).await;
            let tls = self.clone();
            // A file may lie on a network.
            let outcome = tokio::task::spawn_blocking(move || tls.look()).await;
            match outcome.unwrap_or_else(|error| Err(TlsError(error.to_string()))) {
                Ok(is_new) => {
                    fault = ReloadFault::default();
                    metrics.tls().set_reload_failed(false);
                    if is_new {
                        metrics.tls().reloaded();
                        self.show_expiry(&metrics);
                        tracing::info!(certificate = %self.0.files.cert.display(), "the certificate was read again");
                    }
                }
                Err(error) => {
                    if fault.is_to_be_told(&error) {
                        metrics.tls().set_reload_failed(true);
                        tracing::error!(%error, "the new certificate cannot be used: connections are served with the last one that could");
                    }
                }
            }
        }
    }

    /// Reads the files once more. Answers whether they have changed.
    fn look(&self) -> Result<bool, TlsError> {
        let TlsState { files, in_force } = &*self.0;
        let contents = files.read()?;
        if in_force.read().unwrap_or_else(PoisonError::into_inner).contents == contents {
            return Ok(false);
        }
        let new = contents.for_use(files)?;
        *in_force.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    fn show_expiry(&self, metrics: &Metrics) {
        metrics.tls().set_expires_at(self.0.in_force.read().unwrap_or_else(PoisonError::into_inner).expires_at);
    }
}

/// What was wrong with the files when they were last looked at, and how often in a row.
#[derive(Default)]
struct ReloadFault {
    last: Option<TlsError>,
    looks: u32,
}

impl ReloadFault {
    /// Whether it is told now: once, when it is certain.
    fn is_to_be_told(&mut self, error: &TlsError) -> bool {
        if self.last.as_ref() != Some(error) {
            *self = Self { last: Some(error.clone()), looks: 0 };
        }
        self.looks = self.looks.saturating_add(1);
        self.looks == LOOKS_TO_BE_SURE
    }
}

impl TlsFiles {
    fn read(&self) -> Result<PemContents, TlsError> {
        Ok(PemContents {
            cert: enginehouse_pem::read(&self.cert, "tls_cert")?,
            key: enginehouse_pem::read_secret(&self.key, "tls_key")?,
            client_ca: self.client_ca.as_deref().map(|path| enginehouse_pem::read(path, CLIENT_CA)).transpose()?,
        })
    }
}

impl PemContents {
    fn for_use(self, files: &TlsFiles) -> Result<InForce, TlsError> {
        let chain = enginehouse_pem::certificates(&self.cert, &files.cert, "tls_cert")?;
        let key = enginehouse_pem::private_key(&self.key, &files.key, "tls_key")?;
        let expires_at = expires_at(&chain[0], &files.cert)?;
        let builder = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(|error| TlsError(error.to_string()))?;
        let verifier = self.client_verifier(files)?;
        let asks_for_certificates = verifier.is_some();
        let builder = match verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            let (cert, key) = (files.cert.display(), files.key.display());
            TlsError(format!("the certificate {cert} (tls_cert) and the key {key} (tls_key) do not fit: {error}"))
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if asks_for_certificates {
            // A session that is resumed is as old as its first handshake, and so is what it knows of a certificate.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(InForce { contents: self, config: Arc::new(config), expires_at })
    }
}

impl PemContents {
    /// Looks at the certificates of clients that have one. Whether a caller needs one is not for the handshake to say.
    fn client_verifier(&self, files: &TlsFiles) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let Some((text, path)) = self.client_ca.as_ref().zip(files.client_ca.as_ref()) else { return Ok(None) };
        let refused = |why: String| TlsError::from(PemError::new(path, CLIENT_CA, why));
        let mut roots = RootCertStore::empty();
        for certificate in enginehouse_pem::certificates(text, path, CLIENT_CA)? {
            roots.add(certificate).map_err(|error| refused(format!("holds what no CA has: {error}")))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::new(ring::default_provider()))
            .allow_unauthenticated()
            .build();
        Ok(Some(verifier.map_err(|error| refused(format!("cannot be used: {error}")))?))
    }
}

/// When the certificate in a file expires.
///
/// # Errors
/// There is none in it.
pub fn certificate_expires_at(cert: &Path) -> Result<Timestamp, TlsError> {
    let chain = enginehouse_pem::certificates(&enginehouse_pem::read(cert, "tls_cert")?, cert, "tls_cert")?;
    Ok(Timestamp::from_millis(expires_at(&chain[0], cert)?.saturating_mul(1_000)))
}

fn expires_at(certificate: &CertificateDer<'_>, path: &Path) -> Result<i64, TlsError> {
    let read = Certificate::from_der(certificate)
        .map_err(|error| TlsError(format!("{} (tls_cert) holds no certificate: {error}", path.display())))?;
    let since_1970 = read.tbs_certificate.validity.not_after.to_unix_duration();
    Ok(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX))
}
