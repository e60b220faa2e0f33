//! What people change about an event that waits, or that goes back in its queue: a JSON merge patch (RFC 7396) of what its
//! producer has set.
//!
//! A field that is absent stays as it is. One that is null is as if the producer had left it out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{Start, read_capabilities, read_label};
use crate::ids::{Capability, QueueName};
use crate::input::{Value, read_json};
use crate::invalid::Invalid;
use crate::json::RawJson;
use crate::lane::LaneKey;
use crate::limits::{
    DEFAULT_PRIORITY, MAX_DELAY_SECONDS, MAX_EXPIRES_AFTER, MAX_LABELS, MAX_MEMORY_MB, MAX_PAYLOAD_BYTES, MAX_PRIORITY,
    MAX_PROCESSING, MAX_PROGRESS_TIMEOUT, MAX_VISIBILITY_TIMEOUT,
};
use crate::policy::{Overrides, RetryDelayPatch, RetryPolicyPatch};
use crate::read_fields;
use crate::time::seconds;
use crate::version::VersionRequirement;

/// What becomes of one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldChange<T> {
    /// It stays as it is: the field is absent.
    #[default]
    Keep,
    /// It is as if nobody had set it: the field is null.
    Unset,
    /// It is this from now on.
    Set(T),
}

impl<T> FieldChange<T> {
    /// Whether the field is absent. For `skip_serializing_if`.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What comes of a value that need not be there.
    pub fn of_optional(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Unset => None,
            Self::Set(value) => Some(value),
        }
    }

    /// What comes of a value that has a default.
    fn of_value(self, before: T, default: impl FnOnce() -> T) -> T {
        match self {
            Self::Keep => before,
            Self::Unset => default(),
            Self::Set(value) => value,
        }
    }

    /// The same change of another value.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> FieldChange<U> {
        match self {
            Self::Keep => FieldChange::Keep,
            Self::Unset => FieldChange::Unset,
            Self::Set(value) => FieldChange::Set(with(value)),
        }
    }
}

impl<T: Serialize> Serialize for FieldChange<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Unset => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FieldChange<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Unset, Self::Set))
    }
}

/// Changes that were checked, as far as they can be without the event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventChanges {
    pub payload: Option<RawJson>,
    pub queue: FieldChange<QueueName>,
    pub priority: FieldChange<u8>,
    /// When it may be claimed.
    pub start: Option<Start>,
    pub required_capabilities: FieldChange<BTreeSet<Capability>>,
    pub required_memory_mb: FieldChange<u64>,
    pub engine_version: FieldChange<VersionRequirement>,
    /// How long after it comes due it expires.
    pub expires_after: FieldChange<Duration>,
    pub visibility_timeout: FieldChange<Duration>,
    pub max_processing: FieldChange<Duration>,
    pub progress_timeout: FieldChange<Duration>,
    /// A merge patch of the event's own part of the retry policy.
    pub retry_policy: FieldChange<RawJson>,
    /// Labels by key; those that are none go.
    pub labels: FieldChange<BTreeMap<String, Option<String>>>,
}

impl EventChanges {
    /// Reads a merge patch. Its fields are named as in an [`EventDraft`](crate::event::EventDraft).
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            payload: given(|value| value.json(MAX_PAYLOAD_BYTES)),
            queue: given(|value| or_unset(value, |value| value.parsed())),
            priority: given(|value| or_unset(value, |value| value.whole(0..=MAX_PRIORITY))),
            run_at: given(|value| or_unset(value, |value| value.parsed())),
            delay_seconds: given(|value| or_unset(value, |value| value.number(0.0..=MAX_DELAY_SECONDS))),
            required_capabilities: given(|value| or_unset(value, read_capabilities)),
            required_memory_mb: given(|value| or_unset(value, |value| value.whole(1..=MAX_MEMORY_MB))),
            engine_version: given(|value| or_unset(value, |value| value.parsed())),
            retry_policy: given(|value| or_unset(value, read_retry_policy)),
            visibility_timeout_seconds: given(|value| {
                or_unset(value, |value| value.whole(1..=MAX_VISIBILITY_TIMEOUT.as_secs()))
            }),
            max_processing_seconds: given(|value| or_unset(value, |value| value.whole(1..=MAX_PROCESSING.as_secs()))),
            progress_timeout_seconds: given(|value| {
                or_unset(value, |value| value.whole(1..=MAX_PROGRESS_TIMEOUT.as_secs()))
            }),
            expires_after_seconds: given(|value| or_unset(value, |value| value.whole(1..=MAX_EXPIRES_AFTER.as_secs()))),
            labels: given(|value| or_unset(value, read_labels)),
        );
        let start = match (run_at, delay_seconds) {
            (Some(FieldChange::Set(_)), Some(FieldChange::Set(_))) => {
                value.refuse_field("delay_seconds", "give run_at or delay_seconds, not both");
                return None;
            }
            (Some(FieldChange::Set(moment)), _) => Some(Start::At(moment)),
            (_, Some(FieldChange::Set(wait))) => Some(Start::After(seconds(wait))),
            (Some(_), _) | (_, Some(_)) => Some(Start::Now),
            (None, None) => None,
        };
        Some(Self {
            payload,
            queue: queue.unwrap_or_default(),
            priority: priority.unwrap_or_default(),
            start,
            required_capabilities: required_capabilities.unwrap_or_default(),
            required_memory_mb: required_memory_mb.unwrap_or_default(),
            engine_version: engine_version.unwrap_or_default(),
            expires_after: expires_after_seconds.unwrap_or_default().map(Duration::from_secs),
            visibility_timeout: visibility_timeout_seconds.unwrap_or_default().map(Duration::from_secs),
            max_processing: max_processing_seconds.unwrap_or_default().map(Duration::from_secs),
            progress_timeout: progress_timeout_seconds.unwrap_or_default().map(Duration::from_secs),
            retry_policy: retry_policy.unwrap_or_default(),
            labels: labels.unwrap_or_default(),
        })
    }

    /// The lane of an event of this lane.
    pub fn lane(&self, before: &LaneKey) -> LaneKey {
        let before = before.clone();
        LaneKey {
            queue: self.queue.clone().of_value(before.queue, QueueName::default_queue),
            event_type: before.event_type,
            priority: self.priority.of_value(before.priority, || DEFAULT_PRIORITY),
            required_capabilities: self
                .required_capabilities
                .clone()
                .of_value(before.required_capabilities, BTreeSet::new),
            required_memory_mb: self.required_memory_mb.of_optional(before.required_memory_mb),
            engine_version: self.engine_version.clone().of_optional(before.engine_version),
            suspended_run: before.suspended_run,
        }
    }

    /// The overrides of an event with these.
    ///
    /// # Errors
    /// The retry policy that comes of it contradicts itself.
    pub fn overrides(&self, before: &Overrides) -> Result<Overrides, Invalid> {
        let retry_policy = match &self.retry_policy {
            FieldChange::Keep => before.retry_policy,
            FieldChange::Unset => None,
            FieldChange::Set(patch) => merged_policy(before.retry_policy, patch)?,
        };
        Ok(Overrides {
            retry_policy,
            visibility_timeout: self.visibility_timeout.of_optional(before.visibility_timeout),
            max_processing: self.max_processing.of_optional(before.max_processing),
            progress_timeout: self.progress_timeout.of_optional(before.progress_timeout),
        })
    }

    /// The labels of an event with these.
    ///
    /// # Errors
    /// They would be too many.
    pub fn labels(&self, before: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
        let changes = match &self.labels {
            FieldChange::Keep => return Ok(before.clone()),
            FieldChange::Unset => return Ok(BTreeMap::new()),
            FieldChange::Set(changes) => changes,
        };
        let mut labels = before.clone();
        for (key, label) in changes {
            match label {
                Some(label) => labels.insert(key.clone(), label.clone()),
                None => labels.remove(key),
            };
        }
        match labels.len() {
            ..=MAX_LABELS => Ok(labels),
            many => Err(Invalid::field(
                "/labels",
                format_args!("the event would have {many} labels, and may have {MAX_LABELS}: unset some"),
            )),
        }
    }
}

/// The value of a field of a patch.
fn or_unset<T>(value: Value<'_>, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<FieldChange<T>> {
    if value.is_null() { Some(FieldChange::Unset) } else { read(value).map(FieldChange::Set) }
}

/// Checks a patch of a retry policy, and keeps it as it is: it may unset single fields.
fn read_retry_policy(value: Value<'_>) -> Option<RawJson> {
    RetryPolicyPatch::read(value)?;
    value.json(MAX_PAYLOAD_BYTES)
}

/// Labels by key, of which some may be unset.
fn read_labels(value: Value<'_>) -> Option<BTreeMap<String, Option<String>>> {
    let mut labels = BTreeMap::new();
    value.members(|key, label| {
        // What is over the limit is refused once the event is known. This only bounds what is kept until then.
        if labels.len() <= 2 * MAX_LABELS {
            let read = or_unset(label, |label| read_label(key, label));
            labels.extend(read.map(|label| (key.to_owned(), FieldChange::of_optional(label, None))));
        }
    })?;
    if labels.len() > 2 * MAX_LABELS {
        value.refuse(format_args!("must change at most {} labels", 2 * MAX_LABELS));
    }
    Some(labels)
}

/// A policy with a merge patch of its JSON.
fn merged_policy(before: Option<RetryPolicyPatch>, patch: &RawJson) -> Result<Option<RetryPolicyPatch>, Invalid> {
    let mut merged = serde_json::json!({ "retry_policy": before.unwrap_or_default() });
    let patch = serde_json::from_str(patch.as_str()).unwrap_or_default();
    merge(&mut merged["retry_policy"], patch);
    // Read again, as a whole: what it says of itself may not fit what it differing before.
    let read = |value: Value<'_>| {
        read_fields!(value; retry_policy: required(RetryPolicyPatch::read));
        retry_policy
    };
    let mut policy = read_json(merged.to_string().as_bytes(), read)?;
    policy.retry_delay = policy.retry_delay.filter(|delay| *delay != RetryDelayPatch::default());
    Ok(Some(policy).filter(|policy| *policy != RetryPolicyPatch::default()))
}

/// A JSON merge patch, as RFC 7396 has it.
fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = serde_json::json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|fields| fields.remove(&key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::NewEvent;

    /// An event with every field, and what a patch makes of it: the fields that differ.
    fn patched(patch: &str) -> String {
        let draft = r#"{"event_type":"a","queue":"q","priority":3,"required_capabilities":["gpu"],"required_memory_mb":7,
            "engine_version":">=1","retry_policy":{"max_retries":2,"retry_delay":{"initial":10,"max":60}},
            "visibility_timeout_seconds":30,"max_processing_seconds":40,"labels":{"a":"1","b":"2"}}"#;
        let event = read_json(draft.as_bytes(), NewEvent::read).unwrap();
        let changes = match read_json(patch.as_bytes(), EventChanges::read) {
            Ok(changes) => changes,
            Err(refused) => return refused.to_string(),
        };
        let lane = changes.lane(&event.lane);
        let (overrides, labels) = match (changes.overrides(&event.overrides), changes.labels(&event.labels)) {
            (Ok(overrides), Ok(labels)) => (overrides, labels),
            (Err(refused), _) | (_, Err(refused)) => return refused.to_string(),
        };
        let mut differing = Vec::new();
        let mut differs = |name: &str, before: String, after: String| {
            if before != after {
                differing.push(format!("{name} {after}"));
            }
        };
        differs("queue", event.lane.queue.to_string(), lane.queue.to_string());
        differs("priority", event.lane.priority.to_string(), lane.priority.to_string());
        let names = |lane: &LaneKey| lane.required_capabilities.iter().map(ToString::to_string).collect::<String>();
        differs("capabilities", names(&event.lane), names(&lane));
        differs("memory", format!("{:?}", event.lane.required_memory_mb), format!("{:?}", lane.required_memory_mb));
        let version = |lane: &LaneKey| format!("{:?}", lane.engine_version.as_ref().map(ToString::to_string));
        differs("version", version(&event.lane), version(&lane));
        let policy = |overrides: &Overrides| serde_json::to_string(&overrides.retry_policy).unwrap();
        differs("policy", policy(&event.overrides), policy(&overrides));
        let timeout = |overrides: &Overrides| format!("{:?}", overrides.visibility_timeout);
        differs("visibility", timeout(&event.overrides), timeout(&overrides));
        differs(
            "processing",
            format!("{:?}", event.overrides.max_processing),
            format!("{:?}", overrides.max_processing),
        );
        differs("labels", format!("{:?}", event.labels), format!("{labels:?}"));
        differing.extend(changes.start.map(|start| format!("start {start:?}")));
        differing.join(", ")
    }

    #[test]
    fn what_is_absent_stays_what_is_null_is_as_if_left_out_and_the_rest_is_set() {
        for (patch, expected) in [
            ("{}", ""),
            (r#"{"priority":0}"#, "priority 0"),
            (r#"{"queue":"other","priority":9}"#, "queue other, priority 9"),
            (r#"{"queue":null,"priority":null}"#, "queue default, priority 5"),
            (r#"{"required_capabilities":["b","a","b"]}"#, "capabilities ab"),
            (r#"{"required_capabilities":null}"#, "capabilities "),
            (r#"{"required_capabilities":[]}"#, "capabilities "),
            (r#"{"required_memory_mb":null,"engine_version":null}"#, "memory None, version None"),
            (r#"{"required_memory_mb":1,"engine_version":">=2"}"#, r#"memory Some(1), version Some(">=2")"#),
            (
                r#"{"visibility_timeout_seconds":null,"max_processing_seconds":5}"#,
                "visibility None, processing Some(5s)",
            ),
            (r#"{"labels":{"a":null,"c":"3"}}"#, r#"labels {"b": "2", "c": "3"}"#),
            (r#"{"labels":null}"#, "labels {}"),
            (r#"{"run_at":"2026-11-23T10:00:00Z"}"#, "start At(Timestamp(1795428000000))"),
            (r#"{"delay_seconds":1.5}"#, "start After(1.5s)"),
            (r#"{"run_at":null}"#, "start Now"),
            (r#"{"run_at":null,"delay_seconds":2}"#, "start After(2s)"),
            (r#"{"retry_policy":null}"#, "policy null"),
            (r#"{"retry_policy":{"max_retries":null,"retry_delay":null}}"#, "policy null"),
            (
                r#"{"retry_policy":{"max_losses":9,"retry_delay":{"initial":null,"jitter":0}}}"#,
                r#"policy {"max_retries":2,"retry_delay":{"max":60.0,"jitter":0.0},"max_losses":9}"#,
            ),
        ] {
            assert_eq!(patched(patch), expected, "{patch}");
        }
    }

    #[test]
    fn a_payload_may_be_replaced_by_null() {
        let payload = |patch: &str| read_json(patch.as_bytes(), EventChanges::read).unwrap().payload;
        assert_eq!(payload(r#"{"payload":null}"#).unwrap().as_str(), "null");
        assert_eq!(payload("{}"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (patch, expected) in [
            (r#"{"priority":10}"#, "/priority: must be a whole number between 0 and 9, was 10"),
            (r#"{"payload":[1e999]}"#, "/payload: number out of range"),
            (r#"{"event_type":"b"}"#, "/event_type: unknown"),
            (r#"{"run_at":"2026-11-23T10:00:00Z","delay_seconds":1}"#, "/delay_seconds: give run_at or delay_seconds"),
            (r#"{"retry_policy":{"max_retries":-1}}"#, "/retry_policy/max_retries: must be"),
            (r#"{"retry_policy":{"retries":1}}"#, "/retry_policy/retries: unknown"),
            (
                r#"{"retry_policy":{"retry_delay":{"max":5}}}"#,
                "/retry_policy/retry_delay/initial: must be at most max, which is 5, was 10",
            ),
            (r#"{"labels":{"a/b":"x"}}"#, "/labels/a~1b: the key must be"),
            (r#"{"labels":{"a":7}}"#, "/labels/a: must be a string"),
            (r#"{"labels":[]}"#, "/labels: must be an object"),
            ("[]", "must be an object"),
        ] {
            let refused = patched(patch);
            assert!(refused.starts_with(expected), "{patch}: {refused}");
        }
        let many: Vec<_> = (0..31).map(|n| format!(r#""k{n}":"x""#)).collect();
        let refused = patched(&format!(r#"{{"labels":{{{}}}}}"#, many.join(",")));
        assert_eq!(refused, "/labels: the event would have 33 labels, and may have 32: unset some");
    }
}
