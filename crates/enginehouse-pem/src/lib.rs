//! Certificates, keys and other secrets in files, and who may read them: for the server, the stores and the client alike.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({setting}) {why}", path.display())]
pub struct PemError {
    pub path: PathBuf,
    /// What names the file.
    pub setting: &'static str,
    why: String,
}

impl PemError {
    /// Says what is wrong with the file that a setting names.
    pub fn new(path: &Path, setting: &'static str, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), setting, why: why.into() }
    }
}

/// Reads a file. `setting` names it.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path, setting: &'static str) -> Result<Vec<u8>, PemError> {
    std::fs::read(path).map_err(|error| PemError::new(path, setting, format!("cannot be read: {error}")))
}

/// Reads a file that holds a secret: as with libpq, its owner alone may be able to, or, of one of root's, also a group.
///
/// # Errors
/// It cannot be read, or others can read it.
pub fn read_secret(path: &Path, setting: &'static str) -> Result<Vec<u8>, PemError> {
    check_permissions(path).map_err(|why| PemError::new(path, setting, why))?;
    read(path, setting)
}

fn check_permissions(path: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error: io::Error| format!("cannot be read: {error}"))?;
    let too_much = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.is_file() && metadata.mode() & too_much != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(format!("may be read by others: let only its owner read it, as with chmod 600 (it is {mode:o})"));
    }
    Ok(())
}

/// The certificates that a file holds, one at least.
///
/// # Errors
/// There is none, or what looks like one is none.
pub fn certificates(text: &[u8], path: &Path, setting: &'static str) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let all = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| PemError::new(path, setting, not_pem(&error)))?;
    if all.is_empty() { Err(PemError::new(path, setting, "holds no certificate in PEM")) } else { Ok(all) }
}

/// The private key that a file holds.
///
/// # Errors
/// There is none, or what looks like one is none.
pub fn private_key(text: &[u8], path: &Path, setting: &'static str) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        let why = match error {
            pem::Error::NoItemsFound => "holds no private key in PEM, or an encrypted one: decrypt it".to_owned(),
            error => not_pem(&error),
        };
        PemError::new(path, setting, why)
    })
}

fn not_pem(error: &pem::Error) -> String {
    format!("is not a PEM file: {error}")
}
