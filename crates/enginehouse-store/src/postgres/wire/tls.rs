//! TLS, by rustls: whether it is used, and what the server's certificate must be like.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// `sslmode`, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Without TLS.
    Disable,
    /// With TLS if the server offers it, whatever its certificate.
    #[default]
    Prefer,
    /// With TLS, whatever the server's certificate. If `sslrootcert` is set, the same as `VerifyCa`, as in libpq.
    Require,
    /// With TLS and a certificate of the given CA, whatever its names.
    VerifyCa,
    /// With TLS and a certificate of a trusted CA for the name of the host.
    VerifyFull,
}

impl Mode {
    pub(crate) fn from_name(name: &str) -> Result<Self, String> {
        match name {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            // The value is left out: it may be a part of a password.
            _ => {
                Err("the parameter sslmode must be one of disable, prefer, require, verify-ca, verify-full".to_owned())
            }
        }
    }
}

/// What the URL of a database says about TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) mode: Mode,
    /// The file of the CAs that are trusted; `None` for those of the operating system.
    pub(crate) root_cert: Option<PathBuf>,
    /// The client's certificate and its key.
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

impl Tls {
    /// Reads the files. This is done for each connection, so that renewed certificates are used without a restart.
    ///
    /// `is_direct`: whether the handshake comes first, without asking the server for TLS (`sslnegotiation=direct`).
    pub(crate) fn connector(&self, is_direct: bool) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if self.mode == Mode::VerifyFull {
            builder.with_root_certificates(self.roots()?)
        } else {
            let chain = match &self.root_cert {
                Some(_) => {
                    let verifier =
                        WebPkiServerVerifier::builder_with_provider(self.roots()?.into(), Arc::clone(&provider));
                    Some(verifier.build().map_err(|error| error.to_string())?)
                }
                None => None,
            };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { chain, provider }))
        };
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) if self.mode != Mode::Disable => builder
                .with_client_auth_cert(certificates(cert, "sslcert")?, private_key(key)?)
                .map_err(|error| format!("the certificate (sslcert) and the key (sslkey) do not fit: {error}"))?,
            _ => builder.with_no_client_auth(),
        };
        if is_direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut store = RootCertStore::empty();
        if let Some(path) = &self.root_cert {
            for certificate in certificates(path, "sslrootcert")? {
                let added = store.add(certificate);
                added.map_err(|error| format!("{} (sslrootcert) is not a CA's: {error}", path.display()))?;
            }
        } else {
            // Some of the certificates that systems trust are too old for rustls.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err("the system has no certificates of CAs: install them (such as Debian's ca-certificates), \
                            or name a file with sslrootcert"
                    .to_owned());
            }
        }
        Ok(store)
    }
}

/// Accepts a certificate for any name: any certificate at all, or one that its CA has signed.
#[derive(Debug)]
struct AnyName {
    /// rustls's own verifier, which checks the chain first and the name last.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    // Without a CA, any server can have made its certificate itself, so a signature by that certificate proves nothing.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(chain) = &self.chain else { return Ok(HandshakeSignatureValid::assertion()) };
        chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(chain) = &self.chain else { return Ok(HandshakeSignatureValid::assertion()) };
        chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn certificates(path: &Path, parameter: &'static str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read =
        enginehouse_pem::read(path, parameter).and_then(|text| enginehouse_pem::certificates(&text, path, parameter));
    read.map_err(|error| error.to_string())
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let read = enginehouse_pem::read_secret(path, "sslkey")
        .and_then(|text| enginehouse_pem::private_key(&text, path, "sslkey"));
    read.map_err(|error| error.to_string())
}
