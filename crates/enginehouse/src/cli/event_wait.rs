//! Waiting for the end of an event: its result, or an exit status that says how it ended.

use std::time::Duration;

use enginehouse_api::events::Event;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;

use super::cli_error::CliError;
use super::hints::Subject;
use super::output::text_of;
use super::server_and_output::Common;
use crate::exit_codes::Exit;

/// As long as it takes.
const FOR_EVER: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Parses how many seconds to wait.
pub(crate) fn wait_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "must be a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Waits until the event has ended, and shows what came of it.
pub(crate) async fn run(common: &Common, event_id: EventId, timeout: Option<Duration>) -> Result<(), CliError> {
    let timeout = timeout.unwrap_or(FOR_EVER).min(FOR_EVER);
    let event =
        common.client.wait_for_event(event_id, timeout).await.map_err(|error| {
            CliError::call_about(Subject::Event, format!("could not wait for event {event_id}"), error)
        })?;
    let result = event.result.as_ref().map_or("null", RawJson::as_str);
    if event.status == EventStatus::Completed || !common.format().is_table() {
        text_of(common, &event, &event_id.to_string(), result)?;
    }
    match how_it_ended(&event) {
        None => Ok(()),
        Some((exit, what, why)) => Err(CliError::new(
            exit,
            what,
            why,
            format!("`enginehouse event show {event_id}` says what it has been through"),
        )),
    }
}

/// What to say of an event that has not completed.
fn how_it_ended(event: &Event) -> Option<(Exit, String, String)> {
    let event_id = event.event_id;
    let error = event.last_error.as_ref().map_or_else(String::new, |error| match &error.code {
        Some(code) => format!("{code}: {}", error.message),
        None => error.message.clone(),
    });
    let reason = |without: &str| if error.is_empty() { without.to_owned() } else { error.clone() };
    match event.status {
        EventStatus::Completed => None,
        EventStatus::Failed => {
            Some((Exit::WaitedFailed, format!("event {event_id} has failed"), reason("nobody said why")))
        }
        EventStatus::Cancelled => {
            Some((Exit::WaitedCancelled, format!("event {event_id} was cancelled"), reason("somebody cancelled it")))
        }
        status @ (EventStatus::Queued | EventStatus::Processing) => {
            Some((Exit::Timeout, format!("event {event_id} has not ended in time"), format!("it is {status}")))
        }
    }
}
