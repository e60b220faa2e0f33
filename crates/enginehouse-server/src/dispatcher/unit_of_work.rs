//! The events of a batch, and their changes on the way to the store.
//!
//! Two requests for one event may share a batch: the second must see what the first did. So every operation of a
//! transaction works on the same [`UnitOfWork`], and [`UnitOfWork::write`] is the one way in which a decision reaches
//! the store (the pattern: Fowler, *Patterns of Enterprise Application Architecture*).

use std::collections::{BTreeMap, HashMap, HashSet};

use enginehouse_core::ids::{EventId, LaneId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::Lock;
use enginehouse_core::policy::Overrides;
use enginehouse_core::report::AttemptReport;
use enginehouse_core::transition::{AttemptEnd, EventState};
use enginehouse_store::rows::{EventChange, EventRow, NewDeadLetter, ReportWrite};
use enginehouse_store::{StoreError, Transaction};

use super::effects::Effects;
use super::registry::Registry;

/// Events that were read in this transaction, with what was decided about them.
#[derive(Debug, Default)]
pub(super) struct UnitOfWork {
    /// Boxed: a map that grows moves all that it holds.
    events: HashMap<EventId, Box<Entry>>,
    /// Changed events, in the order in which they changed first.
    changed: Vec<EventId>,
    attempts: Vec<(EventId, AttemptEnd)>,
    /// What engines have reported of attempts, by the serial of the lock.
    reports: HashMap<(EventId, i64), AttemptReport>,
}

#[derive(Debug)]
struct Entry {
    row: EventRow,
    /// Its state as it stands in the store, if it has changed since: the write is guarded by it.
    stored: Option<Box<EventState>>,
    new_payload: Option<RawJson>,
    /// The lane that it stands in in the store, if its attributes have changed since.
    stored_lane: Option<LaneId>,
}

/// What a person may change of an event beside its state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EventAttributes {
    pub(super) lane_id: LaneId,
    pub(super) overrides: Overrides,
    pub(super) labels: BTreeMap<String, String>,
}

impl EventAttributes {
    /// Those of an event, in another lane.
    pub(super) fn in_lane(event: &EventRow, lane_id: LaneId) -> Self {
        Self { lane_id, overrides: event.overrides.clone(), labels: event.labels.clone() }
    }
}

impl UnitOfWork {
    /// Reads those of `ids` that were not read before. Answers the lanes of those.
    pub(super) async fn load(
        &mut self,
        transaction: &mut dyn Transaction,
        ids: impl IntoIterator<Item = EventId>,
    ) -> Result<HashSet<LaneId>, StoreError> {
        let mut asked = HashSet::new();
        let mut lanes = HashSet::new();
        let missing: Vec<_> = ids.into_iter().filter(|id| !self.events.contains_key(id) && asked.insert(*id)).collect();
        if !missing.is_empty() {
            for row in transaction.events_by_id(&missing).await? {
                lanes.insert(row.lane_id);
                self.keep(row);
            }
        }
        Ok(lanes)
    }

    /// Keeps a row as it was read, unless it was read before.
    pub(super) fn keep(&mut self, row: EventRow) {
        self.events
            .entry(row.event_id)
            .or_insert_with(|| Box::new(Entry { row, stored: None, new_payload: None, stored_lane: None }));
    }

    /// An event as it is now, changes included.
    pub(super) fn get(&self, event_id: EventId) -> Option<&EventRow> {
        self.events.get(&event_id).map(|entry| &entry.row)
    }

    /// Changes an event by a decision of core, which may have ended an attempt.
    pub(super) fn change(&mut self, event_id: EventId, state: Box<EventState>, attempt: Option<AttemptEnd>) {
        let Some(entry) = self.events.get_mut(&event_id) else { return };
        if entry.change(state) {
            self.changed.push(event_id);
        }
        self.attempts.extend(attempt.map(|attempt| (event_id, attempt)));
    }

    /// Keeps what was reported of an attempt, whose lock core has found to be current.
    pub(super) fn report(&mut self, event_id: EventId, lock_serial: i64, report: AttemptReport) {
        self.reports.entry((event_id, lock_serial)).or_default().merge(report);
    }

    /// Moves the end of a lock, and of the time for progress, without asking core: for the grace after an outage only.
    pub(super) fn postpone_lock(&mut self, event_id: EventId, postponed: Lock) {
        let Some(entry) = self.events.get_mut(&event_id) else { return };
        let lock = Some(postponed);
        let state = Box::new(EventState { lock, ..entry.row.state.clone() });
        if entry.change(state) {
            self.changed.push(event_id);
        }
    }

    /// Gives an event that has changed another payload.
    pub(super) fn replace_payload(&mut self, event_id: EventId, payload: RawJson) {
        if let Some(entry) = self.events.get_mut(&event_id) {
            entry.new_payload = Some(payload);
        }
    }

    /// Gives an event that is about to change other attributes.
    pub(super) fn replace_attributes(&mut self, event_id: EventId, attributes: EventAttributes) {
        let Some(entry) = self.events.get_mut(&event_id) else { return };
        let EventAttributes { lane_id, overrides, labels } = attributes;
        entry.stored_lane.get_or_insert(entry.row.lane_id);
        (entry.row.lane_id, entry.row.overrides, entry.row.labels) = (lane_id, overrides, labels);
    }

    /// Moves an event to another lane. Nothing else of it changes.
    pub(super) fn move_to_lane(&mut self, event_id: EventId, lane_id: LaneId) {
        let Some(entry) = self.events.get_mut(&event_id) else { return };
        entry.stored_lane.get_or_insert(entry.row.lane_id);
        entry.row.lane_id = lane_id;
        if entry.change(Box::new(entry.row.state.clone())) {
            self.changed.push(event_id);
        }
    }

    /// Writes what has changed: events under their guard, with their attempts and dead letters. If somebody else has changed one
    /// of them since it was read, the transaction ends by that.
    pub(super) async fn write(
        &mut self,
        transaction: &mut dyn Transaction,
        registry: &Registry,
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = changed.iter().filter_map(|id| self.events.get(id)?.to_write()).collect();
        transaction.write_events(&changes).await?;
        let attempts = std::mem::take(&mut self.attempts);
        if !attempts.is_empty() {
            transaction.insert_attempts(&attempts).await?;
        }
        if !self.reports.is_empty() {
            let reports = std::mem::take(&mut self.reports);
            effects.reported.extend(reports.keys().map(|(event_id, _)| *event_id));
            write_reports(transaction, reports).await?;
        }
        let (mut dead_letters, mut resolved) = (Vec::new(), Vec::new());
        for id in &changed {
            let Some(entry) = self.events.get_mut(id) else { continue };
            let stored = entry.stored.take();
            (entry.new_payload, entry.stored_lane) = (None, None);
            let state = &entry.row.state;
            match (stored.is_some_and(|stored| stored.dead_letter.is_some()), state.dead_letter) {
                (false, Some(reason)) => {
                    let lane = registry.lane(entry.row.lane_id)?;
                    dead_letters.push(NewDeadLetter {
                        event_id: *id,
                        event_type: lane.event_type.clone(),
                        queue: lane.queue.clone(),
                        reason,
                        dead_lettered_at: state.finished_at.unwrap_or(transaction.now()),
                        error: state.last_error.clone(),
                    });
                }
                (true, None) => resolved.push(*id),
                (true, Some(_)) | (false, None) => {}
            }
            effects.written(&entry.row);
        }
        if !resolved.is_empty() {
            transaction.delete_dead_letters(&resolved).await?;
        }
        if !dead_letters.is_empty() {
            transaction.insert_dead_letters(&dead_letters).await?;
        }
        Ok(())
    }
}

/// Adds reports to those before. Nothing is read but the ends of logs that become longer.
async fn write_reports(
    transaction: &mut dyn Transaction,
    reports: HashMap<(EventId, i64), AttemptReport>,
) -> Result<(), StoreError> {
    let appended = reports.iter().filter(|(_, report)| !report.log.is_empty()).map(|(lock, _)| *lock);
    let appended: Vec<_> = appended.collect();
    let mut logs = match appended.is_empty() {
        true => HashMap::new(),
        false => transaction.log_tails(&appended).await?,
    };
    let reported_at = transaction.now();
    let mut writes: Vec<_> = reports
        .into_iter()
        .map(|((event_id, lock_serial), report)| {
            let log = (!report.log.is_empty()).then(|| {
                let mut log = logs.remove(&(event_id, lock_serial)).unwrap_or_default();
                log.append(&report.log);
                log
            });
            ReportWrite { event_id, lock_serial, reported_at, report, log }
        })
        .collect();
    // In one order, whichever transaction it is: none waits for another that waits for it.
    writes.sort_unstable_by_key(|write| (write.event_id, write.lock_serial));
    transaction.write_reports(&writes).await
}

impl Entry {
    /// Answers whether it is the first change since the event was read or written.
    fn change(&mut self, mut state: Box<EventState>) -> bool {
        std::mem::swap(&mut self.row.state, &mut state);
        let is_first = self.stored.is_none();
        self.stored.get_or_insert(state);
        is_first
    }

    fn to_write(&self) -> Option<EventChange<'_>> {
        let read = self.stored.as_ref()?;
        Some(EventChange { event: &self.row, read, payload: self.new_payload.as_ref(), read_lane: self.stored_lane })
    }
}
