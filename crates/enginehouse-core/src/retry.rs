//! Failed attempts and lost locks: again, failed, dead letter; and how long to wait.

use std::fmt;
use std::time::Duration;

use crate::event::DeadLetterReason;
use crate::policy::{RetryDelay, RetryPolicy};
use crate::time::{Timestamp, seconds};

/// What an event has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Retries spent of the present budget; a redrive starts a new one.
    pub retries: u32,
    /// Failed attempts over the event's whole life.
    pub failures: u32,
    /// Locks lost since the enqueue or the last redrive.
    pub losses: u32,
}

/// What an engine says about the attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether another attempt may help.
    pub retryable: bool,
    /// How long to wait before it, instead of the policy's delay.
    pub retry_after: Option<Duration>,
    /// Whether a person should look if this was the last attempt.
    pub dead_letter: bool,
}

impl Failure {
    /// A failure of which the engine says nothing more.
    pub const PLAIN: Self = Self { retryable: true, retry_after: None, dead_letter: false };
}

/// The random part of a jittered wait: at least 0, below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// No jitter at all.
    pub const NONE: Self = Self(0.0);

    /// From a random number; what is out of range is clamped into it.
    pub fn new(random: f64) -> Self {
        if random >= 0.0 { Self(random.min(1.0 - f64::EPSILON)) } else { Self::NONE }
    }
}

/// What becomes of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for another attempt.
    Queued { tally: Tally, available_at: Timestamp },
    /// It has finally failed.
    Failed {
        tally: Tally,
        /// Why it is a dead letter too, if it is one.
        dead_letter: Option<DeadLetterReason>,
    },
}

impl RetryDelay {
    /// How long to wait before retry number `retry`, counted from 1. Overflow saturates at `max`.
    pub fn before(&self, retry: u32, jitter: Jitter) -> Duration {
        let exponent = i32::try_from(retry.saturating_sub(1)).unwrap_or(i32::MAX);
        // `initial` 0 times an infinite power is NaN, which `min` turns into `max`: so 0 is left out first.
        let wait =
            if self.initial == 0.0 { 0.0 } else { (self.initial * self.multiplier.powi(exponent)).min(self.max) };
        seconds(wait * (1.0 + jitter.0 * self.jitter))
    }
}

/// What becomes of an event whose attempt has failed or timed out. A lost lock is
/// another rule, [`after_lost_lock`]: there the engine failed, not the event.
pub fn after_failed_attempt(
    tally: Tally,
    failure: &Failure,
    policy: &RetryPolicy,
    jitter: Jitter,
    now: Timestamp,
) -> Outcome {
    let failures = tally.failures.saturating_add(1);
    if failure.retryable && tally.retries < policy.max_retries {
        let retries = tally.retries + 1;
        let wait = failure.retry_after.unwrap_or_else(|| policy.retry_delay.before(retries, jitter));
        return Outcome::Queued { tally: Tally { retries, failures, ..tally }, available_at: now + wait };
    }
    let reason = if failure.dead_letter {
        DeadLetterReason::Requested
    } else if failure.retryable {
        DeadLetterReason::RetriesExhausted
    } else {
        DeadLetterReason::Rejected
    };
    // An early rejection is an answer. Work that ran out of retries is never dropped silently, however few it had.
    let is_answer = reason == DeadLetterReason::Rejected && failures < policy.dead_letter_threshold;
    Outcome::Failed { tally: Tally { failures, ..tally }, dead_letter: (!is_answer).then_some(reason) }
}

/// Whether an event is on its **last chance**: it was lost before, and once more would make it a dead letter. Any event
/// that its engine held may be what has killed the engine. So such an event is tried alone (see [`crate::gates`]): a
/// deadly one ends alone, and those that were lost only because they were beside it complete.
///
/// With `max_losses` 0 somebody wants no second attempt, and so there is no last chance to give.
pub const fn is_final_attempt(tally: Tally, policy: &RetryPolicy) -> bool {
    tally.losses > 0 && tally.losses >= policy.max_losses
}

/// What becomes of an event whose lock was lost: available again at once, in its old place, and no retry spent; but not
/// for ever, so that an event that kills its engines cannot kill the fleet. `due_since` is when it first came due: an
/// engine's loss does not send it to the end of its lane.
///
/// The loss that would end an event is charged only if its engine held it `alone`: else another one may be to blame.
pub fn after_lost_lock(tally: Tally, policy: &RetryPolicy, alone: bool, due_since: Timestamp) -> Outcome {
    if is_final_attempt(tally, policy) && !alone {
        return Outcome::Queued { tally, available_at: due_since };
    }
    let tally = Tally { losses: tally.losses.saturating_add(1), ..tally };
    if tally.losses <= policy.max_losses {
        Outcome::Queued { tally, available_at: due_since }
    } else {
        Outcome::Failed { tally, dead_letter: Some(DeadLetterReason::LostTooOften) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued { available_at, .. } => write!(f, "queued until {available_at}"),
            Self::Failed { dead_letter: None, .. } => f.write_str("failed"),
            Self::Failed { dead_letter: Some(reason), .. } => write!(f, "failed, dead letter: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn the_defaults_give_four_attempts_and_then_a_dead_letter() {
        check(0, "fails", "queued in 30 s");
        check(1, "fails", "queued in 60 s");
        check(2, "fails", "queued in 120 s");
        check(3, "fails", "failed, dead letter: retries_exhausted");
        check(0, "retryable: false", "failed");
        check(2, "retryable: false", "failed, dead letter: rejected");
        check(0, "retry_after: 7", "queued in 7 s");
        check(0, "dead_letter: true", "queued in 30 s");
        check(0, "retryable: false, dead_letter: true", "failed, dead letter: requested");
        check(3, "dead_letter: true", "failed, dead letter: requested");
        check(3, "retry_after: 7", "failed, dead letter: retries_exhausted");
    }

    #[test]
    fn exhausted_retries_are_a_dead_letter_however_few_there_were() {
        let failed = |failures, max_retries, failure: &str| {
            let policy = RetryPolicy { max_retries, dead_letter_threshold: 1_000, ..RetryPolicy::DEFAULT };
            let tally = Tally { retries: failures, failures, losses: 0 };
            after_failed_attempt(tally, &parse(failure), &policy, Jitter::NONE, NOW).to_string()
        };
        assert_eq!(failed(0, 0, "fails"), "failed, dead letter: retries_exhausted");
        assert_eq!(failed(1, 1, "retry_after: 7"), "failed, dead letter: retries_exhausted");
        assert_eq!(failed(0, 0, "dead_letter: true"), "failed, dead letter: requested");
        assert_eq!(failed(0, 0, "retryable: false"), "failed");
        assert_eq!(failed(998, 0, "retryable: false"), "failed");
        assert_eq!(failed(999, 0, "retryable: false"), "failed, dead letter: rejected");
    }

    #[test]
    fn a_lost_lock_costs_no_retry_until_it_is_one_too_many() {
        for losses in 0..3 {
            let got = after_lost_lock(Tally { losses, ..Tally::default() }, &RetryPolicy::DEFAULT, false, NOW);
            let tally = Tally { losses: losses + 1, ..Tally::default() };
            assert_eq!(got, Outcome::Queued { tally, available_at: NOW });
        }
        let got = after_lost_lock(Tally { losses: 3, ..Tally::default() }, &RetryPolicy::DEFAULT, true, NOW);
        assert_eq!(got.to_string(), "failed, dead letter: lost_too_often");
    }

    #[test]
    fn the_last_loss_is_charged_to_an_event_that_was_held_alone() {
        let lost = |losses, max_losses, alone| {
            let policy = RetryPolicy { max_losses, ..RetryPolicy::DEFAULT };
            match after_lost_lock(Tally { losses, ..Tally::default() }, &policy, alone, NOW) {
                Outcome::Queued { tally, .. } => format!("{} losses", tally.losses),
                failed @ Outcome::Failed { .. } => failed.to_string(),
            }
        };
        let dead = "failed, dead letter: lost_too_often";
        assert_eq!(lost(2, 3, false), "3 losses");
        assert_eq!(lost(3, 3, false), "3 losses");
        assert_eq!(lost(3, 3, true), dead);
        // The policy was tightened meanwhile.
        assert_eq!(lost(3, 1, false), "3 losses");
        assert_eq!(lost(3, 1, true), dead);
        // No second attempt was wanted.
        assert_eq!(lost(0, 0, false), dead);
    }

    /// The only place that knows the signature.
    #[track_caller]
    fn check(retries: u32, failure: &str, want: &str) {
        let tally = Tally { retries, failures: retries, losses: 0 };
        let got = after_failed_attempt(tally, &parse(failure), &RetryPolicy::DEFAULT, Jitter::NONE, NOW);
        let got = match got {
            Outcome::Queued { available_at, .. } => format!("queued in {} s", available_at.since(NOW).as_secs_f64()),
            failed @ Outcome::Failed { .. } => failed.to_string(),
        };
        assert_eq!(got, want);
    }

    fn parse(failure: &str) -> Failure {
        failure.split(", ").fold(Failure::PLAIN, |failure, word| match word.split_once(": ") {
            None => failure,
            Some(("retryable", value)) => Failure { retryable: value == "true", ..failure },
            Some(("retry_after", value)) => Failure { retry_after: Some(seconds(value.parse().unwrap())), ..failure },
            Some(("dead_letter", value)) => Failure { dead_letter: value == "true", ..failure },
            Some((other, _)) => panic!("no such word: {other}"),
        })
    }

    proptest! {
        #[test]
        fn no_wait_is_shorter_than_asked_or_longer_than_the_most(
            initial in 0.0..=crate::limits::MAX_RETRY_DELAY_SECONDS,
            max in 0.0..=crate::limits::MAX_RETRY_DELAY_SECONDS,
            multiplier in 1.0..=crate::limits::MAX_RETRY_MULTIPLIER,
            jitter in 0.0..=1.0f64,
            retry in prop_oneof![0u32..20, any::<u32>(), Just(u32::MAX)],
            random in prop_oneof![0.0..1.0f64, Just(1.0 - f64::EPSILON)],
        ) {
            let delay = RetryDelay { initial, max, multiplier, jitter };
            let wait = delay.before(retry, Jitter::new(random)).as_secs_f64();
            let asked = delay.before(retry, Jitter::NONE).as_secs_f64();
            // A nanosecond for the rounding of a Duration.
            prop_assert!(wait + 1e-9 >= asked);
            prop_assert!(asked + 1e-9 >= initial.min(max));
            prop_assert!(wait <= max * (1.0 + jitter) + 1e-9);
        }

        #[test]
        fn waits_never_shrink_from_one_retry_to_the_next(
            initial in 0.0..1e4f64, max in 0.0..1e6f64, multiplier in 1.0..10.0f64, retry in 1u32..5_000,
        ) {
            let delay = RetryDelay { initial, max, multiplier, jitter: 0.0 };
            prop_assert!(delay.before(retry, Jitter::NONE) <= delay.before(retry + 1, Jitter::NONE));
        }

        #[test]
        fn no_tally_overflows_and_every_budget_ends(
            retries in any::<u32>(), failures in any::<u32>(), losses in any::<u32>(), max_retries in any::<u32>(),
            max_losses in any::<u32>(), dead_letter_threshold in any::<u32>(), alone in any::<bool>(), retry_after in proptest::option::of(any::<u64>()), jitter in 0.0..1.0f64,
        ) {
            let tally = Tally { retries, failures, losses };
            let policy = RetryPolicy { max_retries, max_losses, dead_letter_threshold, ..RetryPolicy::DEFAULT };
            let failure = Failure { retry_after: retry_after.map(Duration::from_secs), ..Failure::PLAIN };
            match after_failed_attempt(tally, &failure, &policy, Jitter::new(jitter), NOW) {
                Outcome::Queued { tally: after, available_at } => {
                    prop_assert!(after.retries == retries + 1 && after.retries <= max_retries);
                    prop_assert!(available_at >= NOW);
                }
                Outcome::Failed { dead_letter, .. } => {
                    prop_assert!(retries >= max_retries);
                    prop_assert_eq!(dead_letter, Some(DeadLetterReason::RetriesExhausted), "nobody loses work");
                }
            }
            match after_lost_lock(tally, &policy, alone, NOW) {
                Outcome::Queued { tally: after, available_at } => {
                    prop_assert!(after.losses <= max_losses || !alone && after.losses == losses);
                    prop_assert!(after.retries == retries);
                    prop_assert!(available_at == NOW);
                }
                Outcome::Failed { dead_letter, .. } => {
                    prop_assert!(losses >= max_losses);
                    prop_assert_eq!(dead_letter, Some(DeadLetterReason::LostTooOften));
                }
            }
        }
    }
}
