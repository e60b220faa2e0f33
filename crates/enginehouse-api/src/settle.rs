//! Settling an attempt: complete, fail, release; and extend, which keeps it going.

use enginehouse_core::event::{AttemptError, EventStatus, check_json, check_whole_seconds};
use enginehouse_core::ids::EventId;
use enginehouse_core::invalid::{Check, Invalid};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{
    MAX_BATCH, MAX_DELAY_SECONDS, MAX_ERROR_CODE_LENGTH, MAX_ERROR_DETAILS_BYTES, MAX_ERROR_MESSAGE_BYTES,
    MAX_PAYLOAD_BYTES, MAX_VISIBILITY_TIMEOUT,
};
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::Settlement as CheckedSettlement;
use enginehouse_core::retry::Failure;
use enginehouse_core::time::seconds;
use enginehouse_core::transition::EventCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// The event is done.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// What came of it: any JSON of at most 256 KiB, kept byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RawJson>)]
    pub result: Option<RawJson>,
}

/// The attempt failed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
    pub retry_after_seconds: Option<f64>,
    /// Whether a person should look if this was the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<bool>,
}

/// The engine gives the event back; the attempt is not counted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// How long nobody may claim it, in seconds; 0 to 31,622,400, 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<f64>,
}

/// The engine needs more time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendRequest {
    /// The token of the claim's answer.
    pub lock_token: LockToken,
    /// How long from now the lock is to last; 1 to 604,800.
    pub visibility_timeout_seconds: u64,
}

/// Up to 10,000 settlements, each with its own answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// The settlements: 1 to 10,000.
    pub settlements: Vec<Settlement>,
}

/// How to settle one event: an outcome, and the fields of the call of that name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
    pub retry_after_seconds: Option<f64>,
    /// With `fail`: whether a person should look if this was the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<bool>,
    /// With `release`: how long nobody may claim it, in seconds; 0 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<f64>,
    /// With `extend`, and required there: how long from now the lock is to last; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout_seconds: Option<u64>,
}

/// The calls that settle or extend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SettleOutcome {
    /// The event is done.
    Complete,
    /// The attempt failed.
    Fail,
    /// The engine gives the event back.
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
    /// Which event.
    pub event_id: EventId,
    /// Where it is now; null if it is not known.
    pub status: Option<EventStatus>,
    /// Why the settlement was refused; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

impl CompleteRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<EventCommand, Invalid> {
        let mut check = Check::default();
        check_result(self.result.as_ref(), &mut check);
        check.finish(EventCommand::Complete { token: self.lock_token, result: self.result })
    }
}

impl FailRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<EventCommand, Invalid> {
        let mut check = Check::default();
        let error = check_error(self.error, &mut check);
        let failure = check_failure(self.retryable, self.retry_after_seconds, self.dead_letter, &mut check);
        check.finish(EventCommand::Fail { token: self.lock_token, failure, error })
    }
}

impl ReleaseRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<EventCommand, Invalid> {
        let mut check = Check::default();
        let delay = check_delay("/delay_seconds", self.delay_seconds, &mut check).unwrap_or_default();
        check.finish(EventCommand::Release { token: self.lock_token, delay })
    }
}

impl ExtendRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<EventCommand, Invalid> {
        let mut check = Check::default();
        let visibility_timeout = check_timeout(Some(self.visibility_timeout_seconds), &mut check);
        check.finish(EventCommand::Extend { token: self.lock_token, visibility_timeout })
    }
}

impl SettleRequest {
    /// Checks every settlement.
    ///
    /// # Errors
    /// Every bad field of every settlement, with pointers such as `/settlements/7/error`.
    pub fn check(self) -> Result<Vec<CheckedSettlement>, Invalid> {
        let mut check = Check::default();
        check.require(!self.settlements.is_empty(), "/settlements", "at least one settlement");
        let settlements = check_settlements(self.settlements, &mut check);
        check.finish(settlements)
    }
}

/// Checks the settlements of a batch or an exchange.
pub(crate) fn check_settlements(settlements: Vec<Settlement>, check: &mut Check) -> Vec<CheckedSettlement> {
    let count = settlements.len();
    check.require(count <= MAX_BATCH, "/settlements", format_args!("at most {MAX_BATCH} settlements, was {count}"));
    settlements
        .into_iter()
        .enumerate()
        .filter_map(|(place, settlement)| {
            settlement.check(&format!("/settlements/{place}")).map_err(|bad| check.include(bad)).ok()
        })
        .collect()
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
        }
    }

    /// Checks every field, and that each belongs to the outcome. `at` is the pointer of this settlement
    /// within the request.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self, at: &str) -> Result<CheckedSettlement, Invalid> {
        let mut check = Check::at(at);
        self.refuse_strangers(&mut check);
        let token = self.lock_token;
        let command = match self.outcome {
            SettleOutcome::Complete => {
                check_result(self.result.as_ref(), &mut check);
                EventCommand::Complete { token, result: self.result }
            }
            SettleOutcome::Fail => {
                check.require(self.error.is_some(), "/error", "required with outcome fail");
                let unsaid = AttemptError { code: None, message: String::new(), details: None };
                let error = check_error(self.error.unwrap_or(unsaid), &mut check);
                let failure = check_failure(self.retryable, self.retry_after_seconds, self.dead_letter, &mut check);
                EventCommand::Fail { token, failure, error }
            }
            SettleOutcome::Release => {
                let delay = check_delay("/delay_seconds", self.delay_seconds, &mut check).unwrap_or_default();
                EventCommand::Release { token, delay }
            }
            SettleOutcome::Extend => {
                let given = self.visibility_timeout_seconds;
                check.require(given.is_some(), "/visibility_timeout_seconds", "required with outcome extend");
                EventCommand::Extend { token, visibility_timeout: check_timeout(given, &mut check) }
            }
        };
        check.finish(CheckedSettlement { event_id: self.event_id, command })
    }

    /// A field of another outcome is a mistake that must not be lost in silence.
    fn refuse_strangers(&self, check: &mut Check) {
        use SettleOutcome::{Complete, Extend, Fail, Release};
        let fields = [
            ("/result", self.result.is_some(), Complete),
            ("/error", self.error.is_some(), Fail),
            ("/retryable", self.retryable.is_some(), Fail),
            ("/retry_after_seconds", self.retry_after_seconds.is_some(), Fail),
            ("/dead_letter", self.dead_letter.is_some(), Fail),
            ("/delay_seconds", self.delay_seconds.is_some(), Release),
            ("/visibility_timeout_seconds", self.visibility_timeout_seconds.is_some(), Extend),
        ];
        let outcome: &str = self.outcome.into();
        for (pointer, given, owner) in fields {
            let belongs: &str = owner.into();
            check.require(
                !given || owner == self.outcome,
                pointer,
                format_args!("belongs to outcome {belongs}, not to {outcome}"),
            );
        }
    }
}

fn check_result(result: Option<&RawJson>, check: &mut Check) {
    if let Some(result) = result {
        check_json("/result", result, MAX_PAYLOAD_BYTES, check);
    }
}

/// A message that is too long is cut, not refused: an engine that reports a failure must get through with it.
fn check_error(error: AttemptError, check: &mut Check) -> AttemptError {
    if let Some(code) = &error.code {
        check.require(
            (1..=MAX_ERROR_CODE_LENGTH).contains(&code.chars().count()) && !code.chars().any(char::is_control),
            "/error/code",
            format_args!("1 to {MAX_ERROR_CODE_LENGTH} characters, and no control characters"),
        );
    }
    if let Some(details) = &error.details {
        check_json("/error/details", details, MAX_ERROR_DETAILS_BYTES, check);
    }
    let mut message = error.message;
    message.truncate(message.floor_char_boundary(MAX_ERROR_MESSAGE_BYTES));
    AttemptError { message, ..error }
}

fn check_failure(
    retryable: Option<bool>,
    retry_after_seconds: Option<f64>,
    dead_letter: Option<bool>,
    check: &mut Check,
) -> Failure {
    Failure {
        retryable: retryable.unwrap_or(true),
        retry_after: check_delay("/retry_after_seconds", retry_after_seconds, check),
        dead_letter: dead_letter.unwrap_or(false),
    }
}

fn check_delay(pointer: &str, value: Option<f64>, check: &mut Check) -> Option<std::time::Duration> {
    let value = value?;
    check.range(pointer, value, 0.0, MAX_DELAY_SECONDS);
    Some(seconds(value))
}

fn check_timeout(value: Option<u64>, check: &mut Check) -> std::time::Duration {
    check_whole_seconds("/visibility_timeout_seconds", value, MAX_VISIBILITY_TIMEOUT, check).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &str) -> String {
        let json =
            format!(r#"{{"event_id":"0193f2a0-0000-7000-8000-000000000000","lock_token":"1-{:032x}",{fields}}}"#, 7);
        let settlement: Settlement = serde_json::from_str(&json).unwrap();
        match settlement.check("/settlements/0") {
            Ok(settlement) => format!("{:?}", settlement.command),
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

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let request = FailRequest {
            lock_token: LockToken { serial: 1, secret: 1 },
            error: AttemptError { code: None, message: "é".repeat(MAX_ERROR_MESSAGE_BYTES), details: None },
            retryable: None,
            retry_after_seconds: None,
            dead_letter: None,
        };
        let EventCommand::Fail { error, .. } = request.check().unwrap() else { panic!("another command") };
        assert_eq!(error.message.len(), MAX_ERROR_MESSAGE_BYTES);
    }
}
