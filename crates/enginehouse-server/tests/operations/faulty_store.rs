//! A store that fails when a test says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use enginehouse_core::engine::{Engine, EngineStatus};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::policy::Settings;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;
use enginehouse_store::rows::*;
use enginehouse_store::{ChangeFeed, Store, StoreError, Transaction};
use tokio::sync::{RwLock, RwLockWriteGuard};

/// What is wrong with the store.
#[derive(Default)]
pub(crate) struct Faults {
    /// Whether it is away.
    pub(crate) away: AtomicBool,
    /// Whether it allows one transaction at a time only.
    pub(crate) one_at_a_time: AtomicBool,
    gate: RwLock<()>,
}

impl Faults {
    /// Keeps transactions from beginning as long as the guard lives.
    pub(crate) fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.try_write().expect("no transaction is running")
    }
}

/// A store in faults. Lanes of the event types `poison` and `panic` cannot be made in it.
pub(crate) struct FaultyStore {
    store: Arc<dyn Store>,
    faults: Arc<Faults>,
}

impl FaultyStore {
    pub(crate) fn new(store: Arc<dyn Store>, faults: Arc<Faults>) -> Self {
        Self { store, faults }
    }
}

struct FaultyTransaction(Box<dyn Transaction>);

fn names(args: &[LaneKey], event_type: &str) -> bool {
    args.iter().any(|key| key.event_type.as_str() == event_type)
}

#[async_trait]
impl Store for FaultyStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        drop(self.faults.gate.read().await);
        if self.faults.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("it is away"));
        }
        Ok(Box::new(FaultyTransaction(self.store.begin().await?)))
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn max_transactions(&self) -> usize {
        if self.faults.one_at_a_time.load(Ordering::SeqCst) { 1 } else { self.store.max_transactions() }
    }

    fn change_feed(&self) -> Option<Box<dyn ChangeFeed>> {
        self.store.change_feed()
    }

    async fn event(&self, event_id: EventId) -> Result<Option<EventRecord>, StoreError> {
        self.store.event(event_id).await
    }

    async fn events(&self, filter: &EventFilter, page: &PageRequest) -> Result<Page<EventRecord>, StoreError> {
        self.store.events(filter, page).await
    }

    async fn history(&self, event_id: EventId) -> Result<History, StoreError> {
        self.store.history(event_id).await
    }

    async fn engine(&self, engine_id: &EngineId) -> Result<Option<(Engine, Vec<EventRecord>)>, StoreError> {
        self.store.engine(engine_id).await
    }

    async fn engines(&self, filter: &EngineFilter, page: &PageRequest) -> Result<Page<(Engine, u32)>, StoreError> {
        self.store.engines(filter, page).await
    }

    async fn engine_counts(&self) -> Result<Vec<(EngineStatus, u64)>, StoreError> {
        self.store.engine_counts().await
    }

    async fn settings(&self) -> Result<SettingsRows, StoreError> {
        self.store.settings().await
    }

    async fn dead_letter(&self, event_id: EventId) -> Result<Option<DeadLetterRow>, StoreError> {
        self.store.dead_letter(event_id).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        page: &PageRequest,
    ) -> Result<Page<DeadLetterRow>, StoreError> {
        self.store.dead_letters(filter, page).await
    }

    async fn dead_letter_groups(&self) -> Result<Vec<DeadLetterGroup>, StoreError> {
        self.store.dead_letter_groups().await
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCounts>, StoreError> {
        self.store.lane_counts().await
    }

    async fn scenario_runs(&self, page: &PageRequest) -> Result<Page<ScenarioRunCounts>, StoreError> {
        self.store.scenario_runs(page).await
    }

    async fn scenario_run(
        &self,
        scenario_run_id: &ScenarioRunId,
    ) -> Result<Option<(ScenarioRunCounts, Vec<EngineId>)>, StoreError> {
        self.store.scenario_run(scenario_run_id).await
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        self.store.check_integrity().await
    }

    async fn backup(&self, to: &Path) -> Result<u64, StoreError> {
        self.store.backup(to).await
    }

    fn describe(&self) -> String {
        self.store.describe()
    }
}

#[async_trait]
impl Transaction for FaultyTransaction {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn jumped(&self) -> bool {
        self.0.jumped()
    }

    async fn insert_events(&mut self, events: &[NewEventRow]) -> Result<(), StoreError> {
        self.0.insert_events(events).await
    }

    async fn events_by_id(&mut self, ids: &[EventId]) -> Result<Vec<EventRow>, StoreError> {
        self.0.events_by_id(ids).await
    }

    async fn payloads(&mut self, ids: &[EventId]) -> Result<Vec<(EventId, RawJson)>, StoreError> {
        self.0.payloads(ids).await
    }

    async fn events_by_idempotency_key(&mut self, keys: &[&str]) -> Result<Vec<KeyedEvent>, StoreError> {
        self.0.events_by_idempotency_key(keys).await
    }

    async fn ready_events(&mut self, ranges: &[ReadyRange], limit: u32) -> Result<Vec<ReadyEvent>, StoreError> {
        self.0.ready_events(ranges, limit).await
    }

    async fn ready_events_of_run(
        &mut self,
        scenario_run_id: &ScenarioRunId,
        lanes: &[LaneId],
        limit: u32,
    ) -> Result<Vec<ReadyEvent>, StoreError> {
        self.0.ready_events_of_run(scenario_run_id, lanes, limit).await
    }

    async fn ready_counts(&mut self, lanes: &[LaneId], limit: u32) -> Result<Vec<(LaneId, u32)>, StoreError> {
        self.0.ready_counts(lanes, limit).await
    }

    async fn next_ready_at(&mut self, lanes: &[LaneId]) -> Result<Option<Timestamp>, StoreError> {
        self.0.next_ready_at(lanes).await
    }

    async fn write_events(&mut self, changes: &[EventChange]) -> Result<Vec<EventId>, StoreError> {
        self.0.write_events(changes).await
    }

    async fn forgettable_events(
        &mut self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        self.0.forgettable_events(completed_before, failed_before, limit).await
    }

    async fn oldest_finished(&mut self) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
        self.0.oldest_finished().await
    }

    async fn delete_events(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        self.0.delete_events(ids).await
    }

    async fn locks_of_engines(&mut self, engines: &[EngineId]) -> Result<Vec<HeldLock>, StoreError> {
        self.0.locks_of_engines(engines).await
    }

    async fn locks_expiring(
        &mut self,
        until: Timestamp,
        after: Option<LockCursor>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.0.locks_expiring(until, after, limit).await
    }

    async fn next_lock_expiry(&mut self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.0.next_lock_expiry(until).await
    }

    async fn lanes_since(&mut self, version: u64) -> Result<LaneChangesSince, StoreError> {
        self.0.lanes_since(version).await
    }

    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError> {
        assert!(!names(keys, "panic"), "a test panics");
        if names(keys, "poison") {
            return Err(StoreError::Corrupt("a test fails".to_owned()));
        }
        self.0.intern_lanes(keys).await
    }

    async fn delete_empty_lanes(&mut self, limit: u32) -> Result<Vec<LaneId>, StoreError> {
        self.0.delete_empty_lanes(limit).await
    }

    async fn engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError> {
        self.0.engines_by_id(ids).await
    }

    async fn free_engines_by_id(&mut self, ids: &[EngineId]) -> Result<Vec<Engine>, StoreError> {
        self.0.free_engines_by_id(ids).await
    }

    async fn all_engines(&mut self) -> Result<Vec<Engine>, StoreError> {
        self.0.all_engines().await
    }

    async fn write_engines(&mut self, engines: &[Engine]) -> Result<(), StoreError> {
        self.0.write_engines(engines).await
    }

    async fn silent_engines(&mut self, until: Timestamp, limit: u32) -> Result<Vec<Engine>, StoreError> {
        self.0.silent_engines(until, limit).await
    }

    async fn next_engine_loss(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.0.next_engine_loss().await
    }

    async fn delete_gone_engines(&mut self, silent_since: Timestamp, limit: u32) -> Result<Vec<EngineId>, StoreError> {
        self.0.delete_gone_engines(silent_since, limit).await
    }

    async fn insert_attempts(&mut self, attempts: &[(EventId, AttemptEnd)]) -> Result<(), StoreError> {
        self.0.insert_attempts(attempts).await
    }

    async fn insert_dead_letters(&mut self, dead_letters: &[NewDeadLetter]) -> Result<(), StoreError> {
        self.0.insert_dead_letters(dead_letters).await
    }

    async fn delete_dead_letters(&mut self, ids: &[EventId]) -> Result<(), StoreError> {
        self.0.delete_dead_letters(ids).await
    }

    async fn matching_dead_letters(
        &mut self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        self.0.matching_dead_letters(filter, limit).await
    }

    async fn registry_version(&mut self) -> Result<i64, StoreError> {
        self.0.registry_version().await
    }

    async fn raise_registry_version(&mut self) -> Result<i64, StoreError> {
        self.0.raise_registry_version().await
    }

    async fn settings(&mut self) -> Result<SettingsRows, StoreError> {
        self.0.settings().await
    }

    async fn write_event_type(
        &mut self,
        event_type: &EventType,
        settings: Option<&Settings>,
    ) -> Result<(), StoreError> {
        self.0.write_event_type(event_type, settings).await
    }

    async fn write_queue(&mut self, queue: &QueueName, settings: Option<&Settings>) -> Result<(), StoreError> {
        self.0.write_queue(queue, settings).await
    }

    async fn insert_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.0.insert_audit(entries).await
    }

    async fn delete_audit(&mut self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.0.delete_audit(before, limit).await
    }

    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError> {
        self.0.status_counts().await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await
    }
}
