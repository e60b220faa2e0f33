//! Who is lost by a sweep that comes at a moment which no caller can choose.

use std::collections::HashSet;
use std::sync::Arc;

use enginehouse_core::engine::{EngineStatus, Metadata, Registration};
use enginehouse_store::Store;
use enginehouse_store::clock::ManualClock;
use enginehouse_store::sqlite::{SqliteOptions, SqliteStore};

use super::*;
use crate::dispatcher::batch::{BatchClass, RequestBatch};
use crate::dispatcher::config::DispatchConfig;
use crate::dispatcher::contention::HeldResources;
use crate::dispatcher::durations::Durations;
use crate::dispatcher::hold_backs::HoldBacks;
use crate::dispatcher::last_claims::LastClaims;
use crate::dispatcher::late_locks::LateLocks;
use crate::dispatcher::minutes::Minutes;
use crate::dispatcher::outage::OutageDetector;
use crate::dispatcher::pending_wake_ups::TakenWakeUps;
use crate::dispatcher::pulse::Pulse;
use crate::dispatcher::registry::Registry;
use crate::dispatcher::retries::RetryWaits;
use crate::dispatcher::seen_engines::{Callers, SeenEngines};
use crate::dispatcher::suspects::Suspects;
use crate::dispatcher::transaction::{BatchStart, Scope, TransactionWorker};
use crate::dispatcher::wait_queue::WaitQueue;
use crate::log_limit::LogLimit;
use crate::rng::{SeededRng, SharedIds, SharedRng};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A worker of its own, so that nothing happens between two transactions but what a test says.
struct Worker {
    worker: TransactionWorker,
    start: BatchStart,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl Worker {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let options = SqliteOptions::new(folder.path().join("enginehouse.db"), Arc::clone(&clock) as _);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
        let config = Arc::new(DispatchConfig::default());
        let worker = TransactionWorker {
            store,
            registry: Registry::new(config.default_policy, config.hold_back_after),
            config,
            rng: SharedRng::new(Box::new(SeededRng::from_seed(7))),
            ids: SharedIds::default(),
            hold_backs: HoldBacks::default(),
            last_claims: LastClaims::default(),
            durations: Durations::default(),
            minutes: Minutes::default(),
            suspects: Suspects::default(),
            retry_waits: RetryWaits::default(),
            wait_queue: WaitQueue::default(),
            seen_engines: SeenEngines::default(),
            held: HeldResources::default(),
            late_locks: LateLocks::default(),
            log_limit: LogLimit::default(),
        };
        let start = BatchStart {
            number: 1,
            had_company: false,
            class: BatchClass::Others,
            sweeps: true,
            deadlines: Deadlines::default(),
            wake_ups: TakenWakeUps::default(),
            outage: OutageDetector::new(Pulse::without_thread(), false),
            waiting: Callers::new(),
        };
        Self { worker, start, clock, _folder: folder }
    }

    async fn register(&self, engine_id: &str) {
        let registration = Registration {
            takeover: false,
            engine_id: engine_id.parse().unwrap(),
            engine_type: "test".parse().unwrap(),
            metadata: Metadata::default(),
            heartbeat_interval: Duration::from_secs(10),
        };
        let mut transaction = self.worker.store.begin().await.unwrap();
        let engine = RegisteredEngine::registered(&registration, None, transaction.generation(), transaction.now());
        transaction.write_engines(&[engine]).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Lets time pass, and carries out one transaction: a sweep, or what is made good for.
    async fn transact(&mut self, seconds: u64, sweeps: bool, unheard: &[EngineId]) {
        self.clock.advance(Duration::from_secs(seconds));
        let nothing = HashSet::new();
        let deadlines = Deadlines { engine_loss: Some(Timestamp::MIN), ..Deadlines::default() };
        let scope = Scope { sweeps, deadlines, unheard, ..Scope::requests_only(&nothing) };
        let (mut batch, mut woken) = (RequestBatch::default(), Vec::new());
        let committed = self.worker.transact(&mut batch, &self.start, scope, &mut woken).await.unwrap();
        self.start.outage.committed(committed.after_outage, committed.has_granted, Duration::ZERO);
        self.worker.held.remove_unheard(&committed.effects.made_good);
    }

    async fn status(&self, engine_id: &str) -> EngineStatus {
        self.worker.store.engine(&engine_id.parse().unwrap()).await.unwrap().unwrap().0.status
    }
}

#[tokio::test]
async fn an_engine_whose_heartbeats_were_refused_is_not_lost_before_that_is_made_good() {
    let mut worker = Worker::new();
    // After the grace of the start, everybody is judged.
    worker.transact(0, true, &[]).await;
    for engine_id in ["refused", "silent"] {
        worker.register(engine_id).await;
    }
    let refused: EngineId = "refused".parse().unwrap();
    worker.worker.held.add_unheard(refused.clone());
    // A sweep comes first, as soon as rows can be written again.
    worker.transact(31, true, &[]).await;
    assert_eq!(worker.status("silent").await, EngineStatus::Lost);
    assert_eq!(worker.status("refused").await, EngineStatus::Active, "nobody could hear it");
    // Then it is given its time, and no more than that.
    worker.transact(1, false, std::slice::from_ref(&refused)).await;
    assert!(!worker.worker.held.is_unheard(&refused));
    worker.transact(29, true, &[]).await;
    assert_eq!(worker.status("refused").await, EngineStatus::Active);
    worker.transact(31, true, &[]).await;
    assert_eq!(worker.status("refused").await, EngineStatus::Lost);
}
