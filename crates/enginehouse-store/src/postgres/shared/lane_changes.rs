//! What a transaction changes in each lane: collected in memory, and inserted once into `lane_changes`. To update a row of counts
//! per lane instead would make transactions wait for each other.

use std::collections::BTreeMap;

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{LaneId, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use tokio_postgres::types::Type;

use crate::STATUSES;
use crate::postgres::tx::columns::{Moment, params, sql};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;

/// By how much each count changes, by lane and scenario run.
#[derive(Default)]
pub(crate) struct LaneChanges(BTreeMap<(LaneId, Option<ScenarioRunId>), Change>);

#[derive(Default)]
struct Change {
    by_status: BTreeMap<EventStatus, i64>,
    /// From when on the first of the newly queued events may be claimed.
    first_available_at: Option<Timestamp>,
    /// When the first of the added events was enqueued.
    first_enqueued_at: Option<Timestamp>,
    /// Whether an event was enqueued or changed its status.
    is_active: bool,
    /// How many events ended.
    ended: i64,
}

impl LaneChanges {
    fn of(&mut self, lane: LaneId, run: Option<&ScenarioRunId>) -> &mut Change {
        self.0.entry((lane, run.cloned())).or_default()
    }

    /// An event was enqueued.
    pub(crate) fn added(&mut self, lane: LaneId, run: Option<&ScenarioRunId>, at: Timestamp, available_at: Timestamp) {
        let change = self.of(lane, run);
        *change.by_status.entry(EventStatus::Queued).or_default() += 1;
        change.first_enqueued_at = earlier(change.first_enqueued_at, at);
        change.first_available_at = earlier(change.first_available_at, available_at);
        change.is_active = true;
    }

    /// An event went from one lane and status to others, or stayed where it was.
    pub(crate) fn moved(
        &mut self,
        run: Option<&ScenarioRunId>,
        from: (LaneId, EventStatus),
        to: (LaneId, EventStatus),
    ) {
        if from != to {
            *self.of(from.0, run).by_status.entry(from.1).or_default() -= 1;
            let change = self.of(to.0, run);
            *change.by_status.entry(to.1).or_default() += 1;
            if from.1 != to.1 {
                change.is_active = true;
                change.ended += i64::from(to.1.is_final());
            }
        }
    }

    /// A queued event may be claimed from a moment on.
    pub(crate) fn available(&mut self, lane: LaneId, run: Option<&ScenarioRunId>, at: Timestamp) {
        let change = self.of(lane, run);
        change.first_available_at = earlier(change.first_available_at, at);
    }

    /// An event was deleted.
    pub(crate) fn deleted(&mut self, lane: LaneId, run: Option<&ScenarioRunId>, status: EventStatus) {
        *self.of(lane, run).by_status.entry(status).or_default() -= 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lanes in which events were queued, with the time from which on the first of them may be claimed.
    pub(crate) fn arrivals(&self) -> impl Iterator<Item = (LaneId, Timestamp)> {
        self.0.iter().filter_map(|((lane, _), change)| Some((*lane, change.first_available_at?)))
    }

    /// Clears what was written. The arrivals stay, because they are reported after the commit.
    pub(crate) fn clear_written(&mut self) {
        self.0.retain(|_, change| {
            change.by_status.clear();
            change.first_enqueued_at = None;
            change.is_active = false;
            change.ended = 0;
            change.first_available_at.is_some()
        });
    }

    /// Prepares the statement of `write`, so that `write` sends it at once and a commit that is sent after it comes after it.
    pub(crate) async fn prepare(session: &Session) -> PgResult<()> {
        const TYPES: [Type; 11] = [
            Type::INT8_ARRAY,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::TIMESTAMPTZ_ARRAY,
            Type::TIMESTAMPTZ_ARRAY,
            Type::TIMESTAMPTZ_ARRAY,
            Type::INT8_ARRAY,
        ];
        session.prepare(sql!("insert_lane_changes"), &TYPES).await
    }

    /// Inserts the rows.
    pub(crate) async fn write(&self, session: &Session, now: Timestamp) -> PgResult<()> {
        let (mut lanes, mut runs) = (Vec::new(), Vec::new());
        let mut counts: [Vec<i64>; 5] = Default::default();
        let (mut available, mut enqueued, mut active, mut ended) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((lane, run), change) in &self.0 {
            lanes.push(lane.0);
            runs.push(run.as_ref().map(|run| run.as_str()));
            for (column, status) in counts.iter_mut().zip(STATUSES) {
                column.push(change.by_status.get(&status).copied().unwrap_or(0));
            }
            available.push(change.first_available_at.map(Moment));
            enqueued.push(change.first_enqueued_at.map(Moment));
            active.push((run.is_some() && change.is_active).then_some(Moment(now)));
            ended.push(change.ended);
        }
        let [queued, processing, completed, failed, cancelled] = &counts;
        session
            .execute(
                sql!("insert_lane_changes"),
                params![
                    INT8_ARRAY: &lanes, TEXT_ARRAY: &runs, INT8_ARRAY: queued, INT8_ARRAY: processing,
                    INT8_ARRAY: completed, INT8_ARRAY: failed, INT8_ARRAY: cancelled, TIMESTAMPTZ_ARRAY: &available,
                    TIMESTAMPTZ_ARRAY: &enqueued, TIMESTAMPTZ_ARRAY: &active, INT8_ARRAY: &ended,
                ],
            )
            .await?;
        Ok(())
    }
}

fn earlier(one: Option<Timestamp>, other: Timestamp) -> Option<Timestamp> {
    Some(one.map_or(other, |one| one.min(other)))
}
