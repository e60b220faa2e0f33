//! The events of a batch, and their changes on the way to the store.
//!
//! Two commands for one event may share a batch: the second must see what the first did. So every operation of a
//! transaction works on the same [`Working`] set, and [`Working::write`] is the one way in which a decision reaches
//! the store.

use std::collections::{HashMap, HashSet};

use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{AttemptEnd, Command, Facts, Transition, transition};
use enginehouse_store::rows::{EventChange, EventRow, NewDeadLetter};
use enginehouse_store::{StoreError, Transaction};

use super::commands::Refusal;
use super::registry::Registry;
use super::report::{Moved, Report};
use crate::chance::Chance;

/// Events that were read in this transaction, with what was decided about them.
#[derive(Debug, Default)]
pub(super) struct Working {
    events: HashMap<EventId, Entry>,
    /// Changed events, in the order in which they changed first.
    changed: Vec<EventId>,
    attempts: Vec<(EventId, AttemptEnd)>,
}

#[derive(Debug)]
struct Entry {
    row: EventRow,
    read_status: EventStatus,
    read_serial: i64,
    was_dead_letter: bool,
    changed: bool,
    payload: Option<RawJson>,
}

impl Working {
    /// Reads those of `ids` that were not read before.
    pub(super) async fn load(
        &mut self,
        tx: &mut dyn Transaction,
        ids: impl IntoIterator<Item = EventId>,
    ) -> Result<(), StoreError> {
        let mut asked = HashSet::new();
        let missing: Vec<_> = ids.into_iter().filter(|id| !self.events.contains_key(id) && asked.insert(*id)).collect();
        if !missing.is_empty() {
            for row in tx.events_by_id(&missing).await? {
                self.keep(row);
            }
        }
        Ok(())
    }

    /// Keeps a row as it was read, unless it was read before.
    pub(super) fn keep(&mut self, row: EventRow) {
        self.events.entry(row.event_id).or_insert_with(|| Entry {
            read_status: row.state.status,
            read_serial: row.state.lock_serial,
            was_dead_letter: row.state.dead_letter.is_some(),
            changed: false,
            payload: None,
            row,
        });
    }

    /// An event as it is now.
    pub(super) fn get(&self, event_id: EventId) -> Option<&EventRow> {
        self.events.get(&event_id).map(|entry| &entry.row)
    }

    /// Applies a command to an event, by the rules.
    pub(super) fn apply(
        &mut self,
        event_id: EventId,
        command: &Command,
        cx: &mut Deciding<'_>,
    ) -> Result<Result<&EventRow, Refusal>, StoreError> {
        let Some(entry) = self.events.get_mut(&event_id) else { return Ok(Err(Refusal::NoSuchEvent(event_id))) };
        let policy = cx.registry.policy(&entry.row)?;
        let facts = Facts { now: cx.now, retry_policy: &policy.retry, luck: cx.chance.luck() };
        match transition(&entry.row.state, command, facts) {
            Err(why) => return Ok(Err(Refusal::Event { event_id, why })),
            Ok(Transition::AlreadySo) => {}
            Ok(Transition::Moves { state, attempt }) => {
                cx.report.moved(&Moved { before: &entry.row, after: &state, command, now: cx.now });
                entry.row.state = *state;
                if !entry.changed {
                    entry.changed = true;
                    self.changed.push(event_id);
                }
                self.attempts.extend(attempt.map(|attempt| (event_id, attempt)));
            }
        }
        Ok(Ok(&entry.row))
    }

    /// Moves the end of a lock, without a rule of its own: after an outage only.
    pub(super) fn postpone(&mut self, event_id: EventId, expires_at: Timestamp) {
        let Some(entry) = self.events.get_mut(&event_id) else { return };
        let Some(lock) = entry.row.state.lock.as_mut() else { return };
        lock.expires_at = expires_at;
        if !entry.changed {
            entry.changed = true;
            self.changed.push(event_id);
        }
    }

    /// Gives an event another payload.
    pub(super) fn replace_payload(&mut self, event_id: EventId, payload: RawJson) {
        if let Some(entry) = self.events.get_mut(&event_id) {
            entry.payload = Some(payload);
        }
    }

    /// Writes what has changed: events under their guard, then the attempts and dead letters of those that were written.
    /// Answers the events that were not: somebody else has moved them since they were read, and they are forgotten here.
    pub(super) async fn write(
        &mut self,
        tx: &mut dyn Transaction,
        registry: &Registry,
        report: &mut Report,
    ) -> Result<HashSet<EventId>, StoreError> {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return Ok(HashSet::new());
        }
        let changes: Vec<_> = changed.iter().filter_map(|id| self.events.get(id)).map(Entry::change).collect();
        let written: HashSet<_> = tx.write_events(&changes).await?.into_iter().collect();
        let attempts: Vec<_> = std::mem::take(&mut self.attempts);
        let attempts: Vec<_> = attempts.into_iter().filter(|(id, _)| written.contains(id)).collect();
        if !attempts.is_empty() {
            tx.insert_attempts(&attempts).await?;
        }
        let (mut dead, mut resolved) = (Vec::new(), Vec::new());
        for id in &changed {
            let Some(entry) = self.events.get_mut(id).filter(|_| written.contains(id)) else { continue };
            let is_dead_letter = entry.row.state.dead_letter;
            if let Some(reason) = is_dead_letter.filter(|_| !entry.was_dead_letter) {
                let key = registry.lane(entry.row.lane_id)?;
                dead.push(NewDeadLetter {
                    event_id: *id,
                    event_type: key.event_type.clone(),
                    queue: key.queue.clone(),
                    reason,
                    dead_lettered_at: entry.row.state.finished_at.unwrap_or(tx.now()),
                    error: entry.row.state.last_error.clone(),
                });
            } else if is_dead_letter.is_none() && entry.was_dead_letter {
                resolved.push(*id);
            }
            report.written(&entry.row);
            entry.read_again();
        }
        if !resolved.is_empty() {
            tx.delete_dead_letters(&resolved).await?;
        }
        if !dead.is_empty() {
            tx.insert_dead_letters(&dead).await?;
        }
        let unwritten: HashSet<_> = changed.into_iter().filter(|id| !written.contains(id)).collect();
        self.events.retain(|id, _| !unwritten.contains(id));
        Ok(unwritten)
    }
}

impl Entry {
    fn change(&self) -> EventChange {
        EventChange {
            event_id: self.row.event_id,
            lane_id: self.row.lane_id,
            scenario_run_id: self.row.scenario_run_id.clone(),
            read_status: self.read_status,
            read_serial: self.read_serial,
            state: self.row.state.clone(),
            payload: self.payload.clone(),
        }
    }

    fn read_again(&mut self) {
        self.read_status = self.row.state.status;
        self.read_serial = self.row.state.lock_serial;
        self.was_dead_letter = self.row.state.dead_letter.is_some();
        self.changed = false;
        self.payload = None;
    }
}

/// What decisions are made with.
pub(super) struct Deciding<'a> {
    pub(super) now: Timestamp,
    pub(super) registry: &'a Registry,
    pub(super) chance: &'a mut dyn Chance,
    pub(super) report: &'a mut Report,
}
