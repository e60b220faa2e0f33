//! Idempotency keys, by themselves.

use enginehouse_core::ids::EventId;
use enginehouse_core::input::Value;
use enginehouse_core::limits::MAX_LABEL_LENGTH;
use enginehouse_core::read_fields;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which key to release. It stands in the query, for a path has no place for every key: `..` would lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReleaseKeyQuery {
    /// The key, as it was enqueued.
    #[param(min_length = 1, max_length = 256, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub idempotency_key: String,
}

impl ReleaseKeyQuery {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value; idempotency_key: required(|value| value.line(1..=MAX_LABEL_LENGTH)));
        Some(Self { idempotency_key: idempotency_key? })
    }
}

/// A key that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedKey {
    /// The key: the next enqueue with it makes a new event.
    pub idempotency_key: String,
    /// The event that had it. It stays as it is.
    pub event_id: EventId,
}
