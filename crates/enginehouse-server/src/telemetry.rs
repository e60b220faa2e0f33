//! Metrics: what the dispatcher and the calls count as they go, and what is counted when somebody asks.
//!
//! A struct with its registry, and nothing global: a test has its own.

mod house;
mod registry;
mod watch;

pub use self::house::House;
pub use self::registry::{CONTENT_TYPE, Metrics};
pub(crate) use self::watch::Watch;
