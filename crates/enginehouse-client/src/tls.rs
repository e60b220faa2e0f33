//! TLS of calls to `https://`, by rustls with the provider that the stores use too.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The configuration of a client. `is_used` says whether it is ever asked for: the certificates of CAs that the system trusts
/// take a while to be read, and no call to `http://` needs them.
///
/// # Errors
/// There are no CAs to trust, and why.
pub(crate) fn config(is_used: bool) -> Result<ClientConfig, String> {
    let roots = if is_used { trusted_roots()? } else { RootCertStore::empty() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn trusted_roots() -> Result<RootCertStore, String> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some of the certificates that systems trust are too old for rustls.
    roots.add_parsable_certificates(loaded.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let why = loaded.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
    Err(format!(
        "no certificates of CAs can be read ({why}): install them (such as Debian's ca-certificates), or name a file of \
         them in SSL_CERT_FILE"
    ))
}

/// What to do about a handshake that failed, if its reason tells.
pub(crate) fn advice(reason: &str) -> Option<&'static str> {
    if reason.contains("invalid peer certificate") {
        return Some("name a file with the certificate of its CA in SSL_CERT_FILE if it is to be trusted");
    }
    // What a server that speaks HTTP answers is no record of TLS, and the other way round.
    if reason.contains("InvalidContentType") {
        return Some("it does not speak TLS there: try http://");
    }
    None
}
