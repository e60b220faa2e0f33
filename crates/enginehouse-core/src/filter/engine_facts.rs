//! What an engine is to a filter.

use std::borrow::Cow;

use super::field::FilterField;
use super::terms::{FilterFact, FilterFacts};
use crate::engine::{EngineStatus, RegisteredEngine};

/// Under which keys engines say on which machine they run. They are the engine teams' own.
const HOST_KEYS: [&str; 2] = ["host", "hostname"];

impl FilterFacts for RegisteredEngine {
    fn fact(&self, field: &FilterField) -> FilterFact<'_> {
        let (config, state) = (&self.metadata.static_config, &self.metadata.dynamic_state);
        match field {
            FilterField::Id => FilterFact::from(Some(self.engine_id.as_str())),
            FilterField::Status => FilterFact::from(Some(self.status.name())),
            FilterField::EngineType => FilterFact::from(Some(self.engine_type.as_str())),
            FilterField::ScenarioRun => FilterFact::from(state.current_scenario_run_id.as_deref()),
            FilterField::Version => FilterFact::from(config.engine_software_version.as_deref()),
            FilterField::Capability => {
                FilterFact::Texts(config.capabilities.iter().map(|name| Cow::Borrowed(name.as_str())).collect())
            }
            FilterField::Host => {
                let own_keys = [&config.other, &self.metadata.other, &state.other];
                let hosts = own_keys.into_iter().flat_map(|keys| HOST_KEYS.iter().filter_map(|key| keys.get(*key)));
                FilterFact::from(hosts.filter_map(serde_json::Value::as_str).next())
            }
            FilterField::Stopped => {
                FilterFact::from(Some(if self.status == EngineStatus::Stopped { "true" } else { "false" }))
            }
            FilterField::Age => FilterFact::Moment(self.registered_at),
            FilterField::Silent => FilterFact::Moment(self.last_heartbeat_at),
            FilterField::Queue
            | FilterField::EventType
            | FilterField::Engine
            | FilterField::Priority
            | FilterField::Key
            | FilterField::Attempts
            | FilterField::Error
            | FilterField::ErrorCode
            | FilterField::Group
            | FilterField::Reason
            | FilterField::Enqueued
            | FilterField::Available
            | FilterField::Finished
            | FilterField::DeadLettered
            | FilterField::Label(_)
            | FilterField::Payload(_) => FilterFact::Nothing,
        }
    }
}
