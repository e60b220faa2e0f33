//! Metrics: what the dispatcher and the calls count as they go, and what is counted when somebody asks.
//!
//! A struct with its registry, and nothing global: a test has its own.

mod commit_observer;
mod registry;
mod store_stats;

pub(crate) use self::commit_observer::Watch;
pub use self::registry::{CONTENT_TYPE, Metrics};
pub use self::store_stats::House;
