//! What a transaction has brought about beside its answers: which waiting claims to wake, what falls due when, and what
//! the metrics count. It takes effect once the transaction has committed, and is dropped if it has not.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use enginehouse_core::blame::Ending;
use enginehouse_core::durations::DurationKind;
use enginehouse_core::event::{DeadLetterReason, EventStatus};
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId};
use enginehouse_core::lock::Lock;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{EventCommand, EventState, Loss};
use enginehouse_store::rows::EventRow;

use super::deadlines::{Deadlines, bring_forward};
use super::durations::DurationSample;
use super::suspects::EndedAttempt;
use super::wake_ups::{EventForOthers, WakeUps};

/// What a transaction has brought about.
#[derive(Debug, Default)]
pub struct Effects {
    pub(super) wake_ups: WakeUps,
    /// Events that wait since this transaction. One that it gives away, too, is nothing that a claim could be woken for.
    pub(super) made_ready: HashSet<EventId>,
    pub(super) deadlines: Deadlines,
    /// Lanes with an event on its last chance, which a waiting claim was woken for, but whose engine holds others.
    pub(super) passed_over: HashSet<LaneId>,
    /// Events that a waiting claim was woken for, but that its engine has failed.
    pub(super) for_others: HashMap<EventId, EventForOthers>,
    /// Lanes with an event that a waiting claim was woken for, but whose engine is held back for another one.
    pub(super) kept_from: HashSet<LaneId>,
    /// Engines whose signs of life were refused, and that need not be lost for it any more.
    pub(super) made_good: Vec<EngineId>,
    /// Events that have completed, failed or been cancelled.
    pub(super) ended: Vec<EventId>,
    /// Events that were enqueued, by lane.
    pub enqueued: HashMap<LaneId, u64>,
    /// Events that were claimed, by lane.
    pub claimed: HashMap<LaneId, u64>,
    /// How attempts ended, by lane.
    pub attempts: HashMap<LaneId, AttemptCounts>,
    /// Settles by outcome.
    pub settled: HashMap<&'static str, u64>,
    /// How long each event that was claimed had waited, and how long each attempt took that was completed, failed or timed out.
    pub durations: Vec<DurationSample>,
    /// Attempts that ended in a way that says something of their engines.
    pub(super) attempt_ends: Vec<EndedAttempt>,
    /// Engines of which it was decided whether they are quarantined for what they are suspect of.
    pub(super) judged_suspects: Vec<EngineId>,
    /// Engines against which nothing speaks any more at events of a type.
    pub(super) cleared_suspects: Vec<(EngineId, EventType)>,
    /// Automatic quarantines that have begun.
    pub quarantined: u64,
    pub locks_lost: u64,
    /// Attempts that took longer than `max_processing_seconds`.
    pub timed_out: u64,
    /// Attempts that reported no progress for `progress_timeout_seconds`.
    pub stuck: u64,
    /// Events of whose attempts something was reported.
    pub reported: HashSet<EventId>,
    /// Failed attempts that will be repeated.
    pub retries: u64,
    /// New dead letters by reason.
    pub dead_letters: HashMap<DeadLetterReason, u64>,
    pub redrives: u64,
    /// Events that were queued still when they expired.
    pub expired: u64,
    pub engines_lost: u64,
    /// Until when nothing is pruned, because the clock has leapt; none if it was not looked at.
    pub pruning_held_until: Option<Timestamp>,
    /// Events whose retention has ended.
    pub events_deleted: u64,
}

/// How many attempts at the events of a lane ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounts {
    pub completed: u64,
    /// Those that took too long among them.
    pub failed: u64,
    pub lost: u64,
    /// Events that became dead letters with it, or without any attempt.
    pub dead_lettered: u64,
}

impl Effects {
    /// An event was decided to go from one state to another, perhaps into the lane that it is in from another one.
    pub(super) fn transitioned(
        &mut self,
        event: &EventRow,
        is_new_in_lane: bool,
        after: &EventState,
        command: &EventCommand,
        now: Timestamp,
    ) {
        let before = &event.state;
        if before.status == EventStatus::Processing && after.status != EventStatus::Processing {
            self.wake_ups.engines.extend(before.engine_id.clone());
        }
        if let (EventCommand::Claim { .. }, Some(lock)) = (command, &after.lock) {
            *self.claimed.entry(event.lane_id).or_default() += 1;
            if self.made_ready.remove(&event.event_id) {
                self.wake_ups.claimed(event.lane_id);
            }
            self.sample(event, lock, DurationKind::Waiting, lock.claimed_at.since(before.available_at));
        }
        let outcome = match command {
            EventCommand::Complete { .. } => Some("complete"),
            EventCommand::Fail { .. } => Some("fail"),
            EventCommand::Release { .. } => Some("release"),
            EventCommand::Extend { .. } => Some("extend"),
            _ => None,
        };
        if let Some(outcome) = outcome {
            *self.settled.entry(outcome).or_default() += 1;
        }
        let failed = after.tally.failures > before.tally.failures;
        let lost = matches!(command, EventCommand::LoseLock { .. });
        if let Some(lock) = &before.lock
            && (matches!(outcome, Some("complete" | "fail")) || lost && failed)
        {
            self.sample(event, lock, DurationKind::Processing, now.since(lock.claimed_at));
        }
        if let Some(lock) = &before.lock
            && let Some(ending) = ending(command, failed)
        {
            self.attempt_ends.push(EndedAttempt {
                event_id: event.event_id,
                lane_id: event.lane_id,
                engine_id: lock.engine_id.clone(),
                version: before.engine_software_version.clone(),
                ending,
                failed_before: before.tally.failures > 0 || before.tally.losses > 0,
            });
        }
        let timed_out = before.lock.as_ref().is_some_and(|lock| lock.is_timed_out(now));
        self.locks_lost += u64::from(lost && !failed);
        self.timed_out += u64::from(lost && failed && timed_out);
        self.stuck += u64::from(lost && failed && !timed_out);
        self.retries += u64::from(failed && after.status == EventStatus::Queued);
        let dead_letter = after.dead_letter.filter(|_| before.dead_letter.is_none());
        if let Some(reason) = dead_letter {
            *self.dead_letters.entry(reason).or_default() += 1;
        }
        let completed = outcome == Some("complete");
        if completed || failed || lost || dead_letter.is_some() {
            let ended = self.attempts.entry(event.lane_id).or_default();
            ended.completed += u64::from(completed);
            ended.failed += u64::from(failed);
            ended.lost += u64::from(lost && !failed);
            ended.dead_lettered += u64::from(dead_letter.is_some());
        }
        if after.status.is_final() && !before.status.is_final() {
            self.ended.push(event.event_id);
        }
        self.redrives += u64::from(after.redrives > before.redrives);
        self.expired += u64::from(matches!(command, EventCommand::Expire));
        // One that waits as before is nothing to wake anybody for.
        let waited = before.status == EventStatus::Queued && before.available_at == after.available_at;
        if after.status == EventStatus::Queued {
            bring_forward(&mut self.deadlines.event_expiry, after.expires_at);
        }
        if after.status == EventStatus::Queued && (is_new_in_lane || !waited) {
            self.queued(event.event_id, event.lane_id, after.available_at, now);
        }
    }

    fn sample(&mut self, event: &EventRow, lock: &Lock, kind: DurationKind, duration: Duration) {
        let (lane_id, engine_id) = (event.lane_id, lock.engine_id.clone());
        self.durations.push(DurationSample { lane_id, engine_id, kind, duration });
    }

    /// An event waits in its lane from now on.
    pub(super) fn queued(&mut self, event_id: EventId, lane_id: LaneId, available_at: Timestamp, now: Timestamp) {
        if available_at <= now {
            self.made_ready.insert(event_id);
            *self.wake_ups.ready.entry(lane_id).or_default() += 1;
        } else {
            bring_forward(&mut self.deadlines.ready, Some(available_at));
        }
    }

    /// An event was written.
    pub(super) fn written(&mut self, event: &EventRow) {
        bring_forward(&mut self.deadlines.lock_expiry, event.state.lock.as_ref().map(|lock| lock.expires_at));
    }
}

/// What the end of an attempt says of its engine, if it does. Whoever releases an event, is deregistered or registers anew has not
/// failed.
fn ending(command: &EventCommand, failed: bool) -> Option<Ending> {
    match command {
        EventCommand::Complete { .. } => Some(Ending::Completed),
        EventCommand::Fail { .. } | EventCommand::LoseLock { .. } if failed => Some(Ending::Failed),
        EventCommand::LoseLock { loss: Loss::EngineSuperseded | Loss::TakenOver, .. } => None,
        EventCommand::LoseLock { .. } => Some(Ending::Lost),
        _ => None,
    }
}
