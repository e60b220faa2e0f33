//! `enginehouse event-type`: what event types set for their events.

use clap::{Args, Subcommand};
use enginehouse_api::event_types::{DurationFigures, EventTypeDurations, EventTypeSettings, PauseRequest};
use enginehouse_api::page::PageQuery;
use enginehouse_api::problem::Code;
use enginehouse_core::ids::EventType;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::hints::Subject;
use super::output::{Listed, Part, note, one, or_dash};
use super::seen_names::{event_type_is_seen, unseen_event_type};
use super::server_and_output::{Common, confirm, for_each};
use super::settings::{SettingsChanges, fields, forgotten_fields, in_one_line};
use super::times::Times;
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct EventTypeArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: EventTypeCommand,
}

#[derive(Debug, Subcommand)]
enum EventTypeCommand {
    /// List event types and what they set
    #[command(alias = "ls")]
    List(Part),
    /// Show what one event type sets, and how long its events waited and took
    Show {
        /// The event type
        event_type: EventType,
    },
    /// Change what an event type sets
    #[command(after_help = "\
Example:
  enginehouse event-type set frame.render --max-retries 5 \\
    --retry-delay-initial 10")]
    Set {
        /// The event type
        event_type: EventType,
        #[command(flatten)]
        changes: SettingsChanges,
        /// Begin from the defaults instead of what is set
        #[arg(long)]
        reset: bool,
    },
    /// Forget what event types set: the defaults hold again; their events stay
    Delete {
        /// The event types
        #[arg(required = true)]
        event_types: Vec<EventType>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Keep events of these types from being claimed
    Pause {
        /// The event types
        #[arg(required = true)]
        event_types: Vec<EventType>,
        /// Why, for whoever asks why their event waits
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let events of these types be claimed again
    Resume {
        /// The event types
        #[arg(required = true)]
        event_types: Vec<EventType>,
    },
}

impl EventTypeArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            EventTypeCommand::List(_) | EventTypeCommand::Show { .. } => Effect::Reads,
            EventTypeCommand::Set { .. }
            | EventTypeCommand::Delete { .. }
            | EventTypeCommand::Pause { .. }
            | EventTypeCommand::Resume { .. } => Effect::Changes,
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: EventTypeArgs) -> Exit {
    let EventTypeArgs { common, verb } = arguments;
    let result = match verb {
        EventTypeCommand::List(part) => {
            let fetch =
                async |limit, cursor| common.client.event_types(&PageQuery { limit: Some(limit), cursor }).await;
            part.show(&common, "could not list event types", fetch).await
        }
        EventTypeCommand::Show { event_type } => show(&common, &event_type).await,
        EventTypeCommand::Set { event_type, changes, reset } => set(&common, &event_type, &changes, reset).await,
        EventTypeCommand::Delete { event_types, yes } => delete(&common, &event_types, yes).await,
        EventTypeCommand::Pause { event_types, reason } => pause(&common, &event_types, PauseRequest { reason }).await,
        EventTypeCommand::Resume { event_types } => resume(&common, &event_types).await,
    };
    common.finish(result)
}

async fn show(common: &Common, event_type: &EventType) -> Result<(), CliError> {
    let found = common.client.event_type(event_type).await.map_err(|error| {
        CliError::call_about(Subject::EventType, format!("could not show event type {event_type}"), error)
    })?;
    show_one(common, &found)
}

async fn set(common: &Common, event_type: &EventType, changes: &SettingsChanges, reset: bool) -> Result<(), CliError> {
    let failed =
        |error| CliError::call_about(Subject::EventType, format!("could not set event type {event_type}"), error);
    let before = match common.client.event_type(event_type).await {
        Ok(found) => Some(found.settings),
        Err(error) if error.code() == Some(Code::NotFound) => None,
        Err(error) => return Err(failed(error)),
    };
    let is_seen = before.is_some();
    let after = changes.apply_to(before.unwrap_or_default(), reset);
    let after = common.client.set_event_type(event_type, &after).await.map_err(failed)?;
    show_changed(common, &after, is_seen).await
}

async fn delete(common: &Common, event_types: &[EventType], yes: bool) -> Result<(), CliError> {
    let delete_one = async |event_type: &EventType| {
        let failed = |error| {
            CliError::call_about(
                Subject::EventType,
                format!("could not delete what event type {event_type} sets"),
                error,
            )
        };
        let before = common.client.event_type(event_type).await.map_err(failed)?.settings;
        if before.paused {
            confirm(&format!("Event type {event_type} is paused. Forget that, and have its events claimed?"), yes)?;
        }
        common.client.delete_event_type(event_type).await.map_err(failed)?;
        let forgotten = serde_json::json!({ "event_type": event_type, "forgotten": before });
        let fields = forgotten_fields("event type", event_type.as_str(), &before);
        one(common, &forgotten, event_type.as_str(), &fields)
    };
    for_each(event_types, delete_one, common).await
}

async fn pause(common: &Common, event_types: &[EventType], request: PauseRequest) -> Result<(), CliError> {
    let pause_one = async |event_type: &EventType| {
        let is_seen = event_type_is_seen(common, event_type).await?;
        let failed =
            |error| CliError::call_about(Subject::EventType, format!("could not pause event type {event_type}"), error);
        let paused = common.client.pause_event_type(event_type, &request).await.map_err(failed)?;
        show_changed(common, &paused, is_seen).await
    };
    for_each(event_types, pause_one, common).await
}

async fn resume(common: &Common, event_types: &[EventType]) -> Result<(), CliError> {
    let resume_one = async |event_type: &EventType| {
        let is_seen = event_type_is_seen(common, event_type).await?;
        let failed = |error| {
            CliError::call_about(Subject::EventType, format!("could not resume event type {event_type}"), error)
        };
        let resumed = common.client.resume_event_type(event_type).await.map_err(failed)?;
        show_changed(common, &resumed, is_seen).await
    };
    for_each(event_types, resume_one, common).await
}

async fn show_changed(common: &Common, now: &EventTypeSettings, is_seen: bool) -> Result<(), CliError> {
    show_one(common, now)?;
    if !is_seen {
        note_set_unseen(common, &now.event_type).await;
    }
    Ok(())
}

/// What was said of an event type holds, but may be meant for another one.
async fn note_set_unseen(common: &Common, event_type: &EventType) {
    note(&unseen_event_type(common, event_type).await);
    let take_back = format!("`enginehouse event-type delete {event_type}` takes them back");
    note(&format!("it has settings now, for when an event comes; {take_back}"));
}

fn show_one(common: &Common, found: &EventTypeSettings) -> Result<(), CliError> {
    let name = found.event_type.to_string();
    let mut shown = vec![("event type", name.clone())];
    shown.extend(fields(&found.settings, &found.pause));
    shown.extend(found.durations.iter().flat_map(duration_fields));
    one(common, found, &name, &shown)
}

/// How long events of a type waited and took, for people: of all engines, then of each version, if there are several.
fn duration_fields(durations: &EventTypeDurations) -> Vec<(&'static str, String)> {
    let EventTypeDurations { waiting, processing, by_version } = durations;
    let mut shown = Vec::new();
    shown.extend(waiting.as_ref().map(|figures| ("waiting", in_words(figures))));
    shown.extend(processing.as_ref().map(|figures| ("processing", in_words(figures))));
    for version in by_version.iter().filter(|_| by_version.len() > 1) {
        let name = match version.engine_version.as_deref() {
            None => "no version",
            Some("*") => "other versions",
            Some(name) => name,
        };
        shown.extend(
            version.processing.as_ref().map(|figures| ("processing by", format!("{name}: {}", in_words(figures)))),
        );
    }
    shown
}

fn in_words(figures: &DurationFigures) -> String {
    let DurationFigures { count, mean_seconds, p50_seconds, p95_seconds, p99_seconds } = figures;
    let seconds = |seconds: &f64| match seconds {
        seconds if *seconds < 10.0 => format!("{seconds:.3} s"),
        seconds if *seconds < 600.0 => format!("{seconds:.1} s"),
        seconds => format!("{:.0} min", seconds / 60.0),
    };
    let (mean, p50) = (seconds(mean_seconds), seconds(p50_seconds));
    let (p95, p99) = (seconds(p95_seconds), seconds(p99_seconds));
    format!("mean {mean}, p50 {p50}, p95 {p95}, p99 {p99}, of {count}")
}

impl Listed for EventTypeSettings {
    const HEADER: &'static [&'static str] = &["EVENT TYPE", "PAUSED", "SETTINGS", "REASON"];
    const WIDE: &'static [&'static str] = &["REASON"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.event_type.to_string(),
            self.pause.paused_at.map_or_else(|| self.settings.paused.to_string(), |at| times.show(at)),
            in_one_line(&self.settings),
            or_dash(self.pause.pause_reason.as_ref()),
        ]
    }

    fn id(&self) -> String {
        self.event_type.to_string()
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_api::event_types::VersionDurations;

    use super::*;

    #[test]
    fn durations_are_said_in_units_that_fit() {
        let figures = |p95_seconds| DurationFigures {
            count: 7,
            mean_seconds: 0.25,
            p50_seconds: 12.34,
            p95_seconds,
            p99_seconds: p95_seconds * 2.0,
        };
        let version = |name: Option<&str>| VersionDurations {
            engine_version: name.map(str::to_owned),
            waiting: Some(figures(1.0)),
            processing: name.map(|_| figures(1.0)),
        };
        let mut durations =
            EventTypeDurations { waiting: None, processing: Some(figures(7_200.0)), by_version: vec![version(None)] };
        let all = ("processing", "mean 0.250 s, p50 12.3 s, p95 120 min, p99 240 min, of 7".to_owned());
        assert_eq!(duration_fields(&durations), std::slice::from_ref(&all), "one version is no news");
        durations.by_version.extend([version(Some("1.2.0")), version(Some("*"))]);
        let by = |name| ("processing by", format!("{name}: mean 0.250 s, p50 12.3 s, p95 1.000 s, p99 2.000 s, of 7"));
        assert_eq!(duration_fields(&durations), [all, by("1.2.0"), by("other versions")]);
    }
}
