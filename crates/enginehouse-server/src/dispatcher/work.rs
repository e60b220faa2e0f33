//! The loop of the dispatcher's thread: gather, carry out, commit, answer.
//!
//! A store that allows several transactions at once has several batches under way, each with a [`Clerk`] that carries it
//! out; one batch commits while the next one is read. Everything else is kept in one place: the claims that wait, what
//! falls due when, and who is to be answered. What has fallen due is looked at by one batch at a time.
//!
//! **No event is missed by a claim that is about to wait.** A claim that has found nothing may have looked just before
//! another batch, or another server, made something ready. So a claim is looked at again if any batch has made something
//! ready since it began; and a batch that has made something ready while others were under way tells those that wait now.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::request::Settlement;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition;
use enginehouse_store::{Elsewhere, Store, StoreError, Watch};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::batch::{Done, SharedIds, is_silence, lock};
use super::clerk::{Began, Clerk, Desk, Finished, Outcome};
use super::commands::{Answer, Command, Exchanged, Failure};
use super::registry::Registry;
use super::report::{Due, sooner};
use super::waiting::{News, Parked, Waiting};
use super::{Commit, Config, Job, Observer, Responder};
use crate::chance::{Chance, SharedChance};
use crate::timers::{Timer, is_stall};

/// Most commands of one transaction.
const MAX_BATCH_COMMANDS: usize = 1_024;
/// Most events and settlements that the commands of one transaction name, unless one alone names more.
const MAX_BATCH_EVENTS: usize = 10_000;
/// How long to wait after the store has failed before its timers try again.
const STORE_BACK_OFF: Duration = Duration::from_millis(500);
/// How often claims that wait are looked at in any case, where others share the store.
const LOOK_ANYWAY: Duration = Duration::from_secs(1);

/// Everything that the loop keeps from one transaction to the next.
pub(super) struct Work {
    store: Arc<dyn Store>,
    config: Arc<Config>,
    observer: Box<dyn Observer>,
    inbox: mpsc::Receiver<Job>,
    /// Jobs that come before those of the inbox: one that did not fit into the batch before, and the dispatcher's own.
    held_over: VecDeque<Job>,
    going_down: Arc<AtomicBool>,
    wake: Arc<Notify>,
    ids: SharedIds,
    /// Those that have nothing to do.
    clerks: Vec<Clerk>,
    /// How many there are.
    all_clerks: usize,
    waiting: Arc<Mutex<Waiting>>,
    due: Due,
    /// Whether a batch is under way that looks at what has fallen due.
    chores_under_way: bool,
    /// For which of the claims that wait there may be something.
    news: News,
    /// Whether claims that are to be looked at again may find their engines free now.
    look_again: bool,
    ready_batches: u64,
    begun: u64,
    registry_version: Option<i64>,
    looked_anyway_at: Option<Instant>,
    /// Not before this may what has fallen due be looked at: the store has failed.
    back_off: Option<Instant>,
    /// The store's time, as of the last transaction.
    now: Timestamp,
    /// Whether service resumes after an outage.
    resumed: bool,
    /// When the store has last carried something out.
    heard_at: Instant,
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
        let chance = SharedChance::new(chance);
        let all_clerks = store.max_transactions().max(1);
        let clerk = || Clerk { registry: Registry::new(config.default_policy), chance: chance.clone() };
        Self {
            // Everything is due at first: the pass after a crash is the pass of every day.
            due: Due::at_once(),
            now: Timestamp::MIN,
            // A start is the end of an outage.
            resumed: true,
            heard_at: Timer::now(),
            ids: SharedIds::default(),
            clerks: (0..all_clerks).map(|_| clerk()).collect(),
            all_clerks,
            waiting: Arc::default(),
            held_over: VecDeque::new(),
            chores_under_way: false,
            news: News::default(),
            look_again: false,
            ready_batches: 0,
            begun: 0,
            registry_version: None,
            looked_anyway_at: None,
            back_off: None,
            store,
            config: Arc::new(config),
            observer,
            inbox,
            going_down,
            wake,
        }
    }

    pub(super) async fn run(mut self) {
        let mut under_way: FuturesUnordered<LocalBoxFuture<'static, Finished>> = FuturesUnordered::new();
        let mut watch = self.store.watch();
        let mut timer = Timer::new();
        let mut due_at = Some(Timer::now());
        timer.set_at(due_at);
        let mut nobody_can_ask = false;
        loop {
            let is_ending = self.going_down.load(Ordering::Acquire) || nobody_can_ask;
            let may_begin = !self.clerks.is_empty();
            let may_do_chores = may_begin && !self.chores_under_way && !is_ending;
            let mut first = None;
            let mut is_time = false;
            tokio::select! {
                biased;
                () = self.wake.notified() => {}
                Some(finished) = under_way.next(), if !under_way.is_empty() => {
                    if self.finish(finished, !under_way.is_empty()) {
                        break;
                    }
                }
                job = next_job(&mut self.held_over, &mut self.inbox), if may_begin && !nobody_can_ask => match job {
                    Some(job) => first = Some(job),
                    // Every handle is gone: nobody can ask any more.
                    None => nobody_can_ask = true,
                },
                elsewhere = next_elsewhere(watch.as_mut()) => self.learn(elsewhere),
                () = timer.due(), if may_do_chores => {
                    is_time = due_at.is_some_and(|at| at <= Timer::now());
                }
            }
            if timer.overslept() && may_do_chores {
                tracing::warn!("the server was stopped or starved for seconds: engines get time to speak up");
                self.resumed = true;
            }
            if self.going_down.load(Ordering::Acquire) {
                self.inbox.close();
                self.answer_all_waiting();
            }
            let is_over = self.going_down.load(Ordering::Acquire) || nobody_can_ask;
            if is_over && first.is_none() && self.held_over.is_empty() && self.inbox.is_empty() {
                // Those that are under way finish; what nobody asks for waits for the next start.
                if under_way.is_empty() {
                    break;
                }
            } else if let Some(job) = first {
                let jobs = self.gather(job);
                under_way.push(self.begin(jobs, false, !under_way.is_empty()));
            } else if is_time || self.wants_look() && !self.clerks.is_empty() {
                let chores = is_time && !self.chores_under_way;
                under_way.push(self.begin(Vec::new(), chores, !under_way.is_empty()));
            }
            self.answer_overdue();
            self.observer.waiting(lock(&self.waiting).len(), self.inbox.len());
            self.back_off = self.back_off.filter(|until| *until > Timer::now());
            let due = self.due.earliest().and_then(|due| Timer::now().checked_add(due.since(self.now)));
            due_at = due.map(|due| self.back_off.map_or(due, |until| due.max(until)));
            let until = lock(&self.waiting).next_until();
            timer.set_at([due_at, until].into_iter().flatten().min());
        }
        self.answer_all_waiting();
    }

    /// Whether a claim that waits may find something that no batch is looking for.
    fn wants_look(&mut self) -> bool {
        let Some(clerk) = self.clerks.first() else { return false };
        let waiting = lock(&self.waiting);
        if waiting.is_empty() {
            self.news = News::default();
            self.look_again = false;
            return false;
        }
        waiting.has_news(&self.news, &clerk.registry) || self.look_again && waiting.wants_look()
    }

    /// The jobs of the next batch: the first, and what else is waiting.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut events = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            events += weight(&job.command);
            if !jobs.is_empty() && events > MAX_BATCH_EVENTS {
                self.held_over.push_front(job);
                break;
            }
            jobs.push(job);
            if jobs.len() == MAX_BATCH_COMMANDS {
                break;
            }
            next = self.held_over.pop_front().or_else(|| self.inbox.try_recv().ok());
        }
        jobs
    }

    /// Hands a batch to a clerk.
    fn begin(&mut self, jobs: Vec<Job>, chores: bool, has_company: bool) -> LocalBoxFuture<'static, Finished> {
        let clerk = self.clerks.pop().expect("a batch begins when a clerk is free");
        let asks_for_chores = jobs.iter().any(|job| matches!(job.command, Command::Sweep));
        // With one batch at a time, what has fallen due is looked at before anything else in it.
        let is_alone = self.all_clerks == 1;
        let chores = chores || asks_for_chores || is_alone;
        let known_due = Due { ready_known: self.due.ready_known, ..Due::default() };
        let due = match (chores, self.chores_under_way) {
            (true, false) => std::mem::take(&mut self.due),
            // What is due is with the batch that is under way: this one looks at everything.
            (true, true) => Due::at_once(),
            (false, _) => known_due,
        };
        self.chores_under_way |= chores;
        let of = Began {
            ready_batches: self.ready_batches,
            begun: self.begun,
            had_company: has_company,
            chores: chores.then_some(due),
            news: std::mem::take(&mut self.news),
            resumed: self.resumed,
            heard_at: self.heard_at,
        };
        self.begun += 1;
        self.look_again = false;
        let desk = Desk {
            store: Arc::clone(&self.store),
            config: Arc::clone(&self.config),
            ids: self.ids.clone(),
            waiting: Arc::clone(&self.waiting),
            due,
            clerk,
            woken: Vec::new(),
        };
        desk.carry_out(jobs, of).boxed_local()
    }

    /// Answers the jobs of a batch. Says whether the dispatcher has to end.
    fn finish(&mut self, finished: Finished, has_company: bool) -> bool {
        let Finished { clerk, outcomes, woken, of } = finished;
        // Claims whose engines a batch was at work for may have their turn now.
        self.look_again |= lock(&self.waiting).wants_look();
        let had_company = of.had_company || has_company || self.begun > of.begun + 1;
        let others_made_ready = self.ready_batches != of.ready_batches;
        let mut failed = None;
        for Outcome { jobs, result, served, took } in outcomes {
            match result {
                Ok(mut done) => {
                    self.now = self.now.max(done.now);
                    self.resumed |= is_stall(took);
                    if of.resumed {
                        self.resumed = is_stall(took);
                    }
                    self.resumed |= self.store.is_shared() && is_silence(self.heard_at);
                    self.heard_at = Timer::now();
                    let lanes = |lane_id| clerk.registry.lane(lane_id).ok().cloned();
                    self.observer.committed(&Commit {
                        commands: jobs.len(),
                        took,
                        now: done.now,
                        report: &done.report,
                        lanes: &lanes,
                    });
                    self.due.merge(done.report.due);
                    let news = std::mem::take(&mut done.report.news);
                    if !news.is_empty() {
                        self.ready_batches += 1;
                        if had_company {
                            self.news.add(news);
                        }
                    }
                    self.answer(jobs, done, served, others_made_ready);
                }
                Err(error) => {
                    self.observer.failed();
                    for job in jobs {
                        reply(job.responder, Err(error.clone().into()));
                    }
                    failed = Some(error);
                }
            }
        }
        lock(&self.waiting).put_back(woken);
        self.clerks.push(clerk);
        if of.chores.is_some() {
            self.chores_under_way = false;
        }
        if self.going_down.load(Ordering::Acquire) {
            self.answer_all_waiting();
        }
        let Some(error) = failed else { return false };
        // What was to be looked at is to be looked at again.
        if let Some(due) = of.chores {
            self.due.merge(Due { ready_known: false, ..due });
        }
        self.news.add(of.news);
        self.due.ready_known = false;
        sooner(&mut self.due.ready, Some(self.now));
        if self.store.needs_restart() {
            tracing::error!(
                "the store has lost a write: the server stops, and a restart finds out what is on the disk"
            );
            return true;
        }
        tracing::debug!(%error, "what has fallen due is looked at again in a while");
        self.resumed = true;
        self.back_off = Some(Timer::now() + STORE_BACK_OFF);
        false
    }

    /// Answers the jobs of a transaction that has committed, and the waiting claims that it has served.
    fn answer(&mut self, jobs: Vec<Job>, done: Done, served: Vec<Parked>, others_made_ready: bool) {
        let mut unheard = Vec::new();
        lock(&self.waiting).served(served.len());
        let mut given: HashMap<_, _> = done.given.into_iter().collect();
        for parked in served {
            if let Some(given) = given.remove(&parked.number) {
                unheard.extend(reply(parked.responder, given.map_err(Failure::from)));
            }
        }
        for (place, (job, answered)) in jobs.into_iter().zip(done.answers).enumerate() {
            match (answered, job.command) {
                (Some(Ok(Answer::Exchanged(exchanged))), Command::Exchange { engine_id, epoch, exchange })
                    if done.waits.contains(&place) =>
                {
                    self.park(engine_id, epoch, exchange.claim, exchanged, job.responder, others_made_ready);
                }
                (Some(answered), _) => unheard.extend(reply(job.responder, answered.map_err(Failure::from))),
                (None, command) => {
                    let error = StoreError::Corrupt(format!("no operation answers {command:?}"));
                    tracing::error!(%error, "a command was not carried out");
                    reply(job.responder, Err(error.into()));
                }
            }
        }
        if !unheard.is_empty() {
            // Events that were claimed for callers who have gone meanwhile are given back: nothing was attempted. If that
            // fails, the engine's heartbeats or the visibility timeout bring them back.
            let (responder, _) = oneshot::channel();
            self.held_over.push_front(Job { command: Command::Settle(unheard), responder });
        }
    }

    fn park(
        &mut self,
        engine_id: enginehouse_core::ids::EngineId,
        epoch: i64,
        claim: Option<enginehouse_core::request::Claim>,
        exchanged: Exchanged,
        responder: Responder,
        look_again: bool,
    ) {
        let Some(claim) = claim else { return };
        if self.going_down.load(Ordering::Acquire) {
            reply(responder, Ok(Answer::Exchanged(exchanged)));
            return;
        }
        let until = Timer::now() + claim.wait;
        lock(&self.waiting).park(|number| Parked {
            number,
            engine_id,
            epoch,
            claim,
            exchanged,
            until,
            responder,
            look_again,
        });
        self.look_again |= look_again;
        if !self.due.ready_known {
            // The batch that was to find out when the next event comes due did so before this claim waited.
            sooner(&mut self.due.ready, Some(self.now));
        }
    }

    /// Takes in what has happened elsewhere.
    fn learn(&mut self, elsewhere: Result<Elsewhere, StoreError>) {
        let elsewhere = match elsewhere {
            Ok(elsewhere) => elsewhere,
            Err(error) => {
                tracing::warn!(%error, "the store cannot be watched");
                self.resumed = true;
                return;
            }
        };
        let is_new = self.registry_version.replace(elsewhere.registry_version) != Some(elsewhere.registry_version);
        let nobody_waits = lock(&self.waiting).is_empty() && self.clerks.len() == self.all_clerks;
        if nobody_waits {
            return;
        }
        self.ready_batches += u64::from(!elsewhere.arrivals.is_empty() || is_new || elsewhere.everything);
        self.news.everything_changed |= is_new || elsewhere.everything;
        for (lane_id, available_at, events) in elsewhere.arrivals {
            *self.news.ready.entry(lane_id).or_default() += events;
            sooner(&mut self.due.ready, Some(available_at));
        }
        if self.looked_anyway_at.is_none_or(|at| Timer::now().saturating_duration_since(at) >= LOOK_ANYWAY) {
            self.looked_anyway_at = Some(Timer::now());
            sooner(&mut self.due.ready, Some(self.now));
        }
    }

    fn answer_overdue(&mut self) {
        let overdue = lock(&self.waiting).overdue(Timer::now());
        for parked in overdue {
            reply(parked.responder, Ok(Answer::Exchanged(parked.exchanged)));
        }
    }

    fn answer_all_waiting(&mut self) {
        let all = lock(&self.waiting).take_all();
        for parked in all {
            reply(parked.responder, Ok(Answer::Exchanged(parked.exchanged)));
        }
    }
}

/// The next job, of those that come first or of the inbox; none once nobody can ask any more.
async fn next_job(held_over: &mut VecDeque<Job>, inbox: &mut mpsc::Receiver<Job>) -> Option<Job> {
    match held_over.pop_front() {
        Some(job) => Some(job),
        None => inbox.recv().await,
    }
}

/// What has happened elsewhere; never, if nobody else shares the store.
async fn next_elsewhere(watch: Option<&mut Box<dyn Watch>>) -> Result<Elsewhere, StoreError> {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}

/// Answers a caller. If it has gone, what it would have claimed is to be released.
fn reply(responder: Responder, answered: Result<Answer, Failure>) -> Vec<Settlement> {
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
