//! Whether a row can be read: every column of it, by the reader that the server uses.

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EventId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::time::Timestamp;

use super::column::{Cells, ColumnGroup, ColumnValue, Unexpected, raw_json};
use super::lists::{COUNTS, Table};
use super::{
    AttemptColumns, ChainEndColumns, DeadLetterColumns, DurationColumns, EngineColumns, LaneColumns, MinuteColumns,
    OperationColumns, OperationMemberColumns, ReportColumns, ReportTextColumns, RunPauseColumns, SettingsColumns,
    TokenColumns, read_event, read_payload, read_record,
};

/// Reads a row whose cells are those of the table's list, in their order.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_row<'a, C: Cells<'a>>(table: &Table, cells: &mut C) -> Result<(), C::Error> {
    match table.name {
        "engines" => drop(EngineColumns::read(cells)?.into_engine()?),
        "lanes" => {
            value::<LaneId, C>(cells, "lane_id")?;
            LaneColumns::read(cells)?.into_key()?;
        }
        "events" => {
            let event = read_event(cells)?;
            let fingerprint = value::<Option<[u8; 16]>, C>(cells, "fingerprint")?;
            if fingerprint.is_some() != event.idempotency_key.is_some() {
                return Err(Unexpected::new("fingerprint", "not as the idempotency key says").into());
            }
            if event.idempotency_key_expires_at.is_some() && event.idempotency_key.is_none() {
                return Err(Unexpected::new("idempotency_key_expires_at", "there is no key that expires").into());
            }
        }
        "event_payloads" => {
            value::<EventId, C>(cells, "event_id")?;
            read_payload(cells)?.ok_or_else(|| Unexpected::new("payload", "null instead of a text"))?;
        }
        "attempts" => {
            value::<EventId, C>(cells, "event_id")?;
            AttemptColumns::read(cells)?.into_end()?;
        }
        "attempt_reports" => {
            value::<EventId, C>(cells, "event_id")?;
            ReportColumns::read(cells)?;
            let texts = ReportTextColumns::read(cells)?;
            texts.checkpoint.map(|text| raw_json("checkpoint", text)).transpose()?;
        }
        "dead_letters" => drop(DeadLetterColumns::read(cells)?),
        "event_types" => {
            value::<EventType, C>(cells, "event_type")?;
            SettingsColumns::read(cells)?.into_row()?;
        }
        "queues" => {
            value::<QueueName, C>(cells, "queue")?;
            SettingsColumns::read(cells)?.into_row()?;
        }
        "run_pauses" => drop(RunPauseColumns::read(cells)?.into_pause()?),
        "duration_histograms" => drop(DurationColumns::read(cells)?.into_row()?),
        "event_minutes" => drop(MinuteColumns::read(cells)?.into_row()?),
        "operations" => drop(OperationColumns::read(cells)?.into_operation()?),
        "operation_members" => {
            let member = OperationMemberColumns::read(cells)?;
            if member.outcome.is_some() {
                member.into_unchanged()?;
            }
        }
        "tokens" => drop(TokenColumns::read(cells)?.into_token()?),
        "audit_log" => {
            read_record(cells)?;
        }
        "audit_chain" => {
            ChainEndColumns::read(cells)?;
        }
        "scenario_runs" => {
            value::<ScenarioRunId, C>(cells, "scenario_run_id")?;
            value::<Timestamp, C>(cells, "first_enqueued_at")?;
            counts(cells)?;
            value::<Timestamp, C>(cells, "last_activity_at")?;
            count(cells, "ended_lately")?;
        }
        "lane_counts" => {
            value::<LaneId, C>(cells, "lane_id")?;
            counts(cells)?;
        }
        other => unreachable!("table {other} has a reader here"),
    }
    Ok(())
}

/// Reads a row of SQLite's `lane_counts`, which has one per lane and status.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_count_of_status<'a, C: Cells<'a>>(cells: &mut C) -> Result<(), C::Error> {
    value::<LaneId, C>(cells, "lane_id")?;
    value::<EventStatus, C>(cells, "status")?;
    count(cells, "events")
}

fn counts<'a, C: Cells<'a>>(cells: &mut C) -> Result<(), C::Error> {
    COUNTS.iter().try_for_each(|status| count(cells, status))
}

fn count<'a, C: Cells<'a>>(cells: &mut C, column: &'static str) -> Result<(), C::Error> {
    value::<u64, C>(cells, column).map(|_| ())
}

fn value<'a, T: ColumnValue<'a>, C: Cells<'a>>(cells: &mut C, column: &'static str) -> Result<T, C::Error> {
    T::from_cell(cells.next_cell()?).map_err(|what| Unexpected { column, what }.into())
}

/// The rows of one table that cannot be read, in words for whoever looks after the store: the first of them, and how many
/// there are.
pub(crate) struct Unreadable {
    table: &'static str,
    rows: u64,
    findings: Vec<String>,
}

impl Unreadable {
    /// How many rows of a table are named.
    const MAX_NAMED: usize = 100;

    pub(crate) fn of(table: &'static str) -> Self {
        Self { table, rows: 0, findings: Vec::new() }
    }

    pub(crate) fn add(&mut self, key: impl std::fmt::Display, why: impl std::fmt::Display) {
        self.rows += 1;
        if self.findings.len() < Self::MAX_NAMED {
            self.findings.push(crate::unreadable::UnreadableRow::new(self.table, key, why).to_string());
        }
    }

    pub(crate) fn into_findings(mut self) -> Vec<String> {
        if self.rows == 0 {
            return Vec::new();
        }
        if self.rows > Self::MAX_NAMED as u64 {
            self.findings.push(format!(
                "{} rows of table {} cannot be read, of which these are the first",
                self.rows, self.table
            ));
        }
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Cell, TABLES};

    /// Cells that are all null.
    struct Nulls(usize);

    impl Cells<'static> for Nulls {
        type Error = Unexpected;

        fn next_cell(&mut self) -> Result<Cell<'static>, Unexpected> {
            self.0 += 1;
            Ok(Cell::Null)
        }
    }

    #[test]
    fn every_table_has_a_reader_that_refuses_a_row_of_nulls() {
        for table in TABLES {
            let refused = check_row(table, &mut Nulls(0)).unwrap_err();
            assert!(refused.what.starts_with("null instead of"), "{}: {refused}", table.name);
        }
    }
}
