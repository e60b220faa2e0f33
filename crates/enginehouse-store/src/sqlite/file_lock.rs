//! One process at a time: a lock on a file beside the data file.
//!
//! SQLite's own locks would let a second server in, and take turns with it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use enginehouse_core::time::Timestamp;

/// Held until it is dropped, or its process ends in any way. The file itself stays: to remove it would let two
/// processes hold locks on two files of one name.
#[derive(Debug)]
pub(super) struct LockFile {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// Somebody else holds it, in the words of the file.
    OpenedFile(String),
    Io(io::Error),
}

impl LockFile {
    pub(super) fn take(path: &Path, now: Timestamp) -> Result<Self, NotTaken> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(NotTaken::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NotTaken::OpenedFile(said_in(&mut file))),
            Err(TryLockError::Error(error)) => return Err(NotTaken::Io(error)),
        }
        let holder = format!("process {} since {now}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(NotTaken::Io)?;
        Ok(Self { _file: file })
    }

    /// Who holds the lock, if anybody does. Takes nothing and makes no file.
    pub(super) fn holder(path: &Path) -> io::Result<Option<String>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(said_in(&mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn said_in(file: &mut File) -> String {
    let mut text = String::new();
    // Its holder may be about to write it.
    let read = file.take(200).read_to_string(&mut text);
    match text.trim() {
        "" => "another process".to_owned(),
        _ if read.is_err() => "another process".to_owned(),
        words => words.to_owned(),
    }
}

/// The lock file of a data file, which is named by its true path.
pub(super) fn path_for(data_file: &Path) -> PathBuf {
    beside(data_file, ".lock")
}

/// The path of a file that belongs to the data file and stands beside it.
pub(super) fn beside(data_file: &Path, ending: &str) -> PathBuf {
    let mut path = data_file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
