//! `enginehouse event enqueue`: one event, or a file of them.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_core::ids::EventType;
use enginehouse_core::json::RawJson;

use self::lines::LineFormat;
use self::template::Template;
use super::cli_error::CliError;
use super::event_wait::{self, wait_seconds};
use super::output::{note, one};
use super::server_and_output::Common;
use crate::exit_codes::Exit;

mod lines;
mod load;
mod template;

/// Enqueue one event, or a file of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enginehouse event enqueue frame.render '{\"frame\": 7}' --priority 2
  enginehouse event enqueue --file events.ndjson
  find /usr/share/doc -type f | jq -cR '{path: .}' |
    enginehouse event enqueue --file - --event-type file.hash \\
      --idempotency-key-field path

A file has one JSON value a line: an event as the API takes it or, with --event-type, a payload. It is sent in chunks of at most 1,000 lines. At a bad line nothing of its chunk is stored, and the load stops; with --keep-going, all good lines are stored and the bad ones named. With --idempotency-key-field, a load may be repeated as often as one likes.")]
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
    /// Wait for the end of the event, so long or as long as it takes, and print its result; see `enginehouse event wait --help`
    #[arg(long, value_name = "SECONDS", value_parser = wait_seconds, num_args = 0..=1, require_equals = true, conflicts_with = "file")]
    wait: Option<Option<Duration>>,
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

pub(crate) async fn run(common: &Common, arguments: EnqueueArgs) -> Result<(), CliError> {
    let EnqueueArgs { kind, payload, idempotency_key, file, each, idempotency_key_field, keep_going, wait, template } =
        arguments;
    match (file, kind) {
        (Some(_), _) if each.is_none() && !template.is_empty() => Err(CliError::new(
            Exit::Invalid,
            "nothing was enqueued",
            "each line of the file says all about its event, and flags say something else",
            "leave the flags out, or give --event-type if the lines are payloads",
        )),
        (Some(file), _) => {
            let format =
                LineFormat { each: each.map(|event_type| (event_type, template)), key_field: idempotency_key_field };
            load::run(common, &file, format, keep_going).await
        }
        (None, Some(event_type)) => {
            enqueue(common, EnqueueRequest { idempotency_key, ..template.event(&event_type, payload) }, wait).await
        }
        (None, None) => unreachable!("clap asks for a type where there is no file"),
    }
}

/// Enqueues one event, and waits for its end if that is wanted: so long, or as long as it takes.
async fn enqueue(common: &Common, request: EnqueueRequest, wait: Option<Option<Duration>>) -> Result<(), CliError> {
    let answer =
        common.client.enqueue(&request).await.map_err(|error| CliError::call("could not enqueue the event", error))?;
    for warning in &answer.warnings {
        note(&format!("warning: {}", warning.detail));
    }
    let id = answer.event_id.to_string();
    if let Some(timeout) = wait {
        note(&format!("event {id} is enqueued; waiting for its end"));
        return event_wait::run(common, answer.event_id, timeout).await;
    }
    let known = if answer.duplicate { ", there before" } else { "" };
    let state = format!("{} in {}, available at {}{known}", answer.status, answer.queue, answer.available_at);
    one(common, &answer, &id, &[(id.as_str(), state)])
}
