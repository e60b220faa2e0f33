//! The two sides of a copy: what each store must be able to do, and what may go wrong.

use async_trait::async_trait;

use super::value::{CopiedValue, Row};
use crate::sqlite::open::SqliteOpenError;
use crate::table::Table;

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A data file cannot be opened, or is in use.
    #[error(transparent)]
    Open(#[from] SqliteOpenError),
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
    /// The generation of epochs and lock serials: of a target, another one than that of its source.
    pub(crate) generation: i64,
    pub(crate) pruning_held_until: i64,
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
    async fn page(
        &mut self,
        table: &Table,
        after: Option<&[CopiedValue]>,
        limit: Option<u32>,
    ) -> Result<Vec<Row>, String>;
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

/// A name for a run that no other has.
pub(crate) fn name_of_run() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Chance that no seed should reproduce: two runs must differ.
    format!("{}-{:016x}", std::process::id(), RandomState::new().hash_one(0))
}
