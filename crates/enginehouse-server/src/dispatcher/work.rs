//! The loop of the dispatcher's thread: gather, carry out, commit, answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::request::Settlement;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition;
use enginehouse_store::{Store, StoreError};
use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc};

use super::batch::{Done, Run};
use super::commands::{Answer, Command, Exchanged, Failure};
use super::registry::Registry;
use super::report::Due;
use super::waiting::{Parked, Waiting};
use super::{Commit, Config, Job, Observer, Responder};
use crate::chance::{Chance, Ids};
use crate::timers::{Timer, is_stall};

/// Most commands of one transaction.
const MAX_BATCH_COMMANDS: usize = 1_024;
/// Most events and settlements that the commands of one transaction name, unless one alone names more.
const MAX_BATCH_EVENTS: usize = 10_000;
/// How long to wait after the store has failed before its timers try again.
const STORE_BACK_OFF: Duration = Duration::from_millis(500);

/// Everything that the loop keeps from one transaction to the next.
pub(super) struct Work {
    store: Arc<dyn Store>,
    config: Config,
    chance: Box<dyn Chance>,
    observer: Box<dyn Observer>,
    inbox: mpsc::Receiver<Job>,
    /// A job that did not fit into the batch before.
    held_over: Option<Job>,
    going_down: Arc<AtomicBool>,
    wake: Arc<Notify>,
    ids: Ids,
    registry: Registry,
    waiting: Waiting,
    due: Due,
    /// The store's time, as of the last transaction.
    now: Timestamp,
    /// Whether service resumes after an outage.
    resumed: bool,
}

impl Work {
    pub(super) fn new(
        store: Arc<dyn Store>,
        config: Config,
        chance: Box<dyn Chance>,
        observer: Box<dyn Observer>,
        inbox: mpsc::Receiver<Job>,
        going_down: Arc<AtomicBool>,
        wake: Arc<Notify>,
    ) -> Self {
        let registry = Registry::new(config.default_policy);
        // Everything is due at first: the pass after a crash is the pass of every day.
        let at_once = Some(Timestamp::MIN);
        Self {
            due: Due {
                lock_expiry: at_once,
                engine_loss: at_once,
                retention: at_once,
                ready: None,
                ready_known: false,
            },
            now: Timestamp::MIN,
            // A start is the end of an outage.
            resumed: true,
            ids: Ids::new(),
            waiting: Waiting::default(),
            held_over: None,
            store,
            config,
            chance,
            observer,
            inbox,
            going_down,
            wake,
            registry,
        }
    }

    pub(super) async fn run(mut self) {
        let mut timer = Timer::new();
        timer.set(Some(Timestamp::MIN), Timestamp::MIN, None);
        loop {
            let first = match self.held_over.take() {
                Some(job) => Some(job),
                None => tokio::select! {
                    biased;
                    () = self.wake.notified() => None,
                    job = self.inbox.recv() => match job {
                        Some(job) => Some(job),
                        // Every handle is gone: nobody can ask any more.
                        None => break,
                    },
                    () = timer.due() => None,
                },
            };
            if timer.overslept() {
                tracing::warn!("the server was stopped or starved for seconds: engines get time to speak up");
                self.resumed = true;
            }
            if self.going_down.load(Ordering::Acquire) {
                self.inbox.close();
                self.answer_all_waiting();
                if first.is_none() && self.inbox.is_empty() {
                    break;
                }
            }
            let jobs = self.gather(first);
            let failed = self.carry_out(jobs).await.is_err();
            self.answer_overdue();
            self.observer.waiting(self.waiting.len(), self.inbox.len());
            if failed && self.store.needs_restart() {
                tracing::error!(
                    "the store has lost a write: the server stops, and a restart finds out what is on the disk"
                );
                break;
            }
            if failed {
                self.resumed = true;
                let retry_at = Timer::now() + STORE_BACK_OFF;
                timer.set(None, self.now, Some(retry_at));
            } else {
                timer.set(self.due.earliest(), self.now, self.waiting.next_until());
            }
        }
        self.answer_all_waiting();
    }

    /// The jobs of the next batch: the first, and what else is waiting.
    fn gather(&mut self, first: Option<Job>) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut events = 0;
        let mut next = first;
        while let Some(job) = next {
            events += weight(&job.command);
            if !jobs.is_empty() && events > MAX_BATCH_EVENTS {
                self.held_over = Some(job);
                break;
            }
            jobs.push(job);
            if jobs.len() == MAX_BATCH_COMMANDS {
                break;
            }
            next = self.inbox.try_recv().ok();
        }
        jobs
    }

    /// Carries out jobs together; one by one, if one of them may be what fails. Fails only if the store did.
    async fn carry_out(&mut self, jobs: Vec<Job>) -> Result<(), ()> {
        let commands: Vec<_> = jobs.iter().map(|job| &job.command).collect();
        match self.transact(&commands).await {
            Ok(done) => {
                self.finish(jobs, done).await;
                Ok(())
            }
            Err(error @ StoreError::Unavailable { .. }) => {
                tracing::error!(%error, commands = jobs.len(), "the store is unavailable");
                for job in jobs {
                    answer(job.responder, Err(error.clone().into()));
                }
                Err(())
            }
            Err(error) if jobs.len() <= 1 => {
                tracing::error!(%error, "a transaction failed");
                for job in jobs {
                    answer(job.responder, Err(error.clone().into()));
                }
                Err(())
            }
            Err(error) => {
                tracing::error!(%error, commands = jobs.len(), "a transaction failed: its commands are tried one by one");
                for job in jobs {
                    // What fails alone is answered and logged there.
                    Box::pin(self.carry_out(vec![job])).await.ok();
                }
                Ok(())
            }
        }
    }

    /// Runs one transaction. A panic within it is a bug, and treated as a failure of it alone.
    async fn transact(&mut self, commands: &[&Command]) -> Result<Done, StoreError> {
        let began = Timer::now();
        let mut run = Run {
            store: &*self.store,
            config: &self.config,
            registry: &mut self.registry,
            chance: &mut *self.chance,
            ids: &mut self.ids,
            waiting: &self.waiting,
            due: self.due,
            resumed: self.resumed,
        };
        let done = AssertUnwindSafe(run.commands(commands)).catch_unwind().await.unwrap_or_else(|panic| {
            let why = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let why = why.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(StoreError::Corrupt(format!("the dispatcher panicked: {why}")))
        });
        match done {
            Ok(done) => {
                let took = Timer::now().saturating_duration_since(began);
                self.due = done.report.due;
                self.now = done.now;
                self.resumed = is_stall(took);
                let lanes = |lane_id| self.registry.lane(lane_id).ok().cloned();
                self.observer.committed(&Commit {
                    commands: commands.len(),
                    took,
                    now: self.now,
                    report: &done.report,
                    lanes: &lanes,
                });
                Ok(done)
            }
            Err(error) => {
                // What was read or changed in it is not to be trusted any more.
                self.registry.forget();
                self.due.ready_known = false;
                self.observer.failed();
                Err(error)
            }
        }
    }

    /// Answers the jobs of a transaction that has committed.
    async fn finish(&mut self, jobs: Vec<Job>, done: Done) {
        let mut unheard = Vec::new();
        for (number, given) in done.given {
            if let Some(parked) = self.waiting.take(number) {
                unheard.extend(answer(parked.responder, given.map_err(Failure::from)));
            }
        }
        for (place, (job, answered)) in jobs.into_iter().zip(done.answers).enumerate() {
            match (answered, job.command) {
                (Some(Ok(Answer::Exchanged(exchanged))), Command::Exchange { engine_id, epoch, exchange })
                    if done.waits.contains(&place) =>
                {
                    self.park(engine_id, epoch, exchange.claim, exchanged, job.responder);
                }
                (Some(answered), _) => unheard.extend(answer(job.responder, answered.map_err(Failure::from))),
                (None, command) => {
                    let error = StoreError::Corrupt(format!("no operation answers {command:?}"));
                    tracing::error!(%error, "a command was not carried out");
                    answer(job.responder, Err(error.into()));
                }
            }
        }
        self.give_back(unheard).await;
    }

    fn park(
        &mut self,
        engine_id: enginehouse_core::ids::EngineId,
        epoch: i64,
        claim: Option<enginehouse_core::request::Claim>,
        exchanged: Exchanged,
        responder: Responder,
    ) {
        let Some(claim) = claim else { return };
        if self.going_down.load(Ordering::Acquire) {
            answer(responder, Ok(Answer::Exchanged(exchanged)));
            return;
        }
        let until = Timer::now() + claim.wait;
        self.waiting.park(|number| Parked { number, engine_id, epoch, claim, exchanged, until, responder });
    }

    /// Gives back events that were claimed for callers who have gone meanwhile: nothing was attempted.
    async fn give_back(&mut self, unheard: Vec<Settlement>) {
        if unheard.is_empty() {
            return;
        }
        let command = Command::Settle(unheard);
        if let Ok(done) = self.transact(&[&command]).await {
            Box::pin(self.finish(Vec::new(), done)).await;
        }
        // If it fails, the engine's heartbeats or the visibility timeout bring them back.
    }

    fn answer_overdue(&mut self) {
        for parked in self.waiting.overdue(Timer::now()) {
            answer(parked.responder, Ok(Answer::Exchanged(parked.exchanged)));
        }
    }

    fn answer_all_waiting(&mut self) {
        for parked in self.waiting.take_all() {
            answer(parked.responder, Ok(Answer::Exchanged(parked.exchanged)));
        }
    }
}

/// Answers a caller. If it has gone, what it would have claimed is to be released.
fn answer(responder: Responder, answered: Result<Answer, Failure>) -> Vec<Settlement> {
    let Err(unheard) = responder.send(answered) else { return Vec::new() };
    let Ok(Answer::Exchanged(Exchanged { claimed: Some(claimed), .. })) = unheard else { return Vec::new() };
    let release = |event_id: EventId, token| Settlement {
        event_id,
        command: transition::Command::Release { token, delay: Duration::ZERO },
    };
    claimed
        .iter()
        .filter_map(|claimed| Some(release(claimed.event.event_id, claimed.event.state.lock.as_ref()?.token)))
        .collect()
}

/// How much of a batch a command takes up.
fn weight(command: &Command) -> usize {
    match command {
        Command::Enqueue(events) => events.len(),
        Command::Settle(settlements) => settlements.len(),
        Command::Exchange { exchange, .. } => {
            exchange.settlements.len() + exchange.claim.as_ref().map_or(0, |claim| claim.limit as usize)
        }
        Command::RedrivePage { limit, .. } | Command::DiscardPage { limit, .. } => *limit as usize,
        _ => 1,
    }
}
