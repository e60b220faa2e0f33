//! What the flags say about an event.

use std::collections::BTreeMap;

use clap::Args;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::event_types::Settings;
use enginehouse_core::ids::{Capability, EventType, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;

use super::super::settings::Changes;
use super::super::times::future;

/// What an event may say about itself. Of a file, each payload gets the same.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "About the event")]
pub(super) struct Template {
    /// The queue it waits in
    #[arg(long)]
    queue: Option<QueueName>,
    /// 0 (first) to 9 (last)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=9))]
    priority: Option<i64>,
    /// Not to be claimed before this moment, such as 1h (from now), 2026-11-01 or 2026-11-01T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = future, conflicts_with = "delay_seconds")]
    run_at: Option<Timestamp>,
    /// Not to be claimed before so many seconds from now
    #[arg(long, value_name = "SECONDS")]
    delay_seconds: Option<f64>,
    /// Something that the engine must be capable of; may be given several times
    #[arg(long = "capability", value_name = "CAPABILITY")]
    capabilities: Vec<Capability>,
    /// Memory that the engine must have free, in MiB
    #[arg(long, value_name = "N")]
    memory_mb: Option<u64>,
    /// The range that the engine's version must lie in, such as '>=1.4, <2'
    #[arg(long, value_name = "RANGE")]
    engine_version: Option<String>,
    /// The scenario run it belongs to
    #[arg(long, value_name = "RUN")]
    scenario_run_id: Option<ScenarioRunId>,
    /// For how many seconds the event has its idempotency key; as long as it is kept, if left out
    #[arg(long, value_name = "SECONDS")]
    idempotency_window_seconds: Option<u64>,
    /// How many seconds after it comes due it is cancelled if nobody has claimed it; never, if left out
    #[arg(long, value_name = "SECONDS")]
    expires_after_seconds: Option<u64>,
    /// A word of your own to find it by; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    policy: Changes,
}

impl Template {
    /// An event that says this about itself.
    pub(super) fn event(&self, event_type: &EventType, payload: Option<RawJson>) -> EnqueueRequest {
        let policy = self.policy.apply(Settings::default());
        EnqueueRequest {
            event_type: event_type.to_string(),
            payload,
            queue: self.queue.as_ref().map(ToString::to_string),
            priority: self.priority,
            run_at: self.run_at.map(|moment| moment.to_string()),
            delay_seconds: self.delay_seconds,
            required_capabilities: self.capabilities.iter().map(ToString::to_string).collect(),
            required_memory_mb: self.memory_mb,
            engine_version: self.engine_version.clone(),
            scenario_run_id: self.scenario_run_id.as_ref().map(ToString::to_string),
            idempotency_key: None,
            idempotency_window_seconds: self.idempotency_window_seconds,
            retry_policy: policy.retry_policy,
            visibility_timeout_seconds: policy.visibility_timeout_seconds,
            max_processing_seconds: policy.max_processing_seconds,
            expires_after_seconds: self.expires_after_seconds,
            progress_timeout_seconds: policy.progress_timeout_seconds,
            labels: self.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
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

/// Parses a label on the command line.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
