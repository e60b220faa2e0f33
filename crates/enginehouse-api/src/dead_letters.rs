//! Dead letters: finally failed events that wait for a person.

use enginehouse_core::error_group::ErrorGroupId;
use enginehouse_core::event::{AttemptError, DeadLetterReason};
use enginehouse_core::filter::{DeadLetterFilter, FilterSubject, FilterTerms, PageRequest};
use enginehouse_core::ids::{EngineId, EventId, EventType, QueueName};
use enginehouse_core::input::Value;
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_LABEL_LENGTH;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::filter::{FilterQuery, read_terms};
use crate::page::{ListKind, Page, PageQuery, page_request, read_cursor, read_limit};

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
    #[schema(required = true)]
    pub last_error: Option<AttemptError>,
    /// The engine that claimed it last; null if none has.
    #[serde(default)]
    #[schema(required = true)]
    pub engine_id: Option<EngineId>,
    /// The version of that engine's software then; null if it has not said.
    #[serde(default)]
    #[schema(required = true, max_length = 64, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub engine_software_version: Option<String>,
    /// When it became a dead letter.
    pub dead_lettered_at: Timestamp,
    /// How often it was redriven.
    pub redrives: u32,
    /// The work itself, byte for byte as it was sent.
    pub payload: RawJson,
    /// Whether payload and the details of errors are left out, because the caller may not read them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub payload_hidden: bool,
}

/// One page of a list of them.
pub type DeadLetterPage = Page<DeadLetter>;

/// Which dead letters to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeadLettersQuery {
    #[serde(flatten)]
    pub filter: DeadLetterFilter,
    #[serde(flatten)]
    pub terms: FilterQuery,
    #[serde(flatten)]
    pub page: PageQuery,
}

impl DeadLettersQuery {
    pub fn read(value: Value<'_>) -> Option<(DeadLetterFilter, FilterTerms, PageRequest)> {
        read_fields!(value;
            event_type: optional(|value| value.parsed()),
            queue: optional(|value| value.parsed()),
            reason: optional(|value| value.word()),
            error_code: optional(|value| value.text()),
            group_id: optional(|value| value.parsed()),
            dead_lettered_before: optional(|value| value.parsed()),
            dead_lettered_after: optional(|value| value.parsed()),
            filter: optional(|value| read_terms(value, FilterSubject::DeadLetters)),
            limit: optional(read_limit),
            cursor: optional(|value| read_cursor(value, ListKind::DeadLetters)),
        );
        let terms = filter.unwrap_or(FilterTerms::none(FilterSubject::DeadLetters));
        let filter = DeadLetterFilter {
            event_type,
            queue,
            reason,
            error_code,
            group_id,
            dead_lettered_before,
            dead_lettered_after,
            ..DeadLetterFilter::default()
        };
        Some((filter, terms, page_request(limit, cursor)))
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
    #[schema(minimum = 0.001, maximum = 10_000)]
    pub rate_per_second: Option<f64>,
    /// How many at most, oldest first; 1 or more. No limit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, format = "uint64")]
    pub limit: Option<u64>,
}

impl BulkRedriveRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            filter: or_default(DeadLetterFilter::read),
            all: or_default(|value| value.boolean()),
            rate_per_second: optional(|value| value.number(MIN_REDRIVE_RATE..=MAX_REDRIVE_RATE)),
            limit: optional(|value| value.whole_from(1)),
        );
        let (filter, all) = (filter?, all?);
        refuse_unclear_scope(value, &filter, all);
        Some(Self { filter, all, rate_per_second, limit })
    }
}

/// An empty filter is more often a mistake than a wish, so the wish has to be said.
fn refuse_unclear_scope(request: Value<'_>, filter: &DeadLetterFilter, all: bool) {
    match (all, filter.is_empty()) {
        (true, false) => request.refuse_field("all", "give a filter or all, not both"),
        (false, true) => request.refuse_field("filter", "give a filter, or say all: true"),
        _ => {}
    }
}

/// Which dead letters a bulk operation would touch. The query is what its body would be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeadLetterPreviewQuery {
    #[serde(flatten)]
    pub filter: DeadLetterFilter,
    #[serde(flatten)]
    pub part: BulkLimit,
}

/// How many a bulk operation touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BulkLimit {
    /// How many at most, oldest first; 1 or more. No limit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, format = "uint64")]
    pub limit: Option<u64>,
}

impl DeadLetterPreviewQuery {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            event_type: optional(|value| value.parsed()),
            queue: optional(|value| value.parsed()),
            reason: optional(|value| value.word()),
            error_code: optional(|value| value.text()),
            group_id: optional(|value| value.parsed()),
            dead_lettered_before: optional(|value| value.parsed()),
            dead_lettered_after: optional(|value| value.parsed()),
            limit: optional(|value| value.whole_from(1)),
        );
        let filter = DeadLetterFilter {
            event_type,
            queue,
            reason,
            error_code,
            group_id,
            dead_lettered_before,
            dead_lettered_after,
            ..DeadLetterFilter::default()
        };
        Some(Self { filter, part: BulkLimit { limit } })
    }
}

/// What a bulk operation on dead letters would touch, in its order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterPreview {
    /// How many.
    pub count: u64,
    /// The first of them, at most 10: oldest event first.
    pub first: Vec<DeadLetter>,
    /// Send it in the filter of the operation, and what becomes a dead letter after this answer is left alone.
    pub dead_lettered_before: Timestamp,
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
    #[schema(max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub reason: Option<String>,
}

impl DiscardRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; reason: optional(|value| value.line(0..=MAX_LABEL_LENGTH)));
        Some(Self { reason })
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
    #[schema(max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub reason: Option<String>,
}

impl BulkDiscardRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            filter: or_default(DeadLetterFilter::read),
            all: or_default(|value| value.boolean()),
            reason: optional(|value| value.line(0..=MAX_LABEL_LENGTH)),
        );
        let (filter, all) = (filter?, all?);
        refuse_unclear_scope(value, &filter, all);
        Some(Self { filter, all, reason })
    }
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

/// Dead letters with one event type, error code and kind of message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterGroup {
    /// What filters call the group: the same for the same failure, on every server, before it is a dead letter and after a redrive.
    pub group_id: ErrorGroupId,
    /// What kind of work they are.
    pub event_type: EventType,
    /// Why most of them are dead letters.
    pub reason: DeadLetterReason,
    /// Why they are dead letters: each reason that some of them have, once.
    #[schema(min_items = 1, max_items = 5)]
    pub reasons: Vec<DeadLetterReason>,
    /// The code of their last error.
    #[schema(required = true)]
    pub error_code: Option<String>,
    /// The last line of the message of their last error, with `#` for each number, id, path and quoted text; a code such as
    /// `550` stays.
    #[schema(required = true)]
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
    use enginehouse_core::input::read_json;

    use super::*;

    #[test]
    fn an_empty_filter_has_to_be_said() {
        let refused = |json: &str| match read_json(json.as_bytes(), BulkRedriveRequest::read) {
            Ok(_) => String::new(),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(refused("{}"), "/filter: give a filter, or say all: true");
        assert_eq!(refused(r#"{"all":true}"#), "");
        assert_eq!(refused(r#"{"filter":{"queue":"a"}}"#), "");
        assert_eq!(refused(r#"{"all":true,"filter":{"queue":"a"}}"#), "/all: give a filter or all, not both");
        assert_eq!(
            refused(r#"{"rate_per_second":0,"limit":0}"#),
            "/rate_per_second: must be a number between 0.001 and 10000, was 0; \
             /limit: must be a whole number of 1 or more, was 0; /filter: give a filter, or say all: true"
        );
    }
}
