//! What is copied: the tables that both stores have, with what their columns hold.
//!
//! A test compares this list with both schemas.

use super::value::Kind::{self, Boolean, Bytes, Id, Integer, Json, Long, Short, Text, Time};

/// A table of both stores.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// How many columns from the first on are its key, in the order of which it is read.
    pub(crate) key: usize,
    /// Whether it is read in parts. What is counted is counted once.
    pub(crate) in_pages: bool,
}

impl Table {
    const fn new(name: &'static str, key: usize, columns: &'static [(&'static str, Kind)]) -> Self {
        Self { name, columns, key, in_pages: true }
    }

    pub(crate) fn key_columns(&self) -> &'static [(&'static str, Kind)] {
        &self.columns[..self.key]
    }

    /// The names of the columns, separated by commas.
    pub(crate) fn names(&self) -> String {
        names(self.columns)
    }

    /// The names of the key's columns.
    pub(crate) fn key_names(&self) -> String {
        names(self.key_columns())
    }
}

fn names(columns: &[(&str, Kind)]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The counts of a lane or a scenario run, in this order.
pub(crate) const STATUSES: [&str; 5] = ["queued", "processing", "completed", "failed", "cancelled"];

/// All of them, what others refer to first. Single numbers, in `meta`, are copied last.
pub(crate) const TABLES: &[Table] = &[
    Table::new(
        "engines",
        1,
        &[
            ("engine_id", Text),
            ("engine_type", Text),
            ("epoch", Long),
            ("status", Text),
            ("heartbeat_interval_ms", Long),
            ("registered_at", Time),
            ("last_heartbeat_at", Time),
            ("lost_due_at", Time),
            ("draining", Boolean),
            ("stop_when_drained", Boolean),
            ("metadata", Json),
        ],
    ),
    Table::new(
        "lanes",
        1,
        &[
            ("lane_id", Long),
            ("queue", Text),
            ("event_type", Text),
            ("priority", Integer),
            ("required_capabilities", Text),
            ("required_memory_mb", Long),
            ("engine_version", Text),
        ],
    ),
    Table::new(
        "events",
        1,
        &[
            ("event_id", Id),
            ("lane_id", Long),
            ("status", Text),
            ("attempt", Long),
            ("retries", Long),
            ("failures", Long),
            ("losses", Long),
            ("redrives", Long),
            ("enqueued_at", Time),
            ("available_at", Time),
            ("claimed_at", Time),
            ("finished_at", Time),
            ("engine_id", Text),
            ("lock_holder", Text),
            ("lock_serial", Long),
            ("lock_secret", Bytes),
            ("lock_engine_epoch", Long),
            ("lock_expires_at", Time),
            ("lock_visibility_timeout_ms", Long),
            ("lock_max_processing_ms", Long),
            ("lock_unlisted_heartbeats", Short),
            ("settled_by", Text),
            ("cancel_requested", Boolean),
            ("dead_letter_reason", Text),
            ("scenario_run_id", Text),
            ("idempotency_key", Text),
            ("fingerprint", Bytes),
            ("visibility_timeout_ms", Long),
            ("max_processing_ms", Long),
            ("retry_policy", Json),
            ("labels", Json),
            ("last_error_code", Text),
            ("last_error_message", Text),
            ("last_error_details", Json),
            ("result", Json),
        ],
    ),
    Table::new("event_payloads", 1, &[("event_id", Id), ("payload", Json)]),
    Table::new(
        "attempts",
        2,
        &[
            ("event_id", Id),
            ("lock_serial", Long),
            ("attempt", Long),
            ("engine_id", Text),
            ("outcome", Text),
            ("claimed_at", Time),
            ("ended_at", Time),
            ("error_code", Text),
            ("error_message", Text),
            ("error_details", Json),
        ],
    ),
    Table::new(
        "dead_letters",
        1,
        &[
            ("event_id", Id),
            ("event_type", Text),
            ("queue", Text),
            ("reason", Text),
            ("dead_lettered_at", Time),
            ("error_code", Text),
            ("error_group", Text),
        ],
    ),
    Table::new(
        "event_types",
        1,
        &[
            ("event_type", Text),
            ("retry_policy", Json),
            ("visibility_timeout_seconds", Long),
            ("max_processing_seconds", Long),
            ("paused", Boolean),
        ],
    ),
    Table::new(
        "queues",
        1,
        &[
            ("queue", Text),
            ("retry_policy", Json),
            ("visibility_timeout_seconds", Long),
            ("max_processing_seconds", Long),
            ("paused", Boolean),
        ],
    ),
    Table::new(
        "audit_log",
        1,
        &[("audit_id", Long), ("at", Time), ("action", Text), ("target", Text), ("detail", Json)],
    ),
    Table::new(
        "scenario_runs",
        1,
        &[
            ("scenario_run_id", Text),
            ("first_enqueued_at", Time),
            ("queued", Long),
            ("processing", Long),
            ("completed", Long),
            ("failed", Long),
            ("cancelled", Long),
        ],
    ),
    Table {
        name: "lane_counts",
        key: 1,
        columns: &[
            ("lane_id", Long),
            ("queued", Long),
            ("processing", Long),
            ("completed", Long),
            ("failed", Long),
            ("cancelled", Long),
        ],
        in_pages: false,
    },
];
