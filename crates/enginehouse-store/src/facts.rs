//! What events and dead letters are to a filter.

use enginehouse_core::error_group::{ErrorGroupId, error_pattern};
use enginehouse_core::filter::{FilterFact, FilterFacts, FilterField};

use crate::rows::{DeadLetterRow, EventRecord};

impl FilterFacts for EventRecord {
    fn fact(&self, field: &FilterField) -> FilterFact<'_> {
        let Self { event, lane, payload, .. } = self;
        let state = &event.state;
        let error = state.last_error.as_ref();
        match field {
            FilterField::Id => FilterFact::from(Some(event.event_id.to_string())),
            FilterField::Status => FilterFact::from(Some(state.status.name())),
            FilterField::Queue => FilterFact::from(Some(lane.queue.as_str())),
            FilterField::EventType => FilterFact::from(Some(lane.event_type.as_str())),
            FilterField::Priority => FilterFact::Number(lane.priority.into()),
            FilterField::Engine => FilterFact::from(state.engine_id.as_ref().map(|id| id.as_str())),
            FilterField::ScenarioRun => FilterFact::from(event.scenario_run_id.as_ref().map(|id| id.as_str())),
            FilterField::Key => FilterFact::from(event.idempotency_key.as_deref()),
            FilterField::Attempts => FilterFact::Number(state.attempt.into()),
            FilterField::Error => FilterFact::from(error.map(|error| error.message.as_str())),
            FilterField::ErrorCode => FilterFact::from(error.and_then(|error| error.code.as_deref())),
            FilterField::Group => FilterFact::from(error.map(|error| {
                let pattern = error_pattern(&error.message);
                ErrorGroupId::of(&lane.event_type, error.code.as_deref(), &pattern).to_string()
            })),
            FilterField::Reason => FilterFact::from(state.dead_letter.map(|reason| reason.name())),
            FilterField::Age | FilterField::Enqueued => FilterFact::Moment(event.enqueued_at),
            FilterField::Available => FilterFact::Moment(state.available_at),
            FilterField::Finished => FilterFact::from(state.finished_at),
            FilterField::Version => FilterFact::from(state.engine_software_version.as_deref()),
            FilterField::Label(name) => FilterFact::from(event.labels.get(name).map(String::as_str)),
            FilterField::Payload(path) => path.find(payload.as_str()).map_or(FilterFact::Nothing, FilterFact::Json),
            FilterField::DeadLettered
            | FilterField::EngineType
            | FilterField::Capability
            | FilterField::Host
            | FilterField::Stopped
            | FilterField::Silent => FilterFact::Nothing,
        }
    }
}

impl FilterFacts for DeadLetterRow {
    /// Its age is since when it has been one.
    fn fact(&self, field: &FilterField) -> FilterFact<'_> {
        match field {
            FilterField::Age | FilterField::DeadLettered => FilterFact::Moment(self.dead_lettered_at),
            FilterField::Reason => FilterFact::from(Some(self.reason.name())),
            field => self.record.fact(field),
        }
    }
}
