//! What the flags say about an event.

use std::collections::BTreeMap;

use clap::Args;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::event_types::Settings;
use enginehouse_core::ids::{EventType, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;

use super::super::event_flags::EventFlags;

/// What an event may say about itself. Of a file, each payload gets the same.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "About the event")]
pub(super) struct Template {
    /// The queue it waits in
    #[arg(long)]
    queue: Option<QueueName>,
    /// The scenario run it belongs to
    #[arg(long, value_name = "RUN")]
    scenario_run_id: Option<ScenarioRunId>,
    /// For how many seconds the event has its idempotency key; as long as it is kept, if left out
    #[arg(long, value_name = "SECONDS")]
    idempotency_window_seconds: Option<u64>,
    /// The span that enqueues it, as W3C Trace Context writes it: engines link theirs to it
    #[arg(long)]
    traceparent: Option<String>,
    #[command(flatten)]
    event: EventFlags,
}

impl Template {
    /// An event that says this about itself.
    pub(super) fn event(&self, event_type: &EventType, payload: Option<RawJson>) -> EnqueueRequest {
        let EventFlags { capabilities, labels, policy, .. } = &self.event;
        let policy = policy.apply(Settings::default());
        EnqueueRequest {
            event_type: event_type.to_string(),
            payload,
            queue: self.queue.as_ref().map(ToString::to_string),
            priority: self.event.priority.map(i64::from),
            run_at: self.event.run_at.map(|moment| moment.to_string()),
            delay_seconds: self.event.delay_seconds,
            required_capabilities: capabilities.iter().map(ToString::to_string).collect(),
            required_memory_mb: self.event.memory_mb,
            engine_version: self.event.engine_version.clone(),
            scenario_run_id: self.scenario_run_id.as_ref().map(ToString::to_string),
            idempotency_key: None,
            idempotency_window_seconds: self.idempotency_window_seconds,
            retry_policy: policy.retry_policy,
            visibility_timeout_seconds: policy.visibility_timeout_seconds,
            max_processing_seconds: policy.max_processing_seconds,
            expires_after_seconds: self.event.expires_after_seconds,
            progress_timeout_seconds: policy.progress_timeout_seconds,
            labels: labels.iter().cloned().collect::<BTreeMap<_, _>>(),
            traceparent: self.traceparent.clone(),
        }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        let nothing = EnqueueRequest { event_type: "x".to_owned(), ..EnqueueRequest::default() };
        let Ok(event_type) = "x".parse() else { return false };
        // Requests have no equality of their own; their JSON has.
        serde_json::to_string(&self.event(&event_type, None)).ok() == serde_json::to_string(&nothing).ok()
    }
}
