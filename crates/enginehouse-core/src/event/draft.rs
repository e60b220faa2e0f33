//! What is asked at enqueue, and what an event is made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::ids::EventType;
use crate::ids::{Capability, NotAName, QueueName, ScenarioRunId};
use crate::input::{Value, read_json};
use crate::invalid::Invalid;
use crate::json::RawJson;
use crate::lane::LaneKey;
use crate::limits::{
    DEFAULT_PRIORITY, MAX_CAPABILITIES, MAX_DELAY_SECONDS, MAX_EXPIRES_AFTER, MAX_IDEMPOTENCY_WINDOW, MAX_LABEL_LENGTH,
    MAX_LABELS, MAX_MEMORY_MB, MAX_PAYLOAD_BYTES, MAX_PRIORITY, MAX_PROCESSING, MAX_PROGRESS_TIMEOUT,
    MAX_VISIBILITY_TIMEOUT,
};
use crate::policy::{Overrides, RetryPolicyPatch};
use crate::read_fields;
use crate::time::{Timestamp, seconds};
use crate::trace_parent::TraceParent;

/// An event as a producer asks for it. Unknown fields are refused, so that a typo is not silently lost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EnqueueRequest))]
pub struct EventDraft {
    /// What kind of work it is: a name, such as `frame.render`.
    #[cfg_attr(feature = "openapi", schema(value_type = EventType))]
    pub event_type: String,
    /// Any JSON of at most 256 KiB, nested at most 64 deep; kept byte for byte. `{}` if absent.
    #[serde(default, deserialize_with = "crate::json::given", skip_serializing_if = "Option::is_none")]
    pub payload: Option<RawJson>,
    /// The queue it waits in; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<QueueName>))]
    pub queue: Option<String>,
    /// 0 (first) to 9 (last); 5 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 9))]
    pub priority: Option<i64>,
    /// Not to be claimed before this moment. At most one of `run_at` and `delay_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Timestamp>))]
    pub run_at: Option<String>,
    /// Not to be claimed before so many seconds from now; 0 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 31_622_400))]
    pub delay_seconds: Option<f64>,
    /// What the engine must be capable of: at most 64 names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Capability>, max_items = 64))]
    pub required_capabilities: Vec<String>,
    /// Memory that the engine must have free, in MiB; 1 to 2^30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_073_741_824))]
    pub required_memory_mb: Option<u64>,
    /// A semver range that the engine's `engine_software_version` must lie in, such as `>=1.4, <2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::version::requirement_schema))]
    pub engine_version: Option<String>,
    /// The scenario run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ScenarioRunId>))]
    pub scenario_run_id: Option<String>,
    /// Makes a repeat of this request safe: as long as an event has this key, the same request
    /// answers with that event, and another one is refused. 1 to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    )]
    pub idempotency_key: Option<String>,
    /// For how long after the enqueue the event has its key; as long as the event is kept, if absent. 1 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 31_622_400))]
    pub idempotency_window_seconds: Option<u64>,
    /// Overrides single fields of the retry policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicyPatch>,
    /// How long a lock on it lasts unless extended; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 604_800))]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long one attempt may take, renewals included; 1 to 2,592,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_592_000))]
    pub max_processing_seconds: Option<u64>,
    /// How long after it first comes due it is cancelled if it is queued then, for a retry too; 1 to 31,622,400. Never, if
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 31_622_400))]
    pub expires_after_seconds: Option<u64>,
    /// How long one attempt may go on without reporting progress; 1 to 2,592,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_592_000))]
    pub progress_timeout_seconds: Option<u64>,
    /// Up to 32 words of your own to find it by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(schema_with = labels_schema))]
    pub labels: BTreeMap<String, String>,
    /// The span that enqueues it, as W3C Trace Context writes it: engines link theirs to it. A repeat of the request may
    /// have another one; the first is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<TraceParent>))]
    pub traceparent: Option<String>,
}

/// How a description of the API shows labels: each key is a name.
#[cfg(feature = "openapi")]
pub fn labels_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
    let key = ObjectBuilder::new().schema_type(Type::String).pattern(Some(crate::ids::NAME_PATTERN));
    let key = key.max_length(Some(crate::limits::MAX_NAME_LENGTH));
    let value = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[^\\u0000-\\u001f\\u007f-\\u009f]*$"));
    ObjectBuilder::new()
        .additional_properties(Some(Schema::from(value.max_length(Some(MAX_LABEL_LENGTH)).build())))
        .property_names(Some(Schema::from(key.build())))
        .max_properties(Some(MAX_LABELS))
        .into()
}

/// When an event may first be claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Now,
    /// From this moment on.
    At(Timestamp),
    /// After this long.
    After(Duration),
}

impl Start {
    /// The event's first `available_at`: never before `now`.
    pub fn available_at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::At(moment) => moment.max(now),
            Self::After(wait) => now + wait,
        }
    }
}

/// An event that was checked and may be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What decides who gets it.
    pub lane: LaneKey,
    pub payload: RawJson,
    /// When it may first be claimed.
    pub start: Start,
    /// The scenario run it belongs to.
    pub scenario_run_id: Option<ScenarioRunId>,
    /// Makes a repeat safe.
    pub idempotency_key: Option<Arc<str>>,
    /// For how long it has its key; as long as it is kept, if none. Only with a key.
    pub idempotency_window: Option<Duration>,
    /// How long after it first comes due it expires.
    pub expires_after: Option<Duration>,
    /// Its own part of the policy.
    pub overrides: Overrides,
    /// The producer's own words.
    pub labels: BTreeMap<String, String>,
    /// The span that enqueues it.
    pub trace_parent: Option<TraceParent>,
}

impl EventDraft {
    /// What a server would make of this draft.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(&self) -> Result<NewEvent, Invalid> {
        // A draft is made of strings, numbers and valid JSON: nothing that cannot be written.
        read_json(&serde_json::to_vec(self).unwrap_or_default(), NewEvent::read)
    }
}

impl NewEvent {
    /// Reads an [`EventDraft`].
    pub fn read(value: Value<'_>) -> Option<Self> {
        Self::read_beside_key(value, None)
    }

    /// Reads an [`EventDraft`] whose idempotency key may stand beside it, in a header.
    pub fn read_beside_key(value: Value<'_>, header: Option<&str>) -> Option<Self> {
        read_fields!(value;
            event_type: required(|value| value.parsed()),
            payload: given(|value| value.json(MAX_PAYLOAD_BYTES)),
            queue: optional(|value| value.parsed()),
            priority: optional(|value| value.whole(0..=MAX_PRIORITY)),
            run_at: optional(|value| value.parsed()),
            delay_seconds: optional(|value| value.number(0.0..=MAX_DELAY_SECONDS)),
            required_capabilities: or_default(read_capabilities),
            required_memory_mb: optional(|value| value.whole(1..=MAX_MEMORY_MB)),
            engine_version: optional(|value| value.parsed()),
            scenario_run_id: optional(|value| value.parsed()),
            idempotency_key: optional(|value| Some(value.line(1..=MAX_LABEL_LENGTH))),
            idempotency_window_seconds: optional(|value| value.whole(1..=MAX_IDEMPOTENCY_WINDOW.as_secs())),
            retry_policy: optional(RetryPolicyPatch::read),
            visibility_timeout_seconds: optional(|value| value.whole(1..=MAX_VISIBILITY_TIMEOUT.as_secs())),
            max_processing_seconds: optional(|value| value.whole(1..=MAX_PROCESSING.as_secs())),
            progress_timeout_seconds: optional(|value| value.whole(1..=MAX_PROGRESS_TIMEOUT.as_secs())),
            expires_after_seconds: optional(|value| value.whole(1..=MAX_EXPIRES_AFTER.as_secs())),
            labels: or_default(read_labels),
            traceparent: optional(|value| value.parsed()),
        );
        if let (Some(Some(key)), Some(header)) = (&idempotency_key, header)
            && key != header
        {
            value.refuse_field("idempotency_key", "differs from the header Idempotency-Key: give one of them");
        }
        if idempotency_window_seconds.is_some() && idempotency_key.is_none() && header.is_none() {
            value.refuse_field("idempotency_window_seconds", "needs an idempotency_key");
        }
        let start = match (run_at, delay_seconds) {
            (Some(_), Some(_)) => {
                value.refuse_field("delay_seconds", "give run_at or delay_seconds, not both");
                return None;
            }
            (Some(moment), None) => Start::At(moment),
            (None, Some(wait)) => Start::After(seconds(wait)),
            (None, None) => Start::Now,
        };
        Some(Self {
            lane: LaneKey {
                queue: queue.unwrap_or_else(QueueName::default_queue),
                event_type: event_type?,
                priority: priority.unwrap_or(DEFAULT_PRIORITY),
                required_capabilities: required_capabilities?,
                required_memory_mb,
                engine_version,
                suspended_run: None,
            },
            payload: payload.unwrap_or_else(RawJson::empty_object),
            start,
            scenario_run_id,
            idempotency_key: idempotency_key.flatten().as_deref().or(header).map(Into::into),
            idempotency_window: idempotency_window_seconds.map(Duration::from_secs),
            expires_after: expires_after_seconds.map(Duration::from_secs),
            overrides: Overrides {
                retry_policy,
                visibility_timeout: visibility_timeout_seconds.map(Duration::from_secs),
                max_processing: max_processing_seconds.map(Duration::from_secs),
                progress_timeout: progress_timeout_seconds.map(Duration::from_secs),
            },
            labels: labels?,
            trace_parent: traceparent,
        })
    }
}

/// Capabilities without repeats, in order, so that equal sets are one lane.
pub(crate) fn read_capabilities(value: Value<'_>) -> Option<BTreeSet<Capability>> {
    Some(value.list(0..=MAX_CAPABILITIES, |value| value.parsed())?.into_iter().collect())
}

fn read_labels(value: Value<'_>) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let mut count = 0;
    value.members(|key, label| {
        count += 1;
        if count > MAX_LABELS {
            return;
        }
        labels.extend(read_label(key, label).map(|text| (key.to_owned(), text)));
    })?;
    if count > MAX_LABELS {
        value.refuse(format_args!("must have at most {MAX_LABELS} labels, was {count}"));
    }
    Some(labels)
}

/// The label of a key.
pub(crate) fn read_label(key: &str, label: Value<'_>) -> Option<String> {
    if key.parse::<Capability>().is_err() {
        label.refuse(format_args!("the key {NotAName}"));
    }
    label.line(0..=MAX_LABEL_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> String {
        match read_json(json.as_bytes(), NewEvent::read) {
            Ok(event) => format!("{} in {}", event.lane.event_type, event.lane.queue),
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn one_field_is_enough() {
        assert_eq!(check(r#"{"event_type":"frame.render"}"#), "frame.render in default");
    }

    #[test]
    fn a_window_is_of_a_key() {
        let window = |rest: &str| check(&format!(r#"{{"event_type":"a","idempotency_window_seconds":{rest}}}"#));
        assert_eq!(window(r#"1,"idempotency_key":"k""#), "a in default");
        assert_eq!(window(r#"31622400,"idempotency_key":"k""#), "a in default");
        assert_eq!(window(r#"null"#), "a in default");
        assert_eq!(window("60"), "/idempotency_window_seconds: needs an idempotency_key");
        assert_eq!(window(r#"60,"idempotency_key":null"#), "/idempotency_window_seconds: needs an idempotency_key");
        assert!(!window(r#"60,"idempotency_key":"""#).contains("window"), "a bad key is named alone");
        for bad in ["0", "31622401", "-1", "1.5", "\"60\""] {
            assert_eq!(
                window(&format!(r#"{bad},"idempotency_key":"k""#)),
                format!("/idempotency_window_seconds: must be a whole number between 1 and 31622400, was {bad}")
            );
        }
    }

    #[test]
    fn a_payload_of_null_is_a_payload() {
        let payload = |json: &str| read_json(json.as_bytes(), NewEvent::read).unwrap().payload;
        assert_eq!(payload(r#"{"event_type":"a","payload":null}"#).as_str(), "null");
        assert_eq!(payload(r#"{"event_type":"a"}"#).as_str(), "{}");
    }

    #[test]
    fn every_bad_field_is_named() {
        let draft = r#"{"event_type":"a b","queue":"","priority":10,"run_at":"soon","delay_seconds":-1,
                    "required_capabilities":["gpu","no good"],"required_memory_mb":0,"engine_version":"latest",
                    "scenario_run_id":"/","idempotency_key":"","retry_policy":{"max_retries":5000},
                    "visibility_timeout_seconds":0,"max_processing_seconds":99999999,"expires_after_seconds":0,
                    "labels":{"a/b":"x","ok":"\u0000"},"traceparent":"00","payload":[1e999]}"#;
        let refused = read_json(draft.as_bytes(), NewEvent::read).unwrap_err();
        assert_eq!(
            refused.errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>().join(" "),
            "/event_type /payload /queue /priority /run_at /delay_seconds /required_capabilities/1 /required_memory_mb \
             /engine_version /scenario_run_id /idempotency_key /retry_policy/max_retries /visibility_timeout_seconds \
             /max_processing_seconds /expires_after_seconds /labels/a~1b /labels/ok /traceparent"
        );
    }

    #[test]
    fn a_key_in_a_header_is_that_of_the_event() {
        let read = |fields: &str| {
            let draft = format!(r#"{{"event_type":"a"{fields}}}"#);
            let read = read_json(draft.as_bytes(), |value| NewEvent::read_beside_key(value, Some("k")));
            read.map(|event| event.idempotency_key.unwrap().to_string()).map_err(|refused| refused.to_string())
        };
        for fields in
            ["", r#","idempotency_key":"k""#, r#","idempotency_key":null"#, r#","idempotency_window_seconds":60"#]
        {
            assert_eq!(read(fields).as_deref(), Ok("k"), "{fields}");
        }
        assert!(read(r#","idempotency_key":"other""#).unwrap_err().contains("differs from the header"));
    }

    #[test]
    fn a_start_is_given_once() {
        assert_eq!(
            check(r#"{"event_type":"a","run_at":"2026-11-23T10:00:00Z","delay_seconds":1}"#),
            "/delay_seconds: give run_at or delay_seconds, not both"
        );
    }

    #[test]
    fn a_label_that_is_given_twice_is_refused() {
        assert_eq!(check(r#"{"event_type":"a","labels":{"a":"1","b":"2","\u0061":"3"}}"#), "/labels/a: given twice");
    }

    #[test]
    fn a_draft_is_checked_as_its_json_is() {
        let draft = EventDraft { event_type: "a".to_owned(), priority: Some(12), ..EventDraft::default() };
        let refused = draft.check().unwrap_err();
        assert_eq!(refused.to_string(), "/priority: must be a whole number between 0 and 9, was 12");
        assert!(EventDraft { priority: Some(9), ..draft }.check().is_ok());
    }

    #[test]
    fn equal_requirements_are_one_lane() {
        let lane = |json: &str| read_json(json.as_bytes(), NewEvent::read).unwrap().lane;
        assert_eq!(
            lane(r#"{"event_type":"a","required_capabilities":["x","y","x"]}"#),
            lane(r#"{"event_type":"a","required_capabilities":["y","x"],"priority":5,"queue":"default"}"#)
        );
    }

    #[test]
    fn no_event_is_available_before_its_enqueue() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(Start::At(Timestamp::from_millis(10)).available_at(now), now);
        assert_eq!(Start::After(Duration::from_secs(1)).available_at(now), Timestamp::from_millis(2_000));
    }
}
