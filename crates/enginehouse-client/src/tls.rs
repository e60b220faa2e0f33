//! TLS of calls to `https://`, by rustls with the provider that the stores use too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// What a client speaks TLS with, besides what the system has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// A file with certificates of CAs, in PEM, that are trusted besides those that the system trusts.
    pub ca: Option<PathBuf>,
    /// What it proves itself with, where a server asks for it.
    pub certificate: Option<ClientCertificate>,
}

/// The files of a client's certificate, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its certificate, and behind it those of the CAs in between.
    pub cert: PathBuf,
    /// Its private key, which nobody else may be able to read.
    pub key: PathBuf,
}

/// The configuration of a client. `is_used` says whether it is ever asked for: the certificates of CAs that the system trusts
/// take a while to be read, and no call to `http://` needs them.
///
/// # Errors
/// There are no CAs to trust, or a file cannot be used; and why.
pub(crate) fn config(tls: &ClientTls, is_used: bool) -> Result<ClientConfig, String> {
    let roots = if is_used { trusted_roots(tls.ca.as_deref())? } else { RootCertStore::empty() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let builder = builder.with_root_certificates(roots);
    let mut config = match tls.certificate.as_ref().filter(|_| is_used) {
        None => builder.with_no_client_auth(),
        Some(ClientCertificate { cert, key }) => {
            let read = || {
                let chain = enginehouse_pem::certificates(&enginehouse_pem::read(cert, CERT)?, cert, CERT)?;
                Ok((chain, enginehouse_pem::private_key(&enginehouse_pem::read_secret(key, KEY)?, key, KEY)?))
            };
            let (chain, own_key) = read().map_err(|error: enginehouse_pem::PemError| error.to_string())?;
            builder.with_client_auth_cert(chain, own_key).map_err(|error| {
                let (cert, key) = (cert.display(), key.display());
                format!("the certificate {cert} ({CERT}) and the key {key} ({KEY}) do not fit: {error}")
            })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

const CA: &str = "CAs to trust";
const CERT: &str = "client certificate";
const KEY: &str = "client key";

/// Those of the system, and those of the file.
fn trusted_roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        let given = enginehouse_pem::read(path, CA).and_then(|text| enginehouse_pem::certificates(&text, path, CA));
        for certificate in given.map_err(|error| error.to_string())? {
            let added = roots.add(certificate);
            added.map_err(|error| format!("{} ({CA}) holds what no CA has: {error}", path.display()))?;
        }
    }
    let loaded = rustls_native_certs::load_native_certs();
    // Some of the certificates that systems trust are too old for rustls.
    roots.add_parsable_certificates(loaded.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let why = loaded.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
    Err(format!(
        "no certificates of CAs can be read ({why}): install them (such as Debian's ca-certificates), or name a file of \
         them with --tls-ca or ENGINEHOUSE_TLS_CA"
    ))
}

/// What to do about a handshake that failed, if its reason tells.
pub(crate) fn advice(reason: &str) -> Option<&'static str> {
    if reason.contains("invalid peer certificate") {
        return Some(
            "name a file with the certificate of its CA with --tls-ca or ENGINEHOUSE_TLS_CA if it is to be trusted",
        );
    }
    // What a server that speaks HTTP answers is no record of TLS, and the other way round.
    if reason.contains("InvalidContentType") {
        return Some("it does not speak TLS there: try http://");
    }
    None
}
