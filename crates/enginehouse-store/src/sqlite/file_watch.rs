//! Notices that a file was taken away from under the store.
//!
//! A file that is removed or replaced lives on for those who have it open. SQLite would go on writing to it, every commit
//! would succeed, and at the next start all of it would be gone. So the names are compared with the files that were opened:
//! before and after each transaction, and every second when there is none.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::file_id::{FileId, beside};
use super::poison::Poison;

/// The files of a store as they were when it was opened.
#[derive(Debug)]
pub(super) struct FileWatch {
    data_file: WatchedFile,
    /// The log, and its index.
    others: Vec<WatchedFile>,
    /// The size of the data file. It never shrinks: nothing of ours vacuums it.
    largest: AtomicU64,
    warned: AtomicBool,
    poison: Poison,
}

#[derive(Debug)]
struct WatchedFile {
    path: PathBuf,
    id: FileId,
}

impl FileWatch {
    /// Watches a data file that is open and locked, and what stands beside it.
    pub(super) fn new(path: &Path, id: FileId, poison: Poison) -> io::Result<Self> {
        let data_file = WatchedFile { path: path.to_owned(), id };
        let mut others = Vec::new();
        for ending in ["-wal", "-shm"] {
            let path = beside(path, ending);
            match fs::symlink_metadata(&path) {
                Ok(metadata) => others.push(WatchedFile { id: FileId::of(&metadata), path }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { data_file, others, largest: AtomicU64::new(0), warned: AtomicBool::new(false), poison })
    }

    /// Looks whether the files are still those that were opened. If not, nothing is written any more, and the error says
    /// why.
    pub(super) fn check(&self) -> Result<(), String> {
        let Err(what) = self.compare() else { return Ok(()) };
        let why = format!("{what}: put the files back, or a backup in their place, and start the server again");
        self.poison.set(why.clone());
        Err(why)
    }

    fn compare(&self) -> Result<(), String> {
        if let Some(metadata) = self.data_file.metadata()? {
            let largest = self.largest.fetch_max(metadata.len(), Ordering::Relaxed);
            if metadata.len() < largest {
                return Err(format!(
                    "{} was cut off from outside: it had {largest} bytes, and has {}",
                    self.data_file.path.display(),
                    metadata.len()
                ));
            }
            // Nothing is lost by it: the lock is on the file, and keeps a second server out by any name.
            if metadata.nlink() > 1 && !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    path = %self.data_file.path.display(),
                    "the data file was given a second name (a hard link): remove that one, for the next start is refused"
                );
            }
        }
        self.others.iter().try_for_each(|file| file.metadata().map(drop))
    }
}

impl WatchedFile {
    /// Nothing, if the system does not answer: that proves nothing.
    fn metadata(&self) -> Result<Option<fs::Metadata>, String> {
        let what = match fs::symlink_metadata(&self.path) {
            Ok(metadata) if FileId::of(&metadata) == self.id => return Ok(Some(metadata)),
            Ok(_) => "was replaced by another file",
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                "was removed or renamed"
            }
            Err(_) => return Ok(None),
        };
        Err(format!("{} {what} while the server worked on it", self.path.display()))
    }
}
