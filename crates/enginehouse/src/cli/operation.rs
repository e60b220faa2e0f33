//! `enginehouse operation`: one action on many, which lasts and can be watched.

use clap::{Args, Subcommand};
use enginehouse_api::operations::{BulkOperation, OperationPreview, OperationRequest, OperationSample, UnchangedItem};
use enginehouse_api::page::PageQuery;
use enginehouse_core::filter::FilterTerms;
use enginehouse_core::ids::{EventType, OperationId};
use enginehouse_core::operation::OperationAction;
use enginehouse_core::time::Timestamp;
use serde::Serialize;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::operation_output::{failed, show_one};
use super::operation_wait;
use super::output::{Listed, Part, note, one, or_dash, preview, show_below};
use super::server_and_output::{Common, confirm, for_each, words};
use super::times::{TimeArgs, TimeFormat, Times, future};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct OperationArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: OperationVerb,
}

#[derive(Debug, Subcommand)]
enum OperationVerb {
    /// Say what an operation would be about at this moment, and do nothing
    #[command(after_help = "\
Example:
  enginehouse operation preview --action cancel_events --filter queue:render")]
    Preview(WhatToDo),
    /// Act on all that match: shows what that is, and asks
    #[command(after_help = "\
Examples:
  enginehouse operation create --action redrive_dead_letters \\
    --filter group:9f3a7c21b0de --limit 3 --wait
  enginehouse operation create --action drain_engines \\
    --filter 'version:<2.0.0' --rate-per-second 1 --stop-when-drained --yes")]
    Create {
        #[command(flatten)]
        what: WhatToDo,
        /// Show how far it is until it has ended; the exit status says how it did
        #[arg(long)]
        wait: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// List operations, newest first
    #[command(alias = "ls")]
    List(Part),
    /// Show one operation, as far as it is, with the last members that were not changed
    Show {
        /// The operation
        #[arg(value_parser = operation_id)]
        operation_id: OperationId,
        #[command(flatten)]
        time: TimeArgs,
    },
    /// List the members that had their turn and were not changed, each with why
    Conflicts {
        /// The operation
        #[arg(value_parser = operation_id)]
        operation_id: OperationId,
        #[command(flatten)]
        part: Part,
    },
    /// Show how far an operation is until it has ended; the exit status says how it did
    Wait {
        /// The operation
        #[arg(value_parser = operation_id)]
        operation_id: OperationId,
    },
    /// End operations before their time: what was done stays done
    Cancel {
        /// The operations
        #[arg(required = true, value_parser = operation_id)]
        operation_ids: Vec<OperationId>,
    },
}

/// What is to be done, and to which ones.
#[derive(Debug, Args)]
struct WhatToDo {
    /// What to do
    #[arg(long, value_parser = words::<OperationAction>())]
    action: OperationAction,
    /// On those of which these terms hold, such as 'queue:render status:queued'
    #[arg(long, value_name = "TERMS", required_unless_present = "all")]
    filter: Option<String>,
    /// On all of them
    #[arg(long, conflicts_with = "filter")]
    all: bool,
    /// On so many at most, the first in the operation's order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Act on so many each second at most
    #[arg(long, value_name = "N")]
    rate_per_second: Option<f64>,
    /// Why, for the history
    #[arg(long)]
    reason: Option<String>,
    /// Of cancel_events: take the locks away from engines that work on them, instead of asking these to stop
    #[arg(long)]
    force: bool,
    /// Of drain_engines: have the engines stop once they are drained
    #[arg(long)]
    stop_when_drained: bool,
    /// Of quarantine_engines: when it ends by itself; never by default
    #[arg(long, value_name = "TIME", value_parser = future)]
    until: Option<Timestamp>,
    /// Of quarantine_engines: only for events of this type; may be given again
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<EventType>,
}

impl WhatToDo {
    /// What is sent. A filter that cannot be read is refused before anything is.
    fn request(self) -> Result<OperationRequest, CliError> {
        let Self { action, filter, all, limit, rate_per_second, reason, force, stop_when_drained, until, event_types } =
            self;
        if let Some(Err(error)) = filter.as_ref().map(|terms| FilterTerms::parse(action.subject(), terms)) {
            return Err(CliError::new(
                Exit::Invalid,
                "nothing was done",
                format!("the filter cannot be read: {error}"),
                "correct --filter: docs/filter.md has its terms",
            ));
        }
        Ok(OperationRequest {
            action,
            filter,
            all,
            limit,
            rate_per_second,
            reason,
            force,
            stop_when_drained,
            until,
            event_types,
        })
    }
}

impl OperationArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            OperationVerb::Preview(_)
            | OperationVerb::List(_)
            | OperationVerb::Show { .. }
            | OperationVerb::Conflicts { .. }
            | OperationVerb::Wait { .. } => Effect::Reads,
            OperationVerb::Create { .. } | OperationVerb::Cancel { .. } => Effect::Changes,
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: OperationArgs) -> Exit {
    let OperationArgs { common, verb } = arguments;
    let result = match verb {
        OperationVerb::Preview(what) => show_preview(&common, what).await,
        OperationVerb::Create { what, wait, yes } => create(&common, what, wait, yes).await,
        OperationVerb::List(part) => {
            let fetch = async |limit, cursor| common.client.operations(&PageQuery { limit: Some(limit), cursor }).await;
            part.show(&common, "could not list operations", fetch).await
        }
        OperationVerb::Show { operation_id, time } => show(&common, operation_id, time).await,
        OperationVerb::Conflicts { operation_id, part } => {
            let fetch = async |limit, cursor| {
                common.client.operation_conflicts(operation_id, &PageQuery { limit: Some(limit), cursor }).await
            };
            part.show(&common, &format!("could not list the conflicts of operation {operation_id}"), fetch).await
        }
        OperationVerb::Wait { operation_id } => operation_wait::run(&common, operation_id).await,
        OperationVerb::Cancel { operation_ids } => {
            let cancel_one = async |id: &OperationId| {
                let cancelled = common.client.cancel_operation(*id).await;
                let operation = cancelled.map_err(|error| failed("cancel", *id, error))?;
                show_one(&common, &operation, &Times::new(TimeFormat::Utc))
            };
            for_each(&operation_ids, cancel_one, &common).await
        }
    };
    common.finish(result)
}

async fn show_preview(common: &Common, what: WhatToDo) -> Result<(), CliError> {
    let found = look(common, &what.request()?).await?;
    if !common.format().is_table() {
        return one(common, &found, &found.count.to_string(), &[]);
    }
    one(common, &found, "", &[("effect", found.effect.clone()), ("order", order(&found).to_owned())])?;
    show_samples(&found)
}

async fn create(common: &Common, what: WhatToDo, wait: bool, yes: bool) -> Result<(), CliError> {
    let request = what.request()?;
    if !yes {
        let found = look(common, &request).await?;
        note(&format!("{}, {}", found.effect, order(&found)));
        show_samples(&found)?;
        let rate = request.rate_per_second.map_or_else(String::new, |rate| format!(", {rate} a second at most"));
        confirm(&format!("{}{rate}: go on?", found.effect), false)?;
    }
    let created = common.client.create_operation(&request).await;
    let operation = created.map_err(|error| CliError::call("could not create the operation", error))?;
    if wait {
        note(&format!("operation {}: it goes on if this command ends", operation.operation_id));
        return operation_wait::run(common, operation.operation_id).await;
    }
    show_one(common, &operation, &Times::new(TimeFormat::Utc))?;
    if common.format().is_table() {
        note(&format!("it goes on by itself: `enginehouse operation wait {}` follows it", operation.operation_id));
    }
    Ok(())
}

async fn look(common: &Common, request: &OperationRequest) -> Result<OperationPreview, CliError> {
    let found = common.client.preview_operation(request).await;
    found.map_err(|error| CliError::call("could not look what it would be about; nothing was done", error))
}

/// In which order the members of an operation have their turns.
fn order(found: &OperationPreview) -> &'static str {
    match found.action {
        OperationAction::CancelEvents | OperationAction::RetryEvents | OperationAction::RedriveEvents => "newest first",
        OperationAction::RedriveDeadLetters | OperationAction::DiscardDeadLetters => "oldest first",
        OperationAction::DrainEngines
        | OperationAction::ResumeEngines
        | OperationAction::DeregisterEngines
        | OperationAction::QuarantineEngines
        | OperationAction::LiftQuarantines => "by id",
    }
}

fn show_samples(found: &OperationPreview) -> Result<(), CliError> {
    if !found.samples.is_empty() {
        let shown: Vec<_> = found.samples.iter().map(SampleRow).collect();
        show_below(&preview(&shown, &Times::new(TimeFormat::Relative))?);
    }
    Ok(())
}

async fn show(common: &Common, operation_id: OperationId, time: TimeArgs) -> Result<(), CliError> {
    let times = &time.times(common)?;
    let found = common.client.operation(operation_id).await;
    show_one(common, &found.map_err(|error| failed("show", operation_id, error))?, times)
}

/// Parses an operation's id.
fn operation_id(text: &str) -> Result<OperationId, String> {
    text.parse().map_err(|_| "an operation id looks like 0193f2a0-0000-7000-8000-000000000000".to_owned())
}

impl Listed for BulkOperation {
    const HEADER: &'static [&'static str] =
        &["OPERATION", "ACTION", "STATUS", "TOTAL", "CHANGED", "CONFLICTS", "FAILED", "CREATED", "FILTER", "BY"];
    const WIDE: &'static [&'static str] = &["FAILED", "BY"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.operation_id.to_string(),
            self.action.name().to_owned(),
            self.status.name().to_owned(),
            self.total.to_string(),
            self.changed.to_string(),
            self.conflicts.to_string(),
            self.failed.to_string(),
            times.show(self.created_at),
            if self.filter.is_empty() { "-".to_owned() } else { self.filter.clone() },
            self.created_by.clone(),
        ]
    }

    fn id(&self) -> String {
        self.operation_id.to_string()
    }
}

impl Listed for UnchangedItem {
    const HEADER: &'static [&'static str] = &["ID", "OUTCOME", "WHY"];

    fn row(&self, _: &Times) -> Vec<String> {
        let outcome: &'static str = self.outcome.into();
        vec![self.id.clone(), outcome.to_owned(), self.why.clone()]
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// A row of a preview.
#[derive(Serialize)]
struct SampleRow<'a>(&'a OperationSample);

impl Listed for SampleRow<'_> {
    const HEADER: &'static [&'static str] = &["ID", "TYPE", "QUEUE", "STATUS"];

    fn row(&self, _: &Times) -> Vec<String> {
        let OperationSample { id, kind, queue, status } = self.0;
        vec![id.clone(), kind.clone(), or_dash(queue.as_ref()), status.clone()]
    }

    fn id(&self) -> String {
        self.0.id.clone()
    }
}
