//! `enginehouse queue`: see, pause and resume queues.

use clap::{Args, Subcommand};
use enginehouse_api::event_types::QueueSettings;
use enginehouse_api::page::PageQuery;
use enginehouse_core::ids::QueueName;

use super::cli_error::CliError;
use super::output::{Listed, Part, one};
use super::server_and_output::{Common, for_each};
use super::settings::{fields, in_one_line};
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
    /// Keep the events of these queues from being claimed
    Pause {
        /// The queues
        #[arg(required = true)]
        queues: Vec<QueueName>,
    },
    /// Let the events of these queues be claimed again
    Resume {
        /// The queues
        #[arg(required = true)]
        queues: Vec<QueueName>,
    },
}

pub(crate) async fn run(arguments: QueueArgs) -> Exit {
    let QueueArgs { common, verb } = arguments;
    let result = match verb {
        QueueCommand::List(part) => {
            let fetch = async |limit, cursor| common.client.queues(&PageQuery { limit: Some(limit), cursor }).await;
            part.show(&common, "could not list queues", fetch).await
        }
        QueueCommand::Pause { queues } => set_paused(&common, &queues, true).await,
        QueueCommand::Resume { queues } => set_paused(&common, &queues, false).await,
    };
    common.finish(result)
}

async fn set_paused(common: &Common, queues: &[QueueName], paused: bool) -> Result<(), CliError> {
    let change = async |queue: &QueueName| {
        let (done, word) = if paused {
            (common.client.pause_queue(queue).await, "pause")
        } else {
            (common.client.resume_queue(queue).await, "resume")
        };
        let failed = |error| CliError::call(format!("could not {word} queue {queue}"), error);
        done.map_err(failed)?;
        let found = common.client.queue(queue).await.map_err(failed)?;
        let name = found.queue.to_string();
        let fields: Vec<_> = std::iter::once(("queue", name.clone())).chain(fields(&found.settings)).collect();
        one(common, &found, &name, &fields)
    };
    for_each(queues, change, common).await
}

impl Listed for QueueSettings {
    const HEADER: &'static [&'static str] = &["QUEUE", "PAUSED", "SETTINGS"];

    fn row(&self) -> Vec<String> {
        vec![self.queue.to_string(), self.settings.paused.to_string(), in_one_line(&self.settings)]
    }

    fn id(&self) -> String {
        self.queue.to_string()
    }
}
