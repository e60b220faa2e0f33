//! What the transactions of one server share, and how the servers on one database learn of each other's changes.

pub(crate) mod audit_chain;
pub(crate) mod change_feed;
pub(crate) mod compaction;
pub(crate) mod generation;
mod health;
mod lane_cache;
pub(crate) mod lane_changes;
pub(crate) mod lanes;
pub(crate) mod maintenance;
mod pg_snapshot;
pub(crate) mod scan_positions;
pub(crate) mod state;
pub(crate) mod vacuum;
pub(crate) mod xid_rebase;
