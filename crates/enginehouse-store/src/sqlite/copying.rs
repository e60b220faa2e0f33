//! Everything out of a data file, and everything into one.
//!
//! A file that is being filled has an application id of its own in its header: whoever opens it, in whichever version, sees
//! that it is none of ours yet. It has no log meanwhile, so that the header is what was committed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{Parameters, SqliteColumns};
use super::failure::SqliteResult;
use super::file_id::beside;
use super::file_lock::FileLock;
use super::open::{
    APPLICATION_ID, COPYING_ID, OpenedFile, SqliteOpenError, application_id, lock, open_taken, take, true_path,
    unreadable,
};
use super::options::SqliteOptions;
use super::{connections, schema};
use crate::clock::SystemClock;
use crate::copy::side::{CopyError, Mark, Numbers, Rows, Source, Target, name_of_run};
use crate::copy::value::{CopiedValue, Row};
use crate::migrations::Status;
use crate::store::Durability;
use crate::table::{COUNTS, Cell, Cells, TABLES, Table};

/// A data file that everything is read from, in one snapshot. Nobody else has it open.
pub(crate) struct FileSource {
    file: CopyFile,
    identity: String,
}

/// A data file that is being filled. Nobody else has it open.
pub(crate) struct FileTarget {
    file: CopyFile,
    run: String,
}

struct CopyFile {
    path: PathBuf,
    connection: Connection,
    /// Whether counts are taken from the events, and not as they stand.
    counts_anew: bool,
    // Dropped last: nobody may open the file before the connection is closed.
    _lock: Arc<FileLock>,
}

impl FileSource {
    pub(crate) fn open(path: &Path) -> Result<Self, CopyError> {
        let path = true_path(path)?;
        if !path.exists() {
            return Err(SqliteOpenError::Missing { path }.into());
        }
        let unfinished = || CopyError::UnfinishedSource(path.display().to_string());
        let lock = match take(&path, false) {
            Ok(held) if held.is_new => {
                return Err(SqliteOpenError::NotOurs { path, found: "an empty file".to_owned() }.into());
            }
            Ok(held) => held.lock,
            Err(SqliteOpenError::UnfinishedCopy { .. }) => return Err(unfinished()),
            Err(error) => return Err(error.into()),
        };
        let read = || -> SqliteResult<(Connection, i32, Status)> {
            let connection = connections::open_reader(&path)?;
            connection.execute_batch("begin")?;
            // The snapshot begins with the first look.
            let application_id = connection.query_row("pragma application_id", [], |row| row.get(0))?;
            let status = schema::read(&connection)?;
            Ok((connection, application_id, status))
        };
        let (connection, application_id, status) = read().map_err(|failure| unreadable(&path, failure))?;
        if application_id == COPYING_ID {
            return Err(unfinished());
        }
        require_schema(&path, &status)?;
        let made = "select applied_at from schema_version order by version limit 1";
        let made: i64 =
            connection.query_row(made, [], |row| row.get(0)).map_err(|error| unreadable(&path, error.into()))?;
        let identity = format!("sqlite://{} made at {made}", path.display());
        Ok(Self { file: CopyFile { path, connection, counts_anew: true, _lock: lock }, identity })
    }
}

/// What a run that was killed has written, but not committed, goes now: the header tells what was committed.
fn take_back_unfinished_write(path: &Path) -> Result<(), SqliteOpenError> {
    if !path.exists() || !beside(path, "-journal").exists() {
        return Ok(());
    }
    let look = || {
        let connection = connections::open_writer(path, Durability::Full)?;
        connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))
    };
    look().map_err(|error: rusqlite::Error| unreadable(path, error.into()))
}

fn require_schema(path: &Path, status: &Status) -> Result<(), CopyError> {
    status.require_newest().map_err(|what| CopyError::Schema { place: path.display().to_string(), what })
}

impl FileTarget {
    /// Takes an empty store, or makes one, or goes on with the copy of this source.
    pub(crate) fn open(path: &Path, source: &str) -> Result<(Self, Option<Mark>), CopyError> {
        let path = true_path(path)?;
        if source.starts_with(&format!("sqlite://{} made at ", path.display())) {
            return Err(CopyError::Same(path.display().to_string()));
        }
        if !path.exists() && beside(&path, "-wal").exists() {
            return Err(SqliteOpenError::LogAlone { path }.into());
        }
        let lock = Arc::new(lock(&path, true)?);
        take_back_unfinished_write(&path)?;
        let header = lock.first_bytes(72).map_err(|source| SqliteOpenError::Io { path: path.clone(), source })?;
        if application_id(&header) != Some(COPYING_ID) {
            // Makes the newest schema, or refuses to.
            let taken = OpenedFile::of(path.clone(), Arc::clone(&lock))?;
            drop(open_taken(taken, SqliteOptions::new(&path, Arc::new(SystemClock::new())))?);
        }
        let begin = || -> SqliteResult<(Connection, i32, Status)> {
            let connection = connections::open_writer(&path, Durability::Full)?;
            connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
            connection.execute_batch("begin immediate")?;
            let application_id = connection.query_row("pragma application_id", [], |row| row.get(0))?;
            let status = schema::read(&connection)?;
            Ok((connection, application_id, status))
        };
        let (connection, application_id, status) = begin().map_err(|failure| unreadable(&path, failure))?;
        if application_id != COPYING_ID && application_id != APPLICATION_ID {
            return Err(SqliteOpenError::NotOurs { path, found: format!("application id {application_id}") }.into());
        }
        require_schema(&path, &status)?;
        let target = Self { file: CopyFile { path, connection, counts_anew: false, _lock: lock }, run: name_of_run() };
        let mark = if application_id == COPYING_ID { Some(target.take_over(source)?) } else { target.begin(source)? };
        target.file.connection.execute_batch("commit").map_err(|error| target.file.failed(&error))?;
        Ok((target, mark))
    }

    fn take_over(&self, source: &str) -> Result<Mark, CopyError> {
        let connection = &self.file.connection;
        let read = "select source, table_name, last_key from store_copy";
        let (begun, table, last_key): (String, String, Option<String>) = connection
            .query_row(read, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .map_err(|error| self.file.failed(&error))?;
        if begun != source {
            return Err(CopyError::OtherSource { place: self.file.place(), source_name: begun });
        }
        connection.execute("update store_copy set run = ?1", [&self.run]).map_err(|error| self.file.failed(&error))?;
        Ok(Mark { table, last_key })
    }

    fn begin(&self, source: &str) -> Result<Option<Mark>, CopyError> {
        let connection = &self.file.connection;
        for table in TABLES {
            let any = connection.query_row(&format!("select 1 from {} limit 1", table.name), [], |_| Ok(()));
            if any.optional().map_err(|error| self.file.failed(&error))?.is_some() {
                return Err(CopyError::NotEmpty { place: self.file.place(), table: table.name });
            }
        }
        let made = || -> rusqlite::Result<()> {
            connection.execute_batch(
                "create table store_copy (source text not null, run text not null, table_name text not null, last_key text) \
                 strict",
            )?;
            connection.execute(
                "insert into store_copy (source, run, table_name) values (?1, ?2, ?3)",
                params![source, self.run, TABLES[0].name],
            )?;
            connection.pragma_update(None, "application_id", COPYING_ID)
        };
        made().map_err(|error| self.file.failed(&error))?;
        Ok(None)
    }

    fn write_rows(&self, table: &Table, rows: &[Row]) -> SqliteResult<()> {
        let connection = &self.file.connection;
        if connection.is_autocommit() {
            connection.execute_batch("begin immediate")?;
        }
        if table.is_counted() {
            let mut insert =
                connection.prepare_cached("insert into lane_counts (lane_id, status, events) values (?1, ?2, ?3)")?;
            for row in rows {
                for (status, count) in
                    COUNTS.iter().zip(&row[1..]).filter(|(_, count)| **count != CopiedValue::Number(0))
                {
                    Parameters::of(&mut insert)
                        .cell(row[0].cell())
                        .cell(Cell::Text(status))
                        .cell(count.cell())
                        .execute()?;
                }
            }
            return Ok(());
        }
        let places = vec!["?"; table.columns().count()].join(", ");
        let sql = format!("insert into {} ({}) values ({places})", table.name, table.names());
        let mut insert = connection.prepare_cached(&sql)?;
        for row in rows {
            row.iter()
                .fold(Parameters::of(&mut insert), |parameters, value| parameters.cell(value.cell()))
                .execute()?;
        }
        Ok(())
    }

    fn commit_mark(&self, mark: &Mark) -> rusqlite::Result<bool> {
        let connection = &self.file.connection;
        if connection.is_autocommit() {
            connection.execute_batch("begin immediate")?;
        }
        let updated = connection.execute(
            "update store_copy set table_name = ?1, last_key = ?2 where run = ?3",
            params![mark.table, mark.last_key, self.run],
        )?;
        connection.execute_batch(if updated == 1 { "commit" } else { "rollback" })?;
        Ok(updated == 1)
    }

    fn end(&self, numbers: &Numbers) -> rusqlite::Result<()> {
        let connection = &self.file.connection;
        connection.execute_batch("begin immediate; drop table store_copy;")?;
        for (key, value) in [
            ("registry_version", numbers.registry_version),
            ("settings_version", numbers.registry_version),
            ("tokens_version", numbers.registry_version),
            ("engines_deleted_version", numbers.registry_version),
            ("last_time", numbers.last_time),
            ("generation", numbers.generation),
            ("pruning_held_until", numbers.pruning_held_until),
        ] {
            connection.execute("update meta set value = max(value, ?2) where key = ?1", params![key, value])?;
        }
        for (table, highest) in [("lanes", numbers.highest_lane), ("audit_log", numbers.highest_audit)] {
            // SQLite makes the row with the first number that it gives.
            let updated = connection
                .execute("update sqlite_sequence set seq = max(seq, ?2) where name = ?1", params![table, highest])?;
            if updated == 0 && highest > 0 {
                connection
                    .execute("insert into sqlite_sequence (name, seq) values (?1, ?2)", params![table, highest])?;
            }
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.execute_batch("commit")
    }
}

impl CopyFile {
    fn failed(&self, error: &rusqlite::Error) -> CopyError {
        CopyError::Failed { place: self.place(), what: error.to_string() }
    }

    /// What stands for a table, with the columns of its list.
    fn from(&self, table: &Table) -> String {
        if !table.is_counted() {
            return table.name.to_owned();
        }
        let counts: Vec<_> = COUNTS
            .iter()
            .map(|status| match self.counts_anew {
                true => format!("sum(status = '{status}') as {status}"),
                false => format!("sum(iif(status = '{status}', events, 0)) as {status}"),
            })
            .collect();
        let rows = if self.counts_anew { "events" } else { "lane_counts" };
        format!("(select lane_id, {} from {rows} group by lane_id)", counts.join(", "))
    }

    fn try_count(&self, table: &Table) -> rusqlite::Result<u64> {
        let count: i64 =
            self.connection.query_row(&format!("select count(*) from {}", self.from(table)), [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn try_page(&self, table: &Table, after: Option<&[CopiedValue]>, limit: Option<u32>) -> SqliteResult<Vec<Row>> {
        let keys = table.key_names();
        let behind = match after {
            Some(_) => format!("where ({keys}) > ({})", vec!["?"; table.key].join(", ")),
            None => String::new(),
        };
        let sql = format!("select {} from {} {behind} order by {keys} limit ?", table.names(), self.from(table));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let limit = CopiedValue::Number(limit.map_or(-1, i64::from));
        let parameters = after.into_iter().flatten().chain(std::iter::once(&limit));
        let mut rows =
            parameters.fold(Parameters::of(&mut statement), |bound, value| bound.cell(value.cell())).query()?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = SqliteColumns::of(row);
            page.push(
                table.columns().map(|_| columns.next_cell().map(CopiedValue::from)).collect::<SqliteResult<Row>>()?,
            );
        }
        Ok(page)
    }

    fn numbers(&self) -> rusqlite::Result<Numbers> {
        let number = |sql: &str| self.connection.query_row(sql, [], |row| row.get(0));
        Ok(Numbers {
            registry_version: number("select value from meta where key = 'registry_version'")?,
            last_time: number("select value from meta where key = 'last_time'")?,
            generation: number("select value from meta where key = 'generation'")?,
            pruning_held_until: number("select value from meta where key = 'pruning_held_until'")?,
            highest_lane: number("select coalesce(max(seq), 0) from sqlite_sequence where name = 'lanes'")?,
            highest_audit: number("select coalesce(max(seq), 0) from sqlite_sequence where name = 'audit_log'")?,
        })
    }
}

// A file answers at once: what blocks here blocks a command that does nothing else.
#[async_trait(?Send)]
impl Rows for CopyFile {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    async fn count(&mut self, table: &Table) -> Result<u64, String> {
        self.try_count(table).map_err(|error| error.to_string())
    }

    async fn page(
        &mut self,
        table: &Table,
        after: Option<&[CopiedValue]>,
        limit: Option<u32>,
    ) -> Result<Vec<Row>, String> {
        self.try_page(table, after, limit).map_err(|failure| failure.to_string())
    }
}

#[async_trait(?Send)]
impl Source for FileSource {
    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.file
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn may_hold_nul(&self) -> bool {
        true
    }

    async fn numbers(&mut self) -> Result<Numbers, String> {
        self.file.numbers().map_err(|error| error.to_string())
    }

    async fn others(&mut self) -> Result<u64, String> {
        Ok(0)
    }
}

#[async_trait(?Send)]
impl Target for FileTarget {
    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.file
    }

    async fn write(&mut self, table: &Table, rows: &[Row]) -> Result<(), String> {
        self.write_rows(table, rows).map_err(|failure| failure.to_string())
    }

    async fn commit(&mut self, mark: &Mark) -> Result<bool, String> {
        self.commit_mark(mark).map_err(|error| error.to_string())
    }

    async fn finish(&mut self, numbers: &Numbers) -> Result<bool, String> {
        // Nobody else can have taken over: the lock on the file is held.
        self.end(numbers).map(|()| true).map_err(|error| error.to_string())
    }
}
