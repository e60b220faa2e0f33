//! Every way in which an event may move, as one function.
//!
//! [`transition`] is the table of `docs/event-lifecycle.md`: whatever happens to an event, in the dispatcher or
//! in a sweep, on either store, is decided here and nowhere else.

use std::sync::Arc;

use crate::event::{AttemptError, AttemptOutcome, DeadLetterReason, EventStatus};
use crate::ids::EngineId;
use crate::limits::MAX_UNLISTED_HEARTBEATS;
use crate::lock::{Lock, LockToken, ProgressLimit};
use crate::policy::RetryPolicy;
use crate::retry::{Failure, Jitter, Outcome, Tally, after_failed_attempt, after_lost_lock, is_final_attempt};
use crate::time::Timestamp;

mod command;
mod state;

pub use self::command::{EventCommand, Loss};
pub use self::state::{EXPIRED, EventState, Settled, SettledBy};

/// What core cannot know.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The present, from which waits count.
    pub now: Timestamp,
    /// When the command came, by which locks have expired or not: it may have had to wait for the event since.
    pub came_at: Timestamp,
    /// The retry policy that holds for this event.
    pub retry_policy: &'a RetryPolicy,
    pub jitter: Jitter,
}

/// What a command does to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It is so already: answer as the first time.
    AlreadySo,
    /// It moves.
    Moves {
        /// What it is from now on.
        state: Box<EventState>,
        /// The attempt that ended without completing it, for its history.
        attempt: Option<AttemptEnd>,
    },
}

/// An attempt that did not complete its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    pub attempt: u32,
    /// The serial of its lock: unique for the event, where `attempt` may repeat after a release.
    pub lock_serial: i64,
    pub engine_id: EngineId,
    pub engine_software_version: Option<Arc<str>>,
    pub outcome: AttemptOutcome,
    /// What went wrong; none if it was released.
    pub error: Option<AttemptError>,
    /// Since when the event had its place in the queue. It keeps this place when a lock is lost, so an earlier attempt may have ended
    /// later.
    pub available_at: Timestamp,
    pub claimed_at: Timestamp,
    pub ended_at: Timestamp,
}

/// Why a command does not apply to an event as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionRefused {
    /// The token is not that of the current lock.
    #[error("the lock token is not current: the event is {status}")]
    LockLost { status: EventStatus },
    /// The command needs another status.
    #[error("the event is {status}, but {needed}")]
    WrongStatus {
        status: EventStatus,
        /// What it would have to be, as the end of a sentence.
        needed: &'static str,
    },
}

/// Decides what `command` makes of an event.
///
/// # Errors
/// A [`TransitionRefused`] if the command does not apply; the event stays as it is.
pub fn transition(
    event: &EventState,
    command: &EventCommand,
    facts: Facts<'_>,
) -> Result<Transition, TransitionRefused> {
    match command {
        EventCommand::Claim { .. } => claim(event, command, facts.now),
        EventCommand::Complete { token, result } => {
            let Some(_lock) = held(event, *token, SettledBy::Complete, facts.came_at)? else {
                return Ok(Transition::AlreadySo);
            };
            let mut next = unlocked(event, Some(Settled { token: *token, by: SettledBy::Complete }));
            next.result.clone_from(result);
            Ok(moves(finished(next, EventStatus::Completed, facts.now), None))
        }
        EventCommand::Fail { token, failure, error } => {
            let Some(lock) = held(event, *token, SettledBy::Fail, facts.came_at)? else {
                return Ok(Transition::AlreadySo);
            };
            let settled = Settled { token: *token, by: SettledBy::Fail };
            Ok(failed_attempt(event, lock, failure, error.clone(), AttemptOutcome::Failed, Some(settled), facts))
        }
        EventCommand::Release { token, delay } => {
            if held(event, *token, SettledBy::Release, facts.came_at)?.is_none() {
                return Ok(Transition::AlreadySo);
            }
            let settled = Settled { token: *token, by: SettledBy::Release };
            // Without a delay it keeps its place.
            let available_at = if delay.is_zero() { event.available_at } else { facts.now + *delay };
            Ok(released(event, Some(settled), available_at, facts.now))
        }
        EventCommand::Extend { token, visibility_timeout } => {
            let lock = current(event, *token, facts.came_at)?;
            let expires_at = lock.reaching(facts.now, *visibility_timeout);
            Ok(moves(with_lock(event, Lock { expires_at, ..lock.clone() }), None))
        }
        EventCommand::Report { token, progress } => {
            let lock = current(event, *token, facts.came_at)?;
            let lock = if *progress { lock.progressed(facts.now) } else { lock.clone() };
            let reported_lock_serial = Some(lock.token.serial);
            Ok(moves(EventState { reported_lock_serial, ..with_lock(event, lock) }, None))
        }
        EventCommand::Renew { token } => {
            let lock = current(event, *token, facts.came_at)?;
            // A renewal never takes back what an extension gave.
            let expires_at = lock.expires_at.max(lock.reaching(facts.now, lock.visibility_timeout));
            Ok(moves(with_lock(event, Lock { expires_at, unlisted_heartbeats: 0, ..lock.clone() }), None))
        }
        EventCommand::LeaveOut => {
            let lock = locked(event)?;
            let unlisted_heartbeats = lock.unlisted_heartbeats.saturating_add(1);
            if unlisted_heartbeats < MAX_UNLISTED_HEARTBEATS {
                return Ok(moves(with_lock(event, Lock { unlisted_heartbeats, ..lock.clone() }), None));
            }
            // The claim's answer never reached the engine: nothing was attempted.
            Ok(released(event, None, event.available_at, facts.now))
        }
        EventCommand::LoseLock { loss, alone } => lose_lock(event, *loss, *alone, facts),
        EventCommand::Return => {
            locked(event)?;
            Ok(released(event, None, event.available_at, facts.now))
        }
        EventCommand::Cancel => cancel(event, facts.now),
        EventCommand::CancelByForce => cancel_by_force(event, facts.now),
        EventCommand::Retry | EventCommand::Change { .. } if event.has_expired(facts.now) => {
            let needed = "it has expired, and is about to be cancelled";
            Err(TransitionRefused::WrongStatus { status: event.status, needed })
        }
        EventCommand::Retry => match event.status {
            EventStatus::Queued if event.available_at <= facts.now => Ok(Transition::AlreadySo),
            EventStatus::Queued => Ok(moves(EventState { available_at: facts.now, ..event.clone() }, None)),
            status => {
                Err(TransitionRefused::WrongStatus { status, needed: "only a queued event can be made available now" })
            }
        },
        EventCommand::Change { start, expires_after } => match event.status {
            EventStatus::Queued => {
                let available_at = start.map_or(event.available_at, |start| start.available_at(facts.now));
                let comes_due = available_at.max(facts.now);
                let expires_at = expires_after.map(|wait| comes_due + wait).of_optional(event.expires_at);
                Ok(moves(EventState { available_at, expires_at, ..event.clone() }, None))
            }
            status => Err(TransitionRefused::WrongStatus { status, needed: "only a queued event can be changed" }),
        },
        EventCommand::Redrive { start, expires_after } => {
            let status = event.status;
            if !matches!(status, EventStatus::Failed | EventStatus::Cancelled) {
                let needed = "only a failed or cancelled event can be redriven";
                return Err(TransitionRefused::WrongStatus { status, needed });
            }
            let tally = Tally { failures: event.tally.failures, ..Tally::default() };
            let available_at = start.available_at(facts.now);
            Ok(moves(
                EventState {
                    status: EventStatus::Queued,
                    tally,
                    redrives: event.redrives.saturating_add(1),
                    available_at,
                    expires_at: expires_after.map(|wait| available_at + wait),
                    settled: None,
                    finished_at: None,
                    dead_letter: None,
                    ..event.clone()
                },
                None,
            ))
        }
        EventCommand::Expire => expire(event, facts.now),
        EventCommand::GiveUp { dead_letter, why } => give_up(event, *dead_letter, why, facts.now),
        EventCommand::Discard => {
            dead_letter(event, "only a dead letter can be discarded")?;
            // Its time as a plain failed event begins now, so that retention does not take it at once.
            Ok(moves(EventState { dead_letter: None, finished_at: Some(facts.now), ..event.clone() }, None))
        }
    }
}

fn moves(state: EventState, attempt: Option<AttemptEnd>) -> Transition {
    Transition::Moves { state: Box::new(state), attempt }
}

fn claim(event: &EventState, command: &EventCommand, now: Timestamp) -> Result<Transition, TransitionRefused> {
    let EventCommand::Claim {
        engine_id,
        engine_epoch,
        engine_software_version,
        generation,
        secret,
        visibility_timeout,
        max_processing,
        progress_timeout,
    } = command
    else {
        unreachable!("called for claims only");
    };
    if event.status != EventStatus::Queued || event.available_at > now || event.has_expired(now) {
        return Err(TransitionRefused::WrongStatus {
            status: event.status,
            needed: "only a queued event that is due and has not expired can be claimed",
        });
    }
    // Two servers may differ by a moment, and an event's attempts follow each other nevertheless.
    let now = event.claimed_at.map_or(now, |before| before.max(now));
    let lock_serial = generation.next_number(event.lock_serial);
    let mut lock = Lock {
        token: LockToken { serial: lock_serial, secret: *secret },
        engine_id: engine_id.clone(),
        engine_epoch: *engine_epoch,
        claimed_at: now,
        expires_at: now,
        visibility_timeout: *visibility_timeout,
        max_processing: *max_processing,
        progress_limit: progress_timeout.map(|timeout| ProgressLimit { timeout, due_at: now + timeout }),
        unlisted_heartbeats: 0,
    };
    lock.expires_at = lock.reaching(now, *visibility_timeout);
    let next = EventState {
        status: EventStatus::Processing,
        attempt: event.attempt.saturating_add(1),
        lock_serial,
        lock: Some(lock),
        settled: None,
        engine_id: Some(engine_id.clone()),
        engine_software_version: engine_software_version.clone(),
        claimed_at: Some(now),
        ..event.clone()
    };
    Ok(moves(next, None))
}

fn lose_lock(event: &EventState, loss: Loss, alone: bool, facts: Facts<'_>) -> Result<Transition, TransitionRefused> {
    let lock = locked(event)?;
    if loss == Loss::Expired {
        if !lock.is_expired(facts.came_at) {
            return Err(TransitionRefused::WrongStatus { status: event.status, needed: "its lock has not expired" });
        }
        let failure = match () {
            () if lock.is_timed_out(facts.came_at) => {
                Some((AttemptOutcome::TimedOut, "the attempt took longer than max_processing_seconds"))
            }
            () if lock.is_stuck(facts.came_at) => {
                Some((AttemptOutcome::Stuck, "the attempt reported no progress for progress_timeout_seconds"))
            }
            () => None,
        };
        if let Some((outcome, message)) = failure {
            let (code, message) = (Some(outcome.name().to_owned()), message.to_owned());
            let error = AttemptError { code, message, details: None };
            return Ok(failed_attempt(event, lock, &Failure::PLAIN, error, outcome, None, facts));
        }
    }
    let mut message = loss.message().to_owned();
    let is_charged = loss != Loss::TakenOver;
    if is_charged && is_final_attempt(event.tally, facts.retry_policy) && !alone {
        message.push_str("; not charged to the event, which was not the only one that the engine held");
    }
    let error = AttemptError { code: Some("lock_lost".to_owned()), message, details: None };
    let end = attempt_end(event, lock, AttemptOutcome::Lost, Some(error.clone()), facts.now);
    let outcome = if is_charged {
        after_lost_lock(event.tally, facts.retry_policy, alone, event.available_at)
    } else {
        // Two processes that fight for an id must not use up what is there for events that kill engines.
        Outcome::Queued { tally: event.tally, available_at: event.available_at }
    };
    let next = EventState { last_error: Some(error), ..unlocked(event, None) };
    Ok(moves(settle_outcome(next, outcome, facts.now), Some(end)))
}

fn failed_attempt(
    event: &EventState,
    lock: &Lock,
    failure: &Failure,
    error: AttemptError,
    outcome: AttemptOutcome,
    settled: Option<Settled>,
    facts: Facts<'_>,
) -> Transition {
    let end = attempt_end(event, lock, outcome, Some(error.clone()), facts.now);
    let decided = after_failed_attempt(event.tally, failure, facts.retry_policy, facts.jitter, facts.now);
    let next = EventState { last_error: Some(error), ..unlocked(event, settled) };
    moves(settle_outcome(next, decided, facts.now), Some(end))
}

/// Applies the retry rule's decision to an event without a lock. One that is to be cancelled is not tried again.
fn settle_outcome(event: EventState, outcome: Outcome, now: Timestamp) -> EventState {
    match outcome {
        Outcome::Queued { tally, .. } if event.cancel_requested => {
            finished(EventState { tally, ..event }, EventStatus::Cancelled, now)
        }
        Outcome::Queued { tally, available_at } => {
            EventState { status: EventStatus::Queued, tally, available_at, ..event }
        }
        Outcome::Failed { tally, dead_letter } => {
            finished(EventState { tally, dead_letter, ..event }, EventStatus::Failed, now)
        }
    }
}

/// The event back in its queue as if this claim had not been. It leaves a trace only if its holder has reported on it: what was
/// used was used.
fn released(event: &EventState, settled: Option<Settled>, available_at: Timestamp, now: Timestamp) -> Transition {
    let reported = event.lock.as_ref().filter(|lock| event.reported_lock_serial == Some(lock.token.serial));
    let end = reported.map(|lock| attempt_end(event, lock, AttemptOutcome::Released, None, now));
    let attempt = event.attempt.saturating_sub(1);
    let next = EventState { attempt, ..unlocked(event, settled) };
    if event.cancel_requested {
        return moves(finished(next, EventStatus::Cancelled, now), end);
    }
    moves(EventState { status: EventStatus::Queued, available_at, ..next }, end)
}

fn cancel(event: &EventState, now: Timestamp) -> Result<Transition, TransitionRefused> {
    match event.status {
        EventStatus::Queued => Ok(moves(finished(event.clone(), EventStatus::Cancelled, now), None)),
        EventStatus::Processing if event.cancel_requested => Ok(Transition::AlreadySo),
        EventStatus::Processing => Ok(moves(EventState { cancel_requested: true, ..event.clone() }, None)),
        EventStatus::Cancelled => Ok(Transition::AlreadySo),
        status @ (EventStatus::Completed | EventStatus::Failed) => {
            Err(TransitionRefused::WrongStatus { status, needed: "only a queued or processing event can be cancelled" })
        }
    }
}

fn expire(event: &EventState, now: Timestamp) -> Result<Transition, TransitionRefused> {
    if !event.has_expired(now) {
        let needed = "it does not wait, or has not expired";
        return Err(TransitionRefused::WrongStatus { status: event.status, needed });
    }
    let error = AttemptError {
        code: Some(EXPIRED.to_owned()),
        message: "the event was still queued when it expired".to_owned(),
        details: None,
    };
    let next = EventState { last_error: Some(error), ..event.clone() };
    Ok(moves(finished(next, EventStatus::Cancelled, now), None))
}

fn give_up(event: &EventState, dead_letter: bool, why: &str, now: Timestamp) -> Result<Transition, TransitionRefused> {
    if event.status != EventStatus::Queued {
        return Err(TransitionRefused::WrongStatus { status: event.status, needed: "only what waits can be given up" });
    }
    let code = DeadLetterReason::Blocked.name().to_owned();
    let error = AttemptError { code: Some(code), message: why.to_owned(), details: None };
    let next = EventState { last_error: Some(error), ..event.clone() };
    let next = match dead_letter {
        true => EventState { dead_letter: Some(DeadLetterReason::Blocked), ..finished(next, EventStatus::Failed, now) },
        false => finished(next, EventStatus::Cancelled, now),
    };
    Ok(moves(next, None))
}

fn cancel_by_force(event: &EventState, now: Timestamp) -> Result<Transition, TransitionRefused> {
    let Some(lock) = &event.lock else { return cancel(event, now) };
    let error = AttemptError {
        code: Some("cancelled".to_owned()),
        message: "the event was cancelled by force: its lock was taken away".to_owned(),
        details: None,
    };
    let end = attempt_end(event, lock, AttemptOutcome::Lost, Some(error.clone()), now);
    let next = EventState { last_error: Some(error), ..unlocked(event, None) };
    Ok(moves(finished(next, EventStatus::Cancelled, now), Some(end)))
}

fn dead_letter(event: &EventState, needed: &'static str) -> Result<(), TransitionRefused> {
    if event.status == EventStatus::Failed && event.dead_letter.is_some() {
        return Ok(());
    }
    Err(TransitionRefused::WrongStatus { status: event.status, needed })
}

fn locked(event: &EventState) -> Result<&Lock, TransitionRefused> {
    event.lock.as_ref().ok_or(TransitionRefused::LockLost { status: event.status })
}

/// The lock, if `token` is its token and its time has not run out. Time decides, not whether a sweep has
/// come by: a lock that has expired is lost even while nobody else has claimed the event.
fn current(event: &EventState, token: LockToken, now: Timestamp) -> Result<&Lock, TransitionRefused> {
    let lock = locked(event)?;
    if lock.token != token || lock.is_expired(now) {
        return Err(TransitionRefused::LockLost { status: event.status });
    }
    Ok(lock)
}

/// The current lock; nothing, if this very token has settled the event in this very way before.
fn held(
    event: &EventState,
    token: LockToken,
    by: SettledBy,
    now: Timestamp,
) -> Result<Option<&Lock>, TransitionRefused> {
    if event.settled == Some(Settled { token, by }) {
        return Ok(None);
    }
    current(event, token, now).map(Some)
}

fn with_lock(event: &EventState, lock: Lock) -> EventState {
    EventState { lock: Some(lock), ..event.clone() }
}

fn unlocked(event: &EventState, settled: Option<Settled>) -> EventState {
    EventState { lock: None, settled, ..event.clone() }
}

fn finished(event: EventState, status: EventStatus, now: Timestamp) -> EventState {
    EventState { status, finished_at: Some(now), cancel_requested: false, ..event }
}

fn attempt_end(
    event: &EventState,
    lock: &Lock,
    outcome: AttemptOutcome,
    error: Option<AttemptError>,
    now: Timestamp,
) -> AttemptEnd {
    AttemptEnd {
        attempt: event.attempt,
        lock_serial: lock.token.serial,
        engine_id: lock.engine_id.clone(),
        engine_software_version: event.engine_software_version.clone(),
        outcome,
        error,
        available_at: event.available_at,
        claimed_at: lock.claimed_at,
        ended_at: now,
    }
}

#[cfg(test)]
mod tests;
