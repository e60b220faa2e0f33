//! What can go wrong in a store.

use enginehouse_core::applied::Applied;

use crate::unreadable::UnreadableRow;

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The rows are not what this program wrote, or the file or database is broken.
    #[error("the store is damaged: {0}; `enginehouse doctor` finds out what is wrong with it")]
    Corrupt(String),
    /// The row that was asked for is not what this program wrote. Everything else goes on.
    #[error("{0}; `enginehouse doctor` shows what is wrong with it and what to do")]
    Unreadable(UnreadableRow),
    /// A statement is wrong, or rows were to be written that contradict each other. The store is as it was.
    #[error("this is a bug in Enginehouse: {0}; please report it with this message")]
    Bug(String),
    /// Another transaction was in the way. Nothing was changed, and it is worth repeating at once.
    #[error("another transaction was in the way: {0}")]
    Conflict(String),
    /// Another transaction holds what this one needs, and has not let go within a moment. Nothing was changed. It is worth
    /// repeating in a while, and without the company of requests that need something else.
    #[error("another transaction holds what is needed: {reason}")]
    Held {
        /// What it holds, as far as that is known.
        what: HeldResource,
        /// What happened.
        reason: String,
    },
    /// There is no room for more. Nothing was changed, and what takes no room goes on.
    #[error("the store is full: {0}")]
    Full(String),
    /// The store is away or busy. Worth repeating.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// Whether the change took place nevertheless.
        applied: Applied,
        /// What happened.
        reason: String,
    },
}

/// What another transaction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldResource {
    /// The place of a new lane: somebody is about to make the same one.
    NewLane,
    /// An idempotency key: somebody is about to use it.
    IdempotencyKey,
    /// A row or a table.
    Rows,
}

impl StoreError {
    /// The store is unavailable, and nothing was changed.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { applied: Applied::No, reason: reason.into() }
    }

    /// The same error, if something is held, with what that is.
    #[must_use]
    pub(crate) fn held_by_means_of(self, what: HeldResource) -> Self {
        match self {
            Self::Held { reason, .. } => Self::Held { what, reason },
            error => error,
        }
    }
}
