//! Why nothing is written any more, and what is known to be damaged.

use std::sync::{Arc, OnceLock};

use super::failure::SqliteError;

/// Why nothing is written any more, and what to do, once that is so: a write was lost, or the files were taken away. Shared by
/// all that work on one store, and never taken back: only a restart finds out what is on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Poison(Arc<OnceLock<String>>);

impl Poison {
    /// From now on nothing is written. The first reason is kept, and logged.
    pub(super) fn set(&self, why: String) {
        if self.0.set(why).is_ok() {
            tracing::error!(why = self.get(), "nothing is written any more until a restart");
        }
    }

    /// The reason, if there is one.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// What SQLite has said of a file that is not as it was written, once it has. The store goes on with what can be read: what
/// is damaged may be a page that nobody needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage(Arc<OnceLock<String>>);

impl Damage {
    /// Takes notice of a failure, if it is damage of the file. The first is kept, and logged.
    pub(super) fn notice(&self, failure: &SqliteError) {
        if failure.is_damaged_file() && self.0.set(failure.to_string()).is_ok() {
            tracing::error!(what = self.get(), "the data file is damaged: `enginehouse doctor` says where");
        }
    }

    /// What was said, if anything was.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
