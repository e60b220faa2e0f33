//! Settling an attempt: complete, fail, release; and extend, which keeps it going.

use std::time::Duration;

use enginehouse_core::event::{AttemptError, EventStatus};
use enginehouse_core::ids::EventId;
use enginehouse_core::input::Value;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_BATCH, MAX_DELAY_SECONDS, MAX_PAYLOAD_BYTES, MAX_VISIBILITY_TIMEOUT};
use enginehouse_core::lock::LockToken;
use enginehouse_core::read_fields;
use enginehouse_core::report::AttemptReport;
use enginehouse_core::request::SettleCommand;
use enginehouse_core::retry::Failure;
use enginehouse_core::time::seconds;
use enginehouse_core::transition::EventCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::each::Each;
use crate::problem::Problem;
use crate::reports::read_with_report;

/// The event is done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompleteRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// What came of it: any JSON of at most 256 KiB, kept byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RawJson>)]
    pub result: Option<RawJson>,
    /// What the engine reports of the attempt.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: AttemptReport,
}

/// The attempt failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FailRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// What went wrong.
    pub error: AttemptError,
    /// Whether another attempt may help; true if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// How long to wait before it, in seconds, instead of the policy's delay; 0 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_622_400)]
    pub retry_after_seconds: Option<f64>,
    /// Whether a person should look if this was the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<bool>,
    /// What the engine reports of the attempt.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: AttemptReport,
}

/// The engine releases the event; the attempt is not counted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReleaseRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// How long nobody may claim it, in seconds; 0 to 31,622,400, 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_622_400)]
    pub delay_seconds: Option<f64>,
    /// What the engine reports of the attempt.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: AttemptReport,
}

/// The engine needs more time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExtendRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// How long from now the lock is to last; 1 to 604,800.
    #[schema(minimum = 1, maximum = 604_800)]
    pub visibility_timeout_seconds: u64,
    /// What the engine reports of the attempt.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: AttemptReport,
}

/// Up to 10,000 settlements, each with its own answer. One that is wrong is refused by itself.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// The settlements: 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000)]
    pub settlements: Vec<Settlement>,
}

/// How to settle one event: an outcome, and the fields of the call of that name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Settlement {
    /// Which event.
    pub event_id: EventId,
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// What became of the attempt.
    pub outcome: SettleOutcome,
    /// With `complete`: any JSON of at most 256 KiB, kept byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RawJson>)]
    pub result: Option<RawJson>,
    /// With `fail`, and required there: what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AttemptError>,
    /// With `fail`: whether another attempt may help; true if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// With `fail`: how long to wait before the next attempt, in seconds; 0 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_622_400)]
    pub retry_after_seconds: Option<f64>,
    /// With `fail`: whether a person should look if this was the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<bool>,
    /// With `release`: how long nobody may claim it, in seconds; 0 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_622_400)]
    pub delay_seconds: Option<f64>,
    /// With `extend`, and required there: how long from now the lock is to last; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 604_800)]
    pub visibility_timeout_seconds: Option<u64>,
    /// What the engine reports of the attempt.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: AttemptReport,
}

/// The calls that settle or extend.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SettleOutcome {
    /// The event is done.
    Complete,
    /// The attempt failed.
    Fail,
    /// The engine releases the event, unprocessed.
    Release,
    /// The engine needs more time.
    Extend,
}

/// What became of a batch of settlements, in the order of the request.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettleResponse {
    /// One for each settlement.
    pub results: Vec<SettlementResult>,
}

/// What became of one settlement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettlementResult {
    /// Which event; null if what was sent is no event's id.
    #[schema(required = true)]
    pub event_id: Option<EventId>,
    /// Where it is now; null if it is not known.
    #[schema(required = true)]
    pub status: Option<EventStatus>,
    /// Why the settlement was refused; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<Problem>,
}

impl CompleteRequest {
    pub fn read(value: Value<'_>) -> Option<(EventCommand, AttemptReport)> {
        read_with_report!(value, report;
            lock_token: required(|value| value.parsed()),
            result: optional(read_result),
        );
        Some((EventCommand::Complete { token: lock_token?, result }, report))
    }
}

impl FailRequest {
    pub fn read(value: Value<'_>) -> Option<(EventCommand, AttemptReport)> {
        read_with_report!(value, report;
            lock_token: required(|value| value.parsed()),
            error: required(AttemptError::read),
            retryable: optional(|value| value.boolean()),
            retry_after_seconds: optional(read_delay),
            dead_letter: optional(|value| value.boolean()),
        );
        let failure = failure(retryable, retry_after_seconds, dead_letter);
        Some((EventCommand::Fail { token: lock_token?, failure, error: error? }, report))
    }
}

impl ReleaseRequest {
    pub fn read(value: Value<'_>) -> Option<(EventCommand, AttemptReport)> {
        read_with_report!(value, report;
            lock_token: required(|value| value.parsed()),
            delay_seconds: optional(read_delay),
        );
        let delay = delay_seconds.unwrap_or_default();
        Some((EventCommand::Release { token: lock_token?, delay }, report))
    }
}

impl ExtendRequest {
    pub fn read(value: Value<'_>) -> Option<(EventCommand, AttemptReport)> {
        read_with_report!(value, report;
            lock_token: required(|value| value.parsed()),
            visibility_timeout_seconds: required(read_visibility_timeout),
        );
        let visibility_timeout = visibility_timeout_seconds?;
        Some((EventCommand::Extend { token: lock_token?, visibility_timeout }, report))
    }
}

impl SettleRequest {
    pub fn read(value: Value<'_>) -> Option<Vec<ReadSettlement>> {
        read_fields!(value; settlements: required(|value| Settlement::read_each(value, 1)));
        value.refuse_too(refused(&settlements));
        settlements
    }
}

/// Why settlements are refused.
pub(crate) fn refused(settlements: &Option<Vec<ReadSettlement>>) -> impl Iterator<Item = &Invalid> {
    settlements.iter().flatten().filter_map(|settlement| settlement.as_ref().err()).map(|refused| &refused.why)
}

/// A settlement of a batch, or why it is refused. That spares the others.
pub type ReadSettlement = Result<SettleCommand, RefusedSettlement>;

/// A settlement that is not as it must be.
#[derive(Clone, Debug)]
pub struct RefusedSettlement {
    /// Which event, if that was to be read.
    pub event_id: Option<EventId>,
    pub why: Invalid,
}

impl Settlement {
    /// A settlement of which nothing more is said than its outcome.
    pub fn new(event_id: EventId, lock_token: LockToken, outcome: SettleOutcome) -> Self {
        Self {
            event_id,
            lock_token,
            outcome,
            result: None,
            error: None,
            retryable: None,
            retry_after_seconds: None,
            dead_letter: None,
            delay_seconds: None,
            visibility_timeout_seconds: None,
            report: AttemptReport::default(),
        }
    }

    /// Reads `least` to 10,000 settlements, each by itself.
    pub(crate) fn read_each(value: Value<'_>, least: usize) -> Option<Vec<ReadSettlement>> {
        let each = Each::new();
        value.list(least..=MAX_BATCH, |value| {
            let mut event_id = None;
            let read = each.read(value, |value| Self::read(value, &mut event_id));
            Some(read.map_err(|why| RefusedSettlement { event_id, why }))
        })
    }

    fn read(value: Value<'_>, read_event_id: &mut Option<EventId>) -> Option<SettleCommand> {
        read_with_report!(value, report;
            event_id: required(|value| value.parsed()),
            lock_token: required(|value| value.parsed()),
            outcome: required(|value| value.word()),
            result: optional(read_result),
            error: optional(AttemptError::read),
            retryable: optional(|value| value.boolean()),
            retry_after_seconds: optional(read_delay),
            dead_letter: optional(|value| value.boolean()),
            delay_seconds: optional(read_delay),
            visibility_timeout_seconds: optional(read_visibility_timeout),
        );
        *read_event_id = event_id;
        let outcome: SettleOutcome = outcome?;
        // A field of another outcome is a mistake that must not be lost in silence.
        for (field, is_given, owner) in [
            ("result", result.is_some(), SettleOutcome::Complete),
            ("error", error.is_some(), SettleOutcome::Fail),
            ("retryable", retryable.is_some(), SettleOutcome::Fail),
            ("retry_after_seconds", retry_after_seconds.is_some(), SettleOutcome::Fail),
            ("dead_letter", dead_letter.is_some(), SettleOutcome::Fail),
            ("delay_seconds", delay_seconds.is_some(), SettleOutcome::Release),
            ("visibility_timeout_seconds", visibility_timeout_seconds.is_some(), SettleOutcome::Extend),
        ] {
            if is_given && owner != outcome {
                let (owner, outcome): (&str, &str) = (owner.into(), outcome.into());
                value.refuse_field(field, format_args!("belongs to outcome {owner}, not to {outcome}"));
            }
        }
        match outcome {
            SettleOutcome::Fail if error.is_none() => value.refuse_field("error", "required with outcome fail"),
            SettleOutcome::Extend if visibility_timeout_seconds.is_none() => {
                value.refuse_field("visibility_timeout_seconds", "required with outcome extend");
            }
            _ => {}
        }
        let token = lock_token?;
        let command = match outcome {
            SettleOutcome::Complete => EventCommand::Complete { token, result },
            SettleOutcome::Fail => {
                let failure = failure(retryable, retry_after_seconds, dead_letter);
                EventCommand::Fail { token, failure, error: error? }
            }
            SettleOutcome::Release => EventCommand::Release { token, delay: delay_seconds.unwrap_or_default() },
            SettleOutcome::Extend => EventCommand::Extend { token, visibility_timeout: visibility_timeout_seconds? },
        };
        Some(SettleCommand { report, ..SettleCommand::new(event_id?, command) })
    }
}

fn read_result(value: Value<'_>) -> Option<RawJson> {
    value.json(MAX_PAYLOAD_BYTES)
}

fn read_delay(value: Value<'_>) -> Option<Duration> {
    value.number(0.0..=MAX_DELAY_SECONDS).map(seconds)
}

pub(crate) fn read_visibility_timeout(value: Value<'_>) -> Option<Duration> {
    value.whole(1..=MAX_VISIBILITY_TIMEOUT.as_secs()).map(Duration::from_secs)
}

fn failure(retryable: Option<bool>, retry_after: Option<Duration>, dead_letter: Option<bool>) -> Failure {
    Failure { retryable: retryable.unwrap_or(true), retry_after, dead_letter: dead_letter.unwrap_or(false) }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::input::read_json;

    use super::*;

    fn check(fields: &str) -> String {
        let json =
            format!(r#"{{"event_id":"0193f2a0-0000-7000-8000-000000000000","lock_token":"1-{:032x}",{fields}}}"#, 7);
        let body = format!(r#"{{"settlements":[{json}]}}"#);
        match read_json(body.as_bytes(), SettleRequest::read) {
            Ok(settlements) => match &settlements[0] {
                Ok(settlement) => format!("{:?}", settlement.command),
                Err(refused) => refused.why.to_string(),
            },
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn a_field_of_another_outcome_is_refused() {
        assert_eq!(
            check(r#""outcome":"complete","error":{"message":"no"},"delay_seconds":1"#),
            "/settlements/0/error: belongs to outcome fail, not to complete; \
             /settlements/0/delay_seconds: belongs to outcome release, not to complete"
        );
    }

    #[test]
    fn what_an_outcome_needs_is_asked_for() {
        assert_eq!(check(r#""outcome":"fail""#), "/settlements/0/error: required with outcome fail");
        assert_eq!(
            check(r#""outcome":"extend""#),
            "/settlements/0/visibility_timeout_seconds: required with outcome extend"
        );
    }

    #[test]
    fn a_failure_may_be_retried_unless_the_engine_says_otherwise() {
        assert!(check(r#""outcome":"fail","error":{"message":"no"}"#).contains("retryable: true"));
        assert!(check(r#""outcome":"fail","retryable":false,"error":{"message":"no"}"#).contains("retryable: false"));
    }
}
