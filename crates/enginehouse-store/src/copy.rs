//! Moves everything from one store to another, of either kind.
//!
//! The source is read in one snapshot, table by table in the order of the keys, and is not changed. The target must be empty.
//! Rows are written in batches, each together with a mark of how far the copy has come: whatever ends it, a second run goes
//! on from there. At the end both sides are read once more, and compared by number and hash.
//!
//! A row that no server can read is copied as it is, and named at the end: it is as damaged in the target, and what tells so, a
//! checksum of a payload or result among it, has come along.
//!
//! Until that is done, no server serves the target. In PostgreSQL its `meta` has no rows, without which no transaction begins,
//! also of a server that is running; in SQLite the file says in its header that it is another kind of file. Both have a table
//! `store_copy` meanwhile, and whoever opens one is told to go on with the copy.
//!
//! Counts of lanes are not copied, but counted anew. A lane that PostgreSQL has taken out of use comes into use again: if it
//! has no events, it is taken out again. Locks are copied as they are: when a server begins to serve, engines have their
//! outage grace as after any start.

pub(crate) mod side;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use enginehouse_core::generation::Generation;
use std::fmt;
use std::ops::ControlFlow;

pub use self::side::CopyError;

use self::side::{Mark, Source, Target};
use self::value::{CopiedValue, Row, RowCells, Summary, key_from_text, key_in_words, key_to_text};
use crate::StoreUrl;
use crate::clock::{Clock, SystemClock};
use crate::migrations::SchemaName;
use crate::postgres::tx::copying as postgres;
use crate::sqlite;
use crate::table::{TABLES, Table, Unreadable, check_row};

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
    /// The rows that no server can read: they were copied as they are.
    pub unreadable: Vec<String>,
    /// Connections of others to the source's database: what they have written meanwhile was not copied.
    pub others: u64,
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
    let mut run = CopyRun {
        shows_nul: source.may_hold_nul() && !is_target_sqlite,
        total: 0,
        done: 0,
        source: &mut *source,
        target,
        watch: &mut watch,
    };
    for table in TABLES {
        run.total += run.source.rows().count(table).await.map_err(|what| failed(&run.source.rows().place(), what))?;
    }
    run.copy(mark.as_ref()).await?;
    let (tables, unreadable) = run.compare().await?;
    run.finish().await?;
    let (from, to) = (run.source.rows().place(), run.target.rows().place());
    let others = run.source.others().await.map_err(|what| failed(&from, what))?;
    Ok(Copied { from, to, tables, unreadable, resumed: mark.is_some(), others })
}

fn failed(place: &str, what: impl fmt::Display) -> CopyError {
    CopyError::Failed { place: place.to_owned(), what: what.to_string() }
}

fn failed_at(place: &str, table: &Table, what: impl fmt::Display) -> CopyError {
    failed(place, format!("table {}: {what}", table.name))
}

/// A copy in progress.
struct CopyRun<'a> {
    source: &'a mut dyn Source,
    target: Box<dyn Target>,
    /// Whether NUL is written as the sign for it.
    shows_nul: bool,
    total: u64,
    done: u64,
    watch: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl CopyRun<'_> {
    fn tell(&mut self, phase: Phase, table: &Table) -> Result<(), CopyError> {
        let progress = Progress { phase, table: table.name, done: self.done, total: self.total };
        if (self.watch)(progress).is_break() { Err(CopyError::Stopped) } else { Ok(()) }
    }

    /// Rows of the source as the target can hold them.
    async fn page(&mut self, table: &Table, after: Option<&[CopiedValue]>) -> Result<Vec<Row>, CopyError> {
        let limit = (!table.is_counted()).then_some(PAGE_ROWS);
        let page = self.source.rows().page(table, after, limit).await;
        let mut rows = page.map_err(|what| failed_at(&self.source.rows().place(), table, what))?;
        if self.shows_nul {
            for value in rows.iter_mut().flatten() {
                if let CopiedValue::Text(text) = value
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
            bytes_of_batch += rows.iter().flatten().map(CopiedValue::size).sum::<usize>();
            self.tell(Phase::Copying, table)?;
            if rows_of_batch >= BATCH_ROWS || bytes_of_batch >= BATCH_BYTES {
                self.commit(table, after.as_deref()).await?;
                (rows_of_batch, bytes_of_batch) = (0, 0);
            }
            if table.is_counted() {
                break;
            }
        }
        self.commit(table, after.as_deref()).await
    }

    async fn commit(&mut self, table: &Table, last_key: Option<&[CopiedValue]>) -> Result<(), CopyError> {
        let mark = Mark { table: table.name.to_owned(), last_key: last_key.map(key_to_text) };
        let is_ours = self.target.commit(&mark).await.map_err(|what| failed(&self.target.rows().place(), what))?;
        if is_ours { Ok(()) } else { Err(CopyError::TakenOver(self.target.rows().place())) }
    }

    /// Reads both sides once more. Answers also which rows no server can read.
    async fn compare(&mut self) -> Result<(Vec<CopiedTable>, Vec<String>), CopyError> {
        self.done = 0;
        let (mut tables, mut findings) = (Vec::with_capacity(TABLES.len()), Vec::new());
        for table in TABLES {
            let (mut ours, mut theirs) = (Summary::default(), Summary::default());
            let mut unreadable = Unreadable::of(table.name);
            let mut after: Option<Row> = None;
            loop {
                let rows = self.page(table, after.as_deref()).await?;
                for row in &rows {
                    ours.add(row);
                    if let Err(why) = check_row(table, &mut RowCells::of(row)) {
                        unreadable.add(key_in_words(&row[..table.key]), why);
                    }
                }
                self.done += rows.len() as u64;
                self.tell(Phase::Comparing, table)?;
                let last = rows.last().map(|last| last[..table.key].to_vec());
                if last.is_none() || table.is_counted() {
                    break;
                }
                after = last;
            }
            let mut after: Option<Row> = None;
            loop {
                let limit = (!table.is_counted()).then_some(PAGE_ROWS);
                let page = self.target.rows().page(table, after.as_deref(), limit).await;
                let rows = page.map_err(|what| failed_at(&self.target.rows().place(), table, what))?;
                rows.iter().for_each(|row| theirs.add(row));
                self.tell(Phase::Comparing, table)?;
                let last = rows.last().map(|last| last[..table.key].to_vec());
                if last.is_none() || table.is_counted() {
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
            findings.extend(unreadable.into_findings());
        }
        Ok((tables, findings))
    }

    async fn finish(&mut self) -> Result<(), CopyError> {
        let mut numbers = self.source.numbers().await.map_err(|what| failed(&self.source.rows().place(), what))?;
        // Whoever serves the source again gives other numbers than whoever serves the target.
        let generation = Generation::from_number(numbers.generation).raised(SystemClock::new().wall());
        numbers.generation = generation.number();
        let is_ours = self.target.finish(&numbers).await.map_err(|what| failed(&self.target.rows().place(), what))?;
        if is_ours { Ok(()) } else { Err(CopyError::TakenOver(self.target.rows().place())) }
    }
}
