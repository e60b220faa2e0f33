//! Counts that a transaction changes: gathered in memory, written once.

use std::collections::BTreeMap;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{LaneId, ScenarioRunId};
use enginehouse_core::run_activity::UNITS_OF_AN_END;
use enginehouse_core::time::Timestamp;
use rusqlite::params;

use super::columns::sql;
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use crate::STATUSES;

/// By how much a transaction has changed each count since they were last written.
///
/// In order of the keys, so that equal transactions write equal files.
#[derive(Default)]
pub(super) struct CountChanges {
    lanes: BTreeMap<(LaneId, EventStatus), i64>,
    runs: BTreeMap<ScenarioRunId, RunChange>,
}

struct RunChange {
    /// The earliest enqueue among the added events.
    first_enqueued_at: Timestamp,
    by_status: BTreeMap<EventStatus, i64>,
    /// Whether an event was enqueued or changed its status.
    is_active: bool,
    /// How many of its events ended.
    ended: u64,
}

impl CountChanges {
    /// An event was added.
    pub(super) fn added(&mut self, lane: LaneId, run: Option<&ScenarioRunId>, status: EventStatus, at: Timestamp) {
        self.change(lane, run, status, 1);
        if let Some(change) = run.and_then(|run| self.runs.get_mut(run)) {
            change.first_enqueued_at = change.first_enqueued_at.min(at);
            change.is_active = true;
        }
    }

    /// An event went from one lane and status to others, or stayed where it was.
    pub(super) fn moved(
        &mut self,
        run: Option<&ScenarioRunId>,
        from: (LaneId, EventStatus),
        to: (LaneId, EventStatus),
    ) {
        if from != to {
            self.change(from.0, run, from.1, -1);
            self.change(to.0, run, to.1, 1);
        }
        if let Some(change) = run.and_then(|run| self.runs.get_mut(run))
            && from.1 != to.1
        {
            change.is_active = true;
            change.ended += u64::from(to.1.is_final());
        }
    }

    /// An event was forgotten.
    pub(super) fn forgotten(&mut self, lane: LaneId, run: Option<&ScenarioRunId>, status: EventStatus) {
        self.change(lane, run, status, -1);
    }

    fn change(&mut self, lane: LaneId, run: Option<&ScenarioRunId>, status: EventStatus, by: i64) {
        *self.lanes.entry((lane, status)).or_default() += by;
        let Some(run) = run else { return };
        if !self.runs.contains_key(run) {
            // A run that is only changed has its beginning in its row.
            let change =
                RunChange { first_enqueued_at: Timestamp::MAX, by_status: BTreeMap::new(), is_active: false, ended: 0 };
            self.runs.insert(run.clone(), change);
        }
        if let Some(change) = self.runs.get_mut(run) {
            *change.by_status.entry(status).or_default() += by;
        }
    }

    /// Writes what has changed, so that statements see it.
    pub(super) fn write(&mut self, connection: &SqliteConnection, now: Timestamp) -> SqliteResult<()> {
        if !self.lanes.is_empty() {
            let mut statement = connection.prepare_cached(sql!("add_lane_counts"))?;
            for ((lane, status), by) in std::mem::take(&mut self.lanes) {
                if by != 0 {
                    statement.execute(params![lane.0, status.name(), by])?;
                }
            }
        }
        if !self.runs.is_empty() {
            let mut add = connection.prepare_cached(sql!("add_scenario_run_counts"))?;
            let mut delete = connection.prepare_cached(sql!("delete_empty_scenario_runs"))?;
            for (run, change) in std::mem::take(&mut self.runs) {
                let by = STATUSES.map(|status| change.by_status.get(&status).copied().unwrap_or(0));
                let first = change.first_enqueued_at.as_millis();
                let active_at = change.is_active.then_some(now.as_millis());
                let ended = (change.ended * UNITS_OF_AN_END).cast_signed();
                add.execute(params![run.as_str(), first, by[0], by[1], by[2], by[3], by[4], active_at, ended])?;
                if by.iter().sum::<i64>() <= 0 {
                    delete.execute([run.as_str()])?;
                }
            }
        }
        Ok(())
    }
}
