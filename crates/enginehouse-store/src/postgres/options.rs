//! How to open a database, and why it may not be opened.

use std::sync::Arc;
use std::time::Duration;

use crate::Durability;
use crate::clock::Clock;
use crate::migrations::{Migrate, MigrateError, SchemaName};

/// Whether a pooler stands between this program and the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Found out when the store is opened.
    #[default]
    Auto,
    /// None, or one that keeps a connection to one session, such as PgBouncer in session mode.
    None,
    /// One that gives each transaction another session, such as PgBouncer in transaction mode.
    Transaction,
}

#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=…`
    pub url: String,
    /// The schema of the tables.
    pub schema: SchemaName,
    pub durability: Durability,
    /// How many transactions may be in progress at once.
    pub max_transactions: usize,
    /// How many reads may be in progress at once.
    pub readers: usize,
    pub pooler: Pooler,
    /// How long the database may take to answer a statement.
    pub deadline: Duration,
    /// How many lanes there may be, for enqueue in SQL; as it was if none.
    pub max_lanes: Option<usize>,
    /// What to do about a schema that is not the newest.
    pub migrate: Migrate,
    /// The time is taken from this clock instead of the database, in tests.
    pub clock: Option<Arc<dyn Clock>>,
}

impl PostgresOptions {
    /// The defaults: durable, two transactions and four reads at once.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: SchemaName::default(),
            durability: Durability::Full,
            max_transactions: 2,
            readers: 4,
            pooler: Pooler::Auto,
            deadline: Duration::from_secs(30),
            max_lanes: None,
            migrate: Migrate::Auto,
            clock: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PgOpenError {
    #[error("{0}: a database is named like postgres://user@host:5432/database")]
    BadUrl(String),
    /// The database cannot be reached, does not let us in, or cannot hold a store.
    #[error("cannot use the database at {place}: {why}")]
    Unreachable {
        /// The hosts, the database and the schema, without a password.
        place: String,
        why: String,
    },
    /// The schema is not one that this program works with, or could not be migrated.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// Somebody has put on our tables what may change what is written, or hide rows.
    #[error(
        "the tables of {place} are not ours alone: {what} may change what is written to them, or hide rows of them; drop it, or \
         disable it",
        what = objects.join(", ")
    )]
    ForeignObjects {
        place: String,
        /// What was found, in words.
        objects: Vec<String>,
    },
    #[error("a copy into {place} is unfinished: go on with the same `enginehouse store copy`, or drop the schema")]
    UnfinishedCopy { place: String },
}
