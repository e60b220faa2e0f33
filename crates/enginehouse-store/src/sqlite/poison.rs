//! Why nothing is written any more.

use std::sync::{Arc, OnceLock};

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
