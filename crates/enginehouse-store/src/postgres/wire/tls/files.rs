//! Certificates and keys in files, where libpq looks for them.
//!
//! They are read anew for each connection, so that one that was renewed counts from then on.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::parameters::{Asked, Mode, RootCert};

/// Whom a server's certificate may come from.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) store: RootCertStore,
    /// The same as they stand in the file: a server may show one of them as its own.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// A certificate of this program, with those that it was signed by, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    root_cert: RootCert,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    /// The folder with what is not named.
    folder: Option<PathBuf>,
    system: OnceLock<Result<Arc<Roots>, String>>,
}

impl Files {
    pub(super) fn new(asked: &Asked) -> Self {
        // The home directory is libpq's, who asks the environment first, and is nobody's setting.
        let folder = std::env::home_dir().map(|home| home.join(".postgresql"));
        Self::in_folder(asked, folder)
    }

    pub(super) fn in_folder(asked: &Asked, folder: Option<PathBuf>) -> Self {
        let Asked { root_cert, cert, key, .. } = asked.clone();
        Self { root_cert, cert, key, folder, system: OnceLock::new() }
    }

    fn default_file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists())
    }

    /// Whom a server's certificate must come from; none if it does not matter.
    pub(super) fn roots(&self, mode: Mode) -> Result<Option<Arc<Roots>>, String> {
        if mode < Mode::Require {
            return Ok(None);
        }
        let path = match &self.root_cert {
            RootCert::System => return self.system.get_or_init(system_roots).clone().map(Some),
            RootCert::File(path) => path.clone(),
            RootCert::Default => match self.default_file("root.crt") {
                Some(path) => path,
                None if mode == Mode::Require => return Ok(None),
                None => {
                    return Err(format!(
                        "sslmode={} needs the certificate of a CA: name its file with sslrootcert, put it into \
                         ~/.postgresql/root.crt, or take those whom the system trusts with sslrootcert=system",
                        mode.name()
                    ));
                }
            },
        };
        let certificates = certificates(&path, "sslrootcert")?;
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            let added = store.add(certificate.clone());
            added.map_err(|error| format!("{} (sslrootcert) holds no certificate of a CA: {error}", path.display()))?;
        }
        Ok(Some(Arc::new(Roots { store, certificates })))
    }

    /// What the files are called, for people.
    pub(super) fn name_of_roots(&self) -> String {
        match &self.root_cert {
            RootCert::System => "whom the system trusts".to_owned(),
            RootCert::File(path) => path.display().to_string(),
            RootCert::Default => "~/.postgresql/root.crt".to_owned(),
        }
    }

    /// The certificate that this program shows, if it has one.
    pub(super) fn identity(&self) -> Result<Option<Identity>, String> {
        let Some(cert) = self.cert.clone().or_else(|| self.default_file("postgresql.crt")) else { return Ok(None) };
        let chain = certificates(&cert, "sslcert")?;
        let Some(path) = self.key.clone().or_else(|| self.default_file("postgresql.key")) else {
            return Err(format!(
                "there is no key for the certificate {}: name it with sslkey, or put it into ~/.postgresql/postgresql.key",
                cert.display()
            ));
        };
        let unread = |why: String| format!("{} (sslkey) {why}", path.display());
        check_permissions(&path).map_err(unread)?;
        let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| match error {
            pem::Error::NoItemsFound if is_encrypted(&path) => unread(
                "is encrypted: decrypt it, such as with `openssl pkey`, and let only its owner read it".to_owned(),
            ),
            pem::Error::NoItemsFound => unread("holds no private key in PEM".to_owned()),
            error => unread(said(&error)),
        })?;
        Ok(Some(Identity { chain, key }))
    }
}

fn certificates(path: &Path, parameter: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let unread = |why: String| format!("{} ({parameter}) {why}", path.display());
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| unread(said(&error)))?;
    if all.is_empty() { Err(unread("holds no certificate in PEM".to_owned())) } else { Ok(all) }
}

fn said(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => format!("cannot be read: {error}"),
        error => format!("is no PEM file: {error}"),
    }
}

fn is_encrypted(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("ENCRYPTED"))
}

/// As libpq does: nobody else may read a key, but a group may read one of root's.
fn check_permissions(path: &Path) -> Result<(), String> {
    let about = std::fs::metadata(path).map_err(|error: io::Error| format!("cannot be read: {error}"))?;
    let shared = if about.uid() == 0 { 0o037 } else { 0o077 };
    if about.is_file() && about.mode() & shared != 0 {
        return Err(format!(
            "may be read by others: let only its owner read it, as with chmod 600 (it is {:o})",
            about.mode() & 0o777
        ));
    }
    Ok(())
}

fn system_roots() -> Result<Arc<Roots>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // Some of those that systems trust are older than the rules of today.
    store.add_parsable_certificates(found.certs);
    if !store.is_empty() {
        return Ok(Arc::new(Roots { store, certificates: Vec::new() }));
    }
    let why: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
    Err(format!(
        "the system has no certificates of CAs (sslrootcert=system): install them, such as Debian's ca-certificates, \
         or name a file. {}",
        why.join("; ")
    ))
}
