//! Opening a data file, or refusing to, before anything in it is touched.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use super::connections::{self, Readers};
use super::failure::{SqliteError, SqliteResult};
use super::file_id::beside;
use super::file_lock::{FileLock, NotTaken};
use super::file_watch::FileWatch;
use super::home;
use super::options::SqliteOptions;
use super::poison::{Damage, Poison};
use super::writer::Writer;
use super::{schema, schema_check};
use crate::migrations::{Migrate, Migration, MigrationVerdict, SchemaRefusal, Status};
use crate::store::Durability;

/// Marks a file as ours, in the header that every SQLite file has: `EHSE`.
pub(super) const APPLICATION_ID: i32 = 0x4548_5345;
/// Marks a file that a store is being copied into, and that nobody serves before it is complete: `EHSC`.
pub(super) const COPYING_ID: i32 = 0x4548_5343;
/// How long the header of an SQLite file is.
const HEADER_BYTES: usize = 100;
/// The first SQLite without a race between a checkpoint and a write that loses commits.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Why a data file was not opened. Unless the reason is an input or output error, it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SqliteOpenError {
    /// Another process has it open.
    #[error("{path} is in use by {holder}: stop that one, or use another data file", path = path.display())]
    InUse {
        /// The data file.
        path: PathBuf,
        /// Who holds it, by its process id.
        holder: String,
    },
    /// It has several names. Each would have a log of its own beside it, and so only a part of the commits.
    #[error(
        "{path} has {links} names (hard links), and the log beside one of them is not beside the others: keep one name \
         and remove the others (`find -samefile` finds them), or make a copy with `enginehouse backup`",
        path = path.display()
    )]
    Links {
        /// The data file, by the name that was given.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// A log stands beside a data file that is empty or gone: what was committed is in the two together.
    #[error(
        "{log} is the log of a data file that is not there: {path} is missing or empty; put the data file back beside its \
         log, or move the log away and put a backup in place of the data file",
        path = path.display(), log = beside(path, "-wal").display()
    )]
    LogAlone {
        /// The data file that is missing.
        path: PathBuf,
    },
    /// The log beside the data file is that of another one: the data file is a backup, which has none.
    #[error(
        "{log} is not the log of {path}, which is a backup or a copy that was never served: move the log away, or put back \
         the data file that it belongs to",
        path = path.display(), log = beside(path, "-wal").display()
    )]
    ForeignLog {
        /// The data file.
        path: PathBuf,
    },
    /// It was not written by Enginehouse.
    #[error("{path} is not an Enginehouse data file ({found}): it was left untouched; name another file", path = path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// Its schema is not one to work with, or not one to change.
    #[error("{path}: {refusal}; {advice}", path = path.display(), advice = refusal.advice())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The reason.
        refusal: SchemaRefusal,
    },
    /// Somebody has added to its schema, or changed it.
    #[error(
        "{path}: {what}; stop whatever works on the file, drop what is not ours with `sqlite3`, and if something of ours was \
         changed or is gone, restore a backup",
        path = path.display(), what = differences.join(", ")
    )]
    ForeignSchema {
        /// The file.
        path: PathBuf,
        /// What is different, in words.
        differences: Vec<String>,
    },
    /// A copy into it was begun, and has not ended.
    #[error("a copy into {path} is unfinished: go on with the same `enginehouse store copy`, or remove the file", path = path.display())]
    UnfinishedCopy {
        /// The file.
        path: PathBuf,
    },
    /// The SQLite that this program was linked with can lose data.
    #[error("this program was built with SQLite {found}, which can lose commits: build it with 3.51.3 or newer")]
    SqliteTooOld {
        /// Its version.
        found: &'static str,
    },
    /// It is a folder, a device or the like.
    #[error("{path} is not a file: name a file in an existing folder", path = path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Its folder is not there.
    #[error("the folder {folder} does not exist: make it, or name a data file elsewhere", folder = folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no such file.
    #[error("{path} does not exist: a server makes it when it starts with --migrate auto, and so does `enginehouse schema up`", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system refused to read or write it.
    #[error("cannot open {path}: check that it and its folder may be read and written", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite could not read it.
    #[error("cannot read {path}: keep it and the files beside it, and restore a backup under another name", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A data file, opened.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    /// The version of its schema.
    pub(super) version: i32,
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) files: Arc<FileWatch>,
    pub(super) poison: Poison,
    pub(super) damage: Damage,
    pub(super) lock: Arc<FileLock>,
}

pub(super) fn open(options: SqliteOptions) -> Result<Opened, SqliteOpenError> {
    let taken = take(&options.path, options.migrate == Migrate::Auto)?;
    open_taken(taken, options)
}

/// Opens a file that is locked.
pub(super) fn open_taken(taken: OpenedFile, options: SqliteOptions) -> Result<Opened, SqliteOpenError> {
    let OpenedFile { path, lock, is_new } = taken;
    let unreadable = |failure| unreadable(&path, failure);
    if is_new {
        if options.migrate != Migrate::Auto {
            return Err(SqliteOpenError::Missing { path });
        }
        create(&path).map_err(unreadable)?;
    }
    let mut missing: &[Migration] = &[];
    let look = || -> SqliteResult<(Status, Vec<String>)> {
        let reader = connections::open_untouched(&path)?;
        let status = schema::read(&reader)?;
        let differences = schema_check::differences(&reader, status.version())?;
        Ok((status, differences))
    };
    let (status, differences) = look().map_err(unreadable)?;
    if options.migrate != Migrate::Off {
        status.admit(options.migrate).map_err(|refusal| SqliteOpenError::Schema { path: path.clone(), refusal })?;
        if let MigrationVerdict::Behind(migrations) = status.verdict {
            missing = migrations;
        }
    }
    if !differences.is_empty() {
        return Err(SqliteOpenError::ForeignSchema { path, differences });
    }
    let (poison, damage) = (Poison::default(), Damage::default());
    let (writer, files, version) =
        open_writer(&path, &options, missing, (&poison, &damage), &lock).map_err(unreadable)?;
    // The names of new files are as durable as what is in them.
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| SqliteOpenError::Io { path: path.clone(), source })?;
    let unreadable_rows = writer.connection.unreadable();
    let readers = Readers::new(path.clone(), options.readers, unreadable_rows, damage.clone(), Arc::clone(&lock));
    Ok(Opened { path, version, writer, readers, files, poison, damage, lock })
}

/// A file that no other process of this program has, or will have while this is held.
pub(super) struct OpenedFile {
    pub(super) path: PathBuf,
    pub(super) lock: Arc<FileLock>,
    /// Whether there is nothing in it yet.
    pub(super) is_new: bool,
}

/// Takes a file for this process, unless it is of another program. Makes an empty one, if `make` says so.
pub(super) fn take(path: &Path, make: bool) -> Result<OpenedFile, SqliteOpenError> {
    require_sqlite(rusqlite::version_number())?;
    let path = true_path(path)?;
    if !path.exists() && beside(&path, "-wal").exists() {
        return Err(SqliteOpenError::LogAlone { path });
    }
    let lock = Arc::new(lock(&path, make)?);
    OpenedFile::of(path, lock)
}

impl OpenedFile {
    /// A file that is locked, if it is none of another program.
    pub(super) fn of(path: PathBuf, lock: Arc<FileLock>) -> Result<Self, SqliteOpenError> {
        match lock.first_bytes(HEADER_BYTES) {
            Ok(header) => Ok(Self { is_new: check_first_bytes(&path, &header)?, path, lock }),
            Err(source) => Err(SqliteOpenError::Io { path, source }),
        }
    }
}

/// Locks the file of a true path, whatever is in it.
pub(super) fn lock(path: &Path, make: bool) -> Result<FileLock, SqliteOpenError> {
    let path = path.to_owned();
    FileLock::take(&path, make).map_err(|error| match error {
        NotTaken::InUse(holder) => SqliteOpenError::InUse { path, holder },
        NotTaken::Missing => SqliteOpenError::Missing { path },
        NotTaken::Links(links) => SqliteOpenError::Links { path, links },
        NotTaken::Io(source) => SqliteOpenError::Io { path, source },
    })
}

/// The connection that writes, to a file that exists.
pub(super) fn connect(path: &Path, durability: Durability) -> SqliteResult<Connection> {
    let connection = connections::open_writer(path, durability)?;
    // The header may have said otherwise, before an unfinished write to it was taken back.
    let application_id: i32 = connection.query_row("pragma application_id", [], |row| row.get(0))?;
    if application_id == COPYING_ID {
        return Err(SqliteError::Row("a copy into it is unfinished: go on with it".to_owned()));
    }
    let mode: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(SqliteError::Row(format!("the file cannot have a write-ahead log, but only {mode}")));
    }
    Ok(connection)
}

fn open_writer(
    path: &Path,
    options: &SqliteOptions,
    missing: &[Migration],
    (poison, damage): (&Poison, &Damage),
    lock: &Arc<FileLock>,
) -> SqliteResult<(Writer, Arc<FileWatch>, i32)> {
    let mut connection = connect(path, options.durability)?;
    // A log that readers kept from shrinking is cut back to this when it starts anew.
    connection.pragma_update_and_check(None, "journal_size_limit", 64 * 1024 * 1024, |_| Ok(()))?;
    schema::apply(&mut connection, missing)?;
    let version = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    if let Some(bytes) = options.max_size {
        let page_size: i64 = connection.query_row("pragma page_size", [], |row| row.get(0))?;
        let pages = (i64::try_from(bytes).unwrap_or(i64::MAX) / page_size).max(1);
        // A file that is larger already stays as large as it is.
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    let generation = home::settle_in(&mut connection, path, options.clock.wall())?;
    // It has been read, so SQLite has opened the log, and its index.
    let files = Arc::new(FileWatch::new(path, lock.id(), poison.clone()).map_err(SqliteError::Io)?);
    let log_path = beside(path, "-wal");
    let writer = Writer::new(
        connection,
        generation,
        Arc::clone(&options.clock),
        log_path,
        Arc::clone(&files),
        (poison.clone(), damage.clone()),
        Arc::clone(lock),
    )?;
    Ok((writer, files, version))
}

fn require_sqlite(version: i32) -> Result<(), SqliteOpenError> {
    if version < OLDEST_SQLITE {
        return Err(SqliteOpenError::SqliteTooOld { found: rusqlite::version() });
    }
    Ok(())
}

/// The path without links. They are followed here, once: from now on the file is only opened by this path, and never
/// through a link.
pub(super) fn true_path(path: &Path) -> Result<PathBuf, SqliteOpenError> {
    let io = |source| SqliteOpenError::Io { path: path.to_owned(), source };
    match std::fs::canonicalize(path) {
        Ok(found) if found.is_file() => return Ok(found),
        Ok(found) => return Err(SqliteOpenError::NotAFile { path: found }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        // A link to nowhere: SQLite would make its target, under a name that no lock was taken on.
        Err(_) if path.is_symlink() => return Err(SqliteOpenError::Missing { path: path.to_owned() }),
        Err(_) => {}
    }
    let name = path.file_name().ok_or_else(|| SqliteOpenError::NotAFile { path: path.to_owned() })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::canonicalize(folder) {
        Ok(found) => Ok(found.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(SqliteOpenError::NoFolder { folder: folder.to_owned() })
        }
        Err(error) => Err(io(error)),
    }
}

/// Looks at the first bytes of a file that this process has not open. Answers whether there is nothing in it yet.
pub(super) fn check_header(path: &Path) -> Result<bool, SqliteOpenError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    match File::open(path).and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut header)) {
        Ok(_) => check_first_bytes(path, &header),
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_first_bytes(path, &[]),
        Err(source) => Err(SqliteOpenError::Io { path: path.to_owned(), source }),
    }
}

/// Judges a file by its first bytes, as SQLite documents them, and by whether there is a log beside it.
fn check_first_bytes(path: &Path, header: &[u8]) -> Result<bool, SqliteOpenError> {
    let log_bytes = std::fs::metadata(beside(path, "-wal")).map(|metadata| metadata.len()).ok();
    if header.is_empty() {
        // Even an empty log: a file has something in it before it has a log.
        return if log_bytes.is_some() { Err(SqliteOpenError::LogAlone { path: path.to_owned() }) } else { Ok(true) };
    }
    let not_ours = |found: String| Err(SqliteOpenError::NotOurs { path: path.to_owned(), found });
    if header.len() < HEADER_BYTES || !header.starts_with(b"SQLite format 3\0") {
        return not_ours("not an SQLite file".to_owned());
    }
    match application_id(header) {
        Some(APPLICATION_ID) => {}
        Some(COPYING_ID) => return Err(SqliteOpenError::UnfinishedCopy { path: path.to_owned() }),
        other => return not_ours(format!("an SQLite file with application id {}", other.unwrap_or(0))),
    }
    // SQLite would write any log that it finds into the file. One with a log says so before there is one.
    if header[18..20] == [1, 1] && log_bytes.is_some_and(|bytes| bytes > 0) {
        return Err(SqliteOpenError::ForeignLog { path: path.to_owned() });
    }
    Ok(false)
}

/// The application id in the first bytes of a file.
pub(super) fn application_id(header: &[u8]) -> Option<i32> {
    Some(i32::from_be_bytes(*header.get(68..)?.first_chunk()?))
}

/// Makes an empty file ours: one page, written at once, before there is a log.
pub(super) fn create(path: &Path) -> SqliteResult<()> {
    let connection = Connection::open_with_flags(path, connections::FLAGS | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(())
}

pub(super) fn unreadable(path: &Path, failure: SqliteError) -> SqliteOpenError {
    let path = path.to_owned();
    match failure {
        SqliteError::Sqlite(error) => SqliteOpenError::Unreadable { path, source: error.into() },
        SqliteError::Io(source) => SqliteOpenError::Io { path, source },
        SqliteError::Unreadable(row) => SqliteOpenError::Unreadable { path, source: row.to_string().into() },
        SqliteError::Row(what) | SqliteError::Stale(what) | SqliteError::Bug(what) => {
            SqliteOpenError::Unreadable { path, source: what.into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_loses_commits_is_refused() {
        assert!(matches!(require_sqlite(3_051_002), Err(SqliteOpenError::SqliteTooOld { .. })));
        require_sqlite(rusqlite::version_number()).unwrap();
    }
}
