//! Each table's columns, once.
//!
//! A struct made by [`columns!`] lists columns with their names, the Rust type of a value, and the kind of value that the
//! stores keep. From that list come the SQL text (`{event_columns}` in a statement, filled in by [`sql`] at compile time), the
//! way in which a row is written and read, and what `store copy` moves. What a store adds is small: how it binds one
//! [`Cell`], and how it reads one.
//!
//! A new column needs a line in its struct and, in the same file, where its value comes from and where it goes. The compiler
//! asks for both.

mod attempts;
mod audit;
mod check;
mod checksum;
mod column;
mod dead_letters;
mod durations;
mod engines;
mod events;
mod lanes;
mod lists;
mod minutes;
mod operations;
mod reports;
mod settings;
pub(crate) mod sql;
mod state_write;
mod tokens;

pub(crate) use self::attempts::AttemptColumns;
pub(crate) use self::audit::{AuditColumns, AuditLinkColumns, ChainEndColumns, DELETED, HEAD, chain_ends, read_record};
pub(crate) use self::check::{Unreadable, check_count_of_status, check_row};
pub(crate) use self::column::{Cell, Cells, Column, ColumnGroup, ColumnValue, Kind, Unexpected};
pub(crate) use self::dead_letters::DeadLetterColumns;
pub(crate) use self::durations::DurationColumns;
pub(crate) use self::engines::EngineColumns;
pub(crate) use self::events::{
    AttributeColumns, EnqueuedColumns, LockDisagrees, PayloadColumns, StateColumns, read_event, read_payload,
};
pub(crate) use self::lanes::LaneColumns;
pub(crate) use self::lists::{COUNTS, TABLES, Table};
pub(crate) use self::minutes::MinuteColumns;
pub(crate) use self::operations::{OperationColumns, OperationMemberColumns};
pub(crate) use self::reports::{ReportColumns, ReportTextColumns, log_tail};
pub(crate) use self::settings::{RunPauseColumns, SettingsColumns};
pub(crate) use self::state_write::StateWrite;
pub(crate) use self::tokens::{TokenColumns, TokenUseColumns};
