//! How to open a data file.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::migrations::Migrate;
use crate::store::Durability;

/// How to open a data file.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The file; made if it does not exist.
    pub path: PathBuf,
    /// Where the store's time comes from.
    pub clock: Arc<dyn Clock>,
    /// When a commit is answered.
    pub durability: Durability,
    /// How many reads may run at once.
    pub readers: NonZero<u32>,
    /// How large the file may become, in bytes; none for as large as the disk.
    pub max_size: Option<u64>,
    /// What to do about its schema.
    pub migrate: Migrate,
}

impl SqliteOptions {
    /// The defaults: durable, four readers, no limit but the disk, migrated when it is opened.
    pub fn new(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let path = path.into();
        let readers = const { NonZero::new(4).unwrap() };
        Self { path, clock, durability: Durability::Full, readers, max_size: None, migrate: Migrate::Auto }
    }
}
