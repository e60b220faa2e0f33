//! Which file a name means, whatever it is called.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file as the system knows it. All names of one file have the same; a file that takes over a name has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The path of a file that belongs to the data file and stands beside it.
pub(super) fn beside(data_file: &Path, ending: &str) -> PathBuf {
    let mut path = data_file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
