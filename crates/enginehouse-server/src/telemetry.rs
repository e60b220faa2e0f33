//! Metrics: what the dispatcher and the calls count as they go, and what the store is asked for at each scrape.
//!
//! A struct with its registry, and nothing global: a test has its own.

mod budget_metrics;
mod commit_observer;
mod dropped_lines;
mod labels;
mod principal_metrics;
mod registry;
mod store_stats;
mod text_format;
mod tls_metrics;

pub(crate) use self::budget_metrics::BudgetMetrics;
pub(crate) use self::commit_observer::CommitObserver;
pub use self::dropped_lines::DroppedLines;
pub(crate) use self::principal_metrics::PrincipalMetrics;
pub use self::registry::Metrics;
pub use self::store_stats::StoreStats;
pub use self::text_format::TextFormat;
