//! What every operation is given: the transaction, its time, and what the operations of a batch share.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use enginehouse_core::audit::{AuditEntry, AuditOutcome};
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId, EventType};
use enginehouse_core::lock::LockToken;
use enginehouse_core::report::AttemptReport;
use enginehouse_core::retry_elsewhere::RetryElsewhere;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{EventCommand, Facts, Transition, transition};
use enginehouse_store::rows::EventRow;
use enginehouse_store::{Store, StoreError, Transaction};

use super::actor::Actor;
use super::config::DispatchConfig;
use super::contention::HeldResources;
use super::deadlines::bring_forward;
use super::durations::{Durations, Unwritten};
use super::effects::Effects;
use super::hold_backs::HoldBacks;
use super::last_claims::LastClaims;
use super::late_locks::LateLocks;
use super::minutes::{Minutes, UnwrittenMinutes};
use super::registry::Registry;
use super::reply::{OperationResult, Refusal};
use super::retries::{RetriedEvent, Retry, RetryWaits};
use super::seen_engines::{Callers, SeenEngines};
use super::suspects::Suspects;
use super::unit_of_work::{EventAttributes, UnitOfWork};
use crate::rng::{Rng, SharedIds};

/// The one argument of every operation.
pub struct TransactionContext<'a> {
    pub(super) transaction: Box<dyn Transaction>,
    /// The store's time. It moves on when the transaction has waited for rows.
    pub(super) now: Timestamp,
    /// By which time locks are judged: when the transaction began, since what it is asked had come by then; or before that, when an
    /// outage began that has just ended, since it may have been sent then.
    pub(super) judged_at: Timestamp,
    /// Whether other servers, or applications in SQL, may change what is in the store.
    pub(super) is_shared: bool,
    pub(super) config: &'a DispatchConfig,
    pub(super) registry: &'a mut Registry,
    pub(super) rng: &'a mut dyn Rng,
    pub(super) ids: &'a SharedIds,
    pub(super) hold_backs: &'a HoldBacks,
    pub(super) last_claims: &'a LastClaims,
    pub(super) suspects: &'a Suspects,
    pub(super) retry_waits: &'a RetryWaits,
    /// Events that other engines are to retry, as far as they were looked up.
    pub(super) retried: HashMap<EventId, RetriedEvent>,
    pub(super) durations: &'a Durations,
    pub(super) minutes: &'a Minutes,
    /// What was looked up of it.
    pub(super) takes: RefCell<HashMap<EventType, Option<Duration>>>,
    /// For looks that are none of the transaction's.
    pub(super) store: &'a dyn Store,
    /// What this transaction adds to the durations that the store has.
    pub(super) unwritten: Option<Unwritten>,
    /// What it adds to the minutes.
    pub(super) unwritten_minutes: Option<UnwrittenMinutes>,
    /// The events that operations have read, with what they have decided about them.
    pub(super) events: UnitOfWork,
    pub(super) effects: Effects,
    pub(super) audit_entries: Vec<AuditEntry>,
    /// Who has asked for the operation that is carried out; the server itself between operations.
    pub(super) acting: Actor,
    /// Engines that have settled in this batch.
    pub(super) settlers: Callers,
    pub(super) seen_engines: &'a SeenEngines,
    /// What other transactions hold.
    pub(super) held: &'a HeldResources,
    /// Locks of which nobody was told.
    pub(super) late_locks: &'a LateLocks,
    /// Events that others hold, and that this transaction does without.
    pub(super) contended: &'a HashSet<EventId>,
}

impl TransactionContext<'_> {
    /// Moves the time on, after rows were locked: others may have kept them for long, and a lock that is given or renewed counts
    /// from now on.
    pub(super) fn catch_up(&mut self) {
        self.now = self.transaction.catch_up();
    }

    /// How long attempts at events of a type take: as long as all but a few of them did. Nothing, if none was seen.
    pub(super) fn takes(&self, event_type: &EventType) -> Option<Duration> {
        let mut known = self.takes.borrow_mut();
        if let Some(takes) = known.get(event_type) {
            return *takes;
        }
        let takes = self.durations.processing(event_type).map(|seen| seen.p95);
        known.insert(event_type.clone(), takes);
        takes
    }

    /// Reads those of `ids` that were not read before.
    pub(super) async fn load_events(&mut self, ids: impl IntoIterator<Item = EventId>) -> Result<(), StoreError> {
        let lanes = self.events.load(&mut *self.transaction, ids).await?;
        self.registry.learn_lanes(&mut *self.transaction, lanes).await
    }

    /// Notes when claims that wait may next be given something because time has passed: a delayed event becomes ready, a
    /// quarantine ends, or an event has waited long enough for an engine that has not failed it.
    pub(super) async fn find_next_ready(&mut self) -> Result<(), StoreError> {
        let lanes = self.registry.lanes();
        let next = self.transaction.next_ready_at(&lanes).await?;
        // A claim that has stopped before the end of a lane wants it looked at again sooner.
        bring_forward(&mut self.effects.deadlines.ready, next);
        let quarantine_ends = self.registry.quarantines.end(self.now);
        bring_forward(&mut self.effects.deadlines.ready, quarantine_ends);
        bring_forward(&mut self.effects.deadlines.ready, self.retry_waits.next_end(self.now));
        self.effects.deadlines.ready_known = true;
        Ok(())
    }

    /// Makes sure that the lanes of events that were read are known.
    pub(super) async fn learn_lanes_of(&mut self, events: &[EventRow]) -> Result<(), StoreError> {
        self.registry.learn_lanes(&mut *self.transaction, events.iter().map(|event| event.lane_id)).await
    }

    /// Lets core decide what a command makes of an event. The decision reaches the store with
    /// [`TransactionContext::write_events`].
    pub(super) fn transition(&mut self, event_id: EventId, command: &EventCommand) -> OperationResult<&EventRow> {
        match self.decide(event_id, command)? {
            Ok(decided) => Ok(self.carry_out(event_id, command, decided, None)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// The same for a command with which the event gets other attributes, too.
    pub(super) fn transition_with(
        &mut self,
        event_id: EventId,
        command: &EventCommand,
        attributes: EventAttributes,
    ) -> OperationResult<&EventRow> {
        match self.decide(event_id, command)? {
            Ok(decided) => Ok(self.carry_out(event_id, command, decided, Some(attributes))),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// What core makes of an event. Nothing has changed yet.
    pub(super) fn decide(&mut self, event_id: EventId, command: &EventCommand) -> OperationResult<Transition> {
        let Some(event) = self.events.get(event_id) else { return Ok(Err(self.no_event(event_id))) };
        if let Err(refused) = self.registry.lane_of(event) {
            return Ok(Err(refused));
        }
        let policy = self.registry.policy(event)?;
        let facts =
            Facts { now: self.now, came_at: self.judged_at, retry_policy: &policy.retry, jitter: self.rng.jitter() };
        Ok(transition(&event.state, command, facts).map_err(|why| Refusal::Event { event_id, why }))
    }

    fn carry_out(
        &mut self,
        event_id: EventId,
        command: &EventCommand,
        decided: Transition,
        attributes: Option<EventAttributes>,
    ) -> Result<&EventRow, Refusal> {
        if let Transition::Moves { state, attempt } = decided {
            let before = self.events.get(event_id);
            let before = before.map(|event| (event.lane_id, event.state.status, event.state.available_at));
            if let Some(attributes) = attributes {
                self.events.replace_attributes(event_id, attributes);
            }
            if let (Some(event), Some((lane_before, status, available_at))) = (self.events.get(event_id), before) {
                let has_moved = lane_before != event.lane_id;
                self.effects.transitioned(event, has_moved, &state, command, self.now);
                let waits_on = state.status == EventStatus::Queued && state.available_at == available_at && !has_moved;
                if status == EventStatus::Queued && !waits_on {
                    // The engine that was held back for it may claim others again.
                    self.effects.wake_ups.engines.extend(self.hold_backs.left(lane_before, event_id));
                    if Retry::of(event.state.tally, || RetryElsewhere::Prefer).is_some() {
                        self.retry_waits.end(event_id);
                    }
                }
            }
            bring_forward(&mut self.effects.deadlines.retention, self.config.retention.end_for(&state));
            self.events.change(event_id, state, attempt);
        }
        self.events.get(event_id).ok_or_else(|| self.missing(event_id))
    }

    /// Takes what the holder of a lock reports of its attempt. Answers whether the lock was current: of one that is lost, a report
    /// changes nothing.
    pub(super) fn report(
        &mut self,
        event_id: EventId,
        token: LockToken,
        report: &AttemptReport,
    ) -> Result<bool, StoreError> {
        let command = EventCommand::Report { token, progress: report.progress.is_some() };
        let is_current = self.transition(event_id, &command)?.is_ok();
        if is_current {
            self.events.report(event_id, token.serial, report.clone());
        }
        Ok(is_current)
    }

    /// Why an event that was asked for is not there.
    pub(super) fn no_event(&self, event_id: EventId) -> Refusal {
        match self.transaction.unreadable("events", &event_id.to_string()) {
            Some(row) => Refusal::Unreadable(row.clone()),
            None => self.missing(event_id),
        }
    }

    fn missing(&self, event_id: EventId) -> Refusal {
        Refusal::NoSuchEvent(self.config.retention.missing(event_id, self.now))
    }

    /// Why an engine that was asked for is not there.
    pub(super) fn no_engine(&self, engine_id: &EngineId) -> Refusal {
        match self.transaction.unreadable("engines", engine_id.as_str()) {
            Some(row) => Refusal::Unreadable(row.clone()),
            None => Refusal::EngineNotRegistered(engine_id.clone()),
        }
    }

    /// Writes every event that has changed.
    pub(super) async fn write_events(&mut self) -> Result<(), StoreError> {
        self.events.write(&mut *self.transaction, self.registry, &mut self.effects).await
    }

    /// Notes for the audit log what whoever has asked for the operation did, or the server by itself.
    pub(super) fn audit(&mut self, action: &str, target: impl fmt::Display, detail: &serde_json::Value) {
        let done = (action, target.to_string());
        self.audit_entries.push(self.acting.entry(self.now, done, AuditOutcome::Done, detail));
    }

    /// Makes everything durable. What follows from it takes effect then.
    pub(super) async fn commit(mut self) -> Result<Effects, StoreError> {
        if !self.audit_entries.is_empty() {
            self.transaction.insert_audit(&self.audit_entries).await?;
        }
        self.transaction.commit().await?;
        if let Some(unwritten) = self.unwritten {
            unwritten.written();
        }
        if let Some(unwritten) = self.unwritten_minutes {
            unwritten.written();
        }
        Ok(self.effects)
    }
}
