//! Dead letters: finally failed events that wait for a person.

use enginehouse_core::event::{AttemptError, DeadLetterReason, check_json};
use enginehouse_core::filter::DeadLetterFilter;
use enginehouse_core::ids::{EventId, EventType, QueueName};
use enginehouse_core::invalid::{Check, Invalid};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::{MAX_LABEL_LENGTH, MAX_PAYLOAD_BYTES};
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::page::check_limit;

/// The most that a bulk redrive may put back in one second.
pub const MAX_REDRIVE_RATE: f64 = 10_000.0;
/// The least that a bulk redrive may put back in one second.
pub const MIN_REDRIVE_RATE: f64 = 0.001;

/// A finally failed event that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// The event.
    pub event_id: EventId,
    /// What kind of work it is.
    pub event_type: EventType,
    /// The queue it would go back to.
    pub queue: QueueName,
    /// Why it is a dead letter.
    pub reason: DeadLetterReason,
    /// Failed attempts over its whole life.
    pub failures: u32,
    /// Locks lost since the enqueue or the last redrive.
    pub losses: u32,
    /// What went wrong last.
    pub last_error: Option<AttemptError>,
    /// When it became a dead letter.
    pub dead_lettered_at: Timestamp,
    /// How often it was redriven.
    pub redrives: u32,
    /// The work itself, byte for byte as it was sent.
    pub payload: RawJson,
}

/// Which dead letters to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeadLettersQuery {
    /// Only those of this event type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Only those of this queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Only those with this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeadLetterReason>,
    /// Only those whose last error has this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Only those that became dead letters before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_lettered_before: Option<Timestamp>,
    /// Only those that became dead letters at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_lettered_after: Option<Timestamp>,
    /// Most items of the page; 1 to 1,000, 50 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl DeadLettersQuery {
    /// Checks the limit; a cursor is checked by whoever made it.
    ///
    /// # Errors
    /// A limit out of range.
    pub fn check(&self) -> Result<(DeadLetterFilter, u32), Invalid> {
        let mut check = Check::default();
        let limit = check_limit(self.limit, &mut check);
        check.finish((self.filter(), limit))
    }

    /// The query without the page.
    pub fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter {
            event_type: self.event_type.clone(),
            queue: self.queue.clone(),
            reason: self.reason,
            error_code: self.error_code.clone(),
            dead_lettered_before: self.dead_lettered_before,
            dead_lettered_after: self.dead_lettered_after,
        }
    }
}

/// One dead letter goes back in its queue, with a fresh retry budget. The body may be left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    /// Replaces the payload: any JSON of at most 256 KiB. Absent: the payload stays.
    #[serde(default, deserialize_with = "enginehouse_core::json::given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RawJson>)]
    pub payload: Option<RawJson>,
}

impl RedriveRequest {
    /// Checks the payload.
    ///
    /// # Errors
    /// A payload that is too large, too deep or ambiguous.
    pub fn check(self) -> Result<Option<RawJson>, Invalid> {
        let mut check = Check::default();
        if let Some(payload) = &self.payload {
            check_json("/payload", payload, MAX_PAYLOAD_BYTES, &mut check);
        }
        check.finish(self.payload)
    }
}

/// All dead letters that match go back in their queues.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRedriveRequest {
    /// Which ones. One that matches all is refused unless `all` is true.
    #[serde(default)]
    pub filter: DeadLetterFilter,
    /// Says that every dead letter is meant. Not together with a filter.
    #[serde(default)]
    pub all: bool,
    /// How many become available per second; 0.001 to 10,000. At once if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// How many at most, oldest first; 1 or more. No limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl BulkRedriveRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<Self, Invalid> {
        let mut check = Check::default();
        check_scope(&self.filter, self.all, &mut check);
        if let Some(rate) = self.rate_per_second {
            check.range("/rate_per_second", rate, MIN_REDRIVE_RATE, MAX_REDRIVE_RATE);
        }
        check.require(self.limit != Some(0), "/limit", "must be 1 or more");
        check.finish(self)
    }
}

/// An empty filter is more often a mistake than a wish, so the wish has to be said.
fn check_scope(filter: &DeadLetterFilter, all: bool, check: &mut Check) {
    if all {
        check.require(filter.is_empty(), "/all", "give a filter or all, not both");
    } else {
        check.require(!filter.is_empty(), "/filter", "give a filter, or say all: true");
    }
}

/// What became of a bulk redrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkRedriveResponse {
    /// How many dead letters went back.
    pub redriven: u64,
}

/// Somebody gives up on one dead letter. The body may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardRequest {
    /// Why, for the history: at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl DiscardRequest {
    /// Checks the reason.
    ///
    /// # Errors
    /// A reason that is too long, or has control characters.
    pub fn check(self) -> Result<Option<String>, Invalid> {
        let mut check = Check::default();
        check_reason(self.reason.as_deref(), &mut check);
        check.finish(self.reason)
    }
}

/// Somebody gives up on all dead letters that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkDiscardRequest {
    /// Which ones. One that matches all is refused unless `all` is true.
    #[serde(default)]
    pub filter: DeadLetterFilter,
    /// Says that every dead letter is meant. Not together with a filter.
    #[serde(default)]
    pub all: bool,
    /// Why, for the history: at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl BulkDiscardRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<Self, Invalid> {
        let mut check = Check::default();
        check_scope(&self.filter, self.all, &mut check);
        check_reason(self.reason.as_deref(), &mut check);
        check.finish(self)
    }
}

fn check_reason(reason: Option<&str>, check: &mut Check) {
    check.require(
        reason.is_none_or(|text| text.chars().count() <= MAX_LABEL_LENGTH && !text.chars().any(char::is_control)),
        "/reason",
        format_args!("at most {MAX_LABEL_LENGTH} characters, and no control characters"),
    );
}

/// What became of a bulk discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkDiscardResponse {
    /// How many dead letters are resolved.
    pub discarded: u64,
}

/// Dead letters, grouped by what they have in common.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterSummary {
    /// Largest first.
    pub groups: Vec<DeadLetterGroup>,
}

/// Dead letters with one event type, reason, error code and kind of message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterGroup {
    /// What kind of work they are.
    pub event_type: EventType,
    /// Why they are dead letters.
    pub reason: DeadLetterReason,
    /// The code of their last error.
    pub error_code: Option<String>,
    /// The message of their last error, with `#` for each run of digits.
    pub message: Option<String>,
    /// How many they are.
    pub count: u64,
    /// When the first became a dead letter.
    pub oldest_at: Timestamp,
    /// When the last became a dead letter.
    pub newest_at: Timestamp,
    /// One of them.
    pub sample_event_id: EventId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_filter_has_to_be_said() {
        let refused = |json: &str| match serde_json::from_str::<BulkRedriveRequest>(json).unwrap().check() {
            Ok(_) => String::new(),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(refused("{}"), "/filter: give a filter, or say all: true");
        assert_eq!(refused(r#"{"all":true}"#), "");
        assert_eq!(refused(r#"{"filter":{"queue":"a"}}"#), "");
        assert_eq!(refused(r#"{"all":true,"filter":{"queue":"a"}}"#), "/all: give a filter or all, not both");
        assert_eq!(
            refused(r#"{"rate_per_second":0,"limit":0}"#),
            "/filter: give a filter, or say all: true; /rate_per_second: must be between 0.001 and 10000, was 0; \
             /limit: must be 1 or more"
        );
    }

    #[test]
    fn a_payload_may_be_replaced_by_null() {
        let request: RedriveRequest = serde_json::from_str(r#"{"payload":null}"#).unwrap();
        assert_eq!(request.check().unwrap().unwrap().as_str(), "null");
        assert!(RedriveRequest::default().check().unwrap().is_none());
    }
}
