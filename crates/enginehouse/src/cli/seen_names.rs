//! Whether a queue or an event type that somebody names has ever been seen: nothing else tells a new name from a typo.

use enginehouse_api::page::PageQuery;
use enginehouse_api::problem::Code;
use enginehouse_client::Error;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::nearest_name::nearest_name;

use super::cli_error::CliError;
use super::output::note;
use super::server_and_output::Common;

/// As many names as are looked through for one that was meant.
const MAX_NAMES: u64 = 1_000;

/// Says which of these names have no events and no settings, and never had any that are kept.
pub(crate) async fn note_unseen(
    common: &Common,
    (queue, event_type): (Option<&QueueName>, Option<&EventType>),
) -> Result<(), CliError> {
    if let Some(queue) = queue
        && !queue_is_seen(common, queue).await?
    {
        note(&unseen_queue(common, queue).await);
    }
    if let Some(event_type) = event_type
        && !event_type_is_seen(common, event_type).await?
    {
        note(&unseen_event_type(common, event_type).await);
    }
    Ok(())
}

/// Whether a queue has events or settings.
pub(crate) async fn queue_is_seen(common: &Common, queue: &QueueName) -> Result<bool, CliError> {
    is_seen(common.client.queue(queue).await.map(drop))
}

/// Whether an event type has events or settings.
pub(crate) async fn event_type_is_seen(common: &Common, event_type: &EventType) -> Result<bool, CliError> {
    is_seen(common.client.event_type(event_type).await.map(drop))
}

fn is_seen(found: Result<(), Error>) -> Result<bool, CliError> {
    match found {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(false),
        Err(error) => Err(CliError::call("could not look whether there is such a name", error)),
    }
}

/// That no such queue has been seen, and which one may be meant.
pub(crate) async fn unseen_queue(common: &Common, queue: &QueueName) -> String {
    let all = PageQuery { limit: Some(MAX_NAMES), cursor: None };
    // A guess is left out where it cannot be made.
    let known = common.client.queues(&all).await.map(|page| page.items).unwrap_or_default();
    unseen("queue", queue.as_str(), known.iter().map(|one| one.queue.as_str()))
}

/// That no such event type has been seen, and which one may be meant.
pub(crate) async fn unseen_event_type(common: &Common, event_type: &EventType) -> String {
    let all = PageQuery { limit: Some(MAX_NAMES), cursor: None };
    let known = common.client.event_types(&all).await.map(|page| page.items).unwrap_or_default();
    unseen("event type", event_type.as_str(), known.iter().map(|one| one.event_type.as_str()))
}

fn unseen<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let meant = nearest_name(name, known.filter(|one| *one != name));
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    format!("note: no {what} {name} has been seen so far{meant}")
}
