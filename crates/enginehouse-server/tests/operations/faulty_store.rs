//! A store that fails when a test says so.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ambassador::delegate_to_methods;
use async_trait::async_trait;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::audit::{AuditEntry, AuditFilter, AuditRecord};
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::generation::Generation;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, OperationId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::operation::{OperationMember, OperationRecord, UnchangedMember};
use enginehouse_core::pause::Pause;
use enginehouse_core::report::LogTail;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::AttemptEnd;
use enginehouse_store::rows::*;
use enginehouse_store::store::*;
use enginehouse_store::transaction::*;
use enginehouse_store::{StoreError, UnreadableRow};
use tokio::sync::{RwLock, RwLockWriteGuard};

/// What is wrong with the store.
#[derive(Default)]
pub(crate) struct Faults {
    /// Whether it is away.
    pub(crate) away: AtomicBool,
    /// Whether it allows one transaction at a time only.
    pub(crate) one_at_a_time: AtomicBool,
    /// How often anything was asked about what engines report of attempts.
    pub(crate) report_calls: AtomicUsize,
    gate: RwLock<()>,
    commit_gate: RwLock<()>,
}

impl Faults {
    /// Keeps transactions from beginning as long as the guard lives.
    pub(crate) fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.try_write().expect("no transaction is running")
    }

    /// Keeps transactions from being durable as long as the guard lives.
    pub(crate) async fn hold_commits(&self) -> RwLockWriteGuard<'_, ()> {
        self.commit_gate.write().await
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

#[delegate_to_methods]
#[delegate(Queries, target_ref = "inner")]
#[delegate(StoreAdmin, target_ref = "inner")]
impl FaultyStore {
    fn inner(&self) -> &dyn Store {
        &*self.store
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        drop(self.faults.gate.read().await);
        if self.faults.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("it is away"));
        }
        Ok(Box::new(FaultyTransaction(self.store.begin().await?, Arc::clone(&self.faults))))
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
}

struct FaultyTransaction(Box<dyn Transaction>, Arc<Faults>);

#[delegate_to_methods]
#[delegate(TransactionTime, target_ref = "inner", target_mut = "inner_mut")]
#[delegate(EventRepository, target_mut = "inner_mut")]
#[delegate(ReadyRepository, target_mut = "inner_mut")]
#[delegate(LockRepository, target_mut = "inner_mut")]
#[delegate(EngineRepository, target_mut = "inner_mut")]
#[delegate(AttemptRepository, target_mut = "inner_mut")]
#[delegate(SettingsRepository, target_mut = "inner_mut")]
#[delegate(TokenRepository, target_mut = "inner_mut")]
#[delegate(AuditRepository, target_mut = "inner_mut")]
#[delegate(EnqueueGrantRepository, target_mut = "inner_mut")]
#[delegate(DurationRepository, target_mut = "inner_mut")]
#[delegate(MinuteRepository, target_mut = "inner_mut")]
#[delegate(OperationRepository, target_mut = "inner_mut")]
#[delegate(ContentionRepository, target_mut = "inner_mut")]
impl FaultyTransaction {
    fn inner(&self) -> &dyn Transaction {
        &*self.0
    }

    fn inner_mut(&mut self) -> &mut dyn Transaction {
        &mut *self.0
    }
}

#[async_trait]
impl Transaction for FaultyTransaction {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self(transaction, faults) = *self;
        drop(faults.commit_gate.read().await);
        transaction.commit().await
    }
}

#[async_trait]
impl ReportRepository for FaultyTransaction {
    async fn log_tails(&mut self, locks: &[(EventId, i64)]) -> Result<HashMap<(EventId, i64), LogTail>, StoreError> {
        self.1.report_calls.fetch_add(1, Ordering::SeqCst);
        self.0.log_tails(locks).await
    }

    async fn write_reports(&mut self, reports: &[ReportWrite]) -> Result<(), StoreError> {
        self.1.report_calls.fetch_add(1, Ordering::SeqCst);
        self.0.write_reports(reports).await
    }

    async fn checkpoints(&mut self, ids: &[EventId]) -> Result<HashMap<EventId, RawJson>, StoreError> {
        self.1.report_calls.fetch_add(1, Ordering::SeqCst);
        self.0.checkpoints(ids).await
    }
}

fn names(args: &[LaneKey], event_type: &str) -> bool {
    args.iter().any(|key| key.event_type.as_str() == event_type)
}

#[async_trait]
impl LaneRepository for FaultyTransaction {
    async fn lanes_since(&mut self, version: u64) -> Result<LaneChangesSince, StoreError> {
        self.0.lanes_since(version).await
    }

    async fn lanes_by_id(&mut self, ids: &[LaneId]) -> Result<Vec<Lane>, StoreError> {
        self.0.lanes_by_id(ids).await
    }

    async fn intern_lanes(&mut self, keys: &[LaneKey]) -> Result<Vec<Lane>, StoreError> {
        assert!(!names(keys, "panic"), "a test panics");
        if names(keys, "poison") {
            return Err(StoreError::Bug("a test fails".to_owned()));
        }
        self.0.intern_lanes(keys).await
    }

    async fn delete_empty_lanes(&mut self, limit: u32) -> Result<Vec<LaneId>, StoreError> {
        self.0.delete_empty_lanes(limit).await
    }

    async fn queued_events(&mut self, lanes: &[LaneId]) -> Result<Vec<(LaneId, u64)>, StoreError> {
        self.0.queued_events(lanes).await
    }

    async fn status_counts(&mut self) -> Result<StatusCounts, StoreError> {
        self.0.status_counts().await
    }
}
