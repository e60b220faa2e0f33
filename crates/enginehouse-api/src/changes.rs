//! What is changed about an event that waits, or that is redriven.

use std::collections::BTreeMap;

use enginehouse_core::event_changes::FieldChange;
use enginehouse_core::ids::{Capability, QueueName};
use enginehouse_core::json::RawJson;
use enginehouse_core::limits::MAX_LABELS;
use enginehouse_core::policy::RetryPolicyPatch;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A JSON merge patch (RFC 7396) of what a producer sets: a field that is absent stays as it is, and one that is null is as
/// if the producer had left it out.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// Replaces the payload, as a whole: any JSON of at most 256 KiB, null too.
    #[serde(default, deserialize_with = "enginehouse_core::json::given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RawJson>)]
    pub payload: Option<RawJson>,
    /// Another queue; null for `default`.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<QueueName>)]
    pub queue: FieldChange<QueueName>,
    /// 0 (first) to 9 (last); null for 5.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 9)]
    pub priority: FieldChange<u8>,
    /// Not to be claimed before this moment; null for now. At most one of `run_at` and `delay_seconds`.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<Timestamp>)]
    pub run_at: FieldChange<Timestamp>,
    /// Not to be claimed before so many seconds from now; 0 to 31,622,400; null for now.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 31_622_400)]
    pub delay_seconds: FieldChange<f64>,
    /// All that the engine must be capable of: at most 64 names; null for nothing.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<Vec<Capability>>, max_items = 64)]
    pub required_capabilities: FieldChange<Vec<Capability>>,
    /// Memory that the engine must have free, in MiB; 1 to 2^30; null for none.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_073_741_824)]
    pub required_memory_mb: FieldChange<u64>,
    /// A semver range that the engine's `engine_software_version` must lie in; null for any.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(schema_with = engine_version_schema)]
    pub engine_version: FieldChange<String>,
    /// Overrides single fields of the retry policy; one that is null is overridden no longer, and null overrides none.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<RetryPolicyPatch>)]
    pub retry_policy: FieldChange<RetryPolicyPatch>,
    /// How long a lock on it lasts unless extended; 1 to 604,800; null for what its type or queue says.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 604_800)]
    pub visibility_timeout_seconds: FieldChange<u64>,
    /// How long one attempt may take, renewals included; 1 to 2,592,000; null for what its type or queue says.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 2_592_000)]
    pub max_processing_seconds: FieldChange<u64>,
    /// How long one attempt may go on without reporting progress; 1 to 2,592,000; null for what its type or queue says.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 2_592_000)]
    pub progress_timeout_seconds: FieldChange<u64>,
    /// How long after it comes due it is cancelled if it is queued then; 1 to 31,622,400; null for never. A redrive without it
    /// ends the expiry that the event had.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 31_622_400)]
    pub expires_after_seconds: FieldChange<u64>,
    /// Labels to set, by key; one that is null is taken away, and null takes all away.
    #[serde(default, skip_serializing_if = "FieldChange::is_keep")]
    #[schema(schema_with = labels_schema)]
    pub labels: FieldChange<BTreeMap<String, Option<String>>>,
}

impl ChangeRequest {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        // Requests have no equality of their own; their JSON has.
        serde_json::to_string(self).is_ok_and(|text| text == "{}")
    }
}

fn engine_version_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    or_null(enginehouse_core::version::requirement_schema())
}

/// Labels, of which each may be null.
fn labels_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{AdditionalProperties, Schema};
    let mut labels = enginehouse_core::event::labels_schema();
    if let RefOr::T(Schema::Object(object)) = &mut labels
        && let Some(AdditionalProperties::RefOr(label)) = object.additional_properties.as_deref_mut()
    {
        *label = or_null(label.clone());
        // As many may be taken away as set.
        object.max_properties = Some(2 * MAX_LABELS);
    }
    or_null(labels)
}

fn or_null(
    schema: utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{Schema, SchemaType, Type};
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(kind) = object.schema_type {
                object.schema_type = SchemaType::from_iter([kind, Type::Null]);
            }
            Schema::Object(object).into()
        }
        other => other,
    }
}
