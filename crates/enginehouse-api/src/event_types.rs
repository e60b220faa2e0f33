//! Event types and queues: what they set for their events.

use enginehouse_core::durations::DurationSummary;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::input::Value;
use enginehouse_core::limits::MAX_LABEL_LENGTH;
use enginehouse_core::pause::Pause;
pub use enginehouse_core::policy::Settings;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::composed::{described, object, with_field, with_optional_field};
use crate::page::Page;

/// What an event type sets for its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventTypeSettings {
    /// The event type.
    pub event_type: EventType,
    /// What it sets; what is absent comes from the queue, or from the defaults.
    #[serde(flatten)]
    pub settings: Settings,
    /// Since when it is paused, and why.
    #[serde(flatten)]
    pub pause: PauseFields,
    /// How long its events waited and took, where one event type is shown and any were claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durations: Option<EventTypeDurations>,
}

/// How long events of a type waited and took: those of the last 30 days, as far as any were claimed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventTypeDurations {
    /// From when an event could be claimed to its claim; absent if none was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<DurationFigures>,
    /// From a claim to the end of the attempt: completed, failed or timed out, but not lost or released; absent if none has
    /// ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing: Option<DurationFigures>,
    /// The same by version of the engines. Each day, up to ten versions are told apart.
    pub by_version: Vec<VersionDurations>,
}

/// How long events of a type waited and took with engines of one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionDurations {
    /// The version that the engines declare (`engine_software_version`); null for those that declare none, and `*` for all
    /// that were not told apart.
    #[schema(required)]
    pub engine_version: Option<String>,
    /// From when an event could be claimed to its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<DurationFigures>,
    /// From a claim to the end of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing: Option<DurationFigures>,
}

/// How long something took, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DurationFigures {
    /// How often it was seen.
    pub count: u64,
    /// The mean.
    pub mean_seconds: f64,
    /// Half of them took at most so long, within 3.2 %.
    pub p50_seconds: f64,
    /// 95 of a hundred took at most so long, within 3.2 %.
    pub p95_seconds: f64,
    /// 99 of a hundred took at most so long, within 3.2 %.
    pub p99_seconds: f64,
}

impl From<DurationSummary> for DurationFigures {
    fn from(summary: DurationSummary) -> Self {
        Self {
            count: summary.count,
            mean_seconds: summary.mean.as_secs_f64(),
            p50_seconds: summary.p50.as_secs_f64(),
            p95_seconds: summary.p95.as_secs_f64(),
            p99_seconds: summary.p99.as_secs_f64(),
        }
    }
}

/// What a queue sets for its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// The queue.
    pub queue: QueueName,
    /// What it sets; what is absent comes from the defaults.
    #[serde(flatten)]
    pub settings: Settings,
    /// Since when it is paused, and why.
    #[serde(flatten)]
    pub pause: PauseFields,
}

/// Since when something is paused, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PauseFields {
    /// Since when it is paused; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paused_at: Option<Timestamp>,
    /// Why it is paused; absent if nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pause_reason: Option<String>,
}

impl From<Option<Pause>> for PauseFields {
    fn from(pause: Option<Pause>) -> Self {
        pause
            .map_or_else(Self::default, |Pause { since, reason }| Self { paused_at: Some(since), pause_reason: reason })
    }
}

/// Why something is to be paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// Why; at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub reason: Option<String>,
}

impl PauseRequest {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; reason: optional(|value| value.line(1..=MAX_LABEL_LENGTH)));
        Some(Self { reason })
    }
}

/// One page of a list of event types.
pub type EventTypeSettingsPage = Page<EventTypeSettings>;
/// One page of a list of queues.
pub type QueueSettingsPage = Page<QueueSettings>;

/// Settings and whose they are, in one object: its fields are those of [`Settings`] and one more.
fn settings_of<T: ToSchema>(owner: &str, owner_is: &str, description: &str) -> Object {
    let mut settings = object::<Settings>();
    settings.description = Some(description.to_owned());
    // A later release may answer more than it reads.
    settings.additional_properties = None;
    settings.required.push("paused".to_owned());
    settings.properties.extend(object::<PauseFields>().properties);
    with_field::<T>(&mut settings, owner, owner_is);
    settings
}

impl PartialSchema for EventTypeSettings {
    fn schema() -> RefOr<Schema> {
        let description =
            "What an event type sets for its events; what is absent comes from the queue, or from the defaults.";
        let mut settings = settings_of::<EventType>("event_type", "The event type.", description);
        let shown = "How long its events waited and took, where one event type is shown and any were claimed.";
        with_optional_field::<EventTypeDurations>(&mut settings, "durations", shown);
        Schema::Object(settings).into()
    }
}

impl ToSchema for EventTypeSettings {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<EventType>(schemas);
        described::<EventTypeDurations>(schemas);
        Settings::schemas(schemas);
        PauseFields::schemas(schemas);
    }
}

impl PartialSchema for QueueSettings {
    fn schema() -> RefOr<Schema> {
        let description = "What a queue sets for its events; what is absent comes from the defaults.";
        Schema::Object(settings_of::<QueueName>("queue", "The queue.", description)).into()
    }
}

impl ToSchema for QueueSettings {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<QueueName>(schemas);
        Settings::schemas(schemas);
        PauseFields::schemas(schemas);
    }
}
