//! What a transaction has brought about, beside its answers: who is to be woken, what falls due when, and what the
//! metrics count. It takes effect once the transaction has committed, and is dropped if it has not.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_core::event::{DeadLetterReason, EventStatus};
use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{Command, EventState};
use enginehouse_store::rows::EventRow;

use super::waiting::News;

/// One move of one event.
pub(super) struct Moved<'a> {
    pub(super) before: &'a EventRow,
    pub(super) after: &'a EventState,
    pub(super) command: &'a Command,
    pub(super) now: Timestamp,
}

/// What a transaction has brought about.
#[derive(Debug, Default)]
pub struct Report {
    /// For which claims there may be something.
    pub(super) news: News,
    /// What falls due when.
    pub(super) due: Due,
    /// Events that were enqueued, by lane.
    pub enqueued: HashMap<LaneId, u64>,
    /// Events that were claimed, by lane.
    pub claimed: HashMap<LaneId, u64>,
    /// How long those had been due.
    pub queue_waits: Vec<Duration>,
    /// Settles by outcome.
    pub settled: HashMap<&'static str, u64>,
    /// From claim to settle.
    pub holding_times: Vec<Duration>,
    /// Locks that were lost.
    pub locks_lost: u64,
    /// Attempts that took too long.
    pub timed_out: u64,
    /// Failed attempts that are tried again.
    pub retries: u64,
    /// Dead letters by reason.
    pub dead_letters: HashMap<DeadLetterReason, u64>,
    /// Dead letters that were redriven.
    pub redrives: u64,
    /// Engines that were lost.
    pub engines_lost: u64,
    /// Events that were forgotten after their time of retention.
    pub forgotten: u64,
}

/// The earliest moment of each kind at which something falls due; none if nothing does. A moment may be too early
/// (the lock was renewed meanwhile): then a sweep finds nothing, and says when to look again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// A lock expires.
    pub(super) lock_expiry: Option<Timestamp>,
    /// An engine is lost.
    pub(super) engine_loss: Option<Timestamp>,
    /// A queued event comes due; only while `ready_known`.
    pub(super) ready: Option<Timestamp>,
    /// Whether `ready` is known: it is not kept up while no claim waits.
    pub(super) ready_known: bool,
    /// Something may be forgotten.
    pub(super) retention: Option<Timestamp>,
}

impl Due {
    /// Takes in what another batch knows: the earlier moment of each.
    pub(super) fn merge(&mut self, other: Self) {
        sooner(&mut self.lock_expiry, other.lock_expiry);
        sooner(&mut self.engine_loss, other.engine_loss);
        sooner(&mut self.retention, other.retention);
        sooner(&mut self.ready, other.ready);
        self.ready_known |= other.ready_known;
    }

    /// The earliest of all.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        [self.lock_expiry, self.engine_loss, self.ready, self.retention].into_iter().flatten().min()
    }
}

pub(super) fn sooner(due: &mut Option<Timestamp>, other: Option<Timestamp>) {
    *due = match (*due, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

impl Report {
    /// An event was decided to move.
    pub(super) fn moved(&mut self, moved: &Moved<'_>) {
        let (before, after) = (&moved.before.state, moved.after);
        if before.status == EventStatus::Processing && after.status != EventStatus::Processing {
            self.news.relieved.extend(before.engine_id.clone());
        }
        if let (Command::Claim { .. }, Some(lock)) = (moved.command, &after.lock) {
            *self.claimed.entry(moved.before.lane_id).or_default() += 1;
            self.queue_waits.push(lock.claimed_at.since(before.available_at));
        }
        let outcome = match moved.command {
            Command::Complete { .. } => Some("complete"),
            Command::Fail { .. } => Some("fail"),
            Command::Release { .. } => Some("release"),
            Command::Extend { .. } => Some("extend"),
            _ => None,
        };
        if let Some(outcome) = outcome {
            *self.settled.entry(outcome).or_default() += 1;
        }
        if let (Some("complete" | "fail"), Some(lock)) = (outcome, &before.lock) {
            self.holding_times.push(moved.now.since(lock.claimed_at));
        }
        self.locks_lost += u64::from(after.tally.losses > before.tally.losses);
        let failed = after.tally.failures > before.tally.failures;
        self.timed_out += u64::from(failed && matches!(moved.command, Command::LoseLock(_)));
        self.retries += u64::from(failed && after.status == EventStatus::Queued);
        if let Some(reason) = after.dead_letter.filter(|_| before.dead_letter.is_none()) {
            *self.dead_letters.entry(reason).or_default() += 1;
        }
        self.redrives += u64::from(after.redrives > before.redrives);
        if after.status == EventStatus::Queued {
            self.queued(moved.before.lane_id, after.available_at, moved.now);
        }
    }

    /// An event waits in its lane from now on.
    pub(super) fn queued(&mut self, lane_id: LaneId, available_at: Timestamp, now: Timestamp) {
        if available_at <= now {
            *self.news.ready.entry(lane_id).or_default() += 1;
        } else {
            sooner(&mut self.due.ready, Some(available_at));
        }
    }

    /// An event was written.
    pub(super) fn written(&mut self, row: &EventRow) {
        sooner(&mut self.due.lock_expiry, row.state.lock.as_ref().map(|lock| lock.expires_at));
    }
}
