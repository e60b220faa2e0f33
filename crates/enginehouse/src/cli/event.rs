//! `enginehouse event`: enqueue, see and control events.

use std::cell::Cell;
use std::time::Duration;

use clap::{Args, Subcommand};
use enginehouse_api::event_types::PauseFields;
use enginehouse_api::events::{CancelRequest, Event, EventProgress, EventsQuery};
use enginehouse_api::filter::FilterQuery;
use enginehouse_api::page::PageQuery;
use enginehouse_core::error_group::last_line;
use enginehouse_core::event::{AttemptOutcome, EventStatus};
use enginehouse_core::ids::{EngineId, EventId, QueueName};
use enginehouse_core::report::AttemptUsage;

use super::change_flags::ChangeFlags;
use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::enqueue;
use super::event_bulk::{self, Bulk, WhichEvents};
use super::event_filter::EventFilterArgs;
use super::event_log::{self, EventLogArgs};
use super::event_wait::{self, wait_seconds};
use super::explain;
use super::filter_terms::event_terms;
use super::hints::Subject;
use super::output::{Listed, Part, one, or_dash};
use super::seen_names::note_unseen;
use super::server_and_output::{Common, event_id, for_each};
use super::times::{TimeArgs, Times};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct EventArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: EventSubcommand,
}

#[derive(Debug, Subcommand)]
enum EventSubcommand {
    /// Enqueue one event, or a file of them
    Enqueue(Box<enqueue::EnqueueArgs>),
    /// List events, newest first
    #[command(
        alias = "ls",
        after_help = "\
Example:
  enginehouse event list --status failed --event-type frame.render"
    )]
    List(Box<EventListArgs>),
    /// Show one event, and what it has been through
    Show {
        /// The event
        #[arg(value_parser = event_id)]
        event_id: EventId,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// Say why an event does not run, and what would let it
    #[command(after_help = "Example:\n  enginehouse event explain 0193f2a0-0000-7000-8000-000000000000 --engine s1")]
    Explain {
        /// The event
        #[arg(value_parser = event_id)]
        event_id: EventId,
        /// Say how far it gets with this engine, too
        #[arg(long, value_name = "ENGINE")]
        engine: Option<EngineId>,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// Show what the attempts of an event have logged, or follow the present one
    #[command(after_help = "Example:\n  enginehouse event log 0193f2a0-0000-7000-8000-000000000000 --follow")]
    Log(EventLogArgs),
    /// Cancel events, by id or all that match
    #[command(after_help = "Examples:\n  enginehouse event cancel 0193f2a0-0000-7000-8000-000000000000\n  \
                      enginehouse event cancel --queue render --label team=a --dry-run\n\n\
                      Of those that match, the newest come first: the queued ones, then those that are processing. To repeat it is safe.")]
    Cancel {
        #[command(flatten)]
        which: Box<WhichEvents>,
        /// Take the lock away from an engine that works on it, instead of asking it to stop
        #[arg(long)]
        force: bool,
    },
    /// Make waiting events available now, by id or all that match
    #[command(after_help = "Example:\n  enginehouse event retry --event-type frame.render --dry-run")]
    Retry {
        #[command(flatten)]
        which: Box<WhichEvents>,
    },
    /// Change events that wait, for a retry too
    #[command(after_help = "\
Examples:
  enginehouse event set 0193f2a0-0000-7000-8000-000000000000 \\
    --priority 0 --queue urgent
  enginehouse event set 0193f2a0-0000-7000-8000-000000000000 \\
    --capability gpu --unset memory-mb --remove-label team")]
    Set {
        /// The events
        #[arg(required = true, value_parser = event_id)]
        event_ids: Vec<EventId>,
        /// Put them in this queue
        #[arg(long)]
        queue: Option<QueueName>,
        #[command(flatten)]
        changes: Box<ChangeFlags>,
    },
    /// Put failed or cancelled events back in their queues, changed if wanted
    #[command(after_help = "\
Example:
  enginehouse event redrive 0193f2a0-0000-7000-8000-000000000000 \\
    --payload '{\"tile\":7}' --memory-mb 4096")]
    Redrive {
        /// The events
        #[arg(required = true, value_parser = event_id)]
        event_ids: Vec<EventId>,
        /// Put them in this queue instead of their own
        #[arg(long)]
        to_queue: Option<QueueName>,
        #[command(flatten)]
        changes: Box<ChangeFlags>,
    },
    /// Wait for the end of an event, and print its result
    #[command(after_help = "\
Example:
  enginehouse event wait 0193f2a0-0000-7000-8000-000000000000 \\
    --timeout-seconds 60

The exit status is 10 if the event has failed, 11 if it was cancelled, and 7 if it has not ended in time.")]
    Wait {
        /// The event
        #[arg(value_parser = event_id)]
        event_id: EventId,
        /// How long to wait; as long as it takes, if left out
        #[arg(long, value_name = "SECONDS", value_parser = wait_seconds)]
        timeout_seconds: Option<Duration>,
    },
    /// Take idempotency keys from their events: the next enqueue with one makes a new event
    ReleaseKey {
        /// The keys; their events stay as they are
        #[arg(required = true)]
        idempotency_keys: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct EventListArgs {
    #[command(flatten)]
    filter: EventFilterArgs,
    /// Only those of which these terms hold too, such as 'type:frame.* age:>5m -error:~timeout'
    #[arg(long = "filter", value_name = "TERMS", value_parser = event_terms)]
    terms: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl EventArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            EventSubcommand::List(_)
            | EventSubcommand::Show { .. }
            | EventSubcommand::Explain { .. }
            | EventSubcommand::Log(_)
            | EventSubcommand::Wait { .. } => Effect::Reads,
            EventSubcommand::Cancel { which, .. } | EventSubcommand::Retry { which } => Effect::unless(which.dry_run),
            EventSubcommand::Enqueue(_)
            | EventSubcommand::Set { .. }
            | EventSubcommand::Redrive { .. }
            | EventSubcommand::ReleaseKey { .. } => Effect::Changes,
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: EventArgs) -> Exit {
    let EventArgs { common, verb } = arguments;
    let result = match verb {
        EventSubcommand::Enqueue(arguments) => enqueue::run(&common, *arguments).await,
        EventSubcommand::List(arguments) => list(&common, *arguments).await,
        EventSubcommand::Show { event_id, time } => show(&common, event_id, time).await,
        EventSubcommand::Explain { event_id, engine, time } => explain::event(&common, event_id, engine, time).await,
        EventSubcommand::Log(arguments) => event_log::run(&common, arguments).await,
        EventSubcommand::Cancel { which, force } if which.event_ids.is_empty() => {
            event_bulk::run(&common, &which, Bulk::Cancel { force }).await
        }
        EventSubcommand::Cancel { which, force } => cancel(&common, &which.event_ids, force).await,
        EventSubcommand::Retry { which } if which.event_ids.is_empty() => {
            event_bulk::run(&common, &which, Bulk::Retry).await
        }
        EventSubcommand::Retry { which } => retry(&common, &which.event_ids).await,
        EventSubcommand::Set { event_ids, queue, changes } => set(&common, &event_ids, queue, *changes).await,
        EventSubcommand::Redrive { event_ids, to_queue, changes } => {
            redrive(&common, &event_ids, to_queue, *changes).await
        }
        EventSubcommand::Wait { event_id, timeout_seconds } => {
            event_wait::run(&common, event_id, timeout_seconds).await
        }
        EventSubcommand::ReleaseKey { idempotency_keys } => release_keys(&common, &idempotency_keys).await,
    };
    common.finish(result)
}

async fn list(common: &Common, arguments: EventListArgs) -> Result<(), CliError> {
    let EventListArgs { filter, terms, part } = arguments;
    let is_empty = Cell::new(true);
    let fetch = async |limit, cursor| {
        let page = PageQuery { limit: Some(limit), cursor };
        let terms = FilterQuery { terms: terms.clone() };
        let page = common.client.events(&EventsQuery { filter: (&filter).into(), terms, page }).await?;
        is_empty.set(is_empty.get() && page.items.is_empty());
        Ok(page)
    };
    part.show(common, "could not list events", fetch).await?;
    if is_empty.get() { note_unseen(common, filter.names()).await } else { Ok(()) }
}

async fn show(common: &Common, event_id: EventId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let failed = |error| CliError::call_about(Subject::Event, format!("could not show event {event_id}"), error);
    let event = common.client.event(event_id).await.map_err(failed)?;
    let mut fields = fields(&event, times);
    if common.format().is_table() {
        fields.extend(pauses(common, &event, times).await?.into_iter().map(|pause| ("paused", pause)));
        let history = common.client.history(event_id).await.map_err(failed)?;
        for attempt in &history.attempts {
            let error = attempt.error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message));
            let how = attempt.outcome.map_or("under way", AttemptOutcome::name);
            let at = times.show(attempt.ended_at.unwrap_or(attempt.claimed_at));
            let version = attempt.engine_software_version.as_ref().map(|version| format!(" {version}"));
            let engine = format!("{}{}", attempt.engine_id, version.unwrap_or_default());
            let waited = attempt.waited_seconds;
            let used = attempt.usage.as_ref().map_or_else(String::new, |usage| format!(", used {}", used(usage)));
            let line = format!("{at} {}, {how} on {engine}, waited {waited:.1} s{used}{error}", attempt.attempt);
            fields.push(("attempt", line));
        }
        for action in &history.actions {
            let detail = action.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
            fields.push(("action", format!("{} {} by {}{detail}", times.show(action.at), action.action, action.by)));
        }
    }
    one(common, &event, &event_id.to_string(), &fields)
}

/// What keeps a queued event from being claimed: its queue, its event type, or both.
async fn pauses(common: &Common, event: &Event, times: &Times) -> Result<Vec<String>, CliError> {
    let mut pauses = Vec::new();
    if event.status != EventStatus::Queued {
        return Ok(pauses);
    }
    let failed = |error| CliError::call("could not look whether the event is paused", error);
    let Event { queue, event_type, .. } = event;
    let since = |pause: &PauseFields| {
        let since = pause.paused_at.map(|at| format!(" since {}", times.show(at))).unwrap_or_default();
        let reason = pause.pause_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{since}{reason}")
    };
    // An event's queue and type are known as long as there is the event.
    let found = common.client.queue(queue).await.map_err(failed)?;
    if found.settings.paused {
        let since = since(&found.pause);
        pauses.push(format!("queue {queue}{since}, until somebody says `enginehouse queue resume {queue}`"));
    }
    let found = common.client.event_type(event_type).await.map_err(failed)?;
    if found.settings.paused {
        let since = since(&found.pause);
        let resume = format!("`enginehouse event-type resume {event_type}`");
        pauses.push(format!("event type {event_type}{since}, until somebody says {resume}"));
    }
    Ok(pauses)
}

async fn set(
    common: &Common,
    event_ids: &[EventId],
    queue: Option<QueueName>,
    changes: ChangeFlags,
) -> Result<(), CliError> {
    let request = changes.request(queue, event_ids.len(), "no event was changed")?;
    if request.is_empty() {
        return Err(CliError::new(
            Exit::Invalid,
            "no event was changed",
            "nothing is said to change",
            "give at least one of the flags that `enginehouse event set --help` lists",
        ));
    }
    let one = async |event_id: &EventId| {
        let event = common.client.change_event(*event_id, &request).await.map_err(|error| {
            CliError::call_about(Subject::Event, format!("could not change event {event_id}"), error)
        })?;
        let (queue, priority) = (&event.queue, event.priority);
        let state = format!("{} in {queue}, priority {priority}, available at {}", event.status, event.available_at);
        show_state(common, &event, state)
    };
    for_each(event_ids, one, common).await
}

async fn redrive(
    common: &Common,
    event_ids: &[EventId],
    to_queue: Option<QueueName>,
    changes: ChangeFlags,
) -> Result<(), CliError> {
    let request = changes.request(to_queue, event_ids.len(), "no event was redriven")?;
    let one = async |event_id: &EventId| {
        let event = common.client.redrive_event(*event_id, &request).await.map_err(|error| {
            CliError::call_about(Subject::Event, format!("could not redrive event {event_id}"), error)
        })?;
        let state = format!("{} again, in {}", event.status, event.queue);
        show_state(common, &event, state)
    };
    for_each(event_ids, one, common).await
}

async fn cancel(common: &Common, event_ids: &[EventId], force: bool) -> Result<(), CliError> {
    let one = async |event_id: &EventId| {
        let event = common.client.cancel(*event_id, CancelRequest { force }).await.map_err(|error| {
            CliError::call_about(Subject::Event, format!("could not cancel event {event_id}"), error)
        })?;
        let state = match event.status {
            EventStatus::Processing => "its engine learns it with its next heartbeat".to_owned(),
            status => status.to_string(),
        };
        show_state(common, &event, state)
    };
    for_each(event_ids, one, common).await
}

async fn retry(common: &Common, event_ids: &[EventId]) -> Result<(), CliError> {
    let one = async |event_id: &EventId| {
        let event = common.client.retry(*event_id).await.map_err(|error| {
            CliError::call_about(Subject::Event, format!("could not make event {event_id} available"), error)
        })?;
        let state = format!("{}, available since {}", event.status, event.available_at);
        show_state(common, &event, state)
    };
    for_each(event_ids, one, common).await
}

async fn release_keys(common: &Common, idempotency_keys: &[String]) -> Result<(), CliError> {
    let one_key = async |key: &String| {
        let released = common.client.release_key(key).await.map_err(|error| {
            CliError::call_about(
                Subject::IdempotencyKey,
                format!("could not release the idempotency key {key:?}"),
                error,
            )
        })?;
        let event_id = released.event_id.to_string();
        one(common, &released, &event_id, &[(event_id.as_str(), format!("has no longer the key {key:?}"))])
    };
    for_each(idempotency_keys, one_key, common).await
}

/// Shows an event by its id and one line.
pub(crate) fn show_state(common: &Common, event: &Event, state: String) -> Result<(), CliError> {
    let id = event.event_id.to_string();
    one(common, event, &id, &[(id.as_str(), state)])
}

fn fields(event: &Event, times: &Times) -> Vec<(&'static str, String)> {
    let capabilities: Vec<_> = event.required_capabilities.iter().map(ToString::to_string).collect();
    let labels: Vec<_> = event.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut fields = vec![
        ("event", event.event_id.to_string()),
        ("type", event.event_type.to_string()),
        ("queue", event.queue.to_string()),
        ("status", event.status.to_string()),
        ("priority", event.priority.to_string()),
        ("attempt", event.attempt.to_string()),
        (
            "so far",
            format!(
                "{} retries, {} failures, {} losses, {} redrives",
                event.retries, event.failures, event.losses, event.redrives
            ),
        ),
        ("enqueued", times.show(event.enqueued_at)),
        ("available", times.show(event.available_at)),
        ("finished", times.or_dash(event.finished_at)),
        ("idempotency key", idempotency_key(event, times)),
        ("engine", or_dash(event.engine_id.as_ref())),
        ("scenario run", or_dash(event.scenario_run_id.as_ref())),
        ("capabilities", capabilities.join(", ")),
        ("memory", event.required_memory_mb.map_or_else(|| "-".to_owned(), |memory| format!("{memory} MiB"))),
        ("engine version", or_dash(event.engine_version.as_ref())),
        ("labels", labels.join(", ")),
        ("payload", event.payload.as_str().to_owned()),
    ];
    if let Some(expires_at) = event.expires_at {
        fields.push(("expires", times.show(expires_at)));
    }
    if let Some(traceparent) = &event.traceparent {
        fields.push(("traceparent", traceparent.to_string()));
    }
    if let Some(lock) = &event.lock {
        fields.push(("lock", format!("{} until {}", lock.holder, times.show(lock.expires_at))));
    }
    if let Some(progress) = &event.progress {
        fields
            .push(("progress", format!("{}, reported {}", shown_progress(progress), times.show(progress.reported_at))));
    }
    if let Some(usage) = &event.usage {
        fields.push(("used", used(usage)));
    }
    if event.cancel_requested {
        fields.push(("cancelled", "as soon as its lock ends".to_owned()));
    }
    if let Some(result) = &event.result {
        fields.push(("result", result.as_str().to_owned()));
    }
    if let Some(error) = &event.last_error {
        fields.push(("last error", format!("{}: {}", or_dash(error.code.as_ref()), error.message)));
    }
    if let Some(reason) = event.dead_letter {
        fields.push(("dead letter", reason.to_string()));
    }
    fields
}

/// How far an attempt is, on one line.
fn shown_progress(progress: &EventProgress) -> String {
    let percent = progress.percent.map(|percent| format!("{percent} %"));
    let parts: Vec<_> = percent.into_iter().chain(progress.message.clone()).collect();
    parts.join(", ")
}

/// What was used, on one line.
fn used(usage: &AttemptUsage) -> String {
    let parts = [
        usage.cpu_seconds.map(|seconds| format!("{seconds} s of processors")),
        usage.gpu_seconds.map(|seconds| format!("{seconds} s of graphics processors")),
        usage.max_memory_mb.map(|memory| format!("{memory:.1} MiB of memory")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The key, and until when the event has it.
fn idempotency_key(event: &Event, times: &Times) -> String {
    match (&event.idempotency_key, event.idempotency_key_expires_at) {
        (Some(key), Some(expires_at)) => format!("{key} until {}", times.show(expires_at)),
        (key, _) => or_dash(key.as_ref()),
    }
}

impl Listed for Event {
    const HEADER: &'static [&'static str] = &[
        "EVENT",
        "TYPE",
        "QUEUE",
        "STATUS",
        "PROGRESS",
        "PRIORITY",
        "ATTEMPT",
        "ENQUEUED",
        "AVAILABLE",
        "ENGINE",
        "ERROR",
    ];
    const WIDE: &'static [&'static str] = &["QUEUE", "PRIORITY", "ATTEMPT", "AVAILABLE"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.event_id.to_string(),
            self.event_type.to_string(),
            self.queue.to_string(),
            self.status.to_string(),
            self.progress.as_ref().map_or_else(String::new, shown_progress),
            self.priority.to_string(),
            self.attempt.to_string(),
            times.show(self.enqueued_at),
            times.show(self.available_at),
            or_dash(self.engine_id.as_ref()),
            self.last_error.as_ref().map_or_else(String::new, |error| last_line(&error.message).to_owned()),
        ]
    }

    fn id(&self) -> String {
        self.event_id.to_string()
    }
}
