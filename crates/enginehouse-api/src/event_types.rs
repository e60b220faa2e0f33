//! Event types and queues: what they set for their events.

use enginehouse_core::ids::{EventType, QueueName};
pub use enginehouse_core::policy::Settings;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::composed::{described, object, with_field};
use crate::page::Page;

/// What an event type sets for its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventTypeSettings {
    /// The event type.
    pub event_type: EventType,
    /// What it sets; what is absent comes from the queue, or from the defaults.
    #[serde(flatten)]
    pub settings: Settings,
}

/// What a queue sets for its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// The queue.
    pub queue: QueueName,
    /// What it sets; what is absent comes from the defaults.
    #[serde(flatten)]
    pub settings: Settings,
}

/// One page of a list of event types.
pub type EventTypeSettingsPage = Page<EventTypeSettings>;
/// One page of a list of queues.
pub type QueueSettingsPage = Page<QueueSettings>;

/// Settings and whose they are, in one object: its fields are those of [`Settings`] and one more.
fn settings_of<T: ToSchema>(owner: &str, owner_is: &str, description: &str) -> RefOr<Schema> {
    let mut settings = object::<Settings>();
    settings.description = Some(description.to_owned());
    // A later release may answer more than it reads.
    settings.additional_properties = None;
    settings.required.push("paused".to_owned());
    with_field::<T>(&mut settings, owner, owner_is);
    Schema::Object(settings).into()
}

impl PartialSchema for EventTypeSettings {
    fn schema() -> RefOr<Schema> {
        let description =
            "What an event type sets for its events; what is absent comes from the queue, or from the defaults.";
        settings_of::<EventType>("event_type", "The event type.", description)
    }
}

impl ToSchema for EventTypeSettings {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<EventType>(schemas);
        Settings::schemas(schemas);
    }
}

impl PartialSchema for QueueSettings {
    fn schema() -> RefOr<Schema> {
        let description = "What a queue sets for its events; what is absent comes from the defaults.";
        settings_of::<QueueName>("queue", "The queue.", description)
    }
}

impl ToSchema for QueueSettings {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<QueueName>(schemas);
        Settings::schemas(schemas);
    }
}
