//! The lists of columns by the names that statements use, and the tables that both stores have.

use super::attempts::AttemptColumns;
use super::audit::{AuditColumns, AuditLinkColumns, ChainEndColumns};
use super::column::{Column, ColumnGroup, Kind};
use super::dead_letters::DeadLetterColumns;
use super::durations::DurationColumns;
use super::engines::EngineColumns;
use super::events::{AttributeColumns, EnqueuedColumns, PayloadColumns, StateColumns};
use super::lanes::LaneColumns;
use super::minutes::MinuteColumns;
use super::operations::{OperationColumns, OperationMemberColumns};
use super::reports::{ReportColumns, ReportTextColumns};
use super::settings::{RunPauseColumns, SettingsColumns};
use super::state_write::StateWrite;
use super::tokens::{TokenColumns, TokenUseColumns};

/// Columns under one name, as one or more groups.
pub(crate) type List = &'static [&'static [Column]];

/// By which names a statement may ask for columns: see [`super::sql`].
pub(super) const LISTS: &[(&str, List)] = &[
    ("event", &[EnqueuedColumns::COLUMNS, StateColumns::COLUMNS]),
    ("enqueued", &[EnqueuedColumns::COLUMNS]),
    ("attribute", &[AttributeColumns::COLUMNS]),
    ("state", &[StateColumns::COLUMNS]),
    ("lock_state", &[StateWrite::LOCK]),
    ("completion_state", &[StateWrite::COMPLETION]),
    ("renewal_state", &[StateWrite::RENEWAL]),
    ("payload", &[PayloadColumns::COLUMNS]),
    ("engine", &[EngineColumns::COLUMNS]),
    ("engine_change", &[EngineColumns::COLUMNS.split_at(1).1]),
    ("lane", &[LaneColumns::COLUMNS]),
    ("attempt", &[AttemptColumns::COLUMNS]),
    ("report", &[ReportColumns::COLUMNS]),
    ("report_text", &[ReportTextColumns::COLUMNS]),
    ("dead_letter", &[DeadLetterColumns::COLUMNS]),
    ("settings", &[SettingsColumns::COLUMNS]),
    ("run_pause", &[RunPauseColumns::COLUMNS]),
    ("audit", &[AuditColumns::COLUMNS]),
    ("audit_link", &[AuditLinkColumns::COLUMNS]),
    ("chain_end", &[ChainEndColumns::COLUMNS]),
    ("duration", &[DurationColumns::COLUMNS]),
    ("minute", &[MinuteColumns::COLUMNS]),
    ("operation", &[OperationColumns::COLUMNS]),
    ("operation_change", &[OperationColumns::COLUMNS.split_at(1).1]),
    ("operation_member", &[OperationMemberColumns::COLUMNS]),
    ("token", &[TokenColumns::COLUMNS]),
    ("token_use", &[TokenUseColumns::COLUMNS]),
];

/// A table that both stores have.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// How many columns from the first on are its key, in the order of which it is read.
    pub(crate) key: usize,
    columns: List,
}

impl Table {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().copied().flatten()
    }

    /// The names of the columns, separated by commas.
    pub(crate) fn names(&self) -> String {
        names(self.columns())
    }

    /// The names of the key's columns.
    pub(crate) fn key_names(&self) -> String {
        names(self.key_columns())
    }

    /// Whether its rows are counted when they are read: all of them at once. SQLite has one row per lane and status.
    pub(crate) fn is_counted(&self) -> bool {
        self.name == "lane_counts"
    }

    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns().take(self.key)
    }
}

fn names(columns: impl Iterator<Item = &'static Column>) -> String {
    columns.map(|column| column.name).collect::<Vec<_>>().join(", ")
}

const EVENT_ID: Column = Column { name: "event_id", kind: Kind::Id };
const LANE_ID: Column = long("lane_id");
/// A hash of the request, beside its idempotency key. It is written once, and read only to compare.
const FINGERPRINT: Column = Column { name: "fingerprint", kind: Kind::Bytes };
const FIRST_ENQUEUED_AT: Column = Column { name: "first_enqueued_at", kind: Kind::Time };
/// When something happened last to events of a run, and how many ended lately.
const RUN_ACTIVITY: &[Column] = &[Column { name: "last_activity_at", kind: Kind::Time }, long("ended_lately")];
const SCENARIO_RUN_ID: Column = text("scenario_run_id");

/// The columns that count events, one per status, in the order of `STATUSES`.
pub(crate) const COUNTS: [&str; 5] = ["queued", "processing", "completed", "failed", "cancelled"];
const COUNT_COLUMNS: &[Column] = &[long(COUNTS[0]), long(COUNTS[1]), long(COUNTS[2]), long(COUNTS[3]), long(COUNTS[4])];

/// All of them, what others refer to first. Single numbers, in `meta`, are no rows of these.
pub(crate) const TABLES: &[Table] = &[
    Table { name: "engines", key: 1, columns: &[EngineColumns::COLUMNS] },
    Table { name: "lanes", key: 1, columns: &[&[LANE_ID], LaneColumns::COLUMNS] },
    Table { name: "events", key: 1, columns: &[EnqueuedColumns::COLUMNS, StateColumns::COLUMNS, &[FINGERPRINT]] },
    Table { name: "event_payloads", key: 1, columns: &[PayloadColumns::COLUMNS] },
    Table { name: "attempts", key: 2, columns: &[&[EVENT_ID], AttemptColumns::COLUMNS] },
    Table {
        name: "attempt_reports",
        key: 2,
        columns: &[&[EVENT_ID], ReportColumns::COLUMNS, ReportTextColumns::COLUMNS],
    },
    Table { name: "dead_letters", key: 1, columns: &[DeadLetterColumns::COLUMNS] },
    Table { name: "event_types", key: 1, columns: &[&[text("event_type")], SettingsColumns::COLUMNS] },
    Table { name: "queues", key: 1, columns: &[&[text("queue")], SettingsColumns::COLUMNS] },
    Table { name: "run_pauses", key: 1, columns: &[RunPauseColumns::COLUMNS] },
    Table { name: "duration_histograms", key: 4, columns: &[DurationColumns::COLUMNS] },
    Table { name: "event_minutes", key: 3, columns: &[MinuteColumns::COLUMNS] },
    Table { name: "operations", key: 1, columns: &[OperationColumns::COLUMNS] },
    Table { name: "operation_members", key: 2, columns: &[OperationMemberColumns::COLUMNS] },
    Table { name: "tokens", key: 1, columns: &[TokenColumns::COLUMNS] },
    Table {
        name: "audit_log",
        key: 1,
        columns: &[&[long("audit_id")], AuditColumns::COLUMNS, AuditLinkColumns::COLUMNS],
    },
    Table { name: "audit_chain", key: 1, columns: &[ChainEndColumns::COLUMNS] },
    Table {
        name: "scenario_runs",
        key: 1,
        columns: &[&[SCENARIO_RUN_ID, FIRST_ENQUEUED_AT], COUNT_COLUMNS, RUN_ACTIVITY],
    },
    Table { name: "lane_counts", key: 1, columns: &[&[LANE_ID], COUNT_COLUMNS] },
];

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn long(name: &'static str) -> Column {
    Column { name, kind: Kind::Long }
}
