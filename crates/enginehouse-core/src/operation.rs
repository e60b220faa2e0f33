//! Operations: one action on many events or engines, as a thing that lasts.
//!
//! What an operation is about is written down when it is created (its *members*), and stays so: what comes to match its filter later is
//! left alone. Its members are then worked through in their order, a few in each transaction, at a rate if one is wanted.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::access::role::Permission;
use crate::access::selector::Selectors;
use crate::filter::FilterSubject;
use crate::ids::{EventType, OperationId};
use crate::json::RawJson;
use crate::time::Timestamp;

/// What an operation does to each of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OperationAction {
    /// Cancel events that are queued or processing.
    CancelEvents,
    /// Make queued events that wait for a retry or their time available now.
    RetryEvents,
    /// Put failed and cancelled events back in their queues.
    RedriveEvents,
    /// Put dead letters back in their queues.
    RedriveDeadLetters,
    /// Give up on dead letters.
    DiscardDeadLetters,
    /// Let engines finish what they hold, and claim nothing more.
    DrainEngines,
    /// Let engines that drain claim again.
    ResumeEngines,
    /// Deregister engines: what they hold is back in its queue.
    DeregisterEngines,
    /// Keep engines from new events, or from those of some types.
    QuarantineEngines,
    /// Give engines events again that are in a quarantine.
    LiftQuarantines,
}

/// What the members of an operation are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    Event,
    DeadLetter,
    Engine,
}

impl OperationAction {
    /// The word for it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What it acts on.
    pub fn member_kind(self) -> MemberKind {
        match self {
            Self::CancelEvents | Self::RetryEvents | Self::RedriveEvents => MemberKind::Event,
            Self::RedriveDeadLetters | Self::DiscardDeadLetters => MemberKind::DeadLetter,
            Self::DrainEngines
            | Self::ResumeEngines
            | Self::DeregisterEngines
            | Self::QuarantineEngines
            | Self::LiftQuarantines => MemberKind::Engine,
        }
    }

    /// The list that its filter is of.
    pub fn subject(self) -> FilterSubject {
        match self.member_kind() {
            MemberKind::Event => FilterSubject::Events,
            MemberKind::DeadLetter => FilterSubject::DeadLetters,
            MemberKind::Engine => FilterSubject::Engines,
        }
    }

    /// What whoever wants it must be permitted.
    pub fn permission(self) -> Permission {
        match self.member_kind() {
            MemberKind::Event | MemberKind::DeadLetter => Permission::EventsControl,
            MemberKind::Engine => Permission::EnginesControl,
        }
    }

    /// What it does to so many, in words: `Cancels 12 events`.
    pub fn effect_on(self, count: u64) -> String {
        let verb = match self {
            Self::CancelEvents => "Cancels",
            Self::RetryEvents => "Makes available now",
            Self::RedriveEvents | Self::RedriveDeadLetters => "Redrives",
            Self::DiscardDeadLetters => "Discards",
            Self::DrainEngines => "Drains",
            Self::ResumeEngines => "Resumes",
            Self::DeregisterEngines => "Deregisters",
            Self::QuarantineEngines => "Quarantines",
            Self::LiftQuarantines => "Lifts the quarantines of",
        };
        let noun = match self.member_kind() {
            MemberKind::Event => "event",
            MemberKind::DeadLetter => "dead letter",
            MemberKind::Engine => "engine",
        };
        format!("{verb} {count} {noun}{}", if count == 1 { "" } else { "s" })
    }
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OperationStatus {
    /// Its members are being written down. Nothing was done to any of them.
    Collecting,
    /// Its members are being worked through.
    Running,
    /// Every member has had its turn.
    Completed,
    /// Somebody has ended it; members that had not had their turn are as they were.
    Cancelled,
    /// It could not be carried out: `failure` says why. Members that had not had their turn are as they were.
    Failed,
}

impl OperationStatus {
    /// The word for it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether nothing happens to it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

/// What became of a member that was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MemberOutcome {
    /// It had moved on when it was its turn, was gone, or somebody else held it.
    Conflict,
    /// It could not be acted on.
    Failed,
}

/// What an operation is to do, as it was asked for. It is kept with the operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationPlan {
    /// What it is about, in the language of filters; empty for everything.
    #[serde(default)]
    pub filter: String,
    /// How many members at most, the first in its order; no bound of its own if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many members have their turn each second at most; as many as the server can do if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a cancel: whether to take the locks away from engines, instead of asking them to stop.
    #[serde(default)]
    pub force: bool,
    /// Of a drain: whether the engines are to stop once they are drained.
    #[serde(default)]
    pub stop_when_drained: bool,
    /// Of a quarantine: when it ends by itself; never if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of a quarantine: the event types that it is for; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<EventType>,
    /// On what whoever has created it may act: as it was then.
    #[serde(default)]
    pub within: Selectors,
}

/// How long an operation that was idle may catch up for: after an hour's pause it does not do an hour's work at once.
const MAX_CATCH_UP: Duration = Duration::from_secs(1);

impl OperationPlan {
    /// How many members may have their turn now, at most `most`.
    pub fn turns_at(&self, next_at: Timestamp, now: Timestamp, most: u64) -> u64 {
        let Some(rate) = self.rate_per_second else { return most };
        if now < next_at {
            return 0;
        }
        let saved = now.since(next_at).min(MAX_CATCH_UP);
        // Never negative, and a float that is too large for the type becomes the largest.
        (1 + (saved.as_secs_f64() * rate) as u64).min(most)
    }

    /// When the next one may have its turn after so many had theirs.
    pub fn next_at(&self, next_at: Timestamp, now: Timestamp, turns: u64) -> Timestamp {
        let Some(rate) = self.rate_per_second else { return now };
        // Rounded up, so that it is never more than asked for.
        let millis = (turns as f64 * 1_000.0 / rate).ceil() as u64;
        next_at.max(now - MAX_CATCH_UP) + Duration::from_millis(millis)
    }
}

/// An operation as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationRecord {
    pub operation_id: OperationId,
    pub action: OperationAction,
    pub status: OperationStatus,
    /// What was asked for, as a JSON object.
    pub plan: RawJson,
    pub created_at: Timestamp,
    /// Who has created it, as the audit log names them.
    pub created_by: String,
    /// When the first member had its turn.
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Where collecting goes on; none if it has not begun.
    pub collected_to: Option<String>,
    /// The place of the last member that was written down. Places rise, with gaps.
    pub last_place: u64,
    /// How many members it has, as far as they were collected.
    pub total: u64,
    /// Members up to this place have had their turn.
    pub done_to: u64,
    pub changed: u64,
    pub conflicts: u64,
    pub failed: u64,
    /// When the next member may have its turn.
    pub next_at: Timestamp,
    /// Why it has failed.
    pub failure: Option<String>,
}

impl OperationRecord {
    /// How many members have not had their turn.
    pub fn remaining(&self) -> u64 {
        self.total.saturating_sub(self.changed + self.conflicts + self.failed)
    }

    /// At its end.
    pub fn ended(self, status: OperationStatus, now: Timestamp) -> Self {
        Self { status, finished_at: Some(now), ..self }
    }
}

/// A member of an operation that has not had its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationMember {
    /// Its place in the order of the operation.
    pub place: u64,
    /// The id of the event, or of the engine.
    pub target: String,
}

/// A member that was not changed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnchangedMember {
    pub place: u64,
    pub target: String,
    pub outcome: MemberOutcome,
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_a_sentence() {
        for (action, count, effect) in [
            (OperationAction::CancelEvents, 1, "Cancels 1 event"),
            (OperationAction::RedriveDeadLetters, 1_200, "Redrives 1200 dead letters"),
            (OperationAction::DrainEngines, 0, "Drains 0 engines"),
        ] {
            assert_eq!(action.effect_on(count), effect);
        }
    }

    /// Members that had their turn within so many milliseconds, if somebody looks every `step` of them.
    fn done_within(plan: &OperationPlan, millis: u64, step: u64) -> u64 {
        let begin = Timestamp::from_millis(1_800_000_000_000);
        let (mut next_at, mut done) = (begin, 0);
        for at in (0..millis).step_by(usize::try_from(step).unwrap()) {
            let now = begin + Duration::from_millis(at);
            let turns = plan.turns_at(next_at, now, 100);
            if turns > 0 {
                next_at = plan.next_at(next_at, now, turns);
                done += turns;
            }
        }
        done
    }

    #[test]
    fn members_have_their_turns_at_the_rate_that_was_asked_for() {
        for (rate, step, least, most) in [
            (10.0, 1, 100, 100),
            (10.0, 250, 98, 102),
            (1_000.0, 20, 9_900, 10_020),
            (0.5, 100, 5, 5),
            (3_000.0, 1, 9_000, 30_000),
        ] {
            let plan = OperationPlan { rate_per_second: Some(rate), ..OperationPlan::default() };
            let done = done_within(&plan, 10_000, step);
            assert!((least..=most).contains(&done), "{done} in ten seconds at {rate} a second, every {step} ms");
        }
    }

    /// A server that was away for an hour does not do an hour's work at once.
    #[test]
    fn what_was_missed_for_long_is_not_made_up_for() {
        let plan = OperationPlan { rate_per_second: Some(10.0), ..OperationPlan::default() };
        let since = Timestamp::from_millis(1_800_000_000_000);
        let now = since + Duration::from_secs(3_600);
        assert_eq!(plan.turns_at(since, now, 1_000), 11);
        assert!(plan.next_at(since, now, 11) > now);
        assert_eq!(OperationPlan::default().turns_at(now, since, 7), 7, "without a rate there is nothing to wait for");
    }
}
