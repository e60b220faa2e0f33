//! Rows read and written: transactions, reads outside of them, and the copy of a whole store.

pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod columns;
pub(crate) mod copying;
pub(crate) mod dead_letters;
pub(crate) mod durations;
pub(crate) mod engines;
mod enqueue_grants;
pub(crate) mod events;
pub(crate) mod inspect;
pub(crate) mod minutes;
pub(crate) mod opening;
pub(crate) mod operations;
pub(crate) mod pg_transaction;
pub(crate) mod reads;
pub(crate) mod row_reader;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod tokens;
pub(crate) mod transaction;
