//! A consistent copy of the data file, made while the server goes on writing.
//!
//! SQLite copies page by page from one snapshot: the connection that reads holds its transaction open, or every commit of
//! the writer would make the copy begin again. The writer never waits for it; the log cannot start anew meanwhile, and
//! shrinks afterwards.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::failure::{SqliteError, SqliteResult};
use super::file_lock::FileLock;
use super::open::{SqliteOpenError, check_header, true_path};
use super::{connections, home, integrity, schema_commands};
use crate::StoreError;
use crate::migrations::Migrate;

/// Pages between two syncs. A single sync at the end would keep the disk busy for long, and commits waiting.
const PAGES_PER_STEP: i32 = 1_000;

/// Why a copy of a data file was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackUpError {
    /// The data file cannot be read.
    #[error(transparent)]
    Open(#[from] SqliteOpenError),
    /// The copy cannot be made.
    #[error(transparent)]
    Copy(#[from] StoreError),
}

/// Copies a data file to a file that must not exist yet, from outside: a server may go on working with it. Answers the size of
/// the copy in bytes.
///
/// # Errors
/// The file is not a data file of this program, or the copy cannot be made; then there is none.
pub async fn back_up(from: &Path, to: &Path) -> Result<u64, BackUpError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let done = tokio::task::spawn_blocking(move || {
        let from = true_path(&from)?;
        if !from.exists() {
            return Err(SqliteOpenError::Missing { path: from }.into());
        }
        let held = FileLock::holder(&from).map_err(|source| SqliteOpenError::Io { path: from.clone(), source })?;
        // While a server has the file open, it has been looked at.
        if held.is_none() && check_header(&from)? {
            return Err(SqliteOpenError::NotOurs { path: from, found: "an empty file".to_owned() }.into());
        }
        // The copy is checked, which takes a program that knows the schema.
        let status = schema_commands::schema_status(&from)?;
        status.admit(Migrate::Auto).map_err(|refusal| schema_commands::refused(&from, refusal))?;
        Ok(backup(&from, &to)?)
    });
    done.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

pub(super) fn backup(from: &Path, to: &Path) -> Result<u64, StoreError> {
    let refused = |what: &str| StoreError::unavailable(format!("cannot back up to {}: {what}", to.display()));
    if fs::symlink_metadata(to).is_ok() {
        return Err(refused("the file exists; name a new one"));
    }
    let name = to.file_name().ok_or_else(|| refused("not the name of a file"))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished_name = name.to_owned();
    unfinished_name.push(format!(".unfinished-{}", std::process::id()));
    let folder = &fs::canonicalize(folder).map_err(|error| refused(&error.to_string()))?;
    let unfinished = Unfinished::create(folder.join(unfinished_name)).map_err(|error| refused(&error.to_string()))?;
    copy(from, &unfinished.path)
        .and_then(|()| verify(&unfinished.path))
        .map_err(|failure| refused(&StoreError::from(failure).to_string()))?;
    finish(&unfinished, folder, &folder.join(name)).map_err(|error| refused(&error.to_string()))
}

/// A file that is no backup yet. Removed when dropped: nobody else has made it, or knows it.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn create(path: PathBuf) -> io::Result<Self> {
        // For its owner alone, as the data file is: nothing that is there already is opened, a link neither.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished backup was left behind");
        }
    }
}

fn copy(from: &Path, to: &Path) -> SqliteResult<()> {
    let source = connections::open_reader(from)?;
    source.execute_batch("begin")?;
    // The snapshot begins with the first look.
    source.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    let mut target = Connection::open_with_flags(to, connections::FLAGS | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Nobody reads an unfinished copy: what a crash leaves of it is worth nothing.
    target.pragma_update(None, "synchronous", "off")?;
    target.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
    let written = File::open(to).map_err(io_failure)?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        match backup.step(PAGES_PER_STEP)? {
            StepResult::Done => break,
            StepResult::More => written.sync_data().map_err(io_failure)?,
            _ => return Err(SqliteError::Bug("a copy that nobody else knows is locked".to_owned())),
        }
    }
    drop(backup);
    home::mark_as_backup(&target)?;
    // A file of its own: no log beside it, whatever becomes of the server's.
    let mode: String = target.query_row("pragma journal_mode = delete", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(SqliteError::Bug(format!("the copy has a journal of mode {mode}")));
    }
    target.close().map_err(|(_, error)| error)?;
    written.sync_all().map_err(io_failure)
}

/// Looks at everything in the copy.
fn verify(path: &Path) -> SqliteResult<()> {
    match integrity::check(path)?.first() {
        None => Ok(()),
        Some(first) => Err(SqliteError::Row(format!("the copy is damaged, and so may the data file be: {first}"))),
    }
}

/// Gives the copy its name, unless somebody has made a file of that name meanwhile.
fn finish(unfinished: &Unfinished, folder: &Path, to: &Path) -> io::Result<u64> {
    let size = fs::metadata(&unfinished.path)?.len();
    match fs::hard_link(&unfinished.path, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Not every file system has a second name for a file.
        Err(_) if fs::symlink_metadata(to).is_err() => fs::rename(&unfinished.path, to)?,
        Err(error) => return Err(error),
    }
    File::open(folder)?.sync_all()?;
    Ok(size)
}

fn io_failure(error: io::Error) -> SqliteError {
    SqliteError::Io(error)
}
