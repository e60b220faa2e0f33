//! `enginehouse event enqueue`: one event, or a file of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::event_types::Settings;
use enginehouse_core::ids::{Capability, EventType, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;

use self::lines::Reading;
use super::cli_error::CliError;
use super::output::{note, one};
use super::server_and_output::Common;
use super::settings::Changes;
use crate::exit_codes::Exit;

mod lines;
mod load;

/// Enqueue one event, or a file of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enginehouse event enqueue frame.render '{\"frame\": 7}' --priority 2
  enginehouse event enqueue --file events.ndjson
  find /usr/share/doc -type f | jq -cR '{path: .}' |
    enginehouse event enqueue --file - --event-type file.hash --idempotency-key-field path

A file has one JSON value a line: an event as the API takes it or, with --event-type, a payload. It is sent in
chunks of at most 1,000 lines. At a bad line nothing of its chunk is stored, and the load stops; with --keep-going,
all good lines are stored and the bad ones named. With --idempotency-key-field, a load may be repeated as often as
one likes.")]
pub(crate) struct EnqueueArgs {
    /// What kind of work it is
    #[arg(value_name = "TYPE", required_unless_present = "file", conflicts_with = "file")]
    kind: Option<EventType>,
    /// Any JSON, or - to read it from stdin; {} if left out
    #[arg(value_name = "PAYLOAD", value_parser = payload, conflicts_with = "file")]
    payload: Option<RawJson>,
    /// Makes a repeat of this command safe
    #[arg(long, value_name = "KEY", conflicts_with = "file")]
    idempotency_key: Option<String>,
    /// Enqueue one event per line of this file, or of stdin if it is -
    #[arg(short, long, value_name = "FILE", help_heading = "Many events")]
    file: Option<PathBuf>,
    /// What kind of work each line is the payload of
    #[arg(long = "event-type", value_name = "TYPE", requires = "file", help_heading = "Many events")]
    each: Option<EventType>,
    /// Take each event's idempotency key from this field of its payload; /a/b names a field within a field
    #[arg(long, value_name = "FIELD", requires = "file", help_heading = "Many events")]
    idempotency_key_field: Option<String>,
    /// Enqueue the good lines although there are bad ones
    #[arg(long, requires = "file", help_heading = "Many events")]
    keep_going: bool,
    #[command(flatten)]
    template: Template,
}

/// What an event may say about itself. Of a file, each payload gets the same.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "About the event")]
pub(crate) struct Template {
    /// The queue it waits in
    #[arg(long)]
    queue: Option<QueueName>,
    /// 0 (first) to 9 (last)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=9))]
    priority: Option<i64>,
    /// Not to be claimed before this moment, such as 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "delay_seconds")]
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
    /// A word of your own to find it by; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    policy: Changes,
}

impl Template {
    /// An event that says this about itself.
    fn event(&self, event_type: &EventType, payload: Option<RawJson>) -> EnqueueRequest {
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
            retry_policy: policy.retry_policy,
            visibility_timeout_seconds: policy.visibility_timeout_seconds,
            max_processing_seconds: policy.max_processing_seconds,
            labels: self.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
        }
    }

    /// Whether it says nothing.
    fn is_empty(&self) -> bool {
        let nothing = EnqueueRequest { event_type: "x".to_owned(), ..EnqueueRequest::default() };
        let Ok(event_type) = "x".parse() else { return false };
        // Requests have no equality of their own; their JSON has.
        serde_json::to_string(&self.event(&event_type, None)).ok() == serde_json::to_string(&nothing).ok()
    }
}

/// Parses a payload on the command line; reads it from stdin if it is `-`.
pub(crate) fn payload(text: &str) -> Result<RawJson, String> {
    let mut piped = String::new();
    let text = if text == "-" {
        std::io::stdin().lock().read_to_string(&mut piped).map_err(|error| error.to_string())?;
        &piped
    } else {
        text
    };
    serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(crate) async fn run(common: &Common, arguments: EnqueueArgs) -> Result<(), CliError> {
    let EnqueueArgs { kind, payload, idempotency_key, file, each, idempotency_key_field, keep_going, template } =
        arguments;
    match (file, kind) {
        (Some(_), _) if each.is_none() && !template.is_empty() => Err(CliError::new(
            Exit::Invalid,
            "nothing was enqueued",
            "each line of the file says all about its event, and flags say something else",
            "leave the flags out, or give --event-type if the lines are payloads",
        )),
        (Some(file), _) => {
            let reading =
                Reading { each: each.map(|event_type| (event_type, template)), key_field: idempotency_key_field };
            load::run(common, &file, reading, keep_going).await
        }
        (None, Some(event_type)) => {
            enqueue(common, EnqueueRequest { idempotency_key, ..template.event(&event_type, payload) }).await
        }
        (None, None) => unreachable!("clap asks for a type where there is no file"),
    }
}

async fn enqueue(common: &Common, request: EnqueueRequest) -> Result<(), CliError> {
    let answer =
        common.client.enqueue(&request).await.map_err(|error| CliError::call("could not enqueue the event", error))?;
    for warning in &answer.warnings {
        note(&format!("warning: {}", warning.detail));
    }
    let id = answer.event_id.to_string();
    let known = if answer.duplicate { ", there before" } else { "" };
    let state = format!("{} in {}, available at {}{known}", answer.status, answer.queue, answer.available_at);
    one(common, &answer, &id, &[(id.as_str(), state)])
}
