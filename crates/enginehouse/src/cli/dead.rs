//! `enginehouse dead`: finally failed events that wait for a person.

use std::cell::Cell;

use clap::{Args, Subcommand};
use enginehouse_api::dead_letters::{
    BulkDiscardRequest, BulkLimit, BulkRedriveRequest, DeadLetter, DeadLetterGroup, DeadLetterPreviewQuery,
    DeadLettersQuery, DiscardRequest,
};
use enginehouse_api::filter::FilterQuery;
use enginehouse_api::page::PageQuery;
use enginehouse_core::error_group::{ErrorGroupId, last_line};
use enginehouse_core::event::DeadLetterReason;
use enginehouse_core::filter::DeadLetterFilter;
use enginehouse_core::ids::{EventId, EventType, QueueName};
use enginehouse_core::time::Timestamp;

use super::change_flags::ChangeFlags;
use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::event::show_state;
use super::filter_terms::dead_letter_terms;
use super::hints::Subject;
use super::output::{self, Listed, Part, one, or_dash};
use super::seen_names::note_unseen;
use super::server_and_output::{Common, OutputFormat, confirm, event_id, for_each, words};
use super::times::{TimeArgs, TimeFormat, Times, past};
use super::watch::WatchArgs;
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct DeadArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: DeadCommand,
}

#[derive(Debug, Subcommand)]
enum DeadCommand {
    /// List dead letters, newest first
    #[command(alias = "ls")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// Only those of which these terms hold too, such as 'error:~timeout age:<1h -queue:render'
        #[arg(long = "filter", value_name = "TERMS", value_parser = dead_letter_terms)]
        terms: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Show one dead letter
    Show {
        /// The event
        #[arg(value_parser = event_id)]
        event_id: EventId,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// Count dead letters by event type and error
    #[command(after_help = "\
Numbers, ids, paths and quoted text in errors make no difference.

Example:
  enginehouse dead redrive --group 9f3a7c21b0de --dry-run")]
    Summary {
        #[command(flatten)]
        watch: WatchArgs,
    },
    /// Put dead letters back in their queues
    #[command(after_help = "\
Examples:
  enginehouse dead redrive 0193f2a0-0000-7000-8000-000000000000 \\
    --payload '{\"tile\":7}' --to-queue repaired
  enginehouse dead redrive --error-code timed_out --rate-per-second 10 --yes")]
    Redrive {
        #[command(flatten)]
        which: Which,
        /// Put them in this queue instead of their own; needs ids, as all changes do
        #[arg(long)]
        to_queue: Option<QueueName>,
        /// Make so many available per second
        #[arg(long, value_name = "N", conflicts_with = "event_ids")]
        rate_per_second: Option<f64>,
        /// Redrive so many at most, oldest first
        #[arg(long, value_name = "N", conflicts_with = "event_ids")]
        limit: Option<u64>,
        #[command(flatten)]
        changes: Box<ChangeFlags>,
    },
    /// Discard dead letters; the events stay failed
    Discard {
        #[command(flatten)]
        which: Which,
        /// Why, for the history
        #[arg(long)]
        reason: Option<String>,
    },
}

/// Which dead letters are meant: by id, by what they have in common, or all.
#[derive(Debug, Args)]
struct Which {
    /// The events
    #[arg(value_parser = event_id, conflicts_with_all = ["all", "event_type", "queue", "why", "error_code", "group_id", "dead_lettered_before", "dead_lettered_after"])]
    event_ids: Vec<EventId>,
    #[command(flatten)]
    filter: Filter,
    /// All dead letters
    #[arg(long)]
    all: bool,
    /// Show what would be touched, and how many in all, and touch nothing
    #[arg(long, conflicts_with_all = ["event_ids", "yes"])]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Debug, Args)]
struct Filter {
    /// Only those of this event type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<EventType>,
    /// Only those of this queue
    #[arg(long)]
    queue: Option<QueueName>,
    /// Only those that are dead letters for this reason
    #[arg(long = "dead-because", value_name = "REASON", value_parser = words::<DeadLetterReason>())]
    why: Option<DeadLetterReason>,
    /// Only those whose last error has this code
    #[arg(long, value_name = "CODE")]
    error_code: Option<String>,
    /// Only those of this group, as `dead summary` names it
    #[arg(long = "group", value_name = "GROUP", value_parser = group_id)]
    group_id: Option<ErrorGroupId>,
    /// Only those that became dead letters before this moment, such as 1h (ago), 2026-11-01 or 2026-11-01T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = past)]
    dead_lettered_before: Option<Timestamp>,
    /// Only those that became dead letters at this moment or later
    #[arg(long, value_name = "TIME", value_parser = past)]
    dead_lettered_after: Option<Timestamp>,
}

impl From<Filter> for DeadLetterFilter {
    fn from(filter: Filter) -> Self {
        Self {
            event_type: filter.event_type,
            queue: filter.queue,
            reason: filter.why,
            error_code: filter.error_code,
            group_id: filter.group_id,
            dead_lettered_before: filter.dead_lettered_before,
            dead_lettered_after: filter.dead_lettered_after,
            ..Self::default()
        }
    }
}

impl DeadArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            DeadCommand::List { .. } | DeadCommand::Show { .. } | DeadCommand::Summary { .. } => Effect::Reads,
            DeadCommand::Redrive { which, .. } | DeadCommand::Discard { which, .. } => Effect::unless(which.dry_run),
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: DeadArgs) -> Exit {
    let DeadArgs { common, verb } = arguments;
    let result = match verb {
        DeadCommand::List { filter, terms, part } => list(&common, &filter, terms, part).await,
        DeadCommand::Show { event_id, time } => show(&common, event_id, time).await,
        DeadCommand::Summary { watch } => watch.repeat(&common, async || summary(&common).await).await,
        DeadCommand::Redrive { which, to_queue, rate_per_second, limit, changes } => {
            redrive(&common, which, (to_queue, *changes), (rate_per_second, limit)).await
        }
        DeadCommand::Discard { which, reason } if which.event_ids.is_empty() => {
            discard_all(&common, which, reason).await
        }
        DeadCommand::Discard { which, reason } => discard(&common, &which, reason).await,
    };
    common.finish(result)
}

async fn list(common: &Common, filter: &Filter, terms: Option<String>, part: Part) -> Result<(), CliError> {
    let is_empty = Cell::new(true);
    let fetch = async |limit, cursor| {
        let (filter, terms) = (filter.clone().into(), FilterQuery { terms: terms.clone() });
        let query = DeadLettersQuery { filter, terms, page: PageQuery { limit: Some(limit), cursor } };
        let page = common.client.dead_letters(&query).await?;
        is_empty.set(is_empty.get() && page.items.is_empty());
        Ok(page)
    };
    part.show(common, "could not list dead letters", fetch).await?;
    if is_empty.get() {
        note_unseen(common, (filter.queue.as_ref(), filter.event_type.as_ref())).await?;
    }
    Ok(())
}

async fn show(common: &Common, event_id: EventId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let found = common.client.dead_letter(event_id).await.map_err(|error| {
        CliError::call_about(Subject::DeadLetter, format!("could not show dead letter {event_id}"), error)
    })?;
    let error = found.last_error.as_ref();
    let fields = [
        ("event", found.event_id.to_string()),
        ("type", found.event_type.to_string()),
        ("queue", found.queue.to_string()),
        ("reason", found.reason.to_string()),
        ("since", times.show(found.dead_lettered_at)),
        ("so far", format!("{} failures, {} losses, {} redrives", found.failures, found.losses, found.redrives)),
        ("error code", or_dash(error.and_then(|error| error.code.as_ref()))),
        ("error", or_dash(error.map(|error| &error.message))),
        ("payload", found.payload.as_str().to_owned()),
    ];
    one(common, &found, &event_id.to_string(), &fields)
}

/// The server answers with so many at most.
const MAX_GROUPS: usize = 1_000;

async fn summary(common: &Common) -> Result<(), CliError> {
    let summary = common
        .client
        .dead_letter_summary()
        .await
        .map_err(|error| CliError::call("could not count dead letters", error))?;
    let count = summary.groups.len();
    if matches!(common.format(), OutputFormat::Json | OutputFormat::Yaml) {
        one(common, &summary, "", &[])?;
    } else {
        output::whole_list(common, &Times::new(TimeFormat::Relative), summary.groups)?;
    }
    if count == MAX_GROUPS {
        output::note(&format!("these are the {MAX_GROUPS} largest groups; there may be more"));
    }
    Ok(())
}

async fn redrive(
    common: &Common,
    which: Which,
    (to_queue, changes): (Option<QueueName>, ChangeFlags),
    (rate_per_second, limit): (Option<f64>, Option<u64>),
) -> Result<(), CliError> {
    let request = changes.request(to_queue, which.event_ids.len(), "no dead letter was redriven")?;
    if which.event_ids.is_empty() {
        if !request.is_empty() {
            return Err(CliError::new(
                Exit::Invalid,
                "no dead letter was redriven",
                "changes are for dead letters that are named, and none is",
                "name them by their ids, or leave the changes out",
            ));
        }
        return redrive_all(common, which, rate_per_second, limit).await;
    }
    let one = async |event_id: &EventId| {
        let event = common.client.redrive(*event_id, &request).await.map_err(|error| {
            CliError::call_about(Subject::DeadLetter, format!("could not redrive dead letter {event_id}"), error)
        })?;
        let state = format!("{} again, in {}", event.status, event.queue);
        show_state(common, &event, state)
    };
    for_each(&which.event_ids, one, common).await
}

async fn redrive_all(
    common: &Common,
    which: Which,
    rate_per_second: Option<f64>,
    limit: Option<u64>,
) -> Result<(), CliError> {
    let Some(filter) = agreed(common, &which, limit, "Redrive").await? else { return Ok(()) };
    let request = BulkRedriveRequest { all: filter.is_empty(), filter, rate_per_second, limit };
    let answer = common
        .client
        .redrive_all(&request)
        .await
        .map_err(|error| CliError::call("could not redrive dead letters", error))?;
    let redriven = answer.redriven.to_string();
    one(common, &answer, &redriven, &[("redriven", redriven.clone())])
}

async fn discard(common: &Common, which: &Which, reason: Option<String>) -> Result<(), CliError> {
    let one = async |event_id: &EventId| {
        let request = DiscardRequest { reason: reason.clone() };
        common.client.discard(*event_id, &request).await.map_err(|error| {
            CliError::call_about(Subject::DeadLetter, format!("could not discard dead letter {event_id}"), error)
        })?;
        let id = event_id.to_string();
        let answer = serde_json::json!({"event_id": event_id, "discarded": true});
        one(common, &answer, &id, &[(id.as_str(), "discarded".to_owned())])
    };
    for_each(&which.event_ids, one, common).await
}

async fn discard_all(common: &Common, which: Which, reason: Option<String>) -> Result<(), CliError> {
    let Some(filter) = agreed(common, &which, None, "Discard").await? else { return Ok(()) };
    let request = BulkDiscardRequest { all: filter.is_empty(), filter, reason };
    let answer = common
        .client
        .discard_all(&request)
        .await
        .map_err(|error| CliError::call("could not discard dead letters", error))?;
    let discarded = answer.discarded.to_string();
    one(common, &answer, &discarded, &[("discarded", discarded.clone())])
}

/// What a bulk operation does, once somebody has agreed to it; nothing if it is only to be shown.
async fn agreed(
    common: &Common,
    which: &Which,
    limit: Option<u64>,
    what: &str,
) -> Result<Option<DeadLetterFilter>, CliError> {
    let filter = DeadLetterFilter::from(which.filter.clone());
    if which.all != filter.is_empty() {
        return Err(CliError::new(
            Exit::Invalid,
            "nothing was done",
            if which.all { "--all leaves nothing out, and a filter does" } else { "no dead letter is named" },
            "name dead letters by id, by a filter such as --event-type, or say --all",
        ));
    }
    if which.yes && !which.dry_run {
        return Ok(Some(filter));
    }
    let query = DeadLetterPreviewQuery { filter: filter.clone(), part: BulkLimit { limit } };
    let preview = common
        .client
        .dead_letter_preview(&query)
        .await
        .map_err(|error| CliError::call("could not list dead letters", error))?;
    let (count, letters) = (preview.count, if preview.count == 1 { "dead letter" } else { "dead letters" });
    let shown = preview.first.len() as u64;
    let first = match shown {
        _ if shown < count => format!("; the first {shown}, oldest first:"),
        2.. => ", oldest first:".to_owned(),
        _ => ":".to_owned(),
    };
    let table = output::preview(&preview.first, &Times::new(TimeFormat::Relative))?;
    if which.dry_run {
        let label = what.to_lowercase();
        let mut fields = vec![(label.as_str(), format!("{count} {letters}"))];
        if count > 0 {
            fields[0].1.push_str(&first);
            fields.push(("", table));
        }
        one(common, &preview, &count.to_string(), &fields)?;
        return Ok(None);
    }
    if count > 0 {
        output::note(&format!("{what} {count} {letters}{first}"));
        output::show_below(&table);
        confirm(&format!("{what} {count} {letters}?"), false)?;
    } else {
        note_unseen(common, (which.filter.queue.as_ref(), which.filter.event_type.as_ref())).await?;
    }
    // What becomes a dead letter while somebody reads was not shown.
    Ok(Some(DeadLetterFilter { dead_lettered_before: Some(preview.dead_lettered_before), ..filter }))
}

impl Listed for DeadLetter {
    const HEADER: &'static [&'static str] =
        &["EVENT", "TYPE", "QUEUE", "REASON", "FAILURES", "LOSSES", "ENGINE", "VERSION", "SINCE", "CODE", "ERROR"];
    const WIDE: &'static [&'static str] = &["QUEUE", "FAILURES", "LOSSES", "ENGINE", "VERSION"];

    fn row(&self, times: &Times) -> Vec<String> {
        let error = self.last_error.as_ref();
        vec![
            self.event_id.to_string(),
            self.event_type.to_string(),
            self.queue.to_string(),
            self.reason.to_string(),
            self.failures.to_string(),
            self.losses.to_string(),
            or_dash(self.engine_id.as_ref()),
            or_dash(self.engine_software_version.as_ref()),
            times.show(self.dead_lettered_at),
            or_dash(error.and_then(|error| error.code.as_ref())),
            error.map_or_else(String::new, |error| last_line(&error.message).to_owned()),
        ]
    }

    fn id(&self) -> String {
        self.event_id.to_string()
    }
}

impl Listed for DeadLetterGroup {
    const HEADER: &'static [&'static str] =
        &["GROUP", "COUNT", "TYPE", "REASON", "CODE", "OLDEST", "NEWEST", "SAMPLE", "ERROR"];
    const WIDE: &'static [&'static str] = &["OLDEST", "SAMPLE"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.group_id.to_string(),
            self.count.to_string(),
            self.event_type.to_string(),
            self.reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(","),
            or_dash(self.error_code.as_ref()),
            times.show(self.oldest_at),
            times.show(self.newest_at),
            self.sample_event_id.to_string(),
            self.message.clone().unwrap_or_default(),
        ]
    }

    fn id(&self) -> String {
        self.group_id.to_string()
    }
}

fn group_id(text: &str) -> Result<ErrorGroupId, String> {
    text.parse().map_err(|_| "a group looks like 9f3a7c21b0de: `enginehouse dead summary` lists them".to_owned())
}
