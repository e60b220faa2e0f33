//! `enginehouse event cancel` and `event retry` for all events that match: what would be touched, and doing it.

use clap::Args;
use enginehouse_api::bulk_events::{BulkCancelRequest, BulkEventsResponse, BulkRetryRequest, MAX_BULK};
use enginehouse_client::Error;
use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::EventId;
use serde::Serialize;

use super::cli_error::CliError;
use super::event_filter::EventFilterArgs;
use super::output::{Listed, note, one, preview, show_below, whole_list};
use super::seen_names::note_unseen;
use super::server_and_output::{Common, confirm, event_id};
use super::times::{TimeFormat, Times};
use crate::exit_codes::Exit;

/// How many events a question shows.
const SAMPLES: usize = 10;

/// Which events are meant: by id, by what they have in common, or all.
#[derive(Debug, Args)]
pub(super) struct WhichEvents {
    /// The events
    #[arg(value_parser = event_id, conflicts_with_all = ["event_filter", "all", "dry_run"])]
    pub(super) event_ids: Vec<EventId>,
    #[command(flatten)]
    filter: EventFilterArgs,
    /// All events
    #[arg(long, conflicts_with = "event_filter")]
    all: bool,
    /// Show which events it would be, in the order in which they would be acted on, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What is done to many events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bulk {
    Cancel { force: bool },
    Retry,
}

impl Bulk {
    /// The verb of a question.
    const fn verb(self) -> &'static str {
        match self {
            Self::Cancel { .. } => "Cancel",
            Self::Retry => "Make available now",
        }
    }

    async fn call(
        self,
        common: &Common,
        which: &WhichEvents,
        dry_run: bool,
        cursor: Option<String>,
    ) -> Result<BulkEventsResponse, Error> {
        let (filter, all, limit) = (EventFilter::from(&which.filter), which.all, Some(MAX_BULK));
        match self {
            Self::Cancel { force } => {
                let request = BulkCancelRequest { filter, all, force, dry_run, limit, cursor };
                common.client.cancel_events(&request).await
            }
            Self::Retry => {
                let request = BulkRetryRequest { filter, all, dry_run, limit, cursor };
                common.client.retry_events(&request).await
            }
        }
    }
}

/// An event that would be acted on.
#[derive(Serialize)]
struct MatchingEvent {
    event_id: EventId,
}

impl Listed for MatchingEvent {
    const HEADER: &'static [&'static str] = &["EVENT"];

    fn row(&self, _: &Times) -> Vec<String> {
        vec![self.event_id.to_string()]
    }

    fn id(&self) -> String {
        self.event_id.to_string()
    }
}

/// What was done to all events together.
#[derive(Default, Serialize)]
struct BulkSum {
    changed: u64,
    asked_to_stop: u64,
    unchanged: u64,
}

/// Acts on all events that match, or shows which they are.
pub(super) async fn run(common: &Common, which: &WhichEvents, bulk: Bulk) -> Result<(), CliError> {
    if !which.all && EventFilter::from(&which.filter).is_empty() {
        return Err(CliError::new(
            Exit::Invalid,
            "nothing was done",
            "no event is named",
            "name events by id, by a filter such as --queue, or say --all",
        ));
    }
    if which.dry_run {
        return show_matching(common, which, bulk).await;
    }
    if !which.yes {
        let (count, samples) = count_matching(common, which, bulk).await?;
        if count == 0 {
            note_unseen(common, which.filter.names()).await?;
        } else {
            show_samples(common, bulk, count, &samples).await?;
            confirm(&format!("{} {}?", bulk.verb(), events(count)), false)?;
        }
    }
    act(common, which, bulk).await
}

async fn act(common: &Common, which: &WhichEvents, bulk: Bulk) -> Result<(), CliError> {
    let mut sum = BulkSum::default();
    let mut cursor = None;
    loop {
        let answer = bulk.call(common, which, false, cursor).await.map_err(|error| broken_off(&sum, error))?;
        sum.changed += answer.changed;
        sum.asked_to_stop += answer.asked_to_stop;
        sum.unchanged += answer.unchanged;
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut fields = Vec::new();
    match bulk {
        Bulk::Cancel { .. } => {
            fields.push(("cancelled", sum.changed.to_string()));
            fields.push(("asked to stop", sum.asked_to_stop.to_string()));
        }
        Bulk::Retry => fields.push(("available now", sum.changed.to_string())),
    }
    fields.push(("unchanged", sum.unchanged.to_string()));
    one(common, &sum, &(sum.changed + sum.asked_to_stop).to_string(), &fields)
}

/// A call failed behind others that did not. To repeat the command is safe.
fn broken_off(sum: &BulkSum, error: Error) -> CliError {
    let done = sum.changed + sum.asked_to_stop;
    if done == 0 {
        return CliError::call("could not act on the events", error);
    }
    let what = format!("{} are done, and the others are not: repeat the command to go on", events(done));
    CliError { exit: Exit::Partly, ..CliError::call(what, error) }
}

async fn show_matching(common: &Common, which: &WhichEvents, bulk: Bulk) -> Result<(), CliError> {
    let mut count = 0;
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let answer = matching(common, which, bulk, cursor).await?;
        count += answer.event_ids.len();
        items.extend(answer.event_ids.into_iter().map(|event_id| MatchingEvent { event_id }));
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    whole_list(common, &Times::new(TimeFormat::Relative), items)?;
    note(&format!("{} would be acted on; nothing was done", events(count)));
    if count == 0 { note_unseen(common, which.filter.names()).await } else { Ok(()) }
}

/// How many events match, and the first of them.
async fn count_matching(common: &Common, which: &WhichEvents, bulk: Bulk) -> Result<(usize, Vec<EventId>), CliError> {
    let (mut count, mut samples, mut cursor) = (0, Vec::new(), None);
    loop {
        let answer = matching(common, which, bulk, cursor).await?;
        count += answer.event_ids.len();
        samples.extend(answer.event_ids.into_iter().take(SAMPLES - samples.len()));
        cursor = answer.next_cursor;
        if cursor.is_none() {
            return Ok((count, samples));
        }
    }
}

async fn matching(
    common: &Common,
    which: &WhichEvents,
    bulk: Bulk,
    cursor: Option<String>,
) -> Result<BulkEventsResponse, CliError> {
    let answer = bulk.call(common, which, true, cursor).await;
    answer.map_err(|error| CliError::call("could not look which events match; nothing was done", error))
}

async fn show_samples(common: &Common, bulk: Bulk, count: usize, samples: &[EventId]) -> Result<(), CliError> {
    let mut first = Vec::with_capacity(samples.len());
    for event_id in samples {
        let found = common.client.event(*event_id).await;
        first.push(found.map_err(|error| CliError::call(format!("could not show event {event_id}"), error))?);
    }
    let part = if first.len() < count { format!("; the first {}:", first.len()) } else { ":".to_owned() };
    note(&format!("{} {}{part}", bulk.verb(), events(count)));
    show_below(&preview(&first, &Times::new(TimeFormat::Relative))?);
    Ok(())
}

fn events(count: impl TryInto<u64>) -> String {
    match count.try_into() {
        Ok(1) => "1 event".to_owned(),
        Ok(count) => format!("{count} events"),
        Err(_) => "all events".to_owned(),
    }
}
