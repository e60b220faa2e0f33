//! The loop of the dispatcher's thread: wait for what may wake it, name it, handle it.
//!
//! A store that allows several transactions at once has several batches in flight, each with a [`TransactionWorker`]. One
//! batch commits while the next one is read. Everything else is kept in one place: the claims that wait, what falls due
//! when, and who is to be answered. Only one batch at a time sweeps.
//!
//! A batch may begin because of claims that wait, without a request. It takes along the requests that wait, so that nobody
//! waits for the end of such batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enginehouse_store::{ChangeFeed, RemoteChanges, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;

use super::batch::{BatchClass, RequestBatch};
use super::config::DispatchConfig;
use super::contention::HeldResources;
use super::deadlines::SweepSchedule;
use super::durations::Durations;
use super::end_waits::EndWaits;
use super::gathering::Gathering;
use super::hold_backs::HoldBacks;
use super::inbox::Inbox;
use super::last_claims::LastClaims;
use super::late_locks::LateLocks;
use super::minutes::Minutes;
use super::observer::Observer;
use super::outage::OutageDetector;
use super::pending_wake_ups::PendingWakeUps;
use super::pulse::Pulse;
use super::registry::Registry;
use super::reply::Reply;
use super::request::Request;
use super::retries::RetryWaits;
use super::seen_engines::SeenEngines;
use super::set_aside::{SetAside, SetAsideQueue};
use super::suspects::Suspects;
use super::transaction::{BatchStart, FinishedBatch, TransactionWorker};
use super::wait_queue::WaitQueue;
use super::worker_pool::WorkerPool;
use crate::rng::{Rng, SharedIds, SharedRng};
use crate::timers::{Timer, alarm, pause};

mod finish;

/// How long a shutdown waits at most for statistics.
const TIME_FOR_STATISTICS: Duration = Duration::from_secs(2);

/// What may wake the scheduler.
enum Wake {
    /// The server shuts down.
    Shutdown,
    /// A batch has ended.
    BatchFinished(Box<FinishedBatch>),
    /// A caller asks for something.
    Request(Request),
    /// Every caller has gone.
    NoCallers,
    /// Another server, or an application in SQL, has changed the store.
    RemoteChanges(Result<RemoteChanges, StoreError>),
    /// A sweep is due, or the time of a waiting claim is over.
    Deadline,
    /// Requests that were set aside are to be tried again, or those that have gathered carried out.
    Round,
}

/// Whether the scheduler goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

type InFlight = FuturesUnordered<LocalBoxFuture<'static, FinishedBatch>>;

/// What the loop keeps from one batch to the next.
pub(super) struct Scheduler {
    store: Arc<dyn Store>,
    observer: Box<dyn Observer>,
    inbox: Inbox,
    shutdown: Shutdown,
    workers: WorkerPool,
    wait_queue: WaitQueue,
    pending: PendingWakeUps,
    schedule: SweepSchedule,
    outage: OutageDetector,
    /// Callers who ask for a sweep while one is in flight: theirs follows it, so that what they asked for is done when
    /// they are answered.
    next_sweeps: Vec<Reply<()>>,
    held: HeldResources,
    late_locks: LateLocks,
    pub(super) last_claims: LastClaims,
    pub(super) retry_waits: RetryWaits,
    pub(super) end_waits: EndWaits,
    set_aside: SetAsideQueue,
    gathering: Gathering,
    durations: Durations,
    minutes: Minutes,
    hold_backs: HoldBacks,
    suspects: Suspects,
}

/// Tells the scheduler to shut down.
#[derive(Clone, Default)]
pub(super) struct Shutdown {
    requested: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl Shutdown {
    pub(super) fn request(&self) {
        self.requested.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    pub(super) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }
}

impl Scheduler {
    pub(super) fn new(
        store: Arc<dyn Store>,
        config: DispatchConfig,
        rng: Box<dyn Rng>,
        observer: Box<dyn Observer>,
        mut inbox: Inbox,
        shutdown: Shutdown,
        pulse: Arc<Pulse>,
    ) -> Self {
        let outage = OutageDetector::new(pulse, store.is_shared());
        let (config, rng, ids) = (Arc::new(config), SharedRng::new(rng), SharedIds::default());
        let (wait_queue, hold_backs, seen_engines) =
            (WaitQueue::default(), HoldBacks::default(), SeenEngines::default());
        let (last_claims, retry_waits, suspects) = (LastClaims::default(), RetryWaits::default(), Suspects::default());
        let (held, late_locks, durations) = (HeldResources::default(), LateLocks::default(), Durations::default());
        let minutes = Minutes::default();
        let worker = || TransactionWorker {
            store: Arc::clone(&store),
            config: Arc::clone(&config),
            registry: Registry::new(config.default_policy, config.hold_back_after),
            rng: rng.clone(),
            ids: ids.clone(),
            hold_backs: hold_backs.clone(),
            last_claims: last_claims.clone(),
            suspects: suspects.clone(),
            retry_waits: retry_waits.clone(),
            durations: durations.clone(),
            minutes: minutes.clone(),
            wait_queue: wait_queue.clone(),
            seen_engines: seen_engines.clone(),
            held: held.clone(),
            late_locks: late_locks.clone(),
            log_limit: observer.log_limit(),
        };
        let workers = WorkerPool::new(store.max_transactions(), store.is_shared(), worker);
        if workers.keeps_one_for_engines() {
            inbox.separate();
        }
        Self {
            store,
            observer,
            inbox,
            shutdown,
            workers,
            wait_queue,
            pending: PendingWakeUps::default(),
            schedule: SweepSchedule::new(),
            outage,
            next_sweeps: Vec::new(),
            held,
            late_locks,
            last_claims,
            retry_waits,
            end_waits: EndWaits::default(),
            set_aside: SetAsideQueue::default(),
            gathering: Gathering::default(),
            durations,
            minutes,
            hold_backs,
            suspects,
        }
    }

    /// Who is suspect by what it sees.
    pub(super) fn suspects(&self) -> &Suspects {
        &self.suspects
    }

    /// What it counts of durations.
    pub(super) fn durations(&self) -> &Durations {
        &self.durations
    }

    /// What it counts of minutes.
    pub(super) fn minutes(&self) -> &Minutes {
        &self.minutes
    }

    /// Which engines are held back for which events.
    pub(super) fn hold_backs(&self) -> &HoldBacks {
        &self.hold_backs
    }

    /// Runs until the server shuts down or every caller has gone, and all that was accepted is answered.
    pub(super) async fn run(mut self) {
        let mut in_flight = InFlight::new();
        let mut feed = self.store.change_feed();
        let mut timer = Timer::new();
        let mut next_sweep = None;
        // A start is the end of an outage: nothing comes before the sweep that grants grace.
        in_flight.push(self.begin(RequestBatch::default(), BatchClass::Others, true, false));
        loop {
            let wake = self.wait(&mut in_flight, feed.as_mut(), &timer).await;
            let (mut batch, mut sweep_is_due) = (None, false);
            match wake {
                Wake::BatchFinished(finished) => {
                    if self.finish(*finished, !in_flight.is_empty()).await == Next::Stop {
                        break;
                    }
                }
                Wake::Request(first) => batch = Some(self.gather(first)),
                Wake::RemoteChanges(changes) => self.take_in(changes),
                Wake::Deadline => sweep_is_due = next_sweep.is_some_and(|at| at <= Timer::now()),
                Wake::Shutdown | Wake::NoCallers | Wake::Round => {}
            }
            if self.shutdown.is_requested() {
                self.inbox.close();
                self.answer_all_who_wait();
            }
            if let Some(round) = self.begin_round(!in_flight.is_empty()) {
                in_flight.push(round);
            }
            let serves_waiting = batch.is_none() && !sweep_is_due && self.may_serve_waiting_claims();
            if serves_waiting {
                batch = self.gather_along();
            }
            if let Some((batch, class)) = batch {
                // What all of it needs may be held: then there is nothing to begin.
                if !batch.is_empty() {
                    in_flight.push(self.begin(batch, class, false, !in_flight.is_empty()));
                }
            } else if self.is_ending() && self.inbox.is_empty() {
                // Batches in flight finish. What has fallen due waits for the next start.
                if in_flight.is_empty() && self.set_aside.is_empty() {
                    self.write_statistics().await;
                    break;
                }
            } else if sweep_is_due || serves_waiting {
                let class = if sweep_is_due { BatchClass::Others } else { BatchClass::Engines };
                in_flight.push(self.begin(RequestBatch::default(), class, sweep_is_due, !in_flight.is_empty()));
            }
            self.answer_expired_claims();
            self.observer.waiting(self.wait_queue.len(), self.inbox.len());
            next_sweep = self.schedule.next_sweep();
            timer.set_at([next_sweep, self.wait_queue.next_due()].into_iter().flatten().min());
        }
        self.answer_all_who_wait();
    }

    /// Waits for what may wake the scheduler. Dropped while it waits, it has lost nothing.
    async fn wait(&mut self, in_flight: &mut InFlight, feed: Option<&mut Box<dyn ChangeFeed>>, timer: &Timer) -> Wake {
        let now = Timer::now();
        let a_worker_is_free = self.workers.is_free(BatchClass::Engines);
        let gathered_at = self.gathering.until(now).filter(|_| a_worker_is_free);
        let may_begin = a_worker_is_free && gathered_at.is_none();
        let of_others = self.workers.is_free(BatchClass::Others);
        let may_sweep = self.may_sweep();
        let next_round = self.set_aside.next_round().filter(|_| self.workers.is_free(BatchClass::SetAside));
        tokio::select! {
            biased;
            () = self.shutdown.notify.notified() => Wake::Shutdown,
            Some(finished) = in_flight.next(), if !in_flight.is_empty() => {
                Wake::BatchFinished(Box::new(finished))
            },
            request = self.inbox.next(of_others), if may_begin && self.inbox.may_have_more(of_others) => {
                request.map_or(Wake::NoCallers, Wake::Request)
            }
            changes = next_change(feed) => Wake::RemoteChanges(changes),
            () = alarm(gathered_at.unwrap_or(now)), if gathered_at.is_some() => Wake::Round,
            () = alarm(next_round.unwrap_or(now)), if next_round.is_some() => Wake::Round,
            () = timer.due(), if may_sweep => Wake::Deadline,
        }
    }

    fn is_ending(&self) -> bool {
        self.shutdown.is_requested() || self.inbox.has_no_callers()
    }

    fn may_sweep(&self) -> bool {
        self.workers.is_free(BatchClass::Others) && !self.schedule.in_flight() && !self.is_ending()
    }

    /// Whether a batch may begin for the claims that wait: one may find something that no batch in flight looks for, or is due
    /// to be a sign of life. While the store is away, the sweep that finds it again is for them, too.
    fn may_serve_waiting_claims(&mut self) -> bool {
        if self.wait_queue.is_empty() {
            self.pending.clear();
            return false;
        }
        let Some(worker) = self.workers.idle().filter(|_| !self.schedule.backs_off()) else { return false };
        self.pending.any(|wake_ups| self.wait_queue.may_serve(wake_ups, &worker.registry))
            || self.pending.look_again && self.wait_queue.has_look_again()
            || self.wait_queue.has_signs(Timer::now())
    }

    /// Gathers a batch. Requests that need what is known to be held are set aside.
    fn gather(&mut self, first: Request) -> (RequestBatch, BatchClass) {
        let (batch, class) = self.inbox.gather(first);
        let (batch, suspects) = batch.split_off_held(&self.held);
        self.set_aside.add(suspects.into_iter().map(SetAside::now));
        (batch, class)
    }

    /// The requests that go along with a batch that begins for other reasons; none, if no request waits that may be carried
    /// out now.
    fn gather_along(&mut self) -> Option<(RequestBatch, BatchClass)> {
        let first = self.inbox.try_next(self.workers.is_free(BatchClass::Others))?;
        Some(self.gather(first)).filter(|(batch, _)| !batch.is_empty())
    }

    /// Hands the requests that were set aside to their worker, if it is time.
    fn begin_round(&mut self, has_company: bool) -> Option<LocalBoxFuture<'static, FinishedBatch>> {
        if !self.workers.is_free(BatchClass::SetAside) {
            return None;
        }
        let round = self.set_aside.take_round()?;
        let worker = self.workers.take(BatchClass::SetAside);
        let start = self.start(BatchClass::SetAside, false, has_company);
        Some(worker.run_round(round, start).boxed_local())
    }

    /// Hands a batch to a worker.
    fn begin(
        &mut self,
        mut batch: RequestBatch,
        class: BatchClass,
        sweep_is_due: bool,
        has_company: bool,
    ) -> LocalBoxFuture<'static, FinishedBatch> {
        let worker = self.workers.take(class);
        // With one batch at a time, each one deals with what has fallen due before it does anything else.
        let is_only_worker = self.workers.is_only_one();
        if self.schedule.in_flight() {
            self.next_sweeps.append(&mut batch.sweeps);
        }
        let sweeps = sweep_is_due || is_only_worker || !batch.sweeps.is_empty();
        let start = self.start(class, sweeps, has_company);
        self.gathering.begin(start.number, batch.weight(), Timer::now());
        worker.run(batch, start).boxed_local()
    }

    /// What a batch that begins now is told.
    fn start(&mut self, class: BatchClass, sweeps: bool, has_company: bool) -> BatchStart {
        let deadlines = if sweeps { self.schedule.begin_sweep() } else { self.schedule.without_sweep() };
        BatchStart {
            number: self.workers.next_number(),
            had_company: has_company,
            class,
            sweeps,
            deadlines,
            wake_ups: self.pending.take(),
            outage: self.outage.clone(),
            waiting: self.wait_queue.take_signs(Timer::now()),
        }
    }

    /// Takes in what others have changed in the store.
    fn take_in(&mut self, changes: Result<RemoteChanges, StoreError>) {
        let changes = match changes {
            Ok(changes) => changes,
            // Somebody has locked the table of changes, into which nobody can write now.
            Err(StoreError::Held { .. }) => return,
            Err(error) => {
                if let Some(left_out) = self.observer.log_limit().admit("change_feed", &error.to_string()) {
                    tracing::warn!(%error, left_out, "changes of other servers cannot be followed");
                }
                self.outage.found();
                return;
            }
        };
        if changes.ended || changes.everything {
            self.end_waits.look(&self.store);
        }
        let settings_changed = self.pending.learn_settings(changes.settings_version);
        let nobody_waits = self.wait_queue.is_empty() && self.workers.are_all_idle();
        if nobody_waits {
            return;
        }
        self.pending.take_in(&changes, settings_changed);
        for (_, available_at, _) in changes.arrivals {
            self.schedule.look_for_ready(available_at);
        }
        if self.pending.is_time_to_look(Timer::now()) {
            self.schedule.look_for_ready(self.schedule.store_time());
        }
    }

    /// Adds to the store what was counted of durations and minutes since that was last done. A store that is slow to take it does
    /// without.
    async fn write_statistics(&self) {
        let write = async {
            loop {
                let (unwritten, has_more) = self.durations.take_unwritten();
                let (minutes, has_more_minutes) = self.minutes.take_unwritten();
                let (rows, of_minutes) = (unwritten.rows(), minutes.rows());
                if rows.is_empty() && of_minutes.is_empty() {
                    return Ok(());
                }
                let mut transaction = self.store.begin().await?;
                transaction.add_durations(&rows).await?;
                transaction.add_minutes(&of_minutes).await?;
                transaction.commit().await?;
                unwritten.written();
                minutes.written();
                if !has_more && !has_more_minutes {
                    return Ok(());
                }
            }
        };
        let written: Result<(), StoreError> = tokio::select! {
            written = write => written,
            () = pause(TIME_FOR_STATISTICS) => Err(StoreError::unavailable("it took too long")),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "the last seconds of what was counted of durations and minutes are lost");
        }
    }
}

/// What others have changed in the store; never, if nobody else can.
async fn next_change(feed: Option<&mut Box<dyn ChangeFeed>>) -> Result<RemoteChanges, StoreError> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
