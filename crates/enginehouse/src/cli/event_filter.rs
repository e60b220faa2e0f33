//! Which events a command is about, by what they have in common.

use clap::Args;
use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::{EngineId, EventType, QueueName, ScenarioRunId};
use enginehouse_core::label::Label;
use enginehouse_core::time::Timestamp;

use super::server_and_output::words;
use super::times::{future, past};

/// The flags of a filter. All of them together name the events.
#[derive(Clone, Debug, Args)]
#[group(id = "event_filter", multiple = true)]
pub(crate) struct EventFilterArgs {
    /// Only those with this status
    #[arg(long, value_parser = words::<EventStatus>())]
    status: Option<EventStatus>,
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<EventType>,
    /// Only those of this queue
    #[arg(long)]
    queue: Option<QueueName>,
    /// Only those of this priority, 0 to 9
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    priority: Option<u8>,
    /// Only those with this label and value
    #[arg(long, value_name = "KEY=VALUE")]
    label: Option<Label>,
    /// Only the one that has this idempotency key
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Only those of this scenario run
    #[arg(long, value_name = "RUN")]
    scenario_run_id: Option<ScenarioRunId>,
    /// Only those that this engine claimed last
    #[arg(long, value_name = "ENGINE")]
    engine_id: Option<EngineId>,
    /// Only those that may be claimed from this moment on or later, such as 1h (from now) or 2026-11-01
    #[arg(long, value_name = "TIME", value_parser = future)]
    available_after: Option<Timestamp>,
    /// Only those enqueued at this moment or later, such as 1h (ago), 2026-11-01 or 2026-11-01T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = past)]
    enqueued_after: Option<Timestamp>,
    /// Only those enqueued before this moment
    #[arg(long, value_name = "TIME", value_parser = past)]
    enqueued_before: Option<Timestamp>,
}

impl EventFilterArgs {
    /// The queue and the event type that are named, each of which may be misspelt.
    pub(crate) fn names(&self) -> (Option<&QueueName>, Option<&EventType>) {
        (self.queue.as_ref(), self.event_type.as_ref())
    }
}

impl From<&EventFilterArgs> for EventFilter {
    fn from(args: &EventFilterArgs) -> Self {
        let EventFilterArgs {
            status,
            event_type,
            queue,
            priority,
            label,
            idempotency_key,
            scenario_run_id,
            engine_id,
            available_after,
            enqueued_after,
            enqueued_before,
        } = args.clone();
        Self {
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
            ..Self::default()
        }
    }
}
