//! Operations: one action on many events or engines, which lasts and can be watched.

use enginehouse_core::filter::FilterTerms;
use enginehouse_core::ids::{EventType, OperationId};
use enginehouse_core::input::Value;
use enginehouse_core::limits::{MAX_FILTER_LENGTH, MAX_LABEL_LENGTH, MAX_OPERATION_MEMBERS, MAX_QUARANTINED_TYPES};
use enginehouse_core::operation::{MemberOutcome, OperationAction, OperationPlan, OperationStatus};
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::Page;

/// The least and the most that `rate_per_second` may be.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=100_000.0;

/// Act on all that match: everything that matches at this moment is written down, and has its turn then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationRequest {
    /// What to do.
    pub action: OperationAction,
    /// On which ones, in the language of filters. One that matches all is refused unless `all` is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub filter: Option<String>,
    /// Says that all of them are meant. Not together with a filter.
    #[serde(default)]
    pub all: bool,
    /// How many at most, the first in the operation's order; 1 to 1,000,000. Without one, more than 1,000,000 are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub limit: Option<u64>,
    /// How many have their turn each second at most; as many as the server can do if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.001, maximum = 100_000)]
    pub rate_per_second: Option<f64>,
    /// Why, for the history: at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub reason: Option<String>,
    /// Of `cancel_events`: whether to take the locks away from engines that work on them, instead of asking these to stop.
    #[serde(default)]
    pub force: bool,
    /// Of `drain_engines`: whether the engines are to stop once their last lock is settled.
    #[serde(default)]
    pub stop_when_drained: bool,
    /// Of `quarantine_engines`: when the quarantine ends by itself; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of `quarantine_engines`: the event types that it is for, at most 100; all if absent or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub event_types: Vec<EventType>,
}

impl OperationRequest {
    /// Acts on what matches, without any of what may be left out.
    pub fn new(action: OperationAction, filter: impl Into<String>) -> Self {
        Self {
            action,
            filter: Some(filter.into()),
            all: false,
            limit: None,
            rate_per_second: None,
            reason: None,
            force: false,
            stop_when_drained: false,
            until: None,
            event_types: Vec::new(),
        }
    }

    /// Answers what to do, and to which ones.
    pub fn read(value: Value<'_>, now: Timestamp) -> Option<(OperationAction, OperationPlan)> {
        read_fields!(value;
            action: required(|value| value.word::<OperationAction>()),
            filter: optional(|value| value.line(0..=MAX_FILTER_LENGTH)),
            all: or_default(|value| value.boolean()),
            limit: optional(|value| value.whole(1..=MAX_OPERATION_MEMBERS)),
            rate_per_second: optional(|value| value.number(RATES)),
            reason: optional(|value| value.line(0..=MAX_LABEL_LENGTH)),
            force: or_default(|value| value.boolean()),
            stop_when_drained: or_default(|value| value.boolean()),
            until: optional(|value| value.parsed()),
            event_types: or_default(|value| value.list(0..=MAX_QUARANTINED_TYPES, |value| value.parsed())),
        );
        let (action, all, force, stop_when_drained) = (action?, all?, force?, stop_when_drained?);
        let event_types: Vec<EventType> = event_types?;
        let filter = filter.unwrap_or_default();
        match FilterTerms::parse(action.subject(), &filter) {
            Err(error) => value.refuse_field("filter", error),
            // An empty filter is more often a mistake than a wish, so the wish has to be said.
            Ok(terms) => match (all, terms.is_empty()) {
                (true, false) => value.refuse_field("all", "give a filter or all, not both"),
                (false, true) => value.refuse_field("filter", "give a filter, or say all: true"),
                _ => {}
            },
        }
        if force && action != OperationAction::CancelEvents {
            value.refuse_field("force", "only cancel_events can be forced");
        }
        if stop_when_drained && action != OperationAction::DrainEngines {
            value.refuse_field("stop_when_drained", "only drain_engines can stop engines");
        }
        if action != OperationAction::QuarantineEngines {
            if until.is_some() {
                value.refuse_field("until", "only quarantine_engines has an end of its own");
            }
            if !event_types.is_empty() {
                value.refuse_field("event_types", "only quarantine_engines can be for some event types");
            }
        } else if let Some(until) = until.filter(|until| *until <= now) {
            value.refuse_field("until", format_args!("must be in the future, was {until}"));
        }
        let plan = OperationPlan {
            filter,
            limit,
            rate_per_second,
            reason,
            force,
            stop_when_drained,
            until,
            event_types,
            within: Default::default(),
        };
        Some((action, plan))
    }
}

/// What an operation would be about at this moment. Nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationPreview {
    pub action: OperationAction,
    /// What it would do, in words: `Cancels 12 events`.
    pub effect: String,
    /// How many it would be about.
    pub count: u64,
    /// Whether there are so many; if not, there are at least so many, and counting stopped there.
    pub count_is_exact: bool,
    /// The first of them, in the order in which they would have their turns.
    pub samples: Vec<OperationSample>,
}

/// Something that an operation would be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationSample {
    /// The id of the event, or of the engine.
    pub id: String,
    /// What kind of event or engine it is.
    pub kind: String,
    /// The queue of the event; null of an engine.
    #[schema(required = true)]
    pub queue: Option<String>,
    /// The status of the event, or of the engine.
    pub status: String,
}

/// An operation, as far as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkOperation {
    pub operation_id: OperationId,
    pub action: OperationAction,
    pub status: OperationStatus,
    /// What it is about, in the language of filters; empty if that is everything.
    pub filter: String,
    /// How many it is about at most.
    #[schema(required = true)]
    pub limit: Option<u64>,
    #[schema(required = true)]
    pub rate_per_second: Option<f64>,
    /// Why, by the word of whoever has created it.
    #[schema(required = true)]
    pub reason: Option<String>,
    pub force: bool,
    pub stop_when_drained: bool,
    /// Of a quarantine: when it ends by itself; null if never.
    #[schema(required = true)]
    pub until: Option<Timestamp>,
    /// Of a quarantine: the event types that it is for; all if there are none.
    pub event_types: Vec<EventType>,
    /// How many members it has. It is final once the status is not `collecting` any more.
    pub total: u64,
    /// How many were changed.
    pub changed: u64,
    /// How many had moved on when it was their turn, were gone, or were held by somebody else.
    pub conflicts: u64,
    /// How many could not be acted on.
    pub failed: u64,
    /// How many had no turn yet; when it has ended, how many had none.
    pub remaining: u64,
    pub created_at: Timestamp,
    /// Who has created it: the accessor of a token, or `anyone`.
    pub created_by: String,
    /// When the first member had its turn.
    #[schema(required = true)]
    pub started_at: Option<Timestamp>,
    #[schema(required = true)]
    pub finished_at: Option<Timestamp>,
    /// When it will have ended, as fast as it goes now; null if that is not known.
    #[schema(required = true)]
    pub estimated_end_at: Option<Timestamp>,
    /// Why it could not go on, if its status is `failed`.
    #[schema(required = true)]
    pub failure: Option<String>,
    /// The last members that were not changed, the last one first; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_conflicts: Option<Vec<UnchangedItem>>,
}

/// A member of an operation that had its turn and was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnchangedItem {
    /// The id of the event, or of the engine.
    pub id: String,
    pub outcome: MemberOutcome,
    pub why: String,
}

/// One page of operations.
pub type BulkOperationPage = Page<BulkOperation>;

/// One page of members that were not changed.
pub type UnchangedItemPage = Page<UnchangedItem>;

#[cfg(test)]
mod tests {
    use enginehouse_core::input::read_json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn what_is_meant_has_to_be_said() {
        let refused = |json: &str| match read_json(json.as_bytes(), |value| OperationRequest::read(value, NOW)) {
            Ok(_) => String::new(),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(refused(r#"{"action":"cancel_events"}"#), "/filter: give a filter, or say all: true");
        assert_eq!(refused(r#"{"action":"cancel_events","filter":"  "}"#), "/filter: give a filter, or say all: true");
        assert_eq!(refused(r#"{"action":"cancel_events","all":true}"#), "");
        assert_eq!(
            refused(r#"{"action":"cancel_events","filter":"queue:a","all":true}"#),
            "/all: give a filter or all, not both"
        );
        assert!(refused(r#"{"action":"erase_events","all":true}"#).starts_with("/action: must be "));
        assert!(
            refused(r#"{"action":"cancel_events","filter":"quue:a"}"#).contains("queue"),
            "the nearest name is named"
        );
        assert_eq!(
            refused(r#"{"action":"retry_events","all":true,"force":true}"#),
            "/force: only cancel_events can be forced"
        );
        assert_eq!(
            refused(r#"{"action":"resume_engines","all":true,"stop_when_drained":true}"#),
            "/stop_when_drained: only drain_engines can stop engines"
        );
        assert_eq!(
            refused(r#"{"action":"lift_quarantines","all":true,"event_types":["a"]}"#),
            "/event_types: only quarantine_engines can be for some event types"
        );
        assert_eq!(
            refused(r#"{"action":"drain_engines","all":true,"until":"2100-01-01T00:00:00Z"}"#),
            "/until: only quarantine_engines has an end of its own"
        );
        let past = refused(r#"{"action":"quarantine_engines","all":true,"until":"2026-01-01T00:00:00Z"}"#);
        assert!(past.starts_with("/until: must be in the future"), "{past}");
        for wrong in [r#""limit":0"#, r#""limit":1000001"#, r#""rate_per_second":0"#, r#""rate":1"#] {
            assert!(!refused(&format!(r#"{{"action":"cancel_events","all":true,{wrong}}}"#)).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn what_a_client_sends_is_read() {
        let request = OperationRequest {
            limit: Some(7),
            rate_per_second: Some(2.5),
            reason: Some("too old".to_owned()),
            force: true,
            ..OperationRequest::new(OperationAction::CancelEvents, "queue:render")
        };
        let json = serde_json::to_vec(&request).unwrap();
        let (action, plan) = read_json(&json, |value| OperationRequest::read(value, NOW)).unwrap();
        assert_eq!(
            (action, plan.filter.as_str(), plan.limit),
            (OperationAction::CancelEvents, "queue:render", Some(7))
        );
        assert_eq!((plan.rate_per_second, plan.reason.as_deref(), plan.force), (Some(2.5), Some("too old"), true));
    }
}
