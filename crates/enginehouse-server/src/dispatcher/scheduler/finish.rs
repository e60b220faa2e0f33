//! The end of a batch: what it says of the store is taken in, and its callers are answered.

use super::super::answers::{ExchangeProgress, Exchanged, WaitingAnswer};
use super::super::batch::{BatchClass, ExchangeOutcome, RequestBatch};
use super::super::deadlines::Deadlines;
use super::super::durations::WRITE_INTERVAL;
use super::super::observer::CommittedTransaction;
use super::super::reply::{DispatchError, Reply};
use super::super::request::{EngineExchange, Request};
use super::super::transaction::{Committed, FinishedBatch, FinishedTransaction, TransactionWorker};
use super::super::wait_queue::{EngineRoom, LongPoll, TakenPoll};
use super::{Next, Scheduler};
use crate::timers::Timer;
use enginehouse_core::request::SettleCommand;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition;
use enginehouse_store::StoreError;
use std::time::Duration;

/// How long to wait after the store has failed before the next sweep.
const STORE_BACK_OFF: Duration = Duration::from_millis(500);

impl Scheduler {
    /// Answers the callers of a batch that has ended.
    pub(super) async fn finish(&mut self, finished: FinishedBatch, has_company: bool) -> Next {
        let FinishedBatch { worker, start, transactions, unanswered, set_aside } = finished;
        self.gathering.end(start.number);
        // Claims that waited for the engines of this batch may have their turn now.
        self.pending.look_again |= self.wait_queue.has_look_again();
        let had_company = start.had_company || has_company || self.workers.begun() > start.number + 1;
        let others_made_ready = self.pending.has_more_since(&start.wake_ups);
        let mut failure = None;
        for FinishedTransaction { batch, result, answered, duration } in transactions {
            match result {
                Ok(mut committed) => {
                    self.committed(&worker, &batch, &committed, duration);
                    self.pending.committed(std::mem::take(&mut committed.effects.wake_ups), had_company);
                    self.pending.passed_over(committed.effects.passed_over);
                    self.pending.kept_from(committed.effects.kept_from);
                    self.pending.for_others(committed.effects.for_others);
                    self.answer(batch, answered, others_made_ready, committed.durable_at);
                }
                Err(error) => {
                    if !matches!(error, StoreError::Held { .. }) {
                        self.observer.failed();
                    }
                    self.log_failure(&error, batch.len());
                    batch.fail(&error);
                    failure = Some(error);
                }
            }
        }
        self.wait_queue.put_back(unanswered);
        self.workers.put_back(worker, start.class);
        match start.class {
            BatchClass::SetAside if !set_aside.is_empty() => self.set_aside.put_back(set_aside),
            BatchClass::SetAside => {}
            BatchClass::Engines | BatchClass::Others => self.set_aside.add(set_aside),
        }
        if self.held.has_unheard() {
            self.set_aside.wait_a_round();
        }
        if start.sweeps {
            self.schedule.end_sweep();
            for reply in std::mem::take(&mut self.next_sweeps) {
                self.inbox.push_front(Request::Sweep(reply));
            }
        }
        if self.shutdown.is_requested() {
            self.answer_all_who_wait();
        }
        self.pending.ended(start.wake_ups, had_company, failure.is_some());
        match failure {
            Some(error) => self.failed(start.sweeps.then_some(start.deadlines), &error).await,
            None => Next::GoOn,
        }
    }

    /// Logs that a transaction failed. While the store is away, or somebody holds something, many do.
    fn log_failure(&self, error: &StoreError, requests: usize) {
        let kind = match error {
            StoreError::Corrupt(_) => "corrupt",
            StoreError::Unreadable(_) => "unreadable",
            StoreError::Bug(_) => "bug",
            StoreError::Conflict(_) => "conflict",
            StoreError::Held { .. } => "held",
            StoreError::Full(_) => "full",
            StoreError::Unavailable { .. } => "unavailable",
        };
        let Some(left_out) = self.observer.log_limit().admit(kind, &error.to_string()) else { return };
        match error {
            StoreError::Held { .. } => tracing::warn!(
                %error, requests, left_out, "somebody holds what requests or chores need: they are refused, nobody else is"
            ),
            _ => tracing::error!(%error, requests, left_out, "a transaction failed"),
        }
    }

    /// Takes in what a transaction that has committed says of the store.
    fn committed(
        &mut self,
        worker: &TransactionWorker,
        batch: &RequestBatch,
        committed: &Committed,
        duration: Duration,
    ) {
        self.schedule.read_store_time(committed.now);
        self.schedule.merge(committed.effects.deadlines);
        self.end_waits.ended(&committed.effects.ended);
        self.outage.committed(committed.after_outage, committed.has_granted, duration);
        let samples = &committed.effects.durations;
        let registry = &worker.registry;
        let event_type_of = |lane_id| registry.lane(lane_id).ok().map(|lane| lane.event_type.clone());
        let judged_by = |lane_id| {
            let lane = registry.lane(lane_id).ok()?;
            Some((lane.event_type.clone(), registry.quarantine_mode(lane)))
        };
        let others_left = self.suspects.judged(&committed.effects.judged_suspects, committed.now);
        if self.suspects.record(&committed.effects.attempt_ends, committed.now, judged_by) || others_left {
            // The next transaction keeps them from further events.
            self.schedule.look_for_ready(committed.now);
        }
        self.suspects.clear(&committed.effects.cleared_suspects);
        if !samples.is_empty() {
            self.durations.record(samples, committed.now, event_type_of, |engine_id| registry.version_of(engine_id));
            self.schedule.write_statistics(committed.now + WRITE_INTERVAL);
        }
        let pair_of = |lane_id| registry.lane(lane_id).ok().map(|lane| (lane.queue.clone(), lane.event_type.clone()));
        if self.minutes.record(&committed.effects, committed.now, pair_of) {
            self.schedule.write_statistics(committed.now + WRITE_INTERVAL);
        }
        self.observer.committed(&CommittedTransaction {
            requests: batch.len(),
            duration,
            now: committed.now,
            effects: &committed.effects,
            lanes: &|lane_id| worker.registry.lane(lane_id).ok().cloned(),
        });
    }

    /// A transaction has failed: what it was to look at is looked at again.
    async fn failed(&mut self, deadlines: Option<Deadlines>, error: &StoreError) -> Next {
        self.schedule.failed(deadlines, Timer::now() + STORE_BACK_OFF);
        if !matches!(error, StoreError::Held { .. }) {
            self.outage.found();
        }
        if let Some(why) = self.store.ended().await {
            tracing::error!(why, "the server stops");
            return Next::Stop;
        }
        tracing::debug!(%error, "the next sweep comes in a while");
        Next::GoOn
    }

    /// Answers the requests of a transaction that has committed, and the waiting claims that it has served.
    fn answer(
        &mut self,
        batch: RequestBatch,
        answered: Vec<TakenPoll>,
        others_made_ready: bool,
        durable_at: Timestamp,
    ) {
        let RequestBatch { operations, enqueues, settles, exchanges, sweeps } = batch;
        let mut unheard = Vec::new();
        self.wait_queue.answered(answered.len());
        for TakenPoll { poll, .. } in answered {
            if let Some(mut answer) = poll.answer {
                if let Ok(exchanged) = &mut answer {
                    self.late_locks.withhold(exchanged, durable_at);
                }
                unheard.extend(poll.reply.send(answer.map_err(DispatchError::from)));
            }
        }
        for ((request, reply), answer) in exchanges.requests.into_iter().zip(exchanges.replies).zip(exchanges.answers) {
            match answer {
                Ok(ExchangeOutcome::Waits { exchanged, room, heartbeat_interval }) => {
                    let waits = (exchanged, room, heartbeat_interval);
                    self.wait_for_events(request, waits, reply, others_made_ready)
                }
                Ok(ExchangeOutcome::Answered(mut exchanged)) => {
                    self.late_locks.withhold(&mut exchanged, durable_at);
                    let unsent = reply.send(Ok(ExchangeProgress::Answered(exchanged)));
                    unheard.extend(unsent.and_then(ExchangeProgress::answered));
                }
                Err(refused) => _ = reply.send(Err(refused.into())),
            }
        }
        enqueues.answer();
        settles.answer();
        operations.into_iter().for_each(|operation| operation.answer());
        for reply in sweeps {
            reply.send(Ok(()));
        }
        let releases = releases(&unheard);
        if !releases.is_empty() {
            // Events that were claimed for callers who have gone are released: nothing was attempted. If that fails, the
            // engine's heartbeats or the visibility timeout bring them back.
            let (reply, _) = Reply::channel();
            self.inbox.push_front(Request::Settle(releases, reply));
        }
    }

    /// Lets a claim that has found nothing wait for events.
    fn wait_for_events(
        &mut self,
        request: EngineExchange,
        (exchanged, room, heartbeat_interval): (Exchanged, EngineRoom, Duration),
        reply: Reply<ExchangeProgress>,
        look_again: bool,
    ) {
        // Its session is that of the epoch, and another one begins another epoch.
        let EngineExchange { engine_id, epoch, exchange, .. } = request;
        let Some(claim) = exchange.claim.filter(|_| !self.shutdown.is_requested()) else {
            reply.send(Ok(ExchangeProgress::Answered(exchanged)));
            return;
        };
        let (later, answer) = Reply::channel();
        if reply.send(Ok(ExchangeProgress::Waits(WaitingAnswer(answer)))).is_some() {
            return;
        }
        let now = Timer::now();
        self.wait_queue.push(LongPoll {
            until: now + claim.wait,
            engine_id,
            epoch,
            claim,
            exchanged,
            room,
            sign_at: (!heartbeat_interval.is_zero()).then(|| now + heartbeat_interval),
            heartbeat_interval,
            reply: later,
            look_again,
            answer: None,
        });
        self.pending.look_again |= look_again;
        self.schedule.claim_waits();
    }

    pub(super) fn answer_expired_claims(&self) {
        answer_without_events(self.wait_queue.take_expired(Timer::now()));
    }

    pub(super) fn answer_all_who_wait(&self) {
        self.end_waits.close();
        answer_without_events(self.wait_queue.take_all());
    }
}

fn answer_without_events(claims: Vec<LongPoll>) {
    for LongPoll { reply, exchanged, .. } in claims {
        reply.send(Ok(exchanged));
    }
}

/// Releases the events that were claimed for callers who have gone.
fn releases(unheard: &[Exchanged]) -> Vec<SettleCommand> {
    let claimed = unheard.iter().filter_map(|exchanged| exchanged.claimed.as_ref()).flatten();
    claimed
        .filter_map(|claimed| {
            let token = claimed.event.state.lock.as_ref()?.token;
            let command = transition::EventCommand::Release { token, delay: Duration::ZERO };
            Some(SettleCommand::new(claimed.event.event_id, command))
        })
        .collect()
}
