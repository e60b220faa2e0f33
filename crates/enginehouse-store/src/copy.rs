//! Moves everything from one store to another, of either kind.
//!
//! The source is read in one snapshot, table by table in the order of the keys, and is not changed. The target must be empty.
//! Rows are written in batches, each together with a mark of how far the copy has come: whatever ends it, a second run goes
//! on from there. At the end both sides are read once more, and compared by number and hash.
//!
//! Until that is done, no server serves the target. In PostgreSQL its `meta` has no rows, without which no transaction begins,
//! also of a server that is running; in SQLite the file says in its header that it is another kind of file. Both have a table
//! `store_copy` meanwhile, and whoever opens one is told to go on with the copy.
//!
//! Counts of lanes are not copied, but counted anew. A lane that PostgreSQL has taken out of use comes into use again: if it
//! has no events, it is taken out again. Locks are copied as they are: when a server begins to serve, engines have their
//! outage grace as after any start.

mod tables;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::ops::ControlFlow;

use async_trait::async_trait;

pub(crate) use self::tables::{STATUSES, TABLES, Table};
pub(crate) use self::value::{Kind, Row, Value, key_from_text, key_to_text};

use self::value::Summary;
use crate::StoreUrl;
use crate::migrations::SchemaName;
use crate::postgres::tx::copying as postgres;
use crate::sqlite::{self, OpenError};

/// How many rows are read at once: with the largest payloads and results, some 100 MiB.
const PAGE_ROWS: u32 = 250;
/// How many rows are written together, and how many bytes.
const BATCH_ROWS: u64 = 5_000;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// One side of a copy.
#[derive(Clone, Debug)]
pub struct CopySide {
    pub url: StoreUrl,
    /// Which schema of a database; a file has none.
    pub schema: SchemaName,
}

impl CopySide {
    /// The store at `url`. Only a database has schemas.
    ///
    /// # Errors
    /// Says what the address should be like, without what it is.
    pub fn new(url: &str, schema: Option<SchemaName>) -> Result<Self, String> {
        let url = url.parse()?;
        if matches!(url, StoreUrl::Sqlite(_)) && schema.is_some() {
            return Err("a data file has no schemas: name one with postgres:// only".to_owned());
        }
        Ok(Self { url, schema: schema.unwrap_or_default() })
    }
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What it is at.
    pub phase: Phase,
    /// The table that it is at.
    pub table: &'static str,
    /// How many rows of all tables it has copied, or compared.
    pub done: u64,
    /// Of how many, as far as known.
    pub total: u64,
}

/// What a copy is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It writes.
    Copying,
    /// It reads both sides.
    Comparing,
}

/// A table that is the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The hash of the rows in the order of their keys, in hexadecimal digits.
    pub sha256: String,
}

/// What was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The source, without a password.
    pub from: String,
    /// The target, without a password.
    pub to: String,
    /// Every table.
    pub tables: Vec<CopiedTable>,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// Connections of others to the source's database: what they have written meanwhile was not copied.
    pub others: u64,
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A data file cannot be opened, or is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A URL of a database is none.
    #[error("{0}")]
    BadUrl(String),
    /// A database cannot be reached.
    #[error("cannot use the database at {place}: {why}")]
    Unreachable {
        /// Where it is, without a password.
        place: String,
        /// What it said.
        why: String,
    },
    /// Source and target are one.
    #[error("the source and the target are the same store: {0}")]
    Same(String),
    /// Somebody has used the target.
    #[error("{place} is not empty, its table {table} has rows: name another target")]
    NotEmpty {
        /// The target.
        place: String,
        /// A table with rows.
        table: &'static str,
    },
    /// Another source was being copied into the target.
    #[error(
        "a copy of another source into {place} is unfinished, that of {source_name}: go on with that one, or name another target"
    )]
    OtherSource {
        /// The target.
        place: String,
        /// The source of that copy.
        source_name: String,
    },
    /// A side does not have the schema that this program works with.
    #[error("{place} {what}")]
    Schema {
        /// Which side.
        place: String,
        /// What it has, and what to do.
        what: String,
    },
    /// The source is itself the target of a copy that has not ended.
    #[error("a copy into {0} is unfinished, so that it is no source: finish that one first")]
    UnfinishedSource(String),
    /// Whoever watches has asked for it.
    #[error("the copy was stopped; run it again to go on where it was")]
    Stopped,
    /// Another run goes on with the copy.
    #[error("another run has taken over the copy into {0}")]
    TakenOver(String),
    /// Both sides are not the same in the end.
    #[error(
        "the table {table} has {source_rows} rows in the source and {target_rows} in the target, and they are not the same: \
         if somebody has written to the source since the copy began, stop its servers and copy again, into a fresh target"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// How many rows it has in the source.
        source_rows: u64,
        /// How many in the target.
        target_rows: u64,
    },
    /// One of the sides did not do what it was asked.
    #[error("{place}: {what}")]
    Failed {
        /// Which side.
        place: String,
        /// What it said.
        what: String,
    },
}

/// How far a copy has come, as the target remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The table that is being copied.
    pub(crate) table: String,
    /// The key of the last row that was; none before the first.
    pub(crate) last_key: Option<String>,
}

/// What is not a row of a table that is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) registry_version: i64,
    pub(crate) last_time: i64,
    /// The highest number that a lane, and an entry of the audit log, has ever had.
    pub(crate) highest_lane: i64,
    pub(crate) highest_audit: i64,
}

/// What can be read of either side. An error is in the words of the store.
#[async_trait(?Send)]
pub(crate) trait Rows {
    /// Where it is, for people.
    fn place(&self) -> String;
    /// How many rows a table has.
    async fn count(&mut self, table: &Table) -> Result<u64, String>;
    /// Rows in the order of their keys, from behind a key on; all, if there is no limit.
    async fn page(&mut self, table: &Table, after: Option<&[Value]>, limit: Option<u32>) -> Result<Vec<Row>, String>;
}

/// Where rows come from.
#[async_trait(?Send)]
pub(crate) trait Source {
    fn rows(&mut self) -> &mut dyn Rows;
    /// What tells it from other sources.
    fn identity(&self) -> &str;
    /// Whether texts may hold the character NUL, for which PostgreSQL has no room.
    fn may_hold_nul(&self) -> bool;
    async fn numbers(&mut self) -> Result<Numbers, String>;
    /// Connections of others.
    async fn others(&mut self) -> Result<u64, String>;
}

/// Where rows go to.
#[async_trait(?Send)]
pub(crate) trait Target {
    fn rows(&mut self) -> &mut dyn Rows;
    /// Writes rows; in a transaction that begins with the first of them.
    async fn write(&mut self, table: &Table, rows: &[Row]) -> Result<(), String>;
    /// Commits what was written. Answers whether this run is still the one that copies.
    async fn commit(&mut self, mark: &Mark) -> Result<bool, String>;
    /// Makes a store of it that servers serve. Answers whether this run is still the one that copies.
    async fn finish(&mut self, numbers: &Numbers) -> Result<bool, String>;
}

/// Copies everything. `watch` is told how far it has come, and may have it stop; what was written since the last batch is
/// then lost, as if the process had ended.
///
/// # Errors
/// A [`CopyError`] says what to do. The source is as it was; the target is not served, unless it was refused at once.
pub async fn copy(
    from: &CopySide,
    to: &CopySide,
    mut watch: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Copied, CopyError> {
    let mut source: Box<dyn Source> = match &from.url {
        StoreUrl::Sqlite(path) => Box::new(sqlite::copying::FileSource::open(path)?),
        StoreUrl::Postgres(url) => Box::new(postgres::DatabaseSource::open(url, &from.schema).await?),
    };
    let is_target_sqlite = matches!(to.url, StoreUrl::Sqlite(_));
    let (target, mark): (Box<dyn Target>, _) = match &to.url {
        StoreUrl::Sqlite(path) => {
            let (target, mark) = sqlite::copying::FileTarget::open(path, source.identity())?;
            (Box::new(target), mark)
        }
        StoreUrl::Postgres(url) => {
            let (target, mark) = postgres::DatabaseTarget::open(url, &to.schema, source.identity()).await?;
            (Box::new(target), mark)
        }
    };
    let mut work = Work {
        shows_nul: source.may_hold_nul() && !is_target_sqlite,
        total: 0,
        done: 0,
        source: &mut *source,
        target,
        watch: &mut watch,
    };
    for table in TABLES {
        work.total +=
            work.source.rows().count(table).await.map_err(|what| failed(&work.source.rows().place(), what))?;
    }
    work.copy(mark.as_ref()).await?;
    let tables = work.compare().await?;
    work.finish().await?;
    let (from, to) = (work.source.rows().place(), work.target.rows().place());
    let others = work.source.others().await.map_err(|what| failed(&from, what))?;
    Ok(Copied { from, to, tables, resumed: mark.is_some(), others })
}

fn failed(place: &str, what: impl fmt::Display) -> CopyError {
    CopyError::Failed { place: place.to_owned(), what: what.to_string() }
}

fn failed_at(place: &str, table: &Table, what: impl fmt::Display) -> CopyError {
    failed(place, format!("table {}: {what}", table.name))
}

/// A copy that is under way.
struct Work<'a> {
    source: &'a mut dyn Source,
    target: Box<dyn Target>,
    /// Whether NUL is written as the sign for it.
    shows_nul: bool,
    total: u64,
    done: u64,
    watch: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl Work<'_> {
    fn tell(&mut self, phase: Phase, table: &Table) -> Result<(), CopyError> {
        let progress = Progress { phase, table: table.name, done: self.done, total: self.total };
        if (self.watch)(progress).is_break() { Err(CopyError::Stopped) } else { Ok(()) }
    }

    /// Rows of the source as the target can hold them.
    async fn page(&mut self, table: &Table, after: Option<&[Value]>) -> Result<Vec<Row>, CopyError> {
        let limit = table.in_pages.then_some(PAGE_ROWS);
        let page = self.source.rows().page(table, after, limit).await;
        let mut rows = page.map_err(|what| failed_at(&self.source.rows().place(), table, what))?;
        if self.shows_nul {
            for value in rows.iter_mut().flatten() {
                if let Value::Text(text) = value
                    && text.contains('\0')
                {
                    *text = text.replace('\0', "\u{2400}");
                }
            }
        }
        Ok(rows)
    }

    async fn copy(&mut self, mark: Option<&Mark>) -> Result<(), CopyError> {
        let begun = mark.and_then(|mark| TABLES.iter().position(|table| table.name == mark.table)).unwrap_or(0);
        for table in &TABLES[..begun] {
            let rows = self.target.rows().count(table).await;
            self.done += rows.map_err(|what| failed(&self.target.rows().place(), what))?;
        }
        for (place, table) in TABLES.iter().enumerate().skip(begun) {
            let last_key = mark.filter(|_| place == begun).and_then(|mark| mark.last_key.as_deref());
            let after = match last_key {
                None => None,
                Some(text) => {
                    let rows = self.target.rows().count(table).await;
                    self.done += rows.map_err(|what| failed(&self.target.rows().place(), what))?;
                    let key = key_from_text(text).filter(|key| key.len() == table.key);
                    Some(key.ok_or_else(|| failed(&self.target.rows().place(), "store_copy holds no key"))?)
                }
            };
            self.copy_table(table, after).await?;
        }
        Ok(())
    }

    async fn copy_table(&mut self, table: &Table, mut after: Option<Row>) -> Result<(), CopyError> {
        let (mut rows_of_batch, mut bytes_of_batch) = (0, 0);
        loop {
            let rows = self.page(table, after.as_deref()).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last[..table.key].to_vec());
            self.target
                .write(table, &rows)
                .await
                .map_err(|what| failed_at(&self.target.rows().place(), table, what))?;
            self.done += rows.len() as u64;
            rows_of_batch += rows.len() as u64;
            bytes_of_batch += rows.iter().flatten().map(Value::size).sum::<usize>();
            self.tell(Phase::Copying, table)?;
            if rows_of_batch >= BATCH_ROWS || bytes_of_batch >= BATCH_BYTES {
                self.commit(table, after.as_deref()).await?;
                (rows_of_batch, bytes_of_batch) = (0, 0);
            }
            if !table.in_pages {
                break;
            }
        }
        self.commit(table, after.as_deref()).await
    }

    async fn commit(&mut self, table: &Table, last_key: Option<&[Value]>) -> Result<(), CopyError> {
        let mark = Mark { table: table.name.to_owned(), last_key: last_key.map(key_to_text) };
        let is_ours = self.target.commit(&mark).await.map_err(|what| failed(&self.target.rows().place(), what))?;
        if is_ours { Ok(()) } else { Err(CopyError::TakenOver(self.target.rows().place())) }
    }

    /// Reads both sides once more.
    async fn compare(&mut self) -> Result<Vec<CopiedTable>, CopyError> {
        self.done = 0;
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let (mut ours, mut theirs) = (Summary::default(), Summary::default());
            let mut after: Option<Row> = None;
            loop {
                let rows = self.page(table, after.as_deref()).await?;
                rows.iter().for_each(|row| ours.add(row));
                self.done += rows.len() as u64;
                self.tell(Phase::Comparing, table)?;
                let last = rows.last().map(|last| last[..table.key].to_vec());
                if last.is_none() || !table.in_pages {
                    break;
                }
                after = last;
            }
            let mut after: Option<Row> = None;
            loop {
                let limit = table.in_pages.then_some(PAGE_ROWS);
                let page = self.target.rows().page(table, after.as_deref(), limit).await;
                let rows = page.map_err(|what| failed_at(&self.target.rows().place(), table, what))?;
                rows.iter().for_each(|row| theirs.add(row));
                self.tell(Phase::Comparing, table)?;
                let last = rows.last().map(|last| last[..table.key].to_vec());
                if last.is_none() || !table.in_pages {
                    break;
                }
                after = last;
            }
            let (source_rows, target_rows) = (ours.rows(), theirs.rows());
            let sha256 = ours.digest();
            if source_rows != target_rows || sha256 != theirs.digest() {
                return Err(CopyError::Differs { table: table.name, source_rows, target_rows });
            }
            tables.push(CopiedTable { name: table.name, rows: source_rows, sha256 });
        }
        Ok(tables)
    }

    async fn finish(&mut self) -> Result<(), CopyError> {
        let numbers = self.source.numbers().await.map_err(|what| failed(&self.source.rows().place(), what))?;
        let is_ours = self.target.finish(&numbers).await.map_err(|what| failed(&self.target.rows().place(), what))?;
        if is_ours { Ok(()) } else { Err(CopyError::TakenOver(self.target.rows().place())) }
    }
}

/// A name for a run that no other has.
pub(crate) fn name_of_run() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Chance that no seed should reproduce: two runs must differ.
    format!("{}-{:016x}", std::process::id(), RandomState::new().hash_one(0))
}
