//! Event types and queues: what they set for their events.

use enginehouse_core::ids::{EventType, QueueName};
pub use enginehouse_core::policy::Settings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an event type sets for its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventTypeSettings {
    /// The event type.
    pub event_type: EventType,
    /// What it sets; what is absent comes from the queue, or from the defaults.
    #[serde(flatten)]
    pub settings: Settings,
}

/// What a queue sets for its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueSettings {
    /// The queue.
    pub queue: QueueName,
    /// What it sets; what is absent comes from the defaults.
    #[serde(flatten)]
    pub settings: Settings,
}
