//! One batch in one transaction: together if it can be, again if another transaction was in the way, request by request
//! if one of them may be what fails.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::time::Timestamp;
use enginehouse_store::{Applied, Store, StoreError};
use futures_util::FutureExt;

use super::actor::Actor;
use super::batch::{BatchClass, RequestBatch};
use super::config::DispatchConfig;
use super::contention::HeldResources;
use super::context::TransactionContext;
use super::deadlines::Deadlines;
use super::durations::Durations;
use super::effects::Effects;
use super::enforcement::{judge_probes, quarantine_suspects};
use super::engines::stop_drained;
use super::enqueue::enqueue;
use super::exchange::Exchanges;
use super::hold_backs::HoldBacks;
use super::last_claims::LastClaims;
use super::late_locks::LateLocks;
use super::minutes::Minutes;
use super::outage::{AfterOutage, Grace, OutageDetector};
use super::pending_wake_ups::TakenWakeUps;
use super::registry::Registry;
use super::retention::hold_pruning;
use super::retries::RetryWaits;
use super::seen_engines::{Callers, SeenEngines};
use super::set_aside::SetAside;
use super::settle::add_payloads;
use super::signs_of_life::see;
use super::suspects::Suspects;
use super::sweep::sweep;
use super::unheard::hear_later;
use super::unit_of_work::UnitOfWork;
use super::wait_queue::{TakenPoll, WaitQueue};
use crate::log_limit::LogLimit;
use crate::rng::{SharedIds, SharedRng};
use crate::timers::Timer;

/// How often a request is carried out again when another transaction was in its way.
const MAX_CONFLICTS: usize = 5;
/// How often a batch is, before its requests are carried out one by one. So the request that somebody is in the way of
/// keeps the others waiting only for a while.
const MAX_CONFLICTS_TOGETHER: usize = 2;

/// Carries out one batch at a time. Each worker keeps its own copy of the registry.
pub(super) struct TransactionWorker {
    pub(super) store: Arc<dyn Store>,
    pub(super) config: Arc<DispatchConfig>,
    pub(super) registry: Registry,
    pub(super) rng: SharedRng,
    pub(super) ids: SharedIds,
    pub(super) hold_backs: HoldBacks,
    pub(super) last_claims: LastClaims,
    pub(super) suspects: Suspects,
    pub(super) retry_waits: RetryWaits,
    pub(super) durations: Durations,
    pub(super) minutes: Minutes,
    pub(super) wait_queue: WaitQueue,
    pub(super) seen_engines: SeenEngines,
    pub(super) held: HeldResources,
    pub(super) late_locks: LateLocks,
    pub(super) log_limit: LogLimit,
}

/// What the scheduler knew when a batch began.
pub(super) struct BatchStart {
    /// How many batches had begun before it.
    pub(super) number: u64,
    /// Whether other batches were in flight.
    pub(super) had_company: bool,
    pub(super) class: BatchClass,
    /// Whether the batch sweeps, before anything else.
    pub(super) sweeps: bool,
    /// What falls due when, as far as the batch has to know.
    pub(super) deadlines: Deadlines,
    /// Which waiting claims may find something, because of earlier batches and other servers.
    pub(super) wake_ups: TakenWakeUps,
    pub(super) outage: OutageDetector,
    /// Engines whose claims wait, and have done so for long enough to be a sign of life.
    pub(super) waiting: Callers,
}

/// What one transaction of a batch does, beside its requests.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) sweeps: bool,
    pub(super) deadlines: Deadlines,
    /// Events that somebody holds, and that it does without.
    pub(super) contended: &'a HashSet<EventId>,
    /// Engines whose signs of life were refused.
    pub(super) unheard: &'a [EngineId],
}

impl<'a> Scope<'a> {
    /// Nothing but the requests.
    pub(super) fn requests_only(contended: &'a HashSet<EventId>) -> Self {
        Self { sweeps: false, deadlines: Deadlines::default(), contended, unheard: &[] }
    }
}

/// A batch that has ended, one way or another.
pub(super) struct FinishedBatch {
    pub(super) worker: TransactionWorker,
    pub(super) start: BatchStart,
    /// One transaction for the whole batch, or one for each request.
    pub(super) transactions: Vec<FinishedTransaction>,
    /// Waiting claims that were taken out and have no answer.
    pub(super) unanswered: Vec<TakenPoll>,
    /// Requests that need what somebody else holds.
    pub(super) set_aside: Vec<SetAside>,
}

/// Requests that were carried out together.
pub(super) struct FinishedTransaction {
    pub(super) batch: RequestBatch,
    pub(super) result: Result<Committed, StoreError>,
    /// Waiting claims that have an answer.
    pub(super) answered: Vec<TakenPoll>,
    pub(super) duration: Duration,
}

/// A transaction that has committed.
pub(super) struct Committed {
    /// The store's time, as the transaction saw it.
    pub(super) now: Timestamp,
    /// The store's time when it was durable.
    pub(super) durable_at: Timestamp,
    pub(super) effects: Effects,
    pub(super) after_outage: AfterOutage,
    /// Whether it has granted the grace that was due.
    pub(super) has_granted: bool,
}

impl TransactionWorker {
    /// Carries out a batch.
    pub(super) async fn run(mut self, mut batch: RequestBatch, start: BatchStart) -> FinishedBatch {
        let mut woken = Vec::new();
        let started_at = Timer::now();
        let nothing = HashSet::new();
        let whole = Scope { sweeps: start.sweeps, deadlines: start.deadlines, ..Scope::requests_only(&nothing) };
        let result = self.transact(&mut batch, &start, whole, &mut woken).await;
        let (mut transactions, mut set_aside) = (Vec::new(), Vec::new());
        match result {
            Err(StoreError::Held { what, .. }) if !batch.is_empty() || start.sweeps => {
                let parts = self.isolate(batch, what, &start, &mut woken).await;
                transactions = parts.transactions;
                set_aside.extend(parts.held.into_iter().map(SetAside::now));
                if start.sweeps {
                    transactions.extend(self.sweep_by_kind(&start, &mut woken).await);
                }
            }
            Err(error) if batch.len() > 1 && may_be_one_requests_fault(&error) => {
                log_fallback(&self.log_limit, &error, batch.len());
                for mut batch in batch.into_singles() {
                    let started_at = Timer::now();
                    let result = self.transact(&mut batch, &start, whole, &mut woken).await;
                    transactions.push(finished(batch, result, &mut woken, started_at.elapsed()));
                }
            }
            result => transactions.push(finished(batch, result, &mut woken, started_at.elapsed())),
        }
        FinishedBatch { worker: self, start, transactions, unanswered: woken, set_aside }
    }

    /// Runs one transaction, again if another one was in its way. A panic within it is a bug, and fails it alone.
    pub(super) async fn transact(
        &mut self,
        batch: &mut RequestBatch,
        start: &BatchStart,
        scope: Scope<'_>,
        woken: &mut Vec<TakenPoll>,
    ) -> Result<Committed, StoreError> {
        let max_conflicts = if batch.len() > 1 { MAX_CONFLICTS_TOGETHER } else { MAX_CONFLICTS };
        let mut conflicts = 0;
        loop {
            for taken in &mut *woken {
                taken.poll.answer = None;
            }
            let transaction = AssertUnwindSafe(self.carry_out(batch, start, scope, woken));
            let result = transaction.catch_unwind().await.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                Err(StoreError::Bug(format!("an operation has panicked: {text}")))
            });
            let error = match result {
                Ok(committed) => {
                    self.registry.committed();
                    return Ok(committed);
                }
                Err(error) => error,
            };
            match &error {
                StoreError::Held { .. } => self.registry.rolled_back(),
                // It may hold what the failed transaction read or changed.
                _ => self.registry.clear(),
            }
            match error {
                StoreError::Conflict(reason) if conflicts < max_conflicts => {
                    conflicts += 1;
                    tracing::debug!(reason, conflicts, "another transaction was in the way: once more");
                }
                error => return Err(error),
            }
        }
    }

    /// Carries out a batch in one transaction. If it fails, nothing was changed, unless the error says that this is
    /// unknown.
    async fn carry_out(
        &mut self,
        batch: &mut RequestBatch,
        start: &BatchStart,
        scope: Scope<'_>,
        woken: &mut Vec<TakenPoll>,
    ) -> Result<Committed, StoreError> {
        let mut transaction = self.store.begin_with(batch.first_reads(scope.contended)).await?;
        let is_shared = self.store.is_shared();
        // The time was read: whatever has stopped the process until then is known now.
        let began = Timer::now();
        let after_outage = start.outage.after_outage(&*transaction);
        let changed_engines = self.registry.refresh(&mut *transaction).await?;
        let now = transaction.now();
        self.registry.quarantines.end(now);
        let mut context = TransactionContext {
            transaction,
            now,
            judged_at: after_outage.grace.map_or(now, Grace::began_at),
            is_shared,
            config: &self.config,
            registry: &mut self.registry,
            rng: &mut self.rng,
            ids: &self.ids,
            hold_backs: &self.hold_backs,
            last_claims: &self.last_claims,
            suspects: &self.suspects,
            retry_waits: &self.retry_waits,
            retried: HashMap::new(),
            durations: &self.durations,
            minutes: &self.minutes,
            takes: RefCell::default(),
            store: &*self.store,
            unwritten_minutes: None,
            unwritten: None,
            events: UnitOfWork::default(),
            effects: Effects { deadlines: scope.deadlines, ..Effects::default() },
            audit_entries: Vec::new(),
            acting: Actor::SERVER,
            settlers: Callers::new(),
            seen_engines: &self.seen_engines,
            held: &self.held,
            late_locks: &self.late_locks,
            contended: scope.contended,
        };
        // Another server may have changed them: their waiting claims may find more than before, or be refused.
        context.effects.wake_ups.engines.extend(changed_engines);
        if after_outage.holds_pruning {
            hold_pruning(&mut context).await?;
        }
        see(&mut context, &start.waiting).await?;
        quarantine_suspects(&mut context).await?;
        // Before anything else: a lock that has expired is lost to every request of the batch.
        if scope.sweeps {
            let settlements = batch.settlements().count();
            sweep(&mut context, after_outage.grace, !self.wait_queue.is_empty(), settlements).await?;
        }
        if !scope.unheard.is_empty() {
            hear_later(&mut context, scope.unheard).await?;
        }
        for operation in &mut batch.operations {
            operation.execute(&mut context).await?;
        }
        batch.enqueues.answers = enqueue(&mut context, &batch.enqueues.requests).await?;
        let mut exchanges = Exchanges::begin(&mut context, &batch.exchanges.requests).await?;
        let mut settled = exchanges.settle(&mut context, &batch.settles.requests).await?;
        add_payloads(&mut context, &mut settled).await?;
        batch.settles.answers = settled.into_iter().map(Ok).collect();
        exchanges.heartbeat(&mut context).await?;
        exchanges.see(&mut context).await?;
        let settlers = self.seen_engines.worth_a_look(std::mem::take(&mut context.settlers), now);
        see(&mut context, &settlers).await?;
        judge_probes(&mut context).await?;
        context.catch_up();
        // Claims come last, so that what became ready in this transaction is claimed in it.
        let wake_ups = start.wake_ups.and(&context.effects.wake_ups);
        woken.extend(self.wait_queue.take_woken(&wake_ups, context.registry));
        batch.exchanges.answers = exchanges.claim(&mut context, woken).await?;
        stop_drained(&mut context).await?;
        let effects = context.commit().await?;
        Ok(Committed { now, durable_at: now + began.elapsed(), effects, after_outage, has_granted: scope.sweeps })
    }
}

/// A transaction that has ended. Waiting claims that it has answered are taken out of `woken`, so that a transaction
/// after this one does not serve them too.
pub(super) fn finished(
    batch: RequestBatch,
    result: Result<Committed, StoreError>,
    woken: &mut Vec<TakenPoll>,
    duration: Duration,
) -> FinishedTransaction {
    let result = result.map_err(|error| match error {
        StoreError::Conflict(reason) => StoreError::Unavailable { applied: Applied::No, reason },
        error => error,
    });
    let answered = match &result {
        Ok(_) => woken.extract_if(.., |taken| taken.poll.answer.is_some()).collect(),
        Err(_) => Vec::new(),
    };
    FinishedTransaction { batch, result, answered, duration }
}

/// Whether the other requests of a failed batch may succeed without the one that has made it fail.
pub(super) fn may_be_one_requests_fault(error: &StoreError) -> bool {
    matches!(error, StoreError::Corrupt(_) | StoreError::Unreadable(_) | StoreError::Bug(_) | StoreError::Conflict(_))
}

fn log_fallback(limit: &LogLimit, error: &StoreError, requests: usize) {
    let Some(left_out) = limit.admit("one_by_one", &error.to_string()) else { return };
    match error {
        StoreError::Conflict(_) => tracing::warn!(
            %error, requests, left_out, "another transaction was in the way: requests are carried out one by one"
        ),
        _ => tracing::error!(
            %error, requests, left_out, "a transaction failed: its requests are carried out one by one"
        ),
    }
}
