//! Which events, engines and dead letters a list is about, and which part of the list. A field that is none matches all.
//!
//! People write a filter as one line of terms: `status:failed queue:render age:>5m`, read by [`FilterTerms::parse`]. What of
//! it a field here says, and so an index may answer, becomes that field; the other terms are compared with what is found.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::selector::Selectors;
use crate::engine::EngineStatus;
use crate::error_group::ErrorGroupId;
use crate::event::{DeadLetterReason, EventStatus};
use crate::ids::{Capability, EngineId, EngineType, EventType, QueueName, ScenarioRunId};
use crate::input::Value;
use crate::label::Label;
use crate::limits::{MAX_LABEL_LENGTH, MAX_PRIORITY};
use crate::read_fields;
use crate::time::Timestamp;

mod age;
mod engine_facts;
mod field;
mod json_path;
mod parse;
mod pushdown;
mod quoting;
mod terms;
mod terms_as_of;
#[cfg(test)]
mod tests;

pub use self::field::{FilterField, FilterSubject};
pub use self::json_path::{JsonPath, NotAJsonPath};
pub use self::parse::FilterError;
pub use self::pushdown::DeadLetterSearch;
pub use self::terms::{Comparison, FilterFact, FilterFacts, FilterTerm, FilterTerms, ValueTest};
pub use self::terms_as_of::TermsAsOf;

/// Which events. What is absent matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::IntoParams, utoipa::ToSchema),
    into_params(parameter_in = Query)
)]
pub struct EventFilter {
    /// Only those with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<EventStatus>,
    /// Only those of this event type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Only those of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Only those of this scenario run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario_run_id: Option<ScenarioRunId>,
    /// Only those that this engine claimed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_id: Option<EngineId>,
    /// Only those of this priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 9), schema(minimum = 0, maximum = 9))]
    pub priority: Option<u8>,
    /// Only those with this label and value: `KEY=VALUE`. Looks at every event that the rest of the filter leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = "label"), schema(value_type = Option<String>, format = "label"))]
    pub label: Option<Label>,
    /// Only the one that has this idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"),
        schema(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    )]
    pub idempotency_key: Option<String>,
    /// Only those that may be claimed from this moment on or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_after: Option<Timestamp>,
    /// Only those enqueued at this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued_after: Option<Timestamp>,
    /// Only those enqueued before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued_before: Option<Timestamp>,
    /// Only those that whoever asks may see. No part of what they ask for.
    #[serde(skip)]
    pub within: Arc<Selectors>,
    /// What else the filter that they have written asks for.
    #[serde(skip)]
    pub terms: TermsAsOf,
}

impl EventFilter {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            status: optional(|value| value.word()),
            event_type: optional(|value| value.parsed()),
            queue: optional(|value| value.parsed()),
            scenario_run_id: optional(|value| value.parsed()),
            engine_id: optional(|value| value.parsed()),
            priority: optional(|value| value.whole(0..=MAX_PRIORITY)),
            label: optional(|value| value.parsed()),
            idempotency_key: optional(|value| value.line(1..=MAX_LABEL_LENGTH)),
            available_after: optional(|value| value.parsed()),
            enqueued_after: optional(|value| value.parsed()),
            enqueued_before: optional(|value| value.parsed()),
        );
        Some(Self {
            status,
            event_type,
            queue,
            scenario_run_id,
            engine_id,
            priority,
            label,
            idempotency_key,
            available_after,
            enqueued_after,
            enqueued_before,
            within: Arc::default(),
            terms: TermsAsOf::default(),
        })
    }

    /// Whether it matches every event.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which engines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct EngineFilter {
    /// Only those with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<EngineStatus>,
    /// Only those that are stopped, or with `false` only the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<bool>,
    /// Only those of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_type: Option<EngineType>,
    /// Only those that are capable of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// Only those that whoever asks may see. No part of what they ask for.
    #[serde(skip)]
    pub within: Arc<Selectors>,
    /// What else the filter that they have written asks for.
    #[serde(skip)]
    pub terms: TermsAsOf,
}

/// Which dead letters. What is absent matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::IntoParams, utoipa::ToSchema),
    into_params(parameter_in = Query)
)]
pub struct DeadLetterFilter {
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
    /// Only those of this group of the summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<ErrorGroupId>,
    /// Only those that became dead letters before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_lettered_before: Option<Timestamp>,
    /// Only those that became dead letters at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_lettered_after: Option<Timestamp>,
    /// Only those that whoever asks may see. No part of what they ask for.
    #[serde(skip)]
    pub within: Arc<Selectors>,
}

impl DeadLetterFilter {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            event_type: optional(|value| value.parsed()),
            queue: optional(|value| value.parsed()),
            reason: optional(|value| value.word()),
            error_code: optional(|value| value.text()),
            group_id: optional(|value| value.parsed()),
            dead_lettered_before: optional(|value| value.parsed()),
            dead_lettered_after: optional(|value| value.parsed()),
        );
        Some(Self {
            event_type,
            queue,
            reason,
            error_code,
            group_id,
            dead_lettered_before,
            dead_lettered_after,
            within: Arc::default(),
        })
    }

    /// Whether it matches every dead letter.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most.
    pub limit: u32,
    /// From behind this place, which a page before this one answered; from the beginning if none. A place that no page
    /// has answered finds nothing or something, but fails nothing.
    pub after: Option<String>,
}
