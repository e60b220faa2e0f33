//! `enginehouse queue`: see, set, pause and resume queues.

use clap::{Args, Subcommand};
use enginehouse_api::event_types::{PauseRequest, QueueSettings};
use enginehouse_api::page::PageQuery;
use enginehouse_api::problem::Code;
use enginehouse_core::ids::QueueName;

use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::hints::Subject;
use super::output::{Listed, Part, note, one, or_dash};
use super::seen_names::{queue_is_seen, unseen_queue};
use super::server_and_output::{Common, confirm, for_each};
use super::settings::{SettingsChanges, fields, forgotten_fields, in_one_line};
use super::times::Times;
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: QueueCommand,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    /// List queues and what they set
    #[command(alias = "ls")]
    List(Part),
    /// Show what one queue sets for its events
    Show {
        /// The queue
        queue: QueueName,
    },
    /// Change what a queue sets for its events
    #[command(after_help = "Example:\n  enginehouse queue set render --max-retries 5 --retry-delay-initial 10")]
    Set {
        /// The queue
        queue: QueueName,
        #[command(flatten)]
        changes: SettingsChanges,
        /// Begin from the defaults instead of what is set
        #[arg(long)]
        reset: bool,
    },
    /// Forget what queues set: the defaults hold again; their events stay
    Delete {
        /// The queues
        #[arg(required = true)]
        queues: Vec<QueueName>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Keep the events of these queues from being claimed
    #[command(after_help = "Example:\n  enginehouse queue pause render --reason 'the disk is full'")]
    Pause {
        /// The queues
        #[arg(required = true)]
        queues: Vec<QueueName>,
        /// Why, for whoever asks why their event waits
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let the events of these queues be claimed again
    Resume {
        /// The queues
        #[arg(required = true)]
        queues: Vec<QueueName>,
    },
}

impl QueueArgs {
    pub(crate) fn call(&self) -> ServerCall<'_> {
        let effect = match &self.verb {
            QueueCommand::List(_) | QueueCommand::Show { .. } => Effect::Reads,
            QueueCommand::Set { .. }
            | QueueCommand::Delete { .. }
            | QueueCommand::Pause { .. }
            | QueueCommand::Resume { .. } => Effect::Changes,
        };
        ServerCall { common: &self.common, effect }
    }
}

pub(crate) async fn run(arguments: QueueArgs) -> Exit {
    let QueueArgs { common, verb } = arguments;
    let result = match verb {
        QueueCommand::List(part) => {
            let fetch = async |limit, cursor| common.client.queues(&PageQuery { limit: Some(limit), cursor }).await;
            part.show(&common, "could not list queues", fetch).await
        }
        QueueCommand::Show { queue } => show(&common, &queue).await,
        QueueCommand::Set { queue, changes, reset } => set(&common, &queue, &changes, reset).await,
        QueueCommand::Delete { queues, yes } => delete(&common, &queues, yes).await,
        QueueCommand::Pause { queues, reason } => pause(&common, &queues, PauseRequest { reason }).await,
        QueueCommand::Resume { queues } => resume(&common, &queues).await,
    };
    common.finish(result)
}

async fn show(common: &Common, queue: &QueueName) -> Result<(), CliError> {
    let found = common.client.queue(queue).await;
    show_one(
        common,
        &found.map_err(|error| CliError::call_about(Subject::Queue, format!("could not show queue {queue}"), error))?,
    )
}

async fn set(common: &Common, queue: &QueueName, changes: &SettingsChanges, reset: bool) -> Result<(), CliError> {
    let failed = |error| CliError::call_about(Subject::Queue, format!("could not set queue {queue}"), error);
    let before = match common.client.queue(queue).await {
        Ok(found) => Some(found.settings),
        Err(error) if error.code() == Some(Code::NotFound) => None,
        Err(error) => return Err(failed(error)),
    };
    let is_seen = before.is_some();
    let after = changes.apply_to(before.unwrap_or_default(), reset);
    let after = common.client.set_queue(queue, &after).await.map_err(failed)?;
    show_changed(common, &after, is_seen).await
}

async fn delete(common: &Common, queues: &[QueueName], yes: bool) -> Result<(), CliError> {
    let delete_one = async |queue: &QueueName| {
        let failed =
            |error| CliError::call_about(Subject::Queue, format!("could not delete what queue {queue} sets"), error);
        let before = common.client.queue(queue).await.map_err(failed)?.settings;
        if before.paused {
            confirm(&format!("Queue {queue} is paused. Forget that, and have its events claimed?"), yes)?;
        }
        common.client.delete_queue(queue).await.map_err(failed)?;
        let forgotten = serde_json::json!({ "queue": queue, "forgotten": before });
        one(common, &forgotten, queue.as_str(), &forgotten_fields("queue", queue.as_str(), &before))
    };
    for_each(queues, delete_one, common).await
}

async fn pause(common: &Common, queues: &[QueueName], request: PauseRequest) -> Result<(), CliError> {
    let pause_one = async |queue: &QueueName| {
        let is_seen = queue_is_seen(common, queue).await?;
        let failed = |error| CliError::call_about(Subject::Queue, format!("could not pause queue {queue}"), error);
        let paused = common.client.pause_queue(queue, &request).await.map_err(failed)?;
        show_changed(common, &paused, is_seen).await
    };
    for_each(queues, pause_one, common).await
}

async fn resume(common: &Common, queues: &[QueueName]) -> Result<(), CliError> {
    let resume_one = async |queue: &QueueName| {
        let is_seen = queue_is_seen(common, queue).await?;
        let failed = |error| CliError::call_about(Subject::Queue, format!("could not resume queue {queue}"), error);
        let resumed = common.client.resume_queue(queue).await.map_err(failed)?;
        show_changed(common, &resumed, is_seen).await
    };
    for_each(queues, resume_one, common).await
}

async fn show_changed(common: &Common, now: &QueueSettings, is_seen: bool) -> Result<(), CliError> {
    show_one(common, now)?;
    if !is_seen {
        note_set_unseen(common, &now.queue).await;
    }
    Ok(())
}

/// What was said of a queue holds, but may be meant for another one.
async fn note_set_unseen(common: &Common, queue: &QueueName) {
    note(&unseen_queue(common, queue).await);
    note(&format!("it has settings now, for when an event comes; `enginehouse queue delete {queue}` takes them back"));
}

fn show_one(common: &Common, found: &QueueSettings) -> Result<(), CliError> {
    let name = found.queue.to_string();
    let fields: Vec<_> =
        std::iter::once(("queue", name.clone())).chain(fields(&found.settings, &found.pause)).collect();
    one(common, found, &name, &fields)
}

impl Listed for QueueSettings {
    const HEADER: &'static [&'static str] = &["QUEUE", "PAUSED", "SETTINGS", "REASON"];
    const WIDE: &'static [&'static str] = &["REASON"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.queue.to_string(),
            self.pause.paused_at.map_or_else(|| self.settings.paused.to_string(), |at| times.show(at)),
            in_one_line(&self.settings),
            or_dash(self.pause.pause_reason.as_ref()),
        ]
    }

    fn id(&self) -> String {
        self.queue.to_string()
    }
}
