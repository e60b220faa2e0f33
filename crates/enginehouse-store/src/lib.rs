//! Where Enginehouse keeps its rows.
//!
//! A [`Store`] begins [`Transaction`]s, and answers what people ask. It holds no rule: what becomes of a row is
//! decided in `enginehouse-core`, by way of the dispatcher. *Select in SQL, decide in Rust, guard in SQL.*
//!
//! The promises in the doc comments below are tests: `conformance` has one function per promise, and every
//! implementation must pass them all unchanged.

pub mod clock;
#[cfg(test)]
mod conformance;
pub mod copy;
mod error;
mod facts;
pub mod migrations;
pub mod postgres;
pub mod rows;
pub mod sqlite;
pub mod store;
mod store_url;
mod table;
mod term_search;
pub mod transaction;
mod unreadable;

pub use enginehouse_core::applied::Applied;
use enginehouse_core::event::EventStatus;

pub use crate::error::{HeldResource, StoreError};
pub use crate::store::{
    ChangeFeed, ConnectionsUsed, DiskSpace, Durability, FirstReads, Queries, RemoteChanges, Store, StoreAdmin,
    StoreHealth,
};
pub use crate::store_url::StoreUrl;
pub use crate::transaction::{
    AttemptRepository, AuditRepository, ContentionRepository, DurationRepository, EngineRepository, EventRepository,
    LaneRepository, LockRepository, MinuteRepository, OperationRepository, ReadyRepository, SettingsRepository,
    TokenRepository, Transaction, TransactionTime,
};
pub use crate::unreadable::UnreadableRow;

/// Every status of an event, in a fixed order, for counts by status.
pub const STATUSES: [EventStatus; 5] =
    [EventStatus::Queued, EventStatus::Processing, EventStatus::Completed, EventStatus::Failed, EventStatus::Cancelled];
