//! What a server of ours is locked with, and what a client shows it: a token, or a token and TLS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// How a server is locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ServerLock {
    /// Everybody may do everything, as without a token.
    #[default]
    Open,
    Token,
    TokenAndTls,
}

/// What a client shows.
#[derive(Clone, Default)]
pub(crate) struct ClientCredentials {
    pub(super) token: Option<String>,
    pub(super) tls: Option<TlsConnector>,
}

/// Locks a server that is to start in a folder. Answers what its clients show, and the server's flags.
pub(super) fn lock(
    how: ServerLock,
    program: &Path,
    store: &str,
    folder: &Path,
) -> Result<(ClientCredentials, Vec<String>)> {
    let mut credentials = ClientCredentials::default();
    let mut flags = Vec::new();
    if how == ServerLock::Open {
        return Ok((credentials, flags));
    }
    let made = Command::new(program)
        .args(["token", "create", "load", "--role", "admin", "--quiet", "--store", store])
        .env_clear()
        .current_dir(folder)
        .output()?;
    ensure!(made.status.success(), "no token was made: {}", String::from_utf8_lossy(&made.stderr).trim_end());
    credentials.token = Some(String::from_utf8(made.stdout)?.trim().to_owned());
    if how == ServerLock::TokenAndTls {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let (cert, key) = (folder.join("server.pem"), folder.join("server.key"));
        fs::write(&cert, own.cert.pem())?;
        fs::write(&key, own.signing_key.serialize_pem())?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        let mut trusted = RootCertStore::empty();
        trusted.add(own.cert.der().clone())?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        credentials.tls = Some(TlsConnector::from(Arc::new(config)));
        for (flag, file) in [("--tls-cert", cert), ("--tls-key", key)] {
            flags
                .extend([flag.to_owned(), file.into_os_string().into_string().ok().context("a path that is no text")?]);
        }
    }
    Ok((credentials, flags))
}
