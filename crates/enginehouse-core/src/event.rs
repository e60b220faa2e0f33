//! What an event is, its five statuses, and what is asked at enqueue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ids::{QueueName, ScenarioRunId};
use crate::invalid::{Check, Invalid, pointer_key};
use crate::json::RawJson;
use crate::lane::{LaneKey, VersionRequirement};
use crate::limits::{
    DEFAULT_PRIORITY, MAX_CAPABILITIES, MAX_DELAY_SECONDS, MAX_LABEL_LENGTH, MAX_LABELS, MAX_MEMORY_MB,
    MAX_PAYLOAD_BYTES, MAX_PRIORITY, MAX_PROCESSING, MAX_VISIBILITY_TIMEOUT,
};
use crate::policy::RetryPolicyPatch;
use crate::time::{Timestamp, seconds};

/// Where an event is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventStatus {
    /// Waits to be claimed, now or from `available_at` on.
    Queued,
    /// An engine holds its lock.
    Processing,
    /// Done; its result is kept.
    Completed,
    /// Finally failed; a dead letter too, if a person should look.
    Failed,
    /// Called off.
    Cancelled,
}

impl EventStatus {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the event rests for good, unless it is redriven.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl std::fmt::Display for EventStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a finally failed event waits for a person.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeadLetterReason {
    /// Its last retry failed.
    RetriesExhausted,
    /// An engine said that no retry can help, after it had failed often enough.
    Rejected,
    /// The engine asked for it.
    Requested,
    /// The engines that held it were lost, one after the other.
    LostTooOften,
}

impl DeadLetterReason {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl std::fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong in one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptError {
    /// A stable word for programs, such as `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence for people. At most 8 KiB are kept.
    pub message: String,
    /// Anything more, as JSON of at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<RawJson>,
}

/// How an attempt ended that did not complete the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AttemptOutcome {
    /// The engine reported a failure.
    Failed,
    /// The engine took longer than `max_processing_seconds`.
    TimedOut,
    /// The lock was lost: it expired, or its engine was lost, superseded or deregistered.
    Lost,
}

impl AttemptOutcome {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An event as a producer asks for it. Unknown fields are refused, so that a typo is not silently lost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EnqueueRequest))]
pub struct EventDraft {
    /// What kind of work it is: a name, such as `frame.render`.
    pub event_type: String,
    /// Any JSON of at most 256 KiB, nested at most 64 deep; kept byte for byte. `{}` if absent.
    #[serde(default, deserialize_with = "crate::json::given", skip_serializing_if = "Option::is_none")]
    pub payload: Option<RawJson>,
    /// The queue it waits in; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// 0 (first) to 9 (last); 5 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Not to be claimed before this moment. At most one of `run_at` and `delay_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<String>,
    /// Not to be claimed before so many seconds from now; 0 to 31,622,400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<f64>,
    /// What the engine must be capable of: at most 64 names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_capabilities: Vec<String>,
    /// Memory that the engine must have free, in MiB; 1 to 2^30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_memory_mb: Option<u64>,
    /// A semver range that the engine's `engine_software_version` must lie in, such as `>=1.4, <2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// The scenario run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_run_id: Option<String>,
    /// Makes a repeat of this request safe: as long as an event with this key is kept, the same request
    /// answers with that event, and another one is refused. 1 to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Overrides single fields of the retry policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicyPatch>,
    /// How long a lock on it lasts unless extended; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long one attempt may take, renewals included; 1 to 2,592,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_processing_seconds: Option<u64>,
    /// Up to 32 words of your own to find it by.
    #[serde(default, deserialize_with = "crate::json::words", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// When an event may first be claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// At once.
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
    /// The work itself.
    pub payload: RawJson,
    /// When it may first be claimed.
    pub start: Start,
    /// The scenario run it belongs to.
    pub scenario_run_id: Option<ScenarioRunId>,
    /// Makes a repeat safe.
    pub idempotency_key: Option<Arc<str>>,
    /// Its own part of the policy.
    pub overrides: Overrides,
    /// The producer's own words.
    pub labels: BTreeMap<String, String>,
}

/// What an event sets for itself, over its event type and queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Single fields of the retry policy.
    pub retry_policy: Option<RetryPolicyPatch>,
    /// How long a lock lasts.
    pub visibility_timeout: Option<Duration>,
    /// How long one attempt may take.
    pub max_processing: Option<Duration>,
}

impl EventDraft {
    /// Checks every field. `at` is the pointer of this draft within the request, empty if it is the request.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self, at: &str) -> Result<NewEvent, Invalid> {
        let mut check = Check::at(at);
        let event_type = check.parsed("/event_type", self.event_type.parse());
        let queue =
            check.parsed("/queue", self.queue.as_deref().map_or_else(|| Ok(QueueName::default_queue()), str::parse));
        let priority = self.priority.unwrap_or(i64::from(DEFAULT_PRIORITY));
        check.range("/priority", priority, 0, i64::from(MAX_PRIORITY));
        let start = self.check_start(&mut check);
        let required_capabilities =
            check_capabilities(&self.required_capabilities, "/required_capabilities", &mut check);
        if let Some(memory) = self.required_memory_mb {
            check.range("/required_memory_mb", memory, 1, MAX_MEMORY_MB);
        }
        let engine_version =
            self.engine_version.and_then(|text| check.parsed("/engine_version", text.parse::<VersionRequirement>()));
        let scenario_run_id = self.scenario_run_id.and_then(|text| check.parsed("/scenario_run_id", text.parse()));
        if let Some(key) = &self.idempotency_key {
            check_text("/idempotency_key", key, &mut check);
        }
        if let Some(Err(bad)) = self.retry_policy.as_ref().map(|patch| patch.check(&format!("{at}/retry_policy"))) {
            check.include(bad);
        }
        let visibility_timeout = check_whole_seconds(
            "/visibility_timeout_seconds",
            self.visibility_timeout_seconds,
            MAX_VISIBILITY_TIMEOUT,
            &mut check,
        );
        let max_processing =
            check_whole_seconds("/max_processing_seconds", self.max_processing_seconds, MAX_PROCESSING, &mut check);
        check.require(self.labels.len() <= MAX_LABELS, "/labels", format_args!("at most {MAX_LABELS} labels"));
        for (key, value) in &self.labels {
            let pointer = format!("/labels/{}", pointer_key(key));
            check.require(key.parse::<ScenarioRunId>().is_ok(), &pointer, crate::ids::NotAName);
            check.require(
                value.chars().count() <= MAX_LABEL_LENGTH && !value.chars().any(char::is_control),
                &pointer,
                format_args!("at most {MAX_LABEL_LENGTH} characters, and no control characters"),
            );
        }
        let payload = self.payload.unwrap_or_else(RawJson::empty_object);
        check_json("/payload", &payload, MAX_PAYLOAD_BYTES, &mut check);
        // What did not parse has been noted, so that `finish` refuses whatever stands in for it here.
        let (Some(event_type), Some(queue)) = (event_type, queue) else {
            return Err(check.finish(()).expect_err("a name that does not parse was noted"));
        };
        check.finish(NewEvent {
            lane: LaneKey {
                queue,
                event_type,
                priority: u8::try_from(priority).unwrap_or(MAX_PRIORITY),
                required_capabilities,
                required_memory_mb: self.required_memory_mb,
                engine_version,
            },
            payload,
            start,
            scenario_run_id,
            idempotency_key: self.idempotency_key.map(Into::into),
            overrides: Overrides { retry_policy: self.retry_policy, visibility_timeout, max_processing },
            labels: self.labels,
        })
    }

    fn check_start(&self, check: &mut Check) -> Start {
        check.require(
            self.run_at.is_none() || self.delay_seconds.is_none(),
            "/delay_seconds",
            "give run_at or delay_seconds, not both",
        );
        if let Some(delay) = self.delay_seconds {
            check.range("/delay_seconds", delay, 0.0, MAX_DELAY_SECONDS);
            return Start::After(seconds(delay));
        }
        match self.run_at.as_deref().map(str::parse) {
            Some(parsed) => check.parsed("/run_at", parsed).map_or(Start::Now, Start::At),
            None => Start::Now,
        }
    }
}

/// A duration in whole seconds, from 1 to `max`.
pub fn check_whole_seconds(pointer: &str, value: Option<u64>, max: Duration, check: &mut Check) -> Option<Duration> {
    let value = value?;
    check.range(pointer, value, 1, max.as_secs());
    Some(Duration::from_secs(value))
}

/// Capabilities without repeats, in order, so that equal sets are one lane.
pub fn check_capabilities(
    names: &[String],
    pointer: &str,
    check: &mut Check,
) -> std::collections::BTreeSet<crate::ids::Capability> {
    check.require(
        names.len() <= MAX_CAPABILITIES,
        pointer,
        format_args!("at most {MAX_CAPABILITIES} capabilities, was {}", names.len()),
    );
    names
        .iter()
        .enumerate()
        .filter_map(|(place, name)| check.parsed(&format!("{pointer}/{place}"), name.parse()))
        .collect()
}

/// JSON that is kept as text: its size, and what serde_json lets through.
pub fn check_json(pointer: &str, json: &RawJson, max_bytes: usize, check: &mut Check) {
    let size = json.as_str().len();
    if size > max_bytes {
        check.too_large(pointer, max_bytes, size);
    } else if let Err(why) = json.check() {
        check.refuse(pointer, why);
    }
}

/// Free text of one line.
fn check_text(pointer: &str, text: &str, check: &mut Check) {
    check.require(
        (1..=MAX_LABEL_LENGTH).contains(&text.chars().count()) && !text.chars().any(char::is_control),
        pointer,
        format_args!("1 to {MAX_LABEL_LENGTH} characters, and no control characters"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> String {
        let draft: EventDraft = serde_json::from_str(json).unwrap();
        match draft.check("") {
            Ok(event) => format!("{} in {}", event.lane.event_type, event.lane.queue),
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn one_field_is_enough() {
        assert_eq!(check(r#"{"event_type":"frame.render"}"#), "frame.render in default");
    }

    #[test]
    fn a_payload_of_null_is_a_payload() {
        let payload = |json: &str| serde_json::from_str::<EventDraft>(json).unwrap().check("").unwrap().payload;
        assert_eq!(payload(r#"{"event_type":"a","payload":null}"#).as_str(), "null");
        assert_eq!(payload(r#"{"event_type":"a"}"#).as_str(), "{}");
    }

    #[test]
    fn every_bad_field_is_named() {
        assert_eq!(
            check(
                r#"{"event_type":"a b","queue":"","priority":10,"run_at":"soon","delay_seconds":-1,
                    "required_capabilities":["gpu","no good"],"required_memory_mb":0,"engine_version":"latest",
                    "scenario_run_id":"/","idempotency_key":"","retry_policy":{"max_retries":5000},
                    "visibility_timeout_seconds":0,"max_processing_seconds":99999999,
                    "labels":{"a/b":"x","ok":"\u0000"},"payload":[1e999]}"#
            )
            .split("; /")
            .map(|error| error.split(':').next().unwrap().trim_start_matches('/'))
            .collect::<Vec<_>>()
            .join(" "),
            "event_type queue priority delay_seconds delay_seconds required_capabilities/1 required_memory_mb \
             engine_version scenario_run_id idempotency_key retry_policy/max_retries visibility_timeout_seconds \
             max_processing_seconds labels/a~1b labels/ok payload"
        );
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let error = serde_json::from_str::<EventDraft>(r#"{"event_type":"a","prioritty":1}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `prioritty`"), "{error}");
    }

    #[test]
    fn a_label_that_is_given_twice_is_refused() {
        let json = r#"{"event_type":"a","labels":{"a":"1","b":"2","\u0061":"3"}}"#;
        let error = serde_json::from_str::<EventDraft>(json).unwrap_err();
        assert!(error.to_string().contains(r#"the key "a" is given twice"#), "{error}");
    }

    #[test]
    fn equal_requirements_are_one_lane() {
        let lane = |json: &str| serde_json::from_str::<EventDraft>(json).unwrap().check("").unwrap().lane;
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
