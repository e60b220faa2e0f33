//! One process at a time: a lock on the data file itself.
//!
//! SQLite's own locks would let a second server in, and take turns with it; and they keep nobody away who calls the file by
//! another name, for then the log beside it is another one, and both destroy each other's commits. This lock is on the file,
//! not on a name: a hard link or a bind mount leads to the same lock. It is of the kind of `flock`, which SQLite does not
//! use, so the two don't meet.
//!
//! **Mind the descriptors.** SQLite has locks of the kind of POSIX, and the system takes all of those away from a process as
//! soon as it closes *any* descriptor of the file. So a file that this process holds is never opened beside SQLite: [`HELD`]
//! tells before it is. The lock's own descriptor is closed after SQLite's connections.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};

use super::file_id::FileId;

/// The files that this process holds.
static HELD: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());
/// How often a name may come to mean another file while it is opened.
const ATTEMPTS: usize = 8;

/// Held until it is dropped, or its process ends in any way.
#[derive(Debug)]
pub(super) struct FileLock {
    /// Taken out only to be closed.
    file: Option<File>,
    id: FileId,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// Somebody else holds it.
    InUse(String),
    /// There is no such file, and none was to be made.
    Missing,
    /// The file has several names.
    Links(u64),
    Io(io::Error),
}

impl FileLock {
    /// Locks the file that `path` names, which is no link. Makes an empty one, if `make` says so and there is none.
    pub(super) fn take(path: &Path, make: bool) -> Result<Self, NotTaken> {
        let mut held = held();
        for _ in 0..ATTEMPTS {
            match found(path).map_err(NotTaken::Io)? {
                Some(metadata) if held.contains(&FileId::of(&metadata)) => return Err(NotTaken::InUse(this_process())),
                None if !make => return Err(NotTaken::Missing),
                _ => {}
            }
            let file = open(path, OFlags::RDWR, make).map_err(NotTaken::Io)?;
            let metadata = file.metadata().map_err(NotTaken::Io)?;
            let id = FileId::of(&metadata);
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(NotTaken::InUse(holder_of(id))),
                Err(TryLockError::Error(error)) => return Err(NotTaken::Io(error)),
            }
            if metadata.nlink() > 1 {
                return Err(NotTaken::Links(metadata.nlink()));
            }
            // It may have been removed or replaced before the lock was taken.
            if found(path).map_err(NotTaken::Io)?.is_some_and(|metadata| FileId::of(&metadata) == id) {
                held.insert(id);
                return Ok(Self { file: Some(file), id });
            }
        }
        Err(NotTaken::Io(io::Error::other("somebody replaces the file again and again")))
    }

    /// Who holds the lock, if anybody does. Makes no file; and takes the lock for no longer than it takes to ask.
    pub(super) fn holder(path: &Path) -> io::Result<Option<String>> {
        let held = held();
        let Some(metadata) = found(path)? else { return Ok(None) };
        let id = FileId::of(&metadata);
        if held.contains(&id) {
            return Ok(Some(this_process()));
        }
        match open(path, OFlags::RDONLY, false)?.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(holder_of(id))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Which file is locked.
    pub(super) const fn id(&self) -> FileId {
        self.id
    }

    /// The first bytes of the file, at most so many.
    pub(super) fn first_bytes(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut read = 0;
        while let Some(file) = self.file.as_ref().filter(|_| read < count) {
            match file.read_at(&mut bytes[read..], read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let mut held = held();
        // Closed before another thread may open it.
        drop(self.file.take());
        held.remove(&self.id);
    }
}

fn held() -> MutexGuard<'static, BTreeSet<FileId>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a file for its owner alone to read and write, if it is made, and never through a link.
fn open(path: &Path, access: OFlags, make: bool) -> io::Result<File> {
    let make = if make { OFlags::CREATE } else { OFlags::empty() };
    let flags = access | make | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

fn found(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn this_process() -> String {
    format!("process {}", std::process::id())
}

/// Who holds the lock of a file, as far as the system tells: Linux does, of processes in the same container.
fn holder_of(id: FileId) -> String {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().find_map(|line| holder_in(line, id)).unwrap_or_else(|| "another process".to_owned())
}

/// Reads a line such as `3: FLOCK  ADVISORY  WRITE 1042 08:01:1234567 0 EOF`.
fn holder_in(line: &str, id: FileId) -> Option<String> {
    let mut words = line.split_whitespace();
    let kind = words.nth(1)?;
    let pid = words.nth(2)?;
    let (major, minor) = (rustix::fs::major(id.device), rustix::fs::minor(id.device));
    let file = format!("{major:02x}:{minor:02x}:{}", id.inode);
    (kind == "FLOCK" && words.next()? == file).then(|| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_who_holds_a_lock() {
        let id = FileId { device: rustix::fs::makedev(8, 1), inode: 77 };
        for (line, holder) in [
            ("1: FLOCK  ADVISORY  WRITE 1042 08:01:77 0 EOF", Some("process 1042")),
            ("1: POSIX  ADVISORY  WRITE 1042 08:01:77 0 EOF", None),
            ("1: FLOCK  ADVISORY  WRITE 1042 08:01:78 0 EOF", None),
            ("1: FLOCK  ADVISORY  WRITE 1042 09:01:77 0 EOF", None),
            ("1: FLOCK", None),
            ("", None),
        ] {
            assert_eq!(holder_in(line, id).as_deref(), holder, "{line}");
        }
    }
}
