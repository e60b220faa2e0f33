//! Lanes: what their events have in common. The number comes before these columns, in a column of its own.

use std::borrow::Cow;

use enginehouse_core::ids::{EventType, QueueName, ScenarioRunId};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::limits::MAX_PRIORITY;
use enginehouse_core::version::VersionRequirement;

use super::column::{Unexpected, columns, from_json, json_text};

columns! {
    pub(crate) struct LaneColumns<'a> {
        queue: Cow<'a, QueueName> as Text,
        event_type: Cow<'a, EventType> as Text,
        priority: u8 as Integer,
        /// JSON, but compared as a text: two lanes with the same capabilities are the same.
        required_capabilities: Cow<'a, str> as Text,
        required_memory_mb: Option<u64> as Long,
        engine_version: Option<Cow<'a, VersionRequirement>> as Text,
        suspended_run: Option<Cow<'a, ScenarioRunId>> as Text,
    }
}

impl<'a> LaneColumns<'a> {
    pub(crate) fn of(key: &'a LaneKey) -> Self {
        let LaneKey {
            queue,
            event_type,
            priority,
            required_capabilities,
            required_memory_mb,
            engine_version,
            suspended_run,
        } = key;
        Self {
            queue: Cow::Borrowed(queue),
            event_type: Cow::Borrowed(event_type),
            priority: *priority,
            required_capabilities: json_text(required_capabilities),
            required_memory_mb: *required_memory_mb,
            engine_version: engine_version.as_ref().map(Cow::Borrowed),
            suspended_run: suspended_run.as_ref().map(Cow::Borrowed),
        }
    }

    pub(crate) fn into_key(self) -> Result<LaneKey, Unexpected> {
        if self.priority > MAX_PRIORITY {
            return Err(Unexpected::new("priority", "outside of its range"));
        }
        Ok(LaneKey {
            queue: self.queue.into_owned(),
            event_type: self.event_type.into_owned(),
            priority: self.priority,
            required_capabilities: from_json("required_capabilities", &self.required_capabilities)?,
            required_memory_mb: self.required_memory_mb,
            engine_version: self.engine_version.map(Cow::into_owned),
            suspended_run: self.suspended_run.map(Cow::into_owned),
        })
    }
}
